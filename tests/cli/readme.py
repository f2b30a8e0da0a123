"""The README's parts that are made from the code: `python -m tests.cli.readme` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

from accel_drift.config import Config, effective
from accel_drift.config.mistakes import Key, dotted
from accel_drift.config.schema import allowed, at, leaves
from accel_drift.config.text import read
from accel_drift.config.writing import word
from accel_drift.detectors import get_class, names
from accel_drift.finding import Status
from accel_drift.report.words import STATUS_MEANING
from accel_drift.streams import get_class as get_stream_class
from accel_drift.streams import names as stream_names
from accel_drift.streams.values import KINDS
from accel_drift.synthetic import KINDS as KINDS_OF_DRIFT
from accel_drift.synthetic import scenarios
from bench.readme import newest

README = Path(__file__).resolve().parents[2] / "README.md"
OURS = ("accel_drift.detectors.", "accel_drift.streams.")


def detectors() -> str:
    """One row a detector: from the attributes and the docstring's first line of its class."""
    head = ["name", "class", "columns", "what it measures", "effect in", "watch, warning, critical", "source"]
    rows = [head, ["---"] * len(head)]
    for name in names():
        kind = get_class(name)
        if not kind.__module__.startswith(OURS):
            continue  # another package's, installed here
        says = (kind.__doc__ or "").strip().splitlines()[0]
        columns = ("all together: " if kind.joint else "") + ", ".join(map(str, kind.kinds))
        bands = ", ".join(f"{band:g}" for band in kind.bands) or "none"
        rows.append([f"`{name}`", f"`{kind.__name__}`", columns, says, kind.unit, bands, kind.source])
    return table(rows)


def streams() -> str:
    """One row a detector of streams."""
    head = ["name", "class", "what it watches", "reads", "source"]
    rows = [head, ["---"] * len(head)]
    for name in stream_names():
        kind = get_stream_class(name)
        if kind.__module__.startswith(OURS):
            says = (kind.__doc__ or "").strip().splitlines()[0]
            rows.append([f"`{name}`", f"`{kind.__name__}`", says, KINDS[kind.reads].words, kind.source])
    return table(rows)


def statuses() -> str:
    """One row a status."""
    return table([["status", "meaning"], ["---"] * 2, *([f"`{s}`", STATUS_MEANING[s]] for s in Status)])


def kinds() -> str:
    """One row a kind of synthetic drift."""
    head = ["kind", "what changes", "magnitude in"]
    told = ([f"`{kind.__name__}`", (kind.__doc__ or "").strip().splitlines()[0], kind.unit] for kind in KINDS_OF_DRIFT)
    return table([head, ["---"] * len(head), *told])


def made() -> str:
    """One row a scenario of synthetic drift."""
    return table([["scenario", "what happens"], ["---"] * 2, *([f"`{n}`", words] for n, words in scenarios().items())])


def published() -> str:
    """Fixed thresholds and tests on the same batches: from the newest result of the study of a published benchmark."""
    result = newest("published")
    if result is None:
        raise ValueError("there is no result of the published benchmark: python bench/published_study.py")
    rates = {(c["detector"], c["kind"]): c["verdicts"] for c in result["cells"] if c["part"] == "table"}
    kinds = ("clean", "shifted", "noisy")
    (batches,) = {c["batches"] for c in result["cells"] if c["part"] == "table" and c["kind"] == "clean"}
    head = ["", f"alarms, nothing drifted ({batches:,} batches)", "shift found", "noise of mean 0 found"]
    rows = [head, ["---"] * len(head)]
    for name, text in _PUBLISHED.items():
        rows.append([text, *(f"{rates[name, kind][0]:.1%}" for kind in kinds)])
    return table(rows)


def history() -> str:
    """What a history of a million findings takes, in a sentence: from the newest result of its study."""
    result = newest("history")
    if result is None:
        raise ValueError("there is no result of the study of histories: python bench/history_study.py")
    told = {(c["database"], c["asked"]): f"{c['median_ms']:.2g}" for c in result["cells"]}
    s, m = result["settings"], result["machine"]
    trends, writes = [], []
    for name in ("SQLite", "PostgreSQL"):
        trends.append(" / ".join(told[name, f"trend, {days} days"] for days in (30, 60, 90)) + f" ms in {name}")
        writes.append(f"{told[name, 'record']} ms in {name}")
    each = s["columns"] * len(s["detectors"])
    return (
        f"[Measured](bench/README.md#a-history-of-windows) on {m['cores']} cores at {s['findings']:,} findings,\n"
        f"{s['windows']:,} hourly windows: a trend of 30 / 60 / 90 days takes {' and '.join(trends)};\n"
        f"to write a window of {each} findings takes {' and '.join(writes)}."
    )


def config_keys() -> str:
    """One row a key of a configuration; of detectors those of psi."""
    head = ["key", "default", "takes", "meaning"]
    rows = [head, ["---"] * len(head)]
    there = effective(Config.model_construct())
    for key in leaves():
        if key[0] != "detectors" or key[1] in ("use", "psi"):
            fragment, _ = at(key)
            says = str(fragment["description"]).rstrip(".")
            rows.append([f"`{dotted(key)}`", f"`{_default(there, key)}`", allowed(fragment), says])
    return table(rows)


def service() -> str:
    """How a service watches its own answers: lines of the example."""
    return excerpt("service.py", "    monitor = ", '        return {"p"')


def classifier() -> str:
    """How a classifier is wrapped: lines of the example."""
    return excerpt("classifier.py", "class Watched", "        return self.model.classes_")


def excerpt(example: str, first: str, last: str) -> str:
    """Lines of an example, from the one that begins so to the one that begins so."""
    lines = (README.parent / "tests" / "examples" / example).read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(first))
    end = next(i for i, line in enumerate(lines) if i > start and line.startswith(last))
    code = dedent("\n".join(lines[start : end + 1]))
    # What was inside a function stands alone here, and the formatter wants two empty lines there.
    return "```python\n" + re.sub(r"\n\n(?=\S)", "\n\n\n", code) + "\n```"


def _default(text: str, key: Key) -> str:
    value = read(text).value
    for part in key:
        value = value[part]
    return word(value)


def evaluated() -> str:
    """Contenders of the study through the harness, where nothing drifts and where half a deviation comes."""
    result = newest("evaluation")
    if result is None:
        raise ValueError("there is no result of the evaluation: python bench/evaluation_study.py")
    found = {(c["what"], c["contender"]): c["measures"] for c in result["cells"] if c["part"] == "scenario"}
    head = ["", "alarms, nothing drifted", "alarms after a shift", "shift found", "delay, batches", "AUC"]
    rows = [head, ["---"] * len(head)]
    for name, text in _EVALUATED.items():
        if ("sudden", name) in found:
            quiet, onset = found["healthy", name], found["sudden", name]
            shares = (quiet["false_alarm_rate"], onset["detection_rate"], onset["found"])
            numbers = (onset["delay_batches"], onset.get("auc", (None,)))
            told = [*(f"{x[0]:.1%}" for x in shares), *("" if x[0] is None else f"{x[0]:.3g}" for x in numbers)]
            rows.append([text, *told])
    return table(rows)


_EVALUATED = {
    "PSI": "`ad.PSI(alpha=0.01)`",
    "KS": "`ad.KS(alpha=0.01)`",
    "MMD": "`ad.MMD(alpha=0.01)`",
    "SequentialTwoSample": "`ad.SequentialTwoSample(alpha=0.01)`",
    "OnlineMMD": "`ad.OnlineMMD()`",
    "ADWIN, each column": "`ad.ADWIN()`, each column",
    "PSI > 0.1, published": "PSI > 0.1, as published",
    "alibi-detect KSDrift": "alibi-detect KSDrift, p = 0.01",
    "frouros KSTest": "frouros KSTest, p = 0.01",
    "evidently DataDriftPreset": "evidently DataDriftPreset",
    "NannyML UnivariateDriftCalculator": "NannyML UnivariateDriftCalculator",
    "river PageHinkley, each column": "river PageHinkley, each column",
    "always": "always an alarm (dummy)",
    "random 0.01": "one batch in a hundred, at random (dummy)",
}

_PUBLISHED = {
    "published_psi": "PSI > 0.1, as published",
    "psi": "`ad.PSI()`",
    "published_kl": "KL > 0.1, as published",
    "kl": "`ad.KL()`",
    "published_mmd": "MMD² > 0.05, as published",
    "mmd": "`ad.MMD()`",
    "published_adwin": "means of rows apart > 0.1, published as ADWIN",
    "adwin": "`ad.ADWIN(delta=0.002)` on each of 5 columns",
    "adwin_squares": "the same on squares",
}


def table(rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


PARTS = {
    "detectors": detectors,
    "streams": streams,
    "statuses": statuses,
    "kinds": kinds,
    "scenarios": made,
    "published": published,
    "history": history,
    "service": service,
    "classifier": classifier,
    "keys": config_keys,
    "evaluated": evaluated,
}


def updated(text: str) -> str:
    """The README with its generated parts made anew."""
    for name, make in PARTS.items():
        start, end = f"<!-- generated: {name} -->", "<!-- end -->"
        part = f"{start}\n{make()}\n{end}"
        text, found = re.subn(
            rf"{re.escape(start)}.*?{re.escape(end)}", part.replace("\\", r"\\"), text, flags=re.DOTALL
        )
        if found != 1:
            raise ValueError(f"README.md needs one {start} ... {end}, and has {found}")
    return text


def blocks(language: str) -> list[str]:
    """The code blocks of a language, in their order."""
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL)


if __name__ == "__main__":
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
