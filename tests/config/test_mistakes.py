"""Mistakes in a file: all at once, each with its line, its key, what was given, what is allowed and what was meant."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_drift.config import Config, ConfigFileError, Mistake, commented
from accel_drift.config.schema import leaves, sections
from accel_drift.errors import ConfigError, SourceError

START = "data: {reference_path: ref.csv}\n"


def mistakes(folder: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    """What is told of a file, without the name of its folder."""
    file = folder / "drift.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigFileError) as caught:
        Config.load(file, environ or {})
    assert caught.value.__cause__ is None
    return [str(mistake).replace(f"{folder}/", "") for mistake in caught.value.mistakes]


def only(folder: Path, text: str, environ: dict[str, str] | None = None) -> str:
    (one,) = mistakes(folder, text, environ)
    return one


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("windos: {rows: 5}", ["2: there is no key windos; did you mean windows? the file has name, data"]),
        ("windows:\n  row: 5", ["3: there is no key windows.row; did you mean rows? windows has rows, time"]),
        ("detectors:\n  psi: {binz: 5}", ["3: there is no key detectors.psi.binz; did you mean bins?", "pseudo_count"]),
        ("windows: {rows: 10k}", ['windows.rows is "10k"; it takes a whole number of at least 1 or null: rows of a']),
        ("windows: {rows: 1.5}", ["windows.rows is 1.5; it takes a whole number"]),
        ("windows: {rows: 0}", ["windows.rows is 0; it takes a whole number of at least 1"]),
        ("windows: {rows: true}", ["windows.rows is true; it takes a whole number"]),
        ("windows: [rows]", ['windows is ["rows"]; it takes keys below it (rows, time']),
        ("drift: {alpha: 2}", ["drift.alpha is 2; it takes a number above 0 and below 1: false-alarm rate"]),
        ("drift: {alpha: .nan}", ["drift.alpha is NaN; it takes a number above 0"]),
        ("drift: {alpha: '0.01'}", ['drift.alpha is "0.01"; it takes a number']),
        ("drift: {rule: majorty}", ["fdr, any, majority or a number above 0 and at most 1; did you mean majority?"]),
        ("drift: {rule: 1.2}", ["drift.rule is 1.2; it takes fdr, any, majority or a number"]),
        ("drift: {correction: fdr}", ["drift.correction is", "bh, by, holm, bonferroni or none"]),
        ("drift: {seed: null}", ["drift.seed is null; it takes a whole number"]),
        ("confidence: {enabled: yes}", ['confidence.enabled is "yes"; it takes true or false']),
        ("columns: {drop: id}", ['columns.drop is "id"; it takes a list of names: columns to leave out']),
        ("columns:\n  drop:\n    - a\n    - 3", ["5: columns.drop[1] is 3; it takes text"]),
        ("columns: {kinds: {a: nummeric}}", ["columns.kinds.a is", "numeric, categorical", "did you mean numeric?"]),
        ("columns: {numerical: [a], text: [a]}", ["columns: a: more than one kind is given"]),
        ("columns: {numerical: [a], drop: [a]}", ["columns.drop leaves a out, which another key names"]),
        ("detectors: {use: [psi, kss]}", ['detectors.use[1] is "kss"', "did you mean ks?"]),
        ("detectors: {use: [psi, psi]}", ["detectors.use: psi is named twice"]),
        ("detectors: {use: []}", ["detectors.use is []; it takes a list of any of chi_square", "at least 1"]),
        (
            "detectors: {ks: {min_effect: 0.1}}",
            ["2: detectors.ks has options and is not in use; add it to"],
        ),
        ("detectors: {psi: {severity_bands: [0.3, 0.2, 0.1]}}", ["detectors.psi.severity_bands is", "in rising order"]),
        ("detectors: {psi: {severity_bands: [0.1, 0.2]}}", ["detectors.psi.severity_bands", "a list of 3 numbers"]),
        ("detectors: {psi: {severity_bands: 0.2}}", ["detectors.psi.severity_bands is 0.2", "a list of 3 numbers"]),
        ("detectors: {psi: {bins: 2000}}", ["detectors.psi.bins is 2000", "at least 2 and at most 1000"]),
        ("detectors: {mmd: {bandwidth: wide}}", ["detectors.mmd.bandwidth is", "median, fuse, agg or a number"]),
        ("detectors: {mmd: {bandwidth: -1}}", ["detectors.mmd.bandwidth is -1", "a length above 0"]),
        ("detectors: {mmd: {group_size: 1.5}}", ["detectors.mmd.group_size is 1.5"]),
        ("windows: {rows: 5, time: 1h}", ["windows.rows and time are given", "leave one"]),
        ("windows: {time: 1h}", ["windows.time is given and on is not"]),
        ("windows: {every: 5}", ["windows.every is given"]),
        ("windows: {rows: 5, every: 1h}", ["windows.every is '1h'", "rows from the start"]),
        ("windows: {time: 1h, on: t, every: 5}", ["windows.every is 5; it is a length of time", '"15min"']),
        ("windows: {rows: 5, lateness: 1h}", ["windows.lateness is for windows of time"]),
        ("windows: {time: 1hour, on: t}", ["windows.time is '1hour'; it is a length of time"]),
        ("windows: {time: 0s, on: t}", ["windows.time is '0s'"]),
        ("windows: {time: 1d, on: t, every: 7h}", ["windows.every is '7h' and time '1d'", "whole number of steps"]),
        ("windows: {time: 1d, on: t, lateness: x}", ["windows.lateness is 'x'"]),
        ("windows: {time: 1d, on: t, ahead: -1d}", ["windows.ahead is '-1d'"]),
        ("windows: {time: 1d, on: t, origin: noon}", ["windows.origin is 'noon'; it is a time such as"]),
        ("reference: {mode: period, start: x, end: 2026-01-01}", ["reference.start is 'x'; it is a time such as"]),
        ("reference: {mode: period, start: 2026-02-01, end: 2026-01-01}", ["the period starts at 2026-02-01"]),
        ("reference: {mode: trailng}", ["fixed, trailing or period; did you mean trailing?"]),
        ("reference: {mode: period}", ["reference.mode is period; give its start and its end"]),
        ("reference: {start: 2026-01-01}", ["reference.start and end are of mode period"]),
        ("reference: {mode: trailing, windows: 4, least: 5}", ["reference.least is 5; it is at most windows, 4"]),
        ("reference: {threshold_rate: 0.01}", ["reference.threshold_rate: thresholds are for windows of so many rows"]),
        ("predictions: {probabilities: [p]}", ["predictions.probabilities names one column; that is a score"]),
        ("predictions: {probabilities: [p, q], score: p}", ["predictions.probabilities and score are given"]),
        ("concept_drift: {detector: adwim}", ["concept_drift.detector is", "did you mean adwin?"]),
        ("concept_drift: {detector: ddm, options: {warm: 3}}", ["concept_drift: ddm has no option warm", "warm_start"]),
        ("concept_drift: {adwin_delta: 0}", ["concept_drift.adwin_delta is 0"]),
        ("streams: {detector: kswin}", ["streams.detector and columns go together"]),
        ("streams: {detector: kswin, columns: [x], options: {alpha: 7}}", ["alpha is 7"]),
        ("health: {weights: {income: -1}}", ["health.weights.income is -1; it takes a number of at least 0"]),
        ("history: {retention_days: 0}", ["history.retention_days is 0; it takes a number above 0"]),
        (
            "history: {url: drift.db}",
            ["history.url: 'drift.db' is not the URL of a database; it is sqlite:///drift.db"],
        ),
        ("history: {url: 'mysql://me:s3cret@host/db'}", ["history.url: a history stands in SQLite or PostgreSQL"]),
        ("drift: {backend: cudy}", ['drift.backend is "cudy"; it takes auto, cupy, jax', "did you mean cupy?"]),
        ("drift: {thresholds: {ks_pvalue_lt: 0.05}}", ["ks_pvalue_lt is drift.alpha here"]),
        ("rows: 500", ["there is no key rows; rows is windows.rows here"]),
        ("logging: {level: inform}", ["debug, info, warning or error; did you mean info?"]),
        ("name: ''", ['name is ""; it takes text that is not empty']),
        ("name:", ["name is null; it takes text"]),
        ("a: &b 1", ["2: a has an anchor"]),
        ("thresholds: {psi_gt: 0.2, f1_drop: 0.1}", ["no key thresholds; psi_gt is detectors.psi.min_effect here"]),
        ("thresholds: {f1_drop: 0.1}", ["f1_drop is performance.f1_drop here"]),
        ("performance: {f1_drop: 5}", ["performance.f1_drop is 5; it takes a number", "below 1"]),
        ("registry: {enabled: true}", ["there is no key registry; "]),
        ("alerting: {slack: {enabled: true}}", ["there is no key alerting; "]),
        ("drift: {aggregate_rule: any}", ["there is no key drift.aggregate_rule", "drift.rule"]),
    ],
)
def test_each_is_told_once_with_its_line_and_key(tmp_path: Path, text: str, words: list[str]) -> None:
    told = [one for one in mistakes(tmp_path, f"{START}{text}\n") if not text.startswith("a:") or "anchor" in one]
    assert len(told) == 1
    assert told[0].startswith("drift.yaml:")
    assert "\n" not in told[0]
    for word in words:
        assert word in told[0]


def test_all_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        "nam: churn\ndrift:\n  alpha: 2\n  seed: x\n  seed: 1\ndetectors:\n  psi: {bins: 1}\n"
        "windows: {rows: 3, time: 1h}\nreference: {threshold_rate: 0.1}\nhistory:\n  wait: *w\n"
    )
    told = mistakes(tmp_path, text, {"ACCEL_DRIFT_LOGGING__LEVEL": "loud"})
    assert [one.split(":")[1] for one in told[:-1]] == ["1", "1", "3", "4", "5", "7", "8", "11"]
    assert "there is no key nam" in told[0]
    assert "data.reference_path: it is null" in told[1]
    assert told[-1].startswith('ACCEL_DRIFT_LOGGING__LEVEL: logging.level is "loud"')


def test_the_error_is_one_of_ours_and_lists_them(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("x: 1\ny: 2\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"a.yaml has 3 mistakes:\n.*a.yaml:1: .*\n.*a.yaml:1: .*\n.*a.yaml:2: "):
        Config.load(tmp_path / "a.yaml", {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "1: there is nothing in it; accel-drift init REFERENCE writes one"),
        ("# nothing\n", "there is nothing in it"),
        ("- a\n- b\n", "1: it holds a list; it takes keys with values"),
        ("churn\n", '1: it holds "churn"'),
        ("a:\n\tb: 1\n", "2: a tab"),
    ],
)
def test_what_is_no_configuration_at_all(tmp_path: Path, text: str, words: str) -> None:
    assert words in only(tmp_path, text)


def test_what_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "drift.yaml"
    file.write_bytes(b"name: a\ndata: \xff\n")
    with pytest.raises(ConfigFileError, match=r"drift.yaml:2: not UTF-8"):
        Config.load(file, {})
    with pytest.raises(SourceError, match=r"cannot read .*: Is a directory"):
        Config.load(tmp_path, {})
    with pytest.raises(SourceError, match=r"there is no file .*none.yaml'; accel-drift init REFERENCE --out"):
        Config.load(tmp_path / "none.yaml", {})


URLS = [
    "postgresql://me:s3cret@host/db",
    "postgresql://me:s3c@ret@host/db",
    "postgresql://me:a/s3cret@host:5432/db?sslmode=require",
    "postgresql://host/db?user=me&password=s3cret",
]


@pytest.mark.parametrize("url", URLS)
def test_no_password_is_ever_told(tmp_path: Path, url: str) -> None:
    quoted = f"'{url}'"
    for text in (f"history: {url}", f"history: [{quoted}]", f"name: [{quoted}]", f"history: {{url: [1, {quoted}]}}"):
        told = "\n".join(mistakes(tmp_path, f"{START}{text}\n"))
        assert "s3c" not in told
        assert "***" in told
    assert "s3c" not in only(tmp_path, f"{START}{url}: 1\n")
    assert "s3c" not in only(tmp_path, START, {"ACCEL_DRIFT_HISTORY__UR": url})
    told = only(tmp_path, f"{START}history: {{url: {quoted.replace('postgresql:', '')}}}\n")
    assert "history.url" in told
    assert "s3c" not in told
    if url.count("@") > 1:
        with pytest.raises(ConfigError, match="in a user's name or password @ is written %40") as found:
            Config.of({"data": {"reference_path": "a"}, "history": {"url": url}})
        assert "s3c" not in str(found.value)
        return
    good = Config.of({"data": {"reference_path": "a"}, "history": {"url": url}})
    assert good.history.url == url
    assert "s3c" not in repr(good) + str(good) + repr(good.history)


NOISE = [*" :-[]{}#&*!|>'\"%@`,?\n\t", "\r\n", "null", "1e9", "~", "- ", "  ", "x: ", "\x85", "\u2028", "\ufeff"]
LINES = commented(Config.of({"data": {"reference_path": "ref.csv"}})).splitlines()


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_whatever_is_broken_is_told_by_an_error_of_ours(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(lines) - 1))
        at = data.draw(st.integers(0, len(lines[place])))
        lines[place] = (
            lines[place][:at] + data.draw(st.sampled_from(NOISE)) + lines[place][at + data.draw(st.integers(0, 5)) :]
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "drift.yaml"
        file.write_text("\n".join(lines), encoding="utf-8", newline="")
        found: tuple[Mistake, ...] = ()
        try:
            Config.load(file, {})
        except ConfigFileError as error:
            found = error.mistakes
            assert found
    assert all(one.line >= 1 and "\n" not in one.text for one in found)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["use", "psi", "rows"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from([*leaves(), *sections()]), ANY)
def test_any_value_of_any_key_is_taken_or_told(key: tuple[str, ...], value: object) -> None:
    for part in reversed(key):
        value = {part: value}
    assert isinstance(value, dict)
    with suppress(ConfigFileError):
        Config.of({"reference": {"mode": "trailing"}} | value)
