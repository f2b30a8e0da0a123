"""Measure ours, the peers and the machine's limits together, and write one result file.

    python bench/run.py                      # on the CPU: numpy, and jax where it is installed
    python bench/run.py --device gpu         # cupy, and jax with a GPU
    python bench/run.py --quick --only mmd   # small sizes of one case, nothing written

What is worth reading are ratios and fractions of a floor: both sides were timed in turns in one run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.backends import Backend, get_backend, why_not
from accel_drift.errors import AccelDriftError, BackendMissingError
from accel_drift.files import write_text_atomically
from bench import footprint, machine
from bench.cases import CASES
from bench.limits import Limit, limits
from bench.question import Case, DisagreementError, Question, Sizes, check
from bench.timing import Times, interleaved, ratio

RUNS = 7
WANTED = {"cpu": ("numpy", "jax"), "gpu": ("cupy", "jax")}
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What a run was asked for."""

    device: str
    quick: bool = False
    memory: bool = True
    runs: int = RUNS


def open_backends(device: str) -> list[Backend]:
    """The backends of a device that open here.

    Raises:
        BackendMissingError: none does.
    """
    found, reasons = [], []
    for name in WANTED[device]:
        reason = why_not(name)
        if reason is None and get_backend(name).is_gpu == (device == "gpu"):
            found.append(get_backend(name))
        else:
            reasons.append(f"{name}: {reason or f'runs on {get_backend(name).device}'}")
    if not found:
        raise BackendMissingError(f"no backend for {device} here ({'; '.join(' '.join(r.split()) for r in reasons)})")
    return found


def measure(case: Case, sizes: Sizes, backends: Sequence[Backend], options: Options, say: Say) -> dict[str, Any]:
    """One question at one size: times in turns, ratios, fractions of the floors, memory."""
    question = case.ask(sizes, backends)
    say(f"{case.name}: {question.label}")
    check(question, {name: c.compute() for name, c in question.contenders.items() if c.tolerance or c.role == "peer"})
    bounds = limits(backends[0])
    calls = {name: c.compute for name, c in question.contenders.items()}
    times = interleaved({**calls, **{f"limit: {k}": v.call for k, v in bounds.items()}}, options.runs)
    rates = {name: _rate(bound, times[f"limit: {name}"]) for name, bound in bounds.items()}
    rows = []
    for name in question.contenders:
        apart = {}
        if options.memory and not backends[0].is_gpu:
            apart = footprint.measure(case.name, dict(sizes), [b.name for b in backends], name)
        rows.append(_row(question, name, times, rates, apart))
        say("  " + _line(rows[-1]))
    return {
        "case": case.name,
        "title": case.title,
        "sizes": dict(sizes),
        "runs": len(next(iter(times.values())).warm),
        "load_average": machine.load(),
        "limits": {name: {"per_s": _digits(rate), "unit": bounds[name].unit} for name, rate in rates.items()},
        "floors": {
            name: {"seconds": _digits(f.work / rates[f.limit]), "limit": f.limit, "text": f.text}
            for name, f in question.floors.items()
        },
        "contenders": rows,
    }


def _rate(bound: Limit, times: Times) -> float:
    """A limit is the best that was seen: whatever slowed another run down is no part of it."""
    return bound.work / min(times.warm)


def _row(
    question: Question, name: str, times: Mapping[str, Times], rates: Mapping[str, float], apart: Mapping[str, float]
) -> dict[str, Any]:
    contender, mine = question.contenders[name], times[name]
    floor = question.floors.get(contender.floor)
    return {
        "name": name,
        "role": contender.role,
        "median_s": _digits(mine.median),
        "fastest_s": _digits(min(mine.warm)),
        "against": contender.against,
        "times_faster": _digits(ratio(mine, times[contender.against])) if contender.against else None,
        "floor": contender.floor,
        "fraction_of_floor": _digits(floor.work / rates[floor.limit] / mine.median) if floor else None,
        "first_call_s": _digits(apart.get("first_call_s")),
        "peak_mb": _digits(apart.get("peak_mb")),
    }


def _line(row: Mapping[str, Any]) -> str:
    parts = [f"{row['name']:<50} {row['median_s'] * 1e3:>10.2f} ms"]
    if row["times_faster"] is not None:
        parts.append(f"{row['times_faster']:.2f}x {row['against']}")
    if row["fraction_of_floor"] is not None:
        parts.append(f"{row['fraction_of_floor']:.0%} of the floor")
    if row["peak_mb"] is not None:
        parts.append(f"{row['peak_mb']:.0f} MB")
    return "  ".join(parts)


def _digits(value: float | None) -> float | None:
    """Four significant digits: more are noise."""
    return None if value is None else float(f"{value:.4g}")


def report(cases: Sequence[Case], options: Options, say: Say) -> dict[str, Any]:
    """Every question of a run, with what it ran on.

    Raises:
        BackendMissingError: no backend for the device.
        DisagreementError: contenders disagree on a number.
    """
    backends = open_backends(options.device)
    before = machine.facts()
    say(", ".join(f"{b.name} on {b.device}" for b in backends) + f"; BLAS kernel {machine.blas_kernel()}")
    questions = [
        measure(case, sizes, backends, options, say)
        for case in cases
        for sizes in (case.quick if options.quick else case.sizes)
    ]
    return {
        "bench": options.device,
        "quick": options.quick,
        "machine": before,
        "devices": {b.name: b.device for b in backends},
        "questions": questions,
    }


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=sorted(WANTED), default="cpu")
    parser.add_argument("--quick", action="store_true", help="small sizes; nothing is written unless --out is given")
    parser.add_argument("--only", choices=[c.name for c in CASES], help="one case")
    parser.add_argument("--no-memory", action="store_true", help="leave out the processes that measure memory")
    parser.add_argument("--runs", type=int, default=RUNS, help="warm runs of each contender")
    parser.add_argument("--out", type=Path, help="result file; by default bench/results/<device>-<date>.json")
    given = parser.parse_args(words)
    options = Options(given.device, given.quick, not given.no_memory, given.runs)
    cases = [c for c in CASES if given.only in (None, c.name)]
    out = given.out or machine.RESULTS / f"{given.device}-{datetime.now(UTC).date()}.json"
    try:
        found = report(cases, options, lambda line: print(line, flush=True))
        if given.out or not (given.quick or given.only):
            write_text_atomically(out, json.dumps(found, indent=1) + "\n")
            print(f"wrote {out.name}")
    except (AccelDriftError, DisagreementError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
