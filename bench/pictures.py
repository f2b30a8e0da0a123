"""The page's pictures, drawn from a result: time and memory against the rows, and fractions of the floor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any, NamedTuple

GROWTH = "mmd_growth"

_WIDTH, _HEIGHT = 720, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 40, 50
_COLOURS = 4
_STYLE = """\
text{font:13px system-ui,sans-serif;fill:#24292f}.t{font-weight:600;font-size:15px}.d{fill:#57606a}
.e{text-anchor:end}.m{text-anchor:middle}.back{fill:#fff}.grid{stroke:#d8dee4}.one{stroke:#57606a;stroke-dasharray:4 4}
.c0{stroke:#0969da;fill:#0969da}.c1{stroke:#bc4c00;fill:#bc4c00}.c2{stroke:#1a7f37;fill:#1a7f37}
.c3{stroke:#8250df;fill:#8250df}polyline{stroke-width:2}polyline.c0,polyline.c1,polyline.c2,polyline.c3{fill:none}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.d{fill:#9198a1}.back{fill:#0d1117}.grid{stroke:#30363d}
.one{stroke:#9198a1}.c0{stroke:#58a6ff;fill:#58a6ff}.c1{stroke:#f0883e;fill:#f0883e}.c2{stroke:#56d364;fill:#56d364}
.c3{stroke:#bc8cff;fill:#bc8cff}polyline.c0,polyline.c1,polyline.c2,polyline.c3{fill:none}}"""

Points = Sequence[tuple[float, float]]


class Axis(NamedTuple):
    """A logarithmic axis: whole decades from `low` to `high`, drawn from `start` to `end`."""

    low: int
    high: int
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value stands."""
        return self.start + (log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)


def made(result: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """File name -> what the picture shows, in words, and its SVG; what was not measured has none."""
    device, found = result["bench"], {}
    grown = [q for q in result["questions"] if q["case"] == GROWTH]
    for field, factor, name, unit in (("median_s", 1.0, "time", "seconds"), ("peak_mb", 1.0, "memory", "MB")):
        series = _series(grown, field, factor)
        if any(len(points) > 1 for points in series.values()):
            first = grown[0]["sizes"]
            title = f"{name.capitalize()} in {unit} against pooled rows N (d = {first['d']}, P = {first['P']}, float32)"
            found[f"{device}-{name}.svg"] = title, _curves(title, series)
    bars = list(_fractions(result["questions"]))
    if bars:
        title = "Fraction of the floor"
        found[f"{device}-floor.svg"] = title, _bars(title, bars)
    return found


def _series(questions: Sequence[Mapping[str, Any]], field: str, factor: float) -> dict[str, Points]:
    found: dict[str, list[tuple[float, float]]] = {}
    for q in questions:
        for c in q["contenders"]:
            if c[field]:
                found.setdefault(c["name"], []).append((2.0 * q["sizes"]["n"], factor * c[field]))
    return {name: sorted(points) for name, points in found.items()}


def _fractions(questions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    """Our contenders of each case, at its last size, where most is at stake."""
    last = {q["case"]: q for q in questions}
    for case, q in last.items():
        for c in q["contenders"]:
            if c["role"] == "ours" and c["fraction_of_floor"] is not None and case != GROWTH:
                yield f"{case}: {c['name']}", c["fraction_of_floor"]


def _axis(values: Sequence[float], start: float, end: float) -> Axis:
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return Axis(low, max(high, low + 1), start, end)


def _curves(title: str, series: Mapping[str, Points]) -> str:
    points = [p for line in series.values() for p in line]
    x = _axis([p[0] for p in points], _LEFT, _WIDTH - _RIGHT)
    y = _axis([p[1] for p in points], _HEIGHT - _BOTTOM, _TOP)
    parts = [f'<text class="t" x="{_LEFT}" y="22">{escape(title)}</text>']
    for k in range(x.low, x.high + 1):
        at = x.at(10.0**k)
        parts.append(f'<path class="grid" d="M{at:.1f} {y.start}V{y.end}"/>')
        parts.append(f'<text class="d m" x="{at:.1f}" y="{y.start + 20}">{_number(10.0**k)}</text>')
    for k in range(y.low, y.high + 1):
        at = y.at(10.0**k)
        parts.append(f'<path class="grid" d="M{x.start} {at:.1f}H{x.end}"/>')
        parts.append(f'<text class="d e" x="{_LEFT - 8}" y="{at + 4:.1f}">{_number(10.0**k)}</text>')
    parts.append(f'<text class="d m" x="{(x.start + x.end) / 2:.0f}" y="{_HEIGHT - 10}">N</text>')
    ends: list[float] = []
    # By name, so that one colour is one contender in all pictures.
    colours = {name: f"c{i % _COLOURS}" for i, name in enumerate(sorted(series))}
    for name, line in sorted(series.items(), key=lambda s: -s[1][-1][1]):
        colour = colours[name]
        path = " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in line)
        parts.append(f'<polyline class="{colour}" points="{path}"/>')
        parts += [f'<circle class="{colour}" r="3" cx="{x.at(a):.1f}" cy="{y.at(b):.1f}"/>' for a, b in line]
        # Labels stand under one another where lines end close together.
        ends.append(max(y.at(line[-1][1]) + 4, ends[-1] + 16 if ends else 0.0))
        parts += _key(colour, x.end + 12, ends[-1], name)
    return _svg(title, _HEIGHT, parts)


def _key(colour: str, x: float, y: float, name: str) -> list[str]:
    label = name if len(name) < 24 else name.split(",")[0] + ", whole Gram" * ("whole Gram" in name)
    return [
        f'<circle class="{colour}" r="4" cx="{x:.1f}" cy="{y - 4:.1f}"/>',
        f'<text x="{x + 8:.1f}" y="{y:.1f}">{escape(label)}</text>',
    ]


def _bars(title: str, rows: Sequence[tuple[str, float]]) -> str:
    left, step, room = 360, 22, _WIDTH - 360 - 60
    most = max(1.0, *(value for _, value in rows))
    height = _TOP + step * len(rows) + 24
    one = left + room / most
    parts = [
        f'<text class="t" x="12" y="22">{escape(title)}</text>',
        f'<path class="one" d="M{one:.1f} {_TOP - 6}V{height - 22}"/>',
        f'<text class="d m" x="{one:.1f}" y="{height - 8}">100 %</text>',
    ]
    for i, (name, value) in enumerate(rows):
        y = _TOP + step * i
        parts.append(f'<text class="e" x="{left - 8}" y="{y + 13}">{escape(name)}</text>')
        parts.append(f'<rect class="c0" x="{left}" y="{y + 3}" width="{room * value / most:.1f}" height="{step - 8}"/>')
        parts.append(f'<text class="d" x="{left + room * value / most + 6:.1f}" y="{y + 13}">{value:.0%}</text>')
    return _svg(title, height, parts)


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" role="img">'
    back = f'<rect class="back" width="{_WIDTH}" height="{height}"/>'
    return "\n".join([head, f"<title>{escape(title)}</title><style>{_STYLE}</style>", back, *parts, "</svg>", ""])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
