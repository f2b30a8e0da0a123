"""A real PostgreSQL for the tests, in a temporary folder: the programs of the `pgserver` wheel, or of the system.

ACCEL_DRIFT_POSTGRES, a URL, names a server to use instead. PostgreSQL refuses to run as root; where the tests do, it
runs as the user nobody, from a copy of its programs if that user may not read them where they are.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

GIVEN = "ACCEL_DRIFT_POSTGRES"
PATIENCE_S = 60


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, or None where there is no such thing."""
    wheel = importlib.util.find_spec("pgserver")
    for home in (wheel.submodule_search_locations or ()) if wheel is not None else ():
        if (Path(home) / "pginstall" / "bin" / "postgres").is_file():
            return Path(home) / "pginstall" / "bin"
    found = shutil.which("postgres")
    # A link in a folder of programs leads to the folder where all of them are.
    return None if found is None else Path(found).resolve().parent


def why_not() -> str | None:
    """Why there is no server to test with, or None where there is one."""
    if os.environ.get(GIVEN) or (os.name == "posix" and programs() is not None):
        return None
    return f"no PostgreSQL here: pip install pgserver, or set {GIVEN} to the URL of a server"


@contextmanager
def server() -> Iterator[str]:
    """The URL of a database on a server that runs until this ends."""
    given = os.environ.get(GIVEN)
    if given:
        yield given
        return
    found = programs()
    assert found is not None
    # Short: the name of a socket has at most some hundred characters.
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        who = _nobody(home)
        if not _runs(found, who):
            found = _copied(found, home)
        data = home / "data"
        made = ["-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([found / "initdb", *made], check=True, capture_output=True, cwd=home, timeout=PATIENCE_S, **who)
        with (home / "log").open("wb") as log:
            options = [
                "-D",
                str(data),
                "-k",
                str(home),
                "-c",
                "listen_addresses=",
                "-c",
                "fsync=off",
                "-c",
                "max_connections=50",
            ]
            running = subprocess.Popen([found / "postgres", *options], stdout=log, stderr=log, cwd=home, **who)
            try:
                _wait(found, home, running, who)
                yield f"postgresql://postgres@/postgres?host={home}"
            finally:
                running.send_signal(signal.SIGINT)  # which waits for no client
                try:
                    running.wait(10)
                except subprocess.TimeoutExpired:
                    running.kill()
                    running.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _nobody(home: Path) -> Mapping[str, Any]:
    """How programs are started: as they are, or as nobody where we are root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "env": {**os.environ, "HOME": str(home)}}


def _runs(found: Path, who: Mapping[str, Any]) -> bool:
    try:
        return (
            subprocess.run([found / "postgres", "--version"], capture_output=True, check=False, **who).returncode == 0
        )
    except PermissionError:
        return False


def _copied(found: Path, home: Path) -> Path:
    """The wheel's programs, copied with the libraries that they look for beside their package."""
    package, libraries = found.parents[1], found.parents[2] / "pgserver.libs"
    shutil.copytree(package, home / "pgserver")
    if libraries.is_dir():
        shutil.copytree(libraries, home / "pgserver.libs")
    return home / "pgserver" / "pginstall" / "bin"


def _wait(found: Path, home: Path, running: subprocess.Popen[Any], who: Mapping[str, Any]) -> None:
    """Until it answers."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        asked = [str(found / "pg_isready"), "-h", str(home), "-U", "postgres"]
        if subprocess.run(asked, capture_output=True, check=False, **who).returncode == 0:
            return
        if running.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{(home / 'log').read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
