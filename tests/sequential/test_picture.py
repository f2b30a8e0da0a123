"""The picture of the evidence over time."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from math import inf, log, nan
from pathlib import Path

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.sequential.picture import Curve, draw, evidence
from tests.sequential.rows import rows

SVG = "{http://www.w3.org/2000/svg}"


def drawn(image: str) -> tuple[str, list[str], str]:
    """What a screen reader says, the texts, and the line of a picture that must be well-formed."""
    root = ElementTree.fromstring(image)  # noqa: S314  (made here)
    (path,) = (p for p in root.iter(f"{SVG}path") if p.get("class") == "line")
    return root.attrib["aria-label"], [t.text or "" for t in root.iter(f"{SVG}text")], path.attrib["d"]


def marks(image: str) -> int:
    """How many dots of alarms there are."""
    root = ElementTree.fromstring(image)  # noqa: S314  (made here)
    return sum(p.attrib["d"].count("M") for p in root.iter(f"{SVG}path") if p.get("class") == "s-critical")


def test_the_first_alarm_is_where_the_line_crosses() -> None:
    image = evidence([log(2), log(0.1), log(30), log(5000)], 0.05, "ever")
    spoken, texts, path = drawn(image)
    assert spoken == "evidence of 4 looks, alarm at 20; the alarm is at look 3"
    assert {"evidence", "look", "alarm at 20", "1", "4", "0.1", "1,000"} <= set(texts)
    heights = [float(point.split()[1]) for point in path[1:].split("L")]
    assert heights[3] < heights[2] < heights[0] < heights[1]
    assert marks(image) == 1


def test_every_alarm_of_a_run_is_marked() -> None:
    history = np.zeros(50)
    history[[9, 20, 49]] = 5.0
    image = evidence(history.tolist(), 0.05, "run_length")
    assert marks(image) == 3
    assert drawn(image)[0].endswith("3 alarms, the first at look 10")
    crowded = evidence(np.full(5000, 5.0).tolist(), 0.05, "run_length")
    assert 50 < marks(crowded) < 200
    assert "alarm at 20, 5,000 alarms" in drawn(crowded)[1]


@pytest.mark.parametrize("looks", [0, 1, 2, 100_000])
def test_any_number_of_looks_is_drawn(looks: int) -> None:
    history = np.zeros(looks)
    history[looks // 2 :] = 3.0
    image = evidence(history.tolist(), 0.01, "ever")
    assert len(image) < 20_000
    many = f"{looks:,} look{'' if looks == 1 else 's'}"
    assert drawn(image)[0] == f"evidence of {many}, alarm at 100; no alarm"


@pytest.mark.parametrize("history", [[-inf, -inf], [-inf, 3.0], [-900.0, 0.0, 2000.0], [1e-9]])
@pytest.mark.parametrize("alpha", [1e-320, 1e-9, 0.99])
def test_everything_lies_within_the_picture(history: list[float], alpha: float) -> None:
    image = evidence(history, alpha, "run_length")
    assert not {"nan", "inf"} & set(re.findall("[a-z]+", image))
    root = ElementTree.fromstring(image)  # noqa: S314  (made here)
    _, _, wide, high = map(float, root.attrib["viewBox"].split())
    for label in root.iter(f"{SVG}text"):
        x, width = float(label.attrib["x"]), 6.5 * len(label.text or "")
        anchor = (label.get("class") or "").split()
        left = x - width * (1.0 if "e" in anchor else 0.5 if "m" in anchor else 0.0)
        assert left >= 0
        assert left + width <= wide
        assert 9 <= float(label.attrib["y"]) <= high
    assert all(0 <= float(point.split()[1]) <= high for point in drawn(image)[2][1:].split("L"))


def test_a_statistic_has_gaps_where_there_is_none() -> None:
    values = np.array([nan, 0.5, 1.5, nan, nan, -0.5])
    curve = Curve(
        values=values, threshold=1.2, alarms=[2], first=1000, across="row", up="statistic", said="alarm at 1.2"
    )
    spoken, texts, path = drawn(draw(curve))
    assert spoken == "statistic of 6 rows, alarm at 1.2; the alarm is at row 1,002"
    assert (path.count("M"), path.count("L")) == (2, 1)
    assert {"1,000", "1,005", "row", "statistic", "-0.5"} <= set(texts)


def test_a_watch_draws_what_it_saw(tmp_path: Path) -> None:
    watch = ad.SequentialTwoSample(kernel=False).open(rows(400, 0))
    for i in range(3):
        watch.update(rows(50, i))
    made = watch.to_svg(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == made == evidence(watch.history, 0.01, "ever")
