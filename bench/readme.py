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
from bench import pictures, studies_page
from bench.cases import judged
from bench.machine import RESULTS, busy
from bench.page import table
from bench.timing import FEW, LONG_S

README = RESULTS.parent / "README.md"
PICTURES = RESULTS.parent / "pictures"

_HOW = """\
# Benchmarks and the level study

This page is written by `python bench/readme.py` from the newest files in `results/`.

```
pip install -e '.[bench]'
python bench/run.py                      # ours, peers and the machine's limits, in turns -> results/cpu-<date>.json
python bench/run.py --device gpu         # the same on a GPU, every precision -> results/gpu-<date>.json
python bench/run.py --peers peers/bin/python         # other libraries, too: see peers.txt
python bench/run.py --quick --only mmd_small columns # a look at some cases
OPENBLAS_CORETYPE=Haswell python bench/run.py --label haswell   # a result beside the other
python bench/compare.py A.json B.json    # ratios between two results
python bench/level_study.py --keep k.jsonl   # false-alarm rates and power -> results/level-<date>.json
python bench/effect_study.py                 # mean effects and coverage of intervals -> results/effects-<date>.json
python bench/discovery_study.py              # false discovery rate over columns -> results/discovery-<date>.json
python bench/detectable_study.py             # detectable shifts against simulation -> results/detectable-<date>.json
python bench/tolerance_study.py              # tolerance tests: level and power -> results/tolerance-<date>.json
python bench/categories_study.py             # very many categories: level and power -> results/categories-<date>.json
python bench/groups_study.py                 # MMD by groups and by rows: level and power -> results/groups-<date>.json
python bench/power_study.py                  # many kernels at once: level and power -> results/power-<date>.json
python bench/embedding_study.py              # embeddings with and without reduction -> results/embeddings-<date>.json
python bench/thresholds_study.py             # thresholds for a rate of false alarms -> results/thresholds-<date>.json
python bench/run_length_study.py             # streams that do not change -> results/run_lengths-<date>.json
python bench/sequential_study.py             # looking at every batch -> results/sequential-<date>.json
python bench/delay_study.py --peers peers/bin/python # how soon changes are seen -> results/delays-<date>.json
python bench/real_study.py --peers peers/bin/python  # real data and controls, see real.txt -> results/real-<date>.json
python bench/published_study.py --peers peers/bin/python   # a published table, again -> results/published-<date>.json
python bench/evaluation_study.py --peers peers/bin/python  # drift of a known kind -> results/evaluation-<date>.json
python bench/studies.py --peers peers/bin/python     # evaluation, published, thresholds, embeddings and real in turn
python bench/studies.py --quick --out quick/         # a tenth of these, and a page of its own: some minutes
python bench/history_study.py                # a million findings, written and asked -> results/history-<date>.json
python bench/memory_study.py                 # memory of a watcher, 100,000 windows -> results/memory-<date>.json
python bench/weeks_study.py                  # weeks of real flights, watched -> results/weeks-<date>.json
python bench/readme.py                   # this page and its pictures
pytest bench                             # the small sizes under pytest-benchmark
```

Times depend on the machine and on what else it does. Ratios and fractions of a floor do less so: ours, the peers and
the limits are timed in turns in one process. A **floor** is the least time that limits measured in the same run
allow, its parts one after another. *Memory* is what a warm call needs at its peak above its inputs, and *first call*
that of a fresh process (Numba's compiled kernels come from its cache on disk, XLA compiles); both are measured in a
process of their own.

The floor of MMD with single rows dealt counts a product of the kernel matrix with all labellings. Labels are bits, so
sums over labelled rows can be looked up in tables with fewer operations than that product has: a fraction above 100 %
is no error. Floors follow the rate of products in the run, that of NumPy's BLAS and its kernel for the processor,
whether or not our own code calls that BLAS.

The peers are what NumPy and SciPy do in a few lines. Other drift libraries run where `--peers` names a Python that has
them, each in a process of its own on the same rows.
"""

_NO_GPU = """\
> **The GPU code has never run on a GPU.** There is no GPU result; `--device gpu` is written and untried, and every
> figure below is of the CPU.
"""

_REMARKS = {
    "mmd_small": "*rows* are the kernel sums of given rows; *whole test* reads, scales and finds the bandwidth, as "
    "its peer and the libraries do; *whole detector* adds an interval and the parts of columns and rows.",
    "mmd_large": "The whole Gram matrix would be 40 GB: there is no peer.",
    "mmd_stream": "Times are those of one batch. *test* is the statistic and its p-value; *detect* adds an interval "
    "and the parts of columns and rows.",
    "mmd_unequal": "*rows* marks the smaller side alone, as the engine does by itself; *all pairs* is the same "
    "backend's sum over all pairs for every labelling. The product form is the NumPy line.",
    "mmd_embeddings": "Vectors are those of the study of embeddings. The whole test: read, reduced, bandwidth and "
    "p-value, no interval and no parts. The NumPy line is in float32 and does not reduce; ours is in float64.",
    "columns": "*whole report* gives p-values, intervals, effects and pictures; its peer gives scores, p-values of KS "
    "alone, and nothing else: it does less.",
    "score_wide": "Times are those of one column. Ours gives PSI and KS with p-values, effects and intervals, and "
    "corrects over the columns; SciPy's loop gives KS alone, on a few columns; evidently is given a tenth of the rows.",
    "wide": "Times are those of one column.",
    "ks_large": "Ours gives an interval and the parts of the distance beside distance and p-value.",
}
"""What the names of a case mean, and what keeps two of them from being the same work."""


def newest(kind: str, folder: Path = RESULTS, label: str = "") -> dict[str, Any] | None:
    """The latest result of a kind ("cpu", "gpu", "level") and label, with its file's name as "file"; or None."""
    files = sorted(path for path in folder.glob(f"{kind}-*.json") if _label(path) == label)
    return {**json.loads(files[-1].read_text(encoding="utf-8")), "file": files[-1].name} if files else None


def labels(kind: str, folder: Path = RESULTS) -> list[str]:
    """The labels that results of a kind have."""
    return sorted({_label(path) for path in folder.glob(f"{kind}-*.json")} - {""})


def _label(path: Path) -> str:
    """What stands behind the date in a name such as cpu-2000-01-01-haswell."""
    return "".join(path.stem.split("-")[4:])


def render(folder: Path = RESULTS) -> str:
    """The whole page."""
    gpu, cpu = (newest(kind, folder) for kind in ("gpu", "cpu"))
    parts = [_HOW]
    if gpu is None:
        parts.append(_NO_GPU)
    for title, result in (("On a GPU", gpu), ("On the CPU", cpu)):
        if result is not None:
            parts.append("\n".join(_speed(title, result, folder)) + "\n")
    for kind, show in studies_page.PARTS.items():
        result = newest(kind, folder)
        if result is not None:
            parts.append("\n".join(show(result)) + "\n")
    return "\n".join(parts)


def drawn(folder: Path = RESULTS) -> dict[str, str]:
    """The pictures of the page: file name -> SVG."""
    found = {}
    for result in (newest(kind, folder) for kind in ("gpu", "cpu")):
        if result is not None:
            found.update({name: svg for name, (_, svg) in pictures.made(result).items()})
    return found


def _speed(title: str, result: Mapping[str, Any], folder: Path) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield f"Every table and picture of this section is of [{result['file']}](results/{result['file']})."
    yield from _machine(result)
    yield from _failed(result)
    yield from _goals(result)
    for label in labels(result["bench"], folder):
        other = newest(result["bench"], folder, label)
        if other is not None:
            yield from ("", f"### The goals once more: {label}", "")
            yield f"Of [{other['file']}](results/{other['file']}), whose other numbers are not shown."
            yield from _machine(other)
            yield from _failed(other)
            yield from _goals(other)
    for name, (words, _) in pictures.made(result).items():
        yield from ("", f"![{words}](pictures/{name})")
    for question in result["questions"]:
        if question["case"] != pictures.GROWTH:
            yield ""
            yield from _question(question, result["machine"]["cores"])
    yield from _growth([q for q in result["questions"] if q["case"] == pictures.GROWTH])


def _growth(questions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """All sizes in one table: what each of them says beside it would be the same six times."""
    if not questions:
        return
    fixed = ", ".join(f"{k} = {v:,}" for k, v in questions[0]["sizes"].items() if k != "n")
    names = list(dict.fromkeys(c["name"] for q in questions for c in q["contenders"]))
    rows = []
    for q in questions:
        found = {c["name"]: c for c in q["contenders"]}
        rows.append((f"{q['sizes']['n']:,}", *(_short(found.get(name)) for name in names)))
    yield from ("", f"### {questions[0]['title']}: {fixed}", "")
    yield "Time, memory, and the share of the floor."
    yield ""
    yield from table(("n", *names), rows)


def _short(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    memory = "" if row.get("peak_mb") is None else f", {row['peak_mb']:,.0f} MB"
    floor = "" if row.get("fraction_of_floor") is None else f", {row['fraction_of_floor']:.0%}"
    return f"{_seconds(row['median_s'])}{memory}{floor}"


def _machine(result: Mapping[str, Any]) -> Iterator[str]:
    m = result["machine"]
    yield f"{m['processor']}, {m['cores']} cores; {_blas(m)}; load average {m['load_average']} at the start."
    yield f"{m['created_at'][:10]}, commit {m['commit']}, Python {m['python']}, {_versions(m)}."
    if m["environment"]:
        yield "Environment: " + ", ".join(f"{k}={v}" for k, v in m["environment"].items()) + "."
    if busy(m["load_average"]):
        yield "**Other work was running when this run began: times, and the limits, suffered.**"


def _failed(result: Mapping[str, Any]) -> Iterator[str]:
    for f in result.get("failed", ()):
        yield f"**Failed: {f['case']}, {', '.join(f'{k} = {v:,}' for k, v in f['sizes'].items())}: {f['error']}.**"


def _goals(result: Mapping[str, Any]) -> Iterator[str]:
    goals = judged(result)
    if not goals:
        return
    sizes = {q["case"]: q["sizes"] for q in result["questions"]}
    rows = []
    for g in goals:
        sense, bound = ("at most", g["at_most"]) if "at_most" in g else ("at least", g["at_least"])
        met = {True: "yes", False: "**no**", None: "not measured"}[g["met"]]
        value = "" if g["value"] is None else f"{g['value']:,g}{_unit(g['unit'])}"
        wanted = f"{sense} {bound:,g}{_unit(g['unit'])}"
        met = f"{met}: {g['reason']}" if g["reason"] else met
        rows.append((g["case"], _sizes(sizes[g["case"]], g["case"]), g["text"], wanted, value, met))
    known = [g["met"] for g in goals if g["met"] is not None]
    yield ""
    yield f"{sum(known)} of {len(known)} goals met, ratios within this run:"
    yield ""
    yield from table(("case", "sizes", "goal", "wanted", "measured", "met"), rows)


def _sizes(sizes: Mapping[str, int], case: str) -> str:
    return "all" if case == pictures.GROWTH else ", ".join(f"{k} = {v:,}" for k, v in sizes.items())


def _unit(unit: str) -> str:
    return unit if unit == "x" else (f" {unit}" if unit else "")


def _question(question: Mapping[str, Any], cores: int) -> Iterator[str]:
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
    elif busy(question["load_average"], cores):
        yield "**The load was above that of our own threads: other work had a part of the machine.**"
    if question.get("counts"):
        yield "Counted: " + "; ".join(f"{name} {value:,g}" for name, value in question["counts"].items()) + "."
    yield ""
    yield from table(
        ("", "time", "times faster than", "of the floor", "memory", "first call"),
        [_contender(c) for c in question["contenders"]],
    )
    yield from _notes(question)
    floors = {c.get("floor") for c in question["contenders"]}
    told = [_floor(name, f) for name, f in question["floors"].items() if name in floors]
    if told:
        yield from ("", "Floors: " + "; ".join(told) + ".")


def _floor(name: str, floor: Mapping[str, Any]) -> str:
    parts = floor.get("parts", ())
    sums = f" ({' + '.join(_seconds(p['seconds']) for p in parts)})" if len(parts) > 1 else ""
    return f"{name}: {floor['text']}, {_seconds(floor['seconds'])}{sums}"


def _notes(question: Mapping[str, Any]) -> Iterator[str]:
    notes = [f"{c['name']}: {c['note']}" for c in question["contenders"] if c.get("note")]
    if notes:
        yield ""
        yield (
            "Libraries ran after the rounds, in processes of their own; the time is that of the whole test, with all "
            "that it estimates. " + ". ".join(notes) + "."
        )


def _contender(row: Mapping[str, Any]) -> Sequence[str]:
    name = f"**{row['name']}**" if row["role"] == "ours" else row["name"]
    faster = "" if row.get("times_faster") is None else f"{row['times_faster']:.2g}x {row['against']}"
    floor = "" if row.get("fraction_of_floor") is None else f"{row['fraction_of_floor']:.0%}, {row['floor']}"
    memory = "" if row.get("peak_mb") is None else f"{row['peak_mb']:,.0f} MB"
    took, first = ("" if row.get(k) is None else _seconds(row[k]) for k in ("median_s", "first_call_s"))
    return name, took, faster, floor, memory, first


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
    PICTURES.mkdir(exist_ok=True)
    kept = drawn()
    for old in PICTURES.glob("*.svg"):
        if old.name not in kept:
            old.unlink()
    for name, svg in kept.items():
        write_text_atomically(PICTURES / name, svg)
    print(f"wrote {README.name} and {len(kept)} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
