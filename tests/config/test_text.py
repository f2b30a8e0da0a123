"""YAML as plain values with lines: which words are numbers, and what is refused."""

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from accel_drift.config.text import plain, read

ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
# A writer of YAML 1.1 sees no number in 0E0, and writes it without quotes.
TEXT = ANY_TEXT.filter(lambda text: isinstance(plain(text), str))
PLAIN = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False) | TEXT
KEYS = st.sampled_from(["a", "b", "on", "no", "x y", "1"])
INNER = st.lists(PLAIN, max_size=3) | st.dictionaries(KEYS, PLAIN, max_size=3)
VALUES = st.dictionaries(KEYS, PLAIN | INNER | st.dictionaries(KEYS, INNER, max_size=2), max_size=4)


@given(VALUES)
def test_what_another_writer_wrote_is_read_as_it_was(values: dict[str, object]) -> None:
    for flow in (False, True):
        found = read(yaml.safe_dump(values, default_flow_style=flow, allow_unicode=True))
        assert not found.wrong
        assert found.value == values


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *[
            (word, word)
            for word in ("yes", "No", "on", "off", "y", "1:30", "0o17", "0x1f", "1e", "e5", "1_", "2026-03-01")
        ],
        *[("~", None), ("null", None), ("", None), ("true", True), ("FALSE", False)],
        *[("10_000", 10_000), ("-3", -3), ("007", 7), ("1e-3", 0.001), (".5", 0.5), ("1.", 1.0), ("-.inf", -math.inf)],
        ("9" * 1_000, "9" * 1_000),
    ],
)
def test_words_mean_what_yaml_1_2_says(word: str, value: object) -> None:
    assert plain(word) == value
    assert type(plain(word)) is type(value)


def test_quotes_make_text() -> None:
    assert read("a: '1'\nb: \"true\"\nc: |\n  1\n").value == {"a": "1", "b": "true", "c": "1\n"}


def test_every_key_and_place_has_its_line() -> None:
    found = read("# first\na:\n  b: 1\n\n  c:\n    - x\n    - y: 2\nd: [1,\n  2]\n")
    assert found.value == {"a": {"b": 1, "c": ["x", {"y": 2}]}, "d": [1, 2]}
    lines = {("a",): 2, ("a", "b"): 3, ("a", "c", 0): 6, ("a", "c", 1, "y"): 7, ("d", 0): 8, ("d", 1): 9}
    assert {key: found.lines[key] for key in lines} == lines


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a stands here a second time, after line 1"),
        ("a:\n  b: 1\n  b: 2\n", 3, "a.b stands here a second time, after line 2"),
        ("a: &x 1\nb: 2\n", 1, "a has an anchor, &x"),
        ("b: *x\n", 1, "b is *x; anchors are not read here"),
        ("a: !!str 1\n", 1, "a has a tag"),
        ("a: !env HOME\n", 1, "tags are not read here"),
        ("a: 1\n? [1, 2]\n: 3\nb: 4\n", 2, "a key of the file is no word"),
        ("a: 1\n---\nb: 2\n", 2, "a second document begins here"),
        ("a:\n\tb: 1\n", 2, "a tab; YAML is indented with spaces"),
        ("a:\n  b: 1\n\tc: 1\n", 3, "a tab"),
        ("a: [1, 2\nb: 3\n", 2, "no YAML"),
        ("a: 1\n b: 2\n", 2, "a colon where no key can stand"),
        ("a: 'x\n", 2, "no YAML"),
        ("a: 1\nb: \x07\n", 2, "cannot stand in YAML"),
        ("a: " + "[" * 50 + "]" * 50, 1, "nested too deep"),
        ("a: " + "{b: " * 5_000, 1, "nested too deep"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, words: str) -> None:
    found = read(text)
    assert len(found.wrong) == 1
    assert found.wrong[0][0] == line
    assert words in found.wrong[0][1]


def test_reading_goes_on_behind_what_is_wrong() -> None:
    found = read("a: &x 1\nb: *x\n? {c: 1}\n: [2, {d: 3}]\nb2: 1\nb2: {e: [1]}\nf: [*x, 5]\ng: 7\n")
    assert [line for line, _ in found.wrong] == [1, 2, 3, 6, 7]
    assert found.value == {"b2": 1, "f": [5], "g": 7}


def test_anchors_cannot_blow_up() -> None:
    laughs = "a0: &a0 x\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10))
    assert read(laughs).value == {}


@given(st.text(max_size=60))
def test_any_text_gives_values_or_mistakes(text: str) -> None:
    found = read(text)
    assert all(line >= 1 and words for line, words in found.wrong)
