"""The picture of the evidence over time."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from math import log
from pathlib import Path

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.sequential.picture import evidence
from tests.sequential.rows import rows

SVG = "{http://www.w3.org/2000/svg}"


def drawn(image: str) -> tuple[str, list[str], str]:
    """What a screen reader says, the texts, and the line of a picture that must be well-formed."""
    root = ElementTree.fromstring(image)  # noqa: S314  (made here)
    (path,) = (p for p in root.iter(f"{SVG}path") if p.get("class") == "line")
    return root.attrib["aria-label"], [t.text or "" for t in root.iter(f"{SVG}text")], path.attrib["d"]


def test_the_first_alarm_is_where_the_line_crosses() -> None:
    spoken, texts, path = drawn(evidence([log(2), log(0.1), log(30), log(5000)], 0.05))
    assert spoken == "Evidence after each of 4 looks; the first alarm is at look 3"
    assert {"alarm at 20", "look 1", "look 4", "0.1", "1,000"} <= set(texts)
    heights = [float(point.split()[1]) for point in path[1:].split("L")]
    assert heights[3] < heights[2] < heights[0] < heights[1]


@pytest.mark.parametrize("looks", [0, 1, 2, 100_000])
def test_any_number_of_looks_is_drawn(looks: int) -> None:
    history = np.zeros(looks)
    history[looks // 2 :] = 3.0
    image = evidence(history.tolist(), 0.01)
    assert len(image) < 20_000
    assert drawn(image)[0] == f"Evidence after each of {looks:,} looks; no alarm"


def test_a_watch_draws_what_it_saw(tmp_path: Path) -> None:
    watch = ad.SequentialTwoSample(kernel=False).open(rows(400, 0))
    for i in range(3):
        watch.update(rows(50, i))
    made = watch.to_svg(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == made == evidence(watch.history, 0.01)
