"""The frame around the commands: help, version, exit codes, pipes, terminals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from accel_drift import __version__
from accel_drift.cli.console import rows_told
from tests.cli.conftest import Cli

ROOT = Path(__file__).resolve().parents[2]
START = [sys.executable, "-c", "from accel_drift.cli import main; main()"]
QUICK = ("--detectors", "psi")


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    return {**os.environ, "PYTHONPATH": path, **more}


def started(*args: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*START, *args], capture_output=True, text=True, env=environment(**more), timeout=120, check=False
    )


def test_the_version(cli: Cli) -> None:
    assert cli("--version") == (0, f"accel-drift {__version__}\n", "")


@pytest.mark.parametrize("command", ["score", "fit", "demo", "info"])
def test_every_command_has_help_with_examples(cli: Cli, command: str) -> None:
    ran = cli(command, "--help")
    assert ran.code == 0
    assert f"accel-drift {command}" in ran.out
    assert "Example" in ran.out
    assert command in cli("--help").out


def test_help_loads_no_array_library() -> None:
    code = (
        "import sys\nfrom accel_drift.cli.app import run\n"
        "codes = [run(['--help']), run(['score', '--help']), run(['--version'])]\n"
        "heavy = {'numpy', 'scipy', 'numba', 'pyarrow', 'jax', 'cupy', 'pandas', 'threadpoolctl'}\n"
        "print(codes, sorted(heavy & {m.partition('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), timeout=120, check=True
    )
    assert done.stdout.splitlines()[-1] == "[0, 0, 0] []"


def test_the_installed_command_is_this_one() -> None:
    import tomllib

    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts == {"accel-drift": "accel_drift.cli:main"}


@pytest.mark.parametrize(
    ("raised", "code", "says"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 2, "not enough memory"),
        (OSError(28, "No space left on device", "page.html"), 2, "page.html: No space left on device"),
        (RuntimeError("a bug"), 3, "this is a fault in accel-drift"),
    ],
)
def test_what_else_can_happen(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: int, says: str
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("accel_drift.cli.scoring.score", fail)
    ran = cli("score", "ref.csv", "moved.csv", "--fail-on-drift")
    assert (ran.code, ran.out) == (code, "")
    assert says in ran.err.splitlines()[-1]
    # Only a fault of ours shows where it happened.
    assert ("Traceback" in ran.err) == (code == 3)


def test_a_failed_write_leaves_the_old_page(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("page.html").write_text("old", encoding="utf-8")
    before = set(Path().iterdir())

    replace = os.replace

    def full(source: Path, target: Path) -> None:
        # Others write, too: Numba keeps what it compiles.
        if Path(target).name == "page.html":
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr("accel_drift.files.os.replace", full)
    ran = cli("score", "ref.csv", "moved.csv", *QUICK, "--html", "page.html")
    assert ran.code == 2
    assert "cannot write page.html: No space left on device" in ran.err
    assert Path("page.html").read_text(encoding="utf-8") == "old"
    assert set(Path().iterdir()) == before


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_reader_that_has_gone_is_no_error(folder: Path, more: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*START, "score", str(folder / "ref.csv"), str(folder / "moved.csv"), *QUICK, "--fail-on-drift", *more],
            stdout=writing, stderr=subprocess.PIPE, text=True, env=environment(), timeout=120, check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_letters_that_the_terminal_lacks_are_spelled(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / f"{name}.csv").write_text("größe\n" + "".join(f"{i}.5\n" for i in range(30)), encoding="utf-8")
    done = started("score", "a.csv", "b.csv", *QUICK, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "gr\\xf6\\xdfe" in done.stdout
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_there_are_colours_and_a_bar(cli: Cli) -> None:
    text = on_a_terminal("score", "ref.csv", "moved.csv", *QUICK)
    assert "\x1b[" in text
    assert "reading" in text
    assert "DRIFT: 1 of 3 columns" in text
    cli("plan", "ref.parquet", "--out", "plan.adp")
    assert "300 of 300 rows (100 %)" in on_a_terminal("fit", "ref.parquet", "--plan", "plan.adp", "--out", "one.adp")
    assert on_a_terminal("score", "one.adp", "moved.parquet", "--quiet") == ""


def on_a_terminal(*args: str) -> str:
    """What a command writes to a terminal, with the signs that move its cursor."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*START, *args],
        stdout=theirs, stderr=theirs, env=environment(TERM="xterm-256color", COLUMNS="120"),
    )  # fmt: skip
    os.close(theirs)
    seen = bytearray()
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux says so at the end
            break
        if not piece:
            break
        seen += piece
    assert process.wait(timeout=120) == 0
    os.close(ours)
    return seen.decode()


@pytest.mark.usefixtures("folder")
def test_without_a_terminal_nothing_moves() -> None:
    done = started("score", "ref.csv", "moved.csv", *QUICK, "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    assert json.loads(done.stdout)["drifted"] is True


@pytest.mark.parametrize(
    ("news", "told"),
    [
        ((5_000_000, 20_000_000, 2.0), "5,000,000 of 20,000,000 rows (25 %), 2.5 M rows/s, 6 s left"),
        ((20_000_000, 20_000_000, 8.0), "20,000,000 of 20,000,000 rows (100 %), 2.5 M rows/s"),
        ((19_999, 20_000, 10.0), "19,999 of 20,000 rows (99 %), 2,000 rows/s, 0 s left"),
        ((900, 0, 2.0), "900 rows, 450 rows/s"),
        ((0, 7, 0.0), "0 of 7 rows (0 %)"),
    ],
)
def test_rows_are_told_with_their_rate_and_the_time_left(news: tuple[int, int, float], told: str) -> None:
    assert rows_told(*news) == told
