"""Write bench/README.md from the newest result files: `python bench/readme.py`. No number in it is typed by hand."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.files import write_text_atomically
from bench import studies_page
from bench.machine import RESULTS
from bench.studies_page import table
from bench.timing import FEW, LONG_S

README = RESULTS.parent / "README.md"

_HOW = """\
# Benchmarks and the level study

This page is written by `python bench/readme.py` from the newest files in `results/`.

```
pip install -e '.[bench]'
python bench/run.py                      # ours, peers and the machine's limits, in turns -> results/cpu-<date>.json
python bench/run.py --device gpu         # the same on a GPU -> results/gpu-<date>.json
python bench/run.py --quick --only mmd   # a look at one case
python bench/compare.py A.json B.json    # ratios between two results
python bench/level_study.py --keep k.jsonl   # false-alarm rates and power -> results/level-<date>.json
python bench/effect_study.py                 # mean effects and coverage of intervals -> results/effects-<date>.json
python bench/discovery_study.py              # false discovery rate over columns -> results/discovery-<date>.json
python bench/detectable_study.py             # detectable shifts against simulation -> results/detectable-<date>.json
python bench/tolerance_study.py              # tolerance tests: level and power -> results/tolerance-<date>.json
python bench/readme.py                   # this page
pytest bench                             # the small sizes under pytest-benchmark
```

Times depend on the machine and on what else it does. Ratios and fractions of a floor do less so: ours, the peers and
the limits are timed in turns in one process. A **floor** is the least time that a limit measured in the same run
allows. *Memory* is what a warm call needs at its peak above its inputs, and *first call* that of a fresh process
(Numba's compiled kernels come from its cache on disk, XLA compiles); both are measured in a process of their own.

The peers are what NumPy and SciPy do in a few lines. Other drift libraries are not measured here; `peers.txt` lists
them.
"""

_NO_GPU = """\
> **The GPU code has never run on a GPU.** There is no GPU result; `--device gpu` is written and untried, and every
> figure below is of the CPU.
"""

_REMARKS = {
    "mmd": "*rows* and *groups* are the kernel sums of given rows; *whole detector* reads, scales, finds the bandwidth "
    "and adds an interval, which its peer does not.",
    "columns": "*whole report* gives p-values, intervals, effects and pictures; its peer gives scores, p-values of KS "
    "alone, and nothing else: it does less.",
}
"""What the names of a case mean, and what keeps two of them from being the same work."""


def newest(kind: str, folder: Path = RESULTS) -> dict[str, Any] | None:
    """The latest result of a kind ("cpu", "gpu", "level"), or None."""
    files = sorted(folder.glob(f"{kind}-*.json"))
    return json.loads(files[-1].read_text(encoding="utf-8")) if files else None


def render(folder: Path = RESULTS) -> str:
    """The whole page."""
    gpu, cpu = (newest(kind, folder) for kind in ("gpu", "cpu"))
    parts = [_HOW]
    if gpu is None:
        parts.append(_NO_GPU)
    for title, result in (("On a GPU", gpu), ("On the CPU", cpu)):
        if result is not None:
            parts.append("\n".join(_speed(title, result)) + "\n")
    for kind, show in studies_page.PARTS.items():
        result = newest(kind, folder)
        if result is not None:
            parts.append("\n".join(show(result)) + "\n")
    return "\n".join(parts)


def _speed(title: str, result: Mapping[str, Any]) -> Iterator[str]:
    m = result["machine"]
    yield f"## {title}"
    yield ""
    yield f"{m['processor']}, {m['cores']} cores; {_blas(m)}; load average {m['load_average']} at the start."
    yield f"{m['created_at'][:10]}, commit {m['commit']}, Python {m['python']}, {_versions(m)}."
    for question in result["questions"]:
        yield ""
        yield from _question(question)


def _question(question: Mapping[str, Any]) -> Iterator[str]:
    sizes = ", ".join(f"{k} = {v:,}" for k, v in question["sizes"].items())
    yield f"### {question['title']}: {sizes}"
    yield ""
    if question["case"] in _REMARKS:
        yield from (_REMARKS[question["case"]], "")
    rates = (f"{name} {_rate(limit)}" for name, limit in question["limits"].items())
    few = f" (no more, since one takes over {LONG_S:.0f} s)" if question["runs"] <= FEW else ""
    yield (
        f"Limits in this run: {'; '.join(rates)}. Median of {question['runs']} warm runs{few}; load average "
        f"{question['load_average']}."
    )
    one, all_of = (question["limits"].get(k, {}).get("per_s") for k in ("gemm float32, one core", "gemm float32"))
    if one and all_of and all_of < 1.3 * one:
        yield "**All cores together multiplied little faster than one: other work had the rest. Floors are too high.**"
    yield ""
    yield from table(
        ("", "time", "times faster than", "of the floor", "memory", "first call"),
        [_contender(c) for c in question["contenders"]],
    )
    floors = {c["floor"] for c in question["contenders"]} - {""}
    yield ""
    yield "Floors: " + "; ".join(
        f"{name}: {f['text']}, {_seconds(f['seconds'])}" for name, f in question["floors"].items() if name in floors
    ) + "."  # fmt: skip


def _contender(row: Mapping[str, Any]) -> Sequence[str]:
    name = f"**{row['name']}**" if row["role"] == "ours" else row["name"]
    faster = "" if row["times_faster"] is None else f"{row['times_faster']:.2g}x {row['against']}"
    floor = "" if row["fraction_of_floor"] is None else f"{row['fraction_of_floor']:.0%}, {row['floor']}"
    memory = "" if row["peak_mb"] is None else f"{row['peak_mb']:,.0f} MB"
    first = "" if row["first_call_s"] is None else _seconds(row["first_call_s"])
    return name, _seconds(row["median_s"]), faster, floor, memory, first


def _blas(m: Mapping[str, Any]) -> str:
    told = (
        f"BLAS of {b['owner']}: {b['internal_api']} {b['version']}, kernel {b['architecture']}, "
        f"{b['num_threads']} threads"
        for b in m["blas"]
    )
    return "; ".join(told)


def _versions(m: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {v}" for name, v in m["versions"].items() if name != "accel-drift")


def _rate(limit: Mapping[str, Any]) -> str:
    rate = limit["per_s"]
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if rate >= size:
            return f"{rate / size:.3g} {letter}{'' if limit['unit'] in ('B', 'FLOP') else ' '}{limit['unit']}/s"
    return f"{rate:.3g} {limit['unit']}/s"


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else (f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.3g} µs")


def main() -> int:
    write_text_atomically(README, render())
    print(f"wrote {README.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
