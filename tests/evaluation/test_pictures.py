"""Pictures that can be read: round ticks, labels that touch nothing, every line told from the others."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from accel_drift import evaluation as ev
from accel_drift.evaluation import ticks
from accel_drift.evaluation.charts import Axes, Series, plane
from tests.evaluation.fakes import Broken, MeanShift, Shifted

SVG = "{http://www.w3.org/2000/svg}"


class Scored:
    """Scores that a function makes of the number of the batch, from 1, and its mean."""

    def __init__(self, score: Any) -> None:
        self.score, self.seen = score, 0

    def fit(self, _reference: Any) -> Scored:
        return Scored(self.score)

    def detect(self, batch: Any) -> ev.Judged:
        self.seen += 1
        return ev.Judged(float(self.score(self.seen, float(np.asarray(batch)[:, 0].mean()))), False)


def run(contenders: dict[str, Any], scenario: Any, seeds: int = 3) -> ev.Results:
    return ev.Evaluation(contenders, scenario, seeds=seeds).run()


def texts(picture: str) -> list[tuple[str, float, float, str]]:
    """Every text of a picture with its place in the whole, nested pictures put where they are, and its classes."""
    found: list[tuple[str, float, float, str]] = []

    def walk(at: Any, down: float) -> None:
        for part in at:
            if part.tag == f"{SVG}svg":
                walk(part, down + float(part.get("y")))
            elif part.tag == f"{SVG}text":
                found.append((part.text, float(part.get("x")), float(part.get("y")) + down, part.get("class") or ""))

    walk(ET.fromstring(picture), 0.0)  # noqa: S314  made here
    return found


def boxes(picture: str) -> list[tuple[str, float, float, float, float]]:
    """Where texts stand, with letters as wide as those of a usual font of this size."""
    made = []
    for words, x, y, kind in texts(picture):
        width = 6.0 * len(words)
        left = x - width * (0.5 if "m" in kind.split() else 1.0 if "e" in kind.split() else 0.0)
        made.append((words, left, left + width, y - 9.0, y + 2.0))
    return made


def assert_readable(picture: str) -> None:
    root = ET.fromstring(picture)  # noqa: S314  made here
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    found = boxes(picture)
    for i, (words, left, right, top, bottom) in enumerate(found):
        assert left >= 0, words
        assert right <= width, words
        assert top >= 0, words
        assert bottom <= height, words
        for others, left_, right_, top_, bottom_ in found[:i]:
            apart = right <= left_ or right_ <= left or bottom <= top_ or bottom_ <= top
            assert apart, (words, others)
    assert "nan" not in re.sub(r"<style>.*?</style>", "", picture)


def drawn(picture: str, name: str) -> str:
    """The style of a line."""
    found = re.search(rf'style="([^"]*)"><title>{re.escape(name)}</title>', picture)
    assert found, name
    return found[1]


MANY = {f"a contender of a long name, number {i}": MeanShift(i) for i in range(12)}
ODD = {
    "tiny": Scored(lambda _, mean: 1e-7 * mean),
    "huge": Scored(lambda _, mean: 1.2345e7 * mean),
    "far off": Scored(lambda _, mean: 1000 + mean),
    "far below": Scored(lambda _, mean: mean - 50),
    "always 3": Scored(lambda *_: 3),
    "always -3": Scored(lambda *_: -3),
    "endless": Scored(lambda n, _: np.inf if n == 2 else n),
    "no score": Scored(lambda *_: np.nan),
    "refused": Broken("fit"),
}


@pytest.mark.parametrize(
    ("contenders", "scenario", "seeds"),
    [
        (MANY, Shifted(batches=8, onset=4), 2),
        (ODD, Shifted(batches=8, onset=4), 3),
        ({"a": MeanShift()}, Shifted(batches=1, onset=1), 2),
        ({"a": MeanShift()}, Shifted(batches=1, onset=0), 2),
        ({"a": MeanShift()}, Shifted(batches=2, onset=1), 1),
        ({"a": MeanShift()}, Shifted(batches=12, onset=0), 2),
        ({"a": MeanShift()}, Shifted(batches=37, onset=36), 2),
        ({"a": MeanShift()}, Shifted(batches=1_100, onset=1_000, rows=2), 1),
        ({"a": MeanShift()}, Shifted(batches=5, onset=5), 2),
        ({"a": MeanShift()}, lambda seed: Shifted(batches=20, onset=3 + 8 * (seed % 2))(seed), 4),
        ({"refused": Broken("fit")}, Shifted(batches=4, onset=2), 2),
    ],
)
def test_no_label_touches_another_or_the_edge(contenders: dict[str, Any], scenario: Any, seeds: int) -> None:
    results = run(contenders, scenario, seeds)
    assert_readable(results.roc_svg())
    assert_readable(results.scores_svg())


@pytest.mark.filterwarnings("ignore:.*encountered in")
def test_the_largest_scores_there_can_be_have_an_axis() -> None:
    image = run({"a": Scored(lambda n, _: (-1) ** n * 1.7e308)}, Shifted()).scores_svg()
    assert_readable(image)
    assert "1e300" in image


def test_batches_are_counted_from_1_and_the_onset_is_told() -> None:
    image = run({"a": MeanShift()}, Shifted(batches=10, onset=5)).scores_svg()
    found = texts(image)
    numbers = [words for words, _, _, kind in found if kind == "m d"]
    assert numbers == [str(n) for n in range(1, 11)]
    told = next(x for words, x, _, _ in found if words == "drift begins")
    sixth = next(x for words, x, _, kind in found if words == "6" and kind == "m d")
    assert abs(told - sixth) < 3, "batch 6 is the first that drifted"
    assert "drift begins" not in run({"a": MeanShift()}, Shifted(batches=10, onset=10)).scores_svg()


def test_onsets_that_differ_are_told_as_such() -> None:
    def moving(seed: int) -> ev.Batches:
        return Shifted(batches=20, onset=3 + 2 * seed)(seed)

    image = run({"a": MeanShift()}, moving).scores_svg()
    assert image.count('class="o"') == 2
    assert "drift begins: earliest and latest seed" in image


@pytest.mark.parametrize("last", [1, 2, 7, 10, 11, 30, 99, 100, 365, 12_345])
def test_ticks_of_batches_are_few_whole_and_round(last: int) -> None:
    made = ticks.whole(last)
    assert len(made) <= 11
    assert last < 3 or made[-1] > 0.7 * last
    assert made[0] == 1 or made[0] == 2
    rest = made[1:] if made[0] == 1 and last > 10 else made
    steps = {b - a for a, b in pairwise(rest)} or {1}
    assert len(steps) == 1
    assert str(steps.pop()).rstrip("0") in {"1", "2", "5"}


@pytest.mark.parametrize("seed", range(5))
def test_ticks_reach_over_all_values_and_their_labels_are_exact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(200):
        low, high = sorted((rng.normal(size=2) * 10.0 ** rng.uniform(-12, 12)).tolist())
        made = ticks.over(low, high)
        said = ticks.labels(made)
        assert made[0] <= low < high <= made[-1]
        assert 2 <= len(made) <= 7
        assert len(set(said)) == len(said)
        step = made[1] - made[0]
        assert f"{step:.1e}"[:3] in {"1.0", "2.0", "2.5", "5.0"}
        for value, label in zip(made, said, strict=True):
            assert float(label.replace(",", "")) == pytest.approx(value, abs=1e-6 * step), "no digit is left out"
            assert len(label) < 12


def test_dummies_that_rank_nothing_are_one_line_with_both_names() -> None:
    image = run({"a": MeanShift()}, Shifted()).roc_svg()
    names = [words for words, *_ in texts(image)]
    assert "never, always: no ranking" in names
    assert "never" not in names
    assert "random 0.01" in names
    dashes = {drawn(image, name) for name in ("never, always: no ranking", "every 10th", "random 0.01")}
    assert len(dashes) == 3


def test_lines_that_fall_on_one_another_are_seen_in_turn() -> None:
    same = {"a": MeanShift(1.0), "b": MeanShift(2.0), "c": MeanShift(3.0), "other": Scored(lambda _, mean: -mean)}
    image = run(same, Shifted(batches=8, onset=4, shift=0.3)).roc_svg()
    styles = [drawn(image, name) for name in "abc"]
    assert all("stroke-dasharray:8 16" in style for style in styles)
    assert {style.rpartition("offset:")[2] for style in styles} == {"0", "8", "16"}
    assert "dasharray" not in drawn(image, "other")


def test_every_contender_is_pictured_and_colours_that_come_again_have_dashes() -> None:
    results = run({str(i): Scored(lambda n, mean, i=i: mean * (n % (i + 2))) for i in range(12)}, Shifted())
    assert results.to_html().count("score by batch") == 12
    assert "<h1>Evaluation of 12 contenders</h1>" in results.to_html()
    looks = [drawn(results.roc_svg(), str(i)) for i in range(12)]
    assert len(set(looks)) == 12


def test_a_curve_goes_straight_up_where_scores_differ() -> None:
    """Of one seed with scores 1, 3, 5 of clean batches and 2, 4, 6 of drifted ones."""
    order = [1, 3, 5, 2, 4, 6]
    image = run({"a": Scored(lambda n, _: order[n - 1])}, Shifted(batches=6, onset=3), seeds=1).roc_svg()
    path = re.search(r'd="M([^"]*)" style="[^"]*"><title>a</title>', image)
    assert path
    places = np.array([[float(value) for value in point.split()] for point in path[1].split("L")])
    left, right, bottom, top = places[0, 0], places[-1, 0], places[0, 1], places[-1, 1]
    share = np.stack([(places[:, 0] - left) / (right - left), (places[:, 1] - bottom) / (top - bottom)], axis=1)
    steps = [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 3)]
    assert share * 3 == pytest.approx(np.array(steps, dtype=float), abs=0.01)


def test_a_contender_without_scores_is_named_and_nothing_is_drawn_where_nothing_can_be() -> None:
    results = run({"empty": Scored(lambda *_: np.nan), "a": MeanShift()}, Shifted())
    assert "empty: no scores" in [words for words, *_ in texts(results.roc_svg())]
    assert "<title>empty" not in results.roc_svg()
    healthy = run({"a": MeanShift()}, Shifted(onset=10))
    assert "needs clean and drifted batches" in healthy.roc_svg()
    assert "<title>" not in healthy.roc_svg()
    assert "no scores" in run({"a": Broken("fit")}, Shifted()).scores_svg()


def test_gaps_are_gaps_in_the_band_too_and_a_point_alone_is_a_dot() -> None:
    nan = float("nan")
    one = Series("a", range(1, 6), [1, 2, nan, 4, nan], False, [0, 1, nan, 3, nan], [2, 3, nan, 5, nan])
    image = str(plane([one], Axes("batch", "score", (1, 5), (0, 5), steps=True), ""))
    assert image.count("Z") == 2
    assert image.count("<circle") == 1
    assert "nan" not in image


def test_an_axis_of_scores_has_0_unless_that_would_flatten_them() -> None:
    def axis(score: Any) -> list[str]:
        image = run({"a": Scored(score)}, Shifted(batches=4, onset=2)).scores_svg()
        return [words for words, _, _, kind in texts(image) if kind == "e d" and words != "batch"]

    assert axis(lambda n, _: n) == ["0", "1", "2", "3", "4"]
    assert axis(lambda n, _: -n) == ["-4", "-3", "-2", "-1", "0"]
    assert axis(lambda n, _: 1000 + n) == ["1,001", "1,002", "1,003", "1,004"]
    assert axis(lambda *_: 0) == ["0", "0.2", "0.4", "0.6", "0.8", "1"]


def test_an_image_by_itself_has_a_light_ground_and_its_rules_once() -> None:
    image = run({"a": MeanShift(), "b": MeanShift(3.0)}, Shifted()).scores_svg()
    assert image.count("<style>") == image.count("xmlns=") == 1
    assert '<path fill="#fff" d="M0 0h540v' in image


def test_more_names_than_there_is_room_for_make_the_picture_higher() -> None:
    lines = [Series(f"line {i}", [0, 1], [0, i / 40], False) for i in range(40)]
    image = str(plane(lines, Axes("x", "y", (0, 1), (0, 1)), "")).replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ')
    assert_readable(image)
    names = [words for words, *_ in texts(image) if words.startswith("line")]
    assert len(names) == 40
