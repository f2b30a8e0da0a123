"""Rules are read as they are meant; what cannot be read is told with its place and the nearest word."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel_drift.errors import ConfigError
from accel_drift.rules import DEFAULT, Compare, Logic, Rule, Series, parse


@pytest.mark.parametrize(
    ("text", "series", "operator", "level"),
    [
        ("income psi > 0.2", Series("column", "income", "psi"), ">", 0.2),
        ("INCOME PSI >= 1e-3", Series("column", "INCOME", "psi"), ">=", 0.001),
        ('"annual income" ks < .5', Series("column", "annual income", "ks"), "<", 0.5),
        ("income missing rise < -5%", Series("column", "income", "missing"), "<", -0.05),
        ("f1 < 80%", Series("report", "f1"), "<", 0.8),
        ("income p < 1%", Series("column", "income", "", "p"), "<", 0.01),
        ("'any' drifted", Series("column", "any", "", "drifted"), ">", 0.5),
        ("income ks p < 0.01", Series("column", "income", "ks", "p"), "<", 0.01),
        ("income missing > 5%", Series("column", "income", "missing", "share"), ">", 0.05),
        ("income missing rise > 5 %", Series("column", "income", "missing"), ">", 0.05),
        ("f1 drop > 0.05", Series("column", "f1", "performance"), ">", 0.05),
        ("f1 < 0.8", Series("report", "f1"), "<", 0.8),
        ("health<60", Series("report", "health"), "<", 60),
        ('"my number" <= 3', Series("report", "my number"), "<=", 3),
        ("drifted", Series("report", aspect="drifted"), ">", 0.5),
        ("severity >= critical", Series("report", aspect="severity"), ">=", 3),
        ("each column severity >= watch", Series("each", aspect="severity"), ">=", 1),
        ("any column psi > 1", Series("columns", detector="psi"), ">", 1),
        ("every column psi < 1", Series("columns", detector="psi", share=1, largest=False), "<", 1),
        ("all columns drifted", Series("columns", aspect="drifted", share=1), ">", 0.5),
        ("30% of columns psi > 1", Series("columns", detector="psi", share=0.3), ">", 1),
        ("severity psi > 1", Series("column", "severity", "psi"), ">", 1),
    ],
)
def test_comparisons(text: str, series: Series, operator: str, level: float) -> None:
    found = parse(text).tree
    assert isinstance(found, Compare)
    assert found[:3] == (series, operator, level)
    assert found.text == text


@pytest.mark.parametrize(
    ("text", "windows", "us"),
    [
        ("drifted", 1, 0),
        ("drifted for 3 windows", 3, 0),
        ("drifted for 6 hours", 1, 6 * 3_600_000_000),
        ("drifted for 1.5h", 1, 5_400_000_000),
        ("drifted for 30 minutes", 1, 1_800_000_000),
        ("drifted for 2 days", 1, 2 * 86_400_000_000),
        ("no data for 2 hours", 1, 7_200_000_000),
    ],
)
def test_how_long(text: str, windows: int, us: int) -> None:
    found = parse(text)
    assert (found.windows, found.us) == (windows, us)
    assert (found.tree is None) == text.startswith("no data")


def test_and_binds_more_than_or_and_not_most_of_all() -> None:
    def shape(tree: Any) -> Any:
        return (tree.word, *map(shape, tree.of)) if isinstance(tree, Logic) else tree.series.name

    text = "not a psi > 1 and b psi > 1 or c psi > 1 and (d psi > 1 or not not e psi > 1) and f psi > 1"
    wanted = ("or", ("and", ("not", "a"), "b"), ("and", "c", ("or", "d", ("not", ("not", "e"))), "f"))
    assert shape(parse(text).tree) == wanted
    assert len(parse(text).compares()) == 6


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("income pis > 0.2", 8, r"did you mean psi\?"),
        ("helth < 60", 1, r"did you mean health\?"),
        ("income > 60", 1, "no number of a window"),
        ("income psi 3", 12, "> >= < <="),
        ("income psi > ", 13, "the end stands where a number should"),
        ("income psi = 3", 12, "compare with"),
        ("severity >= critcal", 13, r"did you mean critical\?"),
        ("drifted for 3 hurs", 15, r"did you mean hours\?"),
        ("drifted for 0 windows", 13, "from 1"),
        ("drifted for 1.5 windows", 13, "from 1"),
        ("drifted for 0 hours", 13, "above 0"),
        ("drifted for 2 hours and health < 3", 21, "end of a rule"),
        ("(drifted", 9, r"a \) is missing"),
        ("drifted)", 8, "not understood"),
        ("drifted drifted", 9, "not understood"),
        ("no data", 8, "no data for 2 hours"),
        ("no data for 2 hours or drifted", 21, "stands alone"),
        ("any psi > 3", 1, "any column"),
        ("majority of rows drifted", 13, "columns should"),
        ("120% of columns drifted", 1, "at most 100%"),
        ("0.3 drifted", 1, "30% of columns"),
        ("income psi > 1 and", 19, "the end"),
        ("income psi > 1; drop", 15, "';' is not understood"),
        ('"income psi > 1', 1, "not understood"),
        ("health < 60%", 10, "health is no share.*write 60"),
        ("income psi > 20%", 14, "psi is no share.*write 0.2"),
        ("any column mmd > 0.1", 12, "of none alone; write each column mmd"),
        ("health < 120", 10, "from 0 to 100"),
        ("income missing > 5", 18, "from 0 to 1, and never 5; 5 per cent are written 5%"),
        ("income missing > 120%", 18, "from 0 to 1"),
        ("income psi > -1", 14, "psi is at least 0"),
        ("income p < 1.5", 12, "a p-value is from 0 to 1"),
        ("f1 < 80", 6, "f1 is from 0 to 1.*80%"),
        ("estimated_accuracy < -0.1", 22, "from 0 to 1"),
        ("no data for 3 windows", 13, "windows that do not come cannot be counted.*2 hours"),
        ("mmd > 0.1", 1, "all columns together; write each column mmd"),
        ("psi > 0.1", 1, "of a column; write each column psi, or a column before it: income psi > 0.2"),
        ("any columns drifted", 1, "write any column"),
        ("health below 60", 8, "below is written <"),
        ("income psi above 0.2", 12, "above is written >"),
    ],
)
def test_mistakes(text: str, place: int, words: str) -> None:
    with pytest.raises(ConfigError, match=rf"character {place}: .*{words}"):
        parse(text)


@pytest.mark.parametrize("text", ["", "  ", None, 3])
def test_no_text(text: Any) -> None:
    with pytest.raises(ConfigError, match="the condition is"):
        parse(text)


WORDS = (
    "any every each column columns of and or not for no data 3 windows hours 0.5 psi income severity drifted p health "
    "missing rise drop critical >= < > ( ) % \" ' - = ! ; ß"
)


@given(st.lists(st.sampled_from([*WORDS.split(), "9" * 400]), max_size=12))
def test_any_text_is_a_rule_or_a_mistake(words: list[str]) -> None:
    try:
        found = parse(" ".join(words))
    except ConfigError:
        return
    assert found.windows >= 1
    assert parse(" ".join(words)).identity() == found.identity()


def test_identity_is_of_what_is_said_not_of_how() -> None:
    assert parse("a  PSI > 0.20").identity() == parse('"a" psi > 0.2').identity()
    assert parse("a psi > 0.2").identity() != parse("a psi >= 0.2").identity()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"when": "a pis > 1"}, "did you mean psi"),
        ({"severity": "bad"}, "watch, warning, critical"),
        ({"severity": "none"}, "watch, warning, critical"),
        ({"clear": 3}, "at most that"),
        ({"when": "health < 60", "clear": 50}, "at least that"),
        ({"when": "drifted", "clear": 0}, "one comparison"),
        ({"when": "a psi > 1 or b psi > 1", "clear": 0}, "one comparison"),
        ({"clear": "x"}, "it is a number"),
        ({"clear": -1}, "clear is -1; psi is at least 0"),
        ({"when": "health < 60", "clear": 120}, "clear is 120; health is from 0 to 100"),
        ({"resolve_after": 0}, "at least 1"),
        ({"cooldown": "1mo"}, "30d"),
        ({"cooldown": "long"}, "length of time"),
        ({"escalate_after": "1h"}, "go together"),
        ({"sinks": "team"}, "list of names"),
    ],
)
def test_a_rules_mistakes_name_it(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=f"rule 'r': .*{words}"):
        Rule(**{"name": "r", "when": "a psi > 0.2", **options})


def test_a_rule_is_named() -> None:
    with pytest.raises(ConfigError, match="name of a rule"):
        Rule(name="", when="drifted")


def test_the_rules_where_none_are_given() -> None:
    assert [rule.follows_findings for rule in DEFAULT] == [True, True]
