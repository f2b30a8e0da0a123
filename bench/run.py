"""Measure ours, the peers and the machine's limits together, and write one result file.

    python bench/run.py                                      # on the CPU: numpy, and jax where it is installed
    python bench/run.py --device gpu                         # cupy, and jax with a GPU
    python bench/run.py --quick --only mmd_small mmd_rows    # small sizes of some cases, nothing written
    python bench/run.py --peers peers/bin/python             # other libraries, too (peers.txt)
    OPENBLAS_CORETYPE=Haswell python bench/run.py --label haswell    # a file beside the other's

What is worth reading are ratios and fractions of a floor: both sides were timed in turns in one run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.backends import Backend, get_backend, why_not
from accel_drift.errors import AccelDriftError, BackendMissingError
from accel_drift.files import write_text_atomically
from bench import footprint, machine, peers
from bench.cases import CASES, judged
from bench.limits import Limit, limits
from bench.question import Case, Floor, Question, Sizes, check
from bench.timing import Call, Times, interleaved, ratio

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
    peers: Path | None = None
    label: str = ""


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


def measure(
    case: Case, sizes: Sizes, backends: Sequence[Backend], bounds: Mapping[str, Limit], options: Options, say: Say
) -> dict[str, Any]:
    """One question at one size: times in turns, ratios, fractions of the floors, memory."""
    question = case.ask(sizes, backends)
    say(f"{case.name}: {question.label}")
    calls: dict[str, Call] = {name: c.compute for name, c in question.contenders.items()}
    calls |= {f"limit: {k}": v.call for k, v in bounds.items()}
    times = interleaved(calls, options.runs, partial(check, question))
    load = machine.load()
    rates = {name: _rate(bound, times[f"limit: {name}"]) for name, bound in bounds.items()}
    rows = []
    for name in question.contenders:
        apart = {}
        if options.memory and not backends[0].is_gpu:
            # A process that needs one backend opens no other: XLA alone is 150 MB.
            needed = [b.name for b in backends if name.startswith(f"{b.name} ")] or [b.name for b in backends]
            apart = footprint.measure(case.name, dict(sizes), needed, name)
        rows.append(_row(question, name, times, rates, apart))
        say("  " + _line(rows[-1]))
    if options.peers is not None and question.libraries is not None:
        for made in peers.measure(options.peers, question.libraries):
            rows.append({k: _digits(v) if isinstance(v, float) else v for k, v in made.items()})
            say(f"  {made['name']:<50} {made['median_s'] or 0:>10.2f} s   {made['note']}")
    return {
        "case": case.name,
        "title": case.title,
        "sizes": dict(sizes),
        "runs": len(next(iter(times.values())).warm),
        "load_average": load,
        "limits": {name: {"per_s": _digits(rate), "unit": bounds[name].unit} for name, rate in rates.items()},
        "floors": {name: _floor(f, rates) for name, f in question.floors.items()},
        "counts": dict(question.count()) if question.count is not None else {},
        "contenders": rows,
    }


def _rate(bound: Limit, times: Times) -> float:
    """A limit is the best that was seen: whatever slowed another run down is no part of it."""
    return bound.work / min(times.warm)


def _floor(floor: Floor, rates: Mapping[str, float]) -> dict[str, Any]:
    parts = [{"limit": limit, "seconds": _digits(work / rates[limit])} for work, limit in floor.parts]
    return {"seconds": _digits(_least(floor, rates)), "parts": parts, "text": floor.text}


def _least(floor: Floor, rates: Mapping[str, float]) -> float:
    return sum(work / rates[limit] for work, limit in floor.parts)


def _row(
    question: Question, name: str, times: Mapping[str, Times], rates: Mapping[str, float], apart: Mapping[str, float]
) -> dict[str, Any]:
    contender = question.contenders[name]
    mine = times[name].per(contender.pieces)
    floor, other = question.floors.get(contender.floor), contender.against
    faster = ratio(mine, times[other].per(question.contenders[other].pieces)) if other else None
    first = apart.get("first_call_s")
    return {
        "name": name,
        "role": contender.role,
        "median_s": _digits(mine.median),
        "fastest_s": _digits(min(mine.warm)),
        "warm_s": [_digits(t) for t in mine.warm],
        "against": other,
        "times_faster": _digits(faster),
        "floor": contender.floor,
        "fraction_of_floor": _digits(_least(floor, rates) / mine.median) if floor else None,
        "first_call_s": _digits(None if first is None else first / contender.pieces),
        "peak_mb": _digits(apart.get("peak_mb")),
        "process_mb": _digits(apart.get("process_mb")),
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


def report(
    cases: Sequence[Case], options: Options, say: Say, keep: Callable[[dict[str, Any]], object] = lambda _: None
) -> dict[str, Any]:
    """Every question of a run and every goal, with what it ran on.

    A question that cannot be answered, or whose contenders disagree, is named under "failed", and the next one is
    asked. `keep` is shown what is known after each case.

    Raises:
        BackendMissingError: no backend for the device.
    """
    backends = open_backends(options.device)
    before = machine.facts()
    say(", ".join(f"{b.name} on {b.device}" for b in backends) + f"; BLAS kernel {machine.blas_kernel()}")
    if machine.busy(before["load_average"]):
        say(f"load average {before['load_average']}: other work is running, times and limits suffer")
    found: dict[str, Any] = {
        "bench": options.device,
        "label": options.label,
        "quick": options.quick,
        "machine": before,
        "devices": {b.name: b.device for b in backends},
        "failed": [],
        "questions": [],
    }
    bounds = limits(backends[0])
    for case in cases:
        if options.device not in case.devices:
            continue
        made = []
        for sizes in case.quick if options.quick else case.sizes:
            try:
                made.append(measure(case, sizes, backends, bounds, options, say))
            except Exception as error:  # noqa: BLE001  (whatever a library raises: the others have their numbers)
                traceback.print_exc()
                found["failed"].append({"case": case.name, "sizes": dict(sizes), "error": _told(error)})
                say(f"  failed: {_told(error)}")
        found["questions"] += made
        for goal in judged({**found, "questions": made}):
            value = "not measured" if goal["met"] is None else goal["value"]
            say(f"  {value}  {goal['text']}" + (f" (missed: {goal['reason']})" if goal["reason"] else ""))
        keep(found)
    return found


def _told(error: Exception) -> str:
    """The kind of an error and the start of what it says; compilers say a lot."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def _label(word: str) -> str:
    if not re.fullmatch(r"(?:[a-z][a-z0-9_]*)?", word):
        raise argparse.ArgumentTypeError(f"{word!r} is no word of small letters, digits and _")
    return word


def _file(options: Options) -> Path:
    label = f"-{options.label}" if options.label else ""
    return machine.RESULTS / f"{options.device}-{datetime.now(UTC).date()}{label}.json"


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=sorted(WANTED), default="cpu")
    parser.add_argument("--quick", action="store_true", help="small sizes; nothing is written unless --out is given")
    parser.add_argument("--only", choices=[c.name for c in CASES], nargs="+", default=[], help="some cases")
    parser.add_argument("--no-memory", action="store_true", help="leave out the processes that measure memory")
    parser.add_argument("--runs", type=int, default=RUNS, help="warm runs of each contender")
    parser.add_argument("--peers", type=Path, help="the Python of an environment with the libraries of peers.txt")
    parser.add_argument("--label", type=_label, default="", help="a word for the result, such as a BLAS kernel's name")
    parser.add_argument("--out", type=Path, help="result file; by default bench/results/<device>-<date>[-<label>].json")
    given = parser.parse_args(words)
    options = Options(given.device, given.quick, not given.no_memory, given.runs, given.peers, given.label)
    cases = [c for c in CASES if not given.only or c.name in given.only]
    out = given.out or _file(options)
    written = bool(given.out or not (given.quick or given.only))
    if options.device == "gpu":
        # Otherwise JAX takes most of the memory when it opens, and the other processes of a run find none.
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

    def keep(found: dict[str, Any]) -> None:
        if written:
            write_text_atomically(out, json.dumps(found, indent=1) + "\n")

    try:
        found = report(cases, options, lambda line: print(line, flush=True), keep)
    except AccelDriftError as error:
        print(error, file=sys.stderr)
        return 2
    if written:
        print(f"wrote {out.name}")
    return 2 if found["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
