from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from accel_drift.finding import Part, Severity, Status
from accel_drift.report import ColumnChanges, Distribution, NullPicture, Report
from accel_drift.report.chart_distribution import MOST_CELLS, distribution, edge_labels
from accel_drift.report.chart_parts import MOST, parts_chart
from accel_drift.report.chart_tests import EffectBar, effect_range, effects, null_histogram
from accel_drift.report.html import reproduce_line
from accel_drift.report.svg import clipped, grid_step
from tests.report import samples

VOID = {"meta", "link", "br", "hr", "img", "input", "wbr", "path", "source"}


class Page(HTMLParser):
    """The elements of a page; fails where they do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


ALL = [
    samples.report(),
    samples.small(),
    samples.wide(),
    samples.report(findings=(), distributions=(), nulls=()),
]


@pytest.mark.parametrize("report", ALL)
def test_the_page_loads_nothing(report: Report) -> None:
    text = report.to_html()
    page = Page(text)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text, re.IGNORECASE)
    for tag, attrs in page.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base"), tag
        assert "src" not in attrs
        assert "style" not in attrs or tag == "iframe"
        assert (attrs.get("href") or "#").startswith("#")
        assert (attrs.get("action") or "") == ""
    assert "default-src 'none'" in text


@pytest.mark.parametrize("report", ALL)
def test_ids_are_unique_and_links_lead_somewhere(report: Report) -> None:
    page = Page(report.to_html())
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for attrs in page.of("a"):
        target = attrs["href"]
        assert target is not None
        assert target[1:] in ids


def test_every_picture_can_be_read_aloud() -> None:
    pictures = Page(samples.report().to_html()).of("svg")
    small = [attrs for attrs in pictures if attrs.get("aria-hidden") == "true"]
    told = [attrs for attrs in pictures if attrs not in small]
    assert len(small) == 7  # columns; the tile says the same in words
    assert len(told) == 7 + 3 + 5 + 1  # columns, parts, detectors, null
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in told)


def test_the_page_says_what_was_found() -> None:
    words = re.sub(r"\s+", " ", "".join(Page(samples.report().to_html()).words))
    for part in (
        "DRIFT: 2 of 9 columns, worst critical: arr_delay (psi 0.29)",
        "rows are alike within days",
        "small but significant",
        "significant but small: effect 0.021 < first band 0.1",
        "only in the reference: tailnum",
        "looks like an identifier",
        "observed 0.00410, p = 0.0020",
        "ad.compare(reference, batch, detectors=['psi', 'ks', 'chi_square', 'missing', 'mmd'], alpha=0.01",
        "backend_reason",
        "no GPU found",
        "accel-drift 0.1.0",
        "p-value permutation",
    ):
        assert part in words, part


def test_a_command_is_shown_where_one_is_given() -> None:
    page = samples.report(settings={"command": "accel-drift score a.csv b.csv"}).to_html()
    assert "<code>accel-drift score a.csv b.csv</code>" in page


HOSTILE = "<script>alert(1)</script>\"'&{{ 7*7 }}</style>\u202e"


def hostile_report() -> Report:
    column = samples.finding(HOSTILE, detector=HOSTILE, status=Status.DRIFTED, effect=0.3, note=HOSTILE, unit=HOSTILE)
    numeric = samples.numeric("x", 0.3)
    pictures = (
        Distribution(HOSTILE, "categorical", (HOSTILE, "b"), (), (1, 2), (2, 1)),
        Distribution("x", "numeric", (*numeric.labels[:-1], HOSTILE), numeric.edges, numeric.reference, numeric.batch),
    )
    null = NullPicture(HOSTILE, HOSTILE, (0.0, 1.0), (5,), 2.0, 0.01)
    changes: dict[str, Any] = dict.fromkeys(("reference", "batch", "rule", "created_at", "version"), HOSTILE)
    return samples.report(
        findings=(column, samples.finding("x")),
        distributions=pictures,
        nulls=(null,),
        warnings=(HOSTILE,),
        notes=(HOSTILE,),
        excluded={HOSTILE: HOSTILE},
        schema_diff=ColumnChanges((HOSTILE,), (HOSTILE,), ((HOSTILE, HOSTILE, HOSTILE),)),
        settings={HOSTILE: HOSTILE, "alpha": HOSTILE, "bands": samples.BANDS},
        detectable={HOSTILE: 0.3},
        **changes,
    )


def test_hostile_names_are_text() -> None:
    text = hostile_report().to_html()
    page = Page(text)
    assert len(page.of("script")) == 1
    assert text.count("</style>") == 2
    assert "alert(1)</script" not in text
    assert "\u202e" not in text
    assert "49" not in re.sub(r"<svg.*?</svg>", "", "".join(page.words))
    assert "".join(page.words).count("<script>alert(1)</script>") > 10


def test_a_notebook_gets_a_frame() -> None:
    text = hostile_report()._repr_html_()
    page = Page(text)
    [(tag, attrs)] = page.tags
    assert tag == "iframe"
    assert attrs["sandbox"] == "allow-scripts"
    assert attrs["srcdoc"] == hostile_report().to_html()


def test_two_hundred_columns_stay_under_two_megabytes() -> None:
    text = samples.wide(200).to_html()
    assert len(text.encode("utf-8")) < 2_000_000
    page = Page(text)
    assert sum(1 for attrs in page.of("tr") if "data-s" in attrs) == 400
    tiles = [attrs for attrs in page.of("details") if "card" in (attrs.get("class") or "").split()]
    assert len(tiles) == 200
    assert [attrs["id"] for attrs in tiles if "open" in attrs] == ["c0"]


def test_a_thousand_columns_stay_under_two_megabytes() -> None:
    """The worst are on the page, and it says how many are not."""
    report = samples.wide(1000)
    text = report.to_html()
    assert len(text.encode("utf-8")) < 2_000_000
    page = Page(text)
    rows = [attrs for attrs in page.of("tr") if "data-c" in attrs]
    assert len({attrs["data-c"] for attrs in rows}) == 200
    assert [attrs["data-s"] for attrs in rows] == [str(f.status) for f in report.findings[:400]]
    assert re.search(r"Shown: 200 columns, the worst first; and 800 more columns, .*stable, are not", text)
    few = Page(report.to_html(top=3))
    assert len({attrs["data-c"] for attrs in few.of("tr") if "data-c" in attrs}) == 3
    assert "Shown: " not in samples.wide(30).to_html()


def test_three_columns_stand_open() -> None:
    tiles = Page(samples.small().to_html()).of("details")
    assert len(tiles) == 3
    assert all("open" in attrs for attrs in tiles)


def test_tiles_and_rows_stand_worst_first_and_know_each_other() -> None:
    report = samples.wide(30)
    page = Page(report.to_html())
    rows = [attrs for attrs in page.of("tr") if "data-c" in attrs]
    tiles = [attrs["id"] for attrs in page.of("details") if "card" in (attrs.get("class") or "").split()]
    assert list(dict.fromkeys(attrs["data-c"] for attrs in rows)) == tiles
    assert [attrs["data-s"] for attrs in rows] == [str(f.status) for f in report.findings]
    assert [attrs["data-w"] for attrs in rows] == [str(f.severity) for f in report.findings]
    assert {attrs["data-d"] for attrs in rows} == {"psi", "ks"}
    assert {attrs["data-k"] for attrs in rows} == {"numeric", "categorical"}


def test_every_choice_of_the_filter_finds_something() -> None:
    text = samples.report().to_html()
    page = Page(text)
    rows = [attrs for attrs in page.of("tr") if "data-c" in attrs]
    for by, options in re.findall(r'<select data-by="(.)">(.*?)</select>', text, re.DOTALL):
        values = [value for value in re.findall(r'value="(.*?)"', options) if value]
        assert values
        assert {row[f"data-{by}"] for row in rows} - {""} == set(values), by


def test_a_joint_test_has_a_tile_with_its_null_and_its_columns() -> None:
    names = tuple(f"x{i}" for i in range(50))
    report = samples.report(findings=(samples.mmd(names),), distributions=(), nulls=(samples.null_picture(names),))
    text = report.to_html()
    words = "".join(Page(text).words)
    assert "50 columns together" in words
    assert "Most of it is in x0 (50 %), x1 (25 %) and x2 (17 %)." in words
    assert "x19 and 30 more" in words
    assert text.count("Null distribution of mmd") == 1
    assert 'id="nulls"' not in text


def test_parts_are_drawn_with_what_they_are_made_of() -> None:
    drawn = parts_chart(samples.report().findings[0])
    assert drawn is not None
    page = Page(str(drawn))
    assert "+38.4 points" in "".join(page.words)
    assert sum(1 for attrs in page.of("path") if attrs["class"] in ("ref", "bat")) == MOST
    negative = samples.finding(
        "x", parts=(Part("a", "bin", -0.5, None, "less", 5, 1), Part("b", "bin", 0.1, None, "more", 1, 5))
    )
    assert 'class="ref"' in str(parts_chart(negative))
    assert parts_chart(samples.finding("x", parts=(Part("a", "bin", math.nan),))) is None
    assert parts_chart(samples.finding("x")) is None


def test_hundreds_of_warnings_and_notes_are_folded() -> None:
    lines = tuple(f"line {i}" for i in range(100))
    page = samples.report(warnings=lines, notes=lines).to_html()
    assert "94 more warnings" in page
    assert "88 more notes" in page
    assert page.count("line 99") == 2


def test_a_column_without_a_name_can_still_be_followed() -> None:
    assert '<a href="#c0"><bdi><i>(no name)</i></bdi></a>' in samples.report(findings=(samples.finding(""),)).to_html()


def test_dark_is_one_sheet_that_the_switch_can_turn_off() -> None:
    text = samples.small().to_html()
    sheets = re.findall(r"<style(.*?)>(.*?)</style>", text, re.DOTALL)
    assert [attrs.strip() for attrs, _ in sheets] == ["", 'id="dark" media="screen and (prefers-color-scheme: dark)"']
    light, dark = (set(re.findall(r"(--[\w-]+):", sheet)) for _, sheet in sheets)
    assert dark == light


def shown(picture: Distribution) -> str:
    return str(distribution(picture))


def heights(text: str, kind: str) -> list[float]:
    """Heights of one series' bars, the legend's swatch left out."""
    drawn = re.findall(rf'<path class="{kind}" d="(M[^"]*)"', text)[-1]
    return [float(height) for height in re.findall(r"v([\d.]+)", drawn)]


@pytest.mark.parametrize("cells", [2, 10, 20, 21, 64, 200])
def test_many_numeric_cells_are_joined_without_losing_rows(cells: int) -> None:
    text = shown(samples.numeric("x", 0.2, cells=cells))
    drawn = heights(text, "ref")
    assert min(cells, 10) < len(drawn) <= MOST_CELLS + 1  # and the missing
    # Bars stand for shares of all rows: both sides together reach the same height, the whole.
    assert sum(drawn) == pytest.approx(sum(heights(text, "bat")), abs=0.1 * len(drawn))


@pytest.mark.parametrize(
    "picture",
    [
        Distribution("x", "numeric", ("all",), (), (5,), (0,)),
        Distribution("x", "numeric", ("a", "b"), (1.0,), (0, 0), (0, 0)),
        Distribution("x", "numeric", (), (), (), ()),
        Distribution("x", "numeric", ("a", "b", "missing"), (float("inf"),), (3, 0, 0), (1, 2, 0)),
        Distribution("x", "boolean", ("false", "true"), (), (3, 0), (0, 2)),
        Distribution("x", "categorical", (), (), (), ()),
        Distribution("x", "categorical", ("missing",), (), (3,), (4,)),
    ],
)
def test_thin_distributions_are_drawn(picture: Distribution) -> None:
    text = shown(picture)
    Page(text)
    assert "nan" not in text


def test_categories_beyond_twelve_go_to_other() -> None:
    counts = tuple(range(30, 0, -1))
    names = (*(f"c{i}" for i in range(28)), "other", "missing")
    text = shown(Distribution("x", "categorical", names, (), counts, counts))
    labels = re.findall(r'class="e">([^<]+)<', text)
    assert labels == [*(f"c{i}" for i in range(12)), "other", "missing"]
    total = sum(counts)
    assert f"{100 * (total - sum(counts[:12]) - 1) / total:.0f} %" in text


def test_a_category_that_grew_is_kept_before_larger_old_ones() -> None:
    names = tuple(f"c{i}" for i in range(20))
    text = shown(Distribution("x", "categorical", names, (), (5,) * 20, (1,) * 19 + (50,)))
    assert re.findall(r'class="e">([^<]+)<', text)[0] == "c19"


@pytest.mark.parametrize(
    ("edges", "labels"),
    [
        ((), []),
        ((1.0, 2.5), ["1", "2.5"]),
        ((2013.01, 2013.02), ["2013.01", "2013.02"]),
        ((1.0, float("inf")), ["1", "inf"]),
        ((3.0, 3.0), ["3", "3"]),
    ],
)
def test_edge_labels_tell_neighbours_apart(edges: tuple[float, ...], labels: list[str]) -> None:
    assert edge_labels(edges) == labels


@pytest.mark.parametrize("most", [1e-9, 0.004, 0.1, 0.33, 1.0, 7.0, 9.99, 12345.0])
def test_grid_reaches_over_the_largest(most: float) -> None:
    tick, steps = grid_step(most)
    assert steps <= 4
    assert tick * steps >= most * (1 - 1e-9)
    assert tick * steps <= 2.0001 * most


def bar(effect: float, interval: tuple[float, float] | None = None) -> EffectBar:
    return EffectBar("x", effect, interval, Status.STABLE, Severity.NONE)


def test_effect_axis() -> None:
    bands = (0.1, 0.2, 0.25)
    low, high = effect_range([bar(0.01)], bands)
    assert low == 0
    assert 0.1 < high < 0.2
    # One huge effect does not squeeze the bands.
    assert effect_range([bar(0.01), bar(50.0)], bands)[1] == pytest.approx(1.0, rel=0.05)
    low, high = effect_range([bar(-0.02, (-0.05, 0.01))], ())
    assert low <= -0.05
    assert high >= 0.01
    assert effect_range([bar(0.0)], ()) == (0.0, 1.0)
    assert "\u25b8" in str(effects([bar(50.0)], bands, "spoken"))


def test_null_picture_holds_the_observed_value_wherever_it_is() -> None:
    for observed in (-5.0, 0.5, 40.0):
        text = str(null_histogram(NullPicture("mmd", "a", (0.0, 0.5, 1.0), (3, 4), observed, 0.5)))
        [x] = re.findall(r'class="o" d="M([\d.]+) ', text)
        assert 6 <= float(x) <= 534
    Page(str(null_histogram(NullPicture("mmd", "a", (0.0, 0.0), (9,), 0.0, 1.0))))


def test_clipped_keeps_both_ends() -> None:
    assert clipped("sensor_000_temperature_celsius", 20) == "sensor_000_te\u2026celsius"[:13] + "\u2026elsius"
    assert clipped("short", 20) == "short"
    assert len(clipped("x" * 500, 14)) == 14


def test_detectors_with_options_are_named_in_the_call_that_is_shown() -> None:
    report = samples.report(settings={"detectors": [{"detector": "psi", "bins": 20}, {"detector": "mmd"}], "seed": 0})
    assert reproduce_line(report) == "ad.compare(reference, batch, detectors=['psi', 'mmd'], seed=0)"


def test_cut_points_in_the_thousands_are_written_out() -> None:
    assert edge_labels([999.0, 2013.0, 14000.0]) == ["999", "2013", "14000"]
    assert edge_labels([2013.25, 2013.4]) == ["2013.2", "2013.4"]
    assert edge_labels([0.5, 2e9]) == ["0.5", "2e+09"]
