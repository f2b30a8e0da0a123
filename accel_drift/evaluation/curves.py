"""The curves of power as picture, Markdown and page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from accel_drift.evaluation.charts import Axes, Series, plane
from accel_drift.evaluation.intervals import Estimate
from accel_drift.evaluation.wording import number, told

if TYPE_CHECKING:
    from accel_drift.evaluation.power import Power

_NONE = float("nan")


def by_magnitude(made: Power, rows: int) -> Markup:
    """Power of every contender by magnitude, with the band of its interval."""
    lines = [row for row in made.table.to_pylist() if row["rows"] == rows]
    series = []
    for name in dict.fromkeys(row["contender"] for row in lines):
        mine = [row for row in lines if row["contender"] == name]
        band = [(_known(r["rate_low"]), _known(r["rate_high"])) for r in mine]
        series.append(
            Series(
                name,
                [row["magnitude"] for row in mine],
                [_known(row["rate"]) for row in mine],
                mine[0]["dummy"],
                [low for low, _ in band] if not mine[0]["dummy"] else (),
                [high for _, high in band] if not mine[0]["dummy"] else (),
            )
        )
    across = [row["magnitude"] for row in lines]
    axes = Axes("magnitude", "power", (min(across), max(across)), (0.0, 1.0))
    return plane(series, axes, f"Power by magnitude in batches of {rows} rows, at a false-alarm rate of {made.rate:g}")


def markdown(made: Power) -> str:
    """The tables as text."""
    parts = ["# Power at one rate of false alarms", lead(made)]
    for rows in made.sizes:
        head, lines = table(made, rows)
        text = [head, ["---"] * len(head), *lines]
        parts += [f"## Batches of {rows:,} rows", "\n".join(f"| {' | '.join(line)} |" for line in text)]
    return "\n\n".join(parts) + "\n"


def page(made: Power) -> str:
    """Curves and tables as one page."""
    from accel_drift.evaluation.page import render_plain

    pictures = {f"Batches of {rows:,} rows": by_magnitude(made, rows) for rows in made.sizes}
    parts = [table(made, rows) for rows in made.sizes]
    head = ["rows", *parts[0][0]]
    lines = [[f"{rows:,}", *line] for rows, (_, body) in zip(made.sizes, parts, strict=True) for line in body]
    return render_plain("Power at one rate of false alarms", lead(made), pictures, (head, lines))


def lead(made: Power) -> str:
    """What the numbers are."""
    return (
        f"Every contender alarms above a threshold of its own, chosen for a rate of {number(made.rate)} on clean "
        "batches of one half of the seeds and used on the other half. At magnitude 0 stands the rate that was "
        "measured; in parentheses the 95 % interval over seeds. Contenders marked (dummy) do not look at the data."
    )


def table(made: Power, rows: int) -> tuple[list[str], list[list[str]]]:
    """Names of columns, and a line of texts a contender: power by magnitude, its own rate of false alarms."""
    lines = [row for row in made.table.to_pylist() if row["rows"] == rows]
    magnitudes = sorted({row["magnitude"] for row in lines})
    body = []
    for name in dict.fromkeys(row["contender"] for row in lines):
        mine = {row["magnitude"]: row for row in lines if row["contender"] == name}
        shown = name + (" (dummy)" if mine[0.0]["dummy"] else "")
        own = mine[0.0]
        cells = [told(_estimate(mine[m], "rate", "rate")) for m in magnitudes]
        body.append([shown, *cells, told(_estimate(own, "own_rate", "own"))])
    return ["contender", *(number(m) for m in magnitudes), "false alarms at its own threshold"], body


def _estimate(row: dict[str, Any], value: str, ends: str) -> Estimate:
    return Estimate(row[value], row[f"{ends}_low"], row[f"{ends}_high"])


def _known(value: float | None) -> float:
    return _NONE if value is None else value
