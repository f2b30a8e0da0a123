"""What is wrong is refused in one line that says what was given; what is merely odd gets a status, never a crash.

Files and frames have a table of their own in tests/data; these are options, arrays, profiles and odd columns.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.detectors import get_class, get_detector, names
from accel_drift.errors import AccelDriftError, ConfigError, DataError, ProfileError, SourceError
from accel_drift.finding import Status

ROWS = np.random.default_rng(0).normal(size=200)
GOOD = {"x": ROWS, "y": ROWS[::-1].copy(), "c": ["a", "b"] * 100}

OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"alpha": 0}, "between 0 and 1"),
    ({"alpha": 1.0}, "between 0 and 1"),
    ({"alpha": "0.01"}, "between 0 and 1"),
    ({"alpha": float("nan")}, "between 0 and 1"),
    ({"alpha": True}, "between 0 and 1"),
    ({"correction": "fdr"}, "no correction 'fdr'"),
    ({"rule": "most"}, "no rule 'most'"),
    ({"rule": 1.5}, "no rule 1.5"),
    ({"rule": 0.0}, "no rule 0.0"),
    ({"min_effect": -1}, "min_effect is -1"),
    ({"min_effect": float("inf")}, "min_effect is inf"),
    ({"min_effect": "big"}, "min_effect is 'big'"),
    ({"seed": 1.5}, "seed is 1.5"),
    ({"seed": None}, "seed is None"),
    ({"detectors": []}, "detectors is []"),
    ({"detectors": "psi"}, "detectors is 'psi'"),
    ({"detectors": ["psj"]}, "psi"),
    ({"detectors": [ad.PSI]}, "detectors holds"),
    ({"detectors": [3]}, "detectors holds 3"),
    ({"detectors": ["psi", ad.PSI(bins=5)]}, "psi is given more than once"),
    ({"detectors": [ad.PSI(alpha=0.2)], "alpha": 0.1}, "one report has one"),
    ({"detectors": [ad.PSI(block=5)], "block": 7}, "one report has one"),
    ({"detectors": [ad.PSI(bins=500)], "names": ("a", "b"), "seed": "0"}, "seed is '0'"),
    ({"backend": "cuda"}, "numpy"),
    ({"block": 0}, "block is 0"),
    ({"block": "nowhere"}, "nowhere"),
    ({"block": "x:day"}, "x"),
    ({"block": 3.5}, "3.5"),
    ({"columns": ["z"]}, "no such column"),
    ({"columns": "x"}, "columns=['x']"),
    ({"drop": ["xx"]}, "did you mean"),
    ({"drop": ["x", "y", "c"]}, "no column"),
    ({"label": "target"}, "no such column"),
    ({"kinds": {"x": "colour"}}, "colour"),
    ({"kinds": ["x"]}, "kinds="),
    ({"kinds": {"c": "numeric"}}, "c"),
]


@pytest.mark.parametrize(("options", "word"), OPTIONS, ids=[str(o)[:60] for o, _ in OPTIONS])
def test_an_option_that_cannot_work_is_refused_with_its_value(options: dict[str, Any], word: str) -> None:
    with pytest.raises(AccelDriftError) as refused:
        ad.compare(GOOD, GOOD, **{"backend": "numpy", **options})
    assert word in str(refused.value)
    assert len(str(refused.value)) < 600
    assert "Traceback" not in str(refused.value)


DETECTOR_OPTIONS: list[tuple[str, Any]] = [
    ("permutations", 18),
    ("permutations", 99.5),
    ("permutations", True),
    ("alpha", -0.1),
    ("min_effect", -0.1),
    ("tolerance", -0.1),
    ("tolerance", float("nan")),
    ("block", -1),
    ("block", 2.5),
    ("seed", "0"),
]


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(("option", "value"), DETECTOR_OPTIONS, ids=[f"{o}={v}" for o, v in DETECTOR_OPTIONS])
def test_every_detector_refuses_a_wrong_option_by_name(name: str, option: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=option):
        get_class(name)(**{option: value})


@pytest.mark.parametrize("name", [n for n in names() if hasattr(get_class(n)(), "bins")])
@pytest.mark.parametrize("bins", [1, 0, -3, 2.5, "ten", None, True])
def test_bins_are_a_whole_number_of_at_least_two(name: str, bins: Any) -> None:
    made: Any = get_class(name)
    with pytest.raises(ConfigError, match="bins"):
        made(bins=bins)


SIDES: list[tuple[str, Callable[[], Any], type[AccelDriftError], str]] = [
    ("nothing", lambda: None, DataError, "NoneType"),
    ("a number", lambda: 3.0, DataError, "float"),
    ("a text that is no file", lambda: "no/such/file.parquet", SourceError, "no/such/file.parquet"),
    ("bytes", lambda: b"PAR1", DataError, "bytes"),
    ("a list of rows", lambda: [[1, 2], [3, 4]], DataError, "list"),
    ("a generator", lambda: (row for row in [1, 2]), DataError, "generator"),
    ("an empty dict", dict, DataError, "no"),
    ("no rows", lambda: {"x": []}, DataError, "no rows"),
    ("an array without rows", lambda: np.empty((0, 3)), DataError, "no "),
    ("an array without columns", lambda: np.empty((3, 0)), DataError, "no column"),
    ("an array of three dimensions", lambda: np.zeros((2, 2, 2)), DataError, "3"),
    ("a number as an array", lambda: np.float64(3), DataError, "float64"),
    ("an array of texts", lambda: np.array(["a", "b"]), DataError, "numbers"),
    ("an array of complex numbers", lambda: np.zeros((3, 2), complex), DataError, "complex"),
    ("columns of two lengths", lambda: {"x": [1, 2], "y": [1]}, DataError, "differ in length"),
    ("two types in a column", lambda: {"x": [1, "a", 2.5]}, DataError, "mixes"),
    ("a text as a column", lambda: {"x": "abc"}, DataError, "str"),
    ("a number as a column", lambda: {"x": 3}, DataError, "int"),
    ("a column of two dimensions of texts", lambda: {"x": np.array([["a"], ["b"]])}, DataError, "x"),
    ("names that fall together", lambda: {1: [1.0], "1": [2.0]}, DataError, "same name"),
    ("a whole number beyond float64", lambda: {"x": [10**400, 1]}, DataError, "too large"),
]


@pytest.mark.parametrize(("made", "error", "word"), [s[1:] for s in SIDES], ids=[s[0] for s in SIDES])
@pytest.mark.parametrize("place", [0, 1], ids=["reference", "batch"])
def test_rows_that_cannot_be_used_are_refused_on_either_side(
    made: Callable[[], Any], error: type[AccelDriftError], word: str, place: int
) -> None:
    sides: list[Any] = [GOOD, GOOD]
    sides[place] = made()
    with pytest.raises(error) as refused:
        ad.compare(*sides, backend="numpy")
    assert word in str(refused.value)


def test_a_batch_without_any_known_column_is_refused_with_the_names() -> None:
    with pytest.raises(DataError, match="no column"):
        ad.compare(GOOD, {"other": ROWS}, backend="numpy")


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ({"other": ROWS}, ["'x'", "'e'", "the batch has 'other'"]),
        (
            {"e": np.zeros((9, 4))},
            ["that mmd learned", "x: not in the batch", "double>[3] in the ref", "double>[4] in"],
        ),
        ({"e": ROWS}, ["e: fixed_size_list<item: double>[3] in the reference, double in the batch"]),
        ({}, ["the batch has no columns"]),
    ],
)
def test_a_batch_without_any_learned_column_is_refused_with_what_it_has(batch: Any, words: list[str]) -> None:
    fitted = ad.MMD().fit({"x": ROWS[:50], "e": np.eye(50)[:, :3]}, backend="numpy")
    with pytest.raises(DataError) as refused:
        fitted.detect(batch)
    for word in words:
        assert word in str(refused.value)


def test_too_many_bins_and_too_few_kept_rows_are_refused() -> None:
    with pytest.raises(ConfigError, match="at most 1,000"):
        ad.PSI(bins=10**6)
    with pytest.raises(ConfigError, match="sample_rows is 0"):
        ad.Profile.fit(GOOD, sample_rows=0)
    with pytest.raises(ConfigError, match="3"):
        ad.compare(GOOD, GOOD, ["psi"], backend="numpy").explain(3)  # type: ignore[arg-type]


def test_lists_of_numbers_of_one_length_are_vectors() -> None:
    side = {"e": [[1.0, 2.0], None, [3.0, 5.0]] * 40, "x": ROWS[:120]}
    report = ad.compare(side, side, ["mmd", "missing"], backend="numpy")
    assert "e" in report.compared_columns
    wrongs: tuple[Any, ...] = ([[1.0], [1.0, 2.0]] * 60, [["a", "b"]] * 120, [[]] * 120)
    for wrong in wrongs:
        assert "e" in ad.compare({**side, "e": wrong}, {**side, "e": wrong}, ["psi"], backend="numpy").excluded


def test_numbers_that_became_texts_are_named() -> None:
    with pytest.raises(DataError, match="x: double in the reference, string in the batch"):
        ad.compare({"x": ROWS}, {"x": [f"<{v}>" for v in ROWS]}, backend="numpy", detectors=["psi"], columns=["x"])


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("profile") / "p.adp"
    ad.Profile.fit(GOOD, ["psi"], backend="numpy").save(path)
    return path.read_bytes()


BROKEN: list[tuple[str, Callable[[bytes], bytes], type[AccelDriftError]]] = [
    ("an empty file", lambda _: b"", ProfileError),
    ("half a file", lambda whole: whole[: len(whole) // 2], ProfileError),
    ("all but the last byte", lambda whole: whole[:-1], ProfileError),
    ("a flipped byte among the rows", lambda whole: _flipped(whole, len(whole) // 2), ProfileError),
    ("text", lambda _: b"hello", ProfileError),
    ("zeros", lambda whole: bytes(len(whole)), ProfileError),
    ("a pickle", lambda _: b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00K\x01.", ProfileError),
    ("an altered option", lambda whole: whole.replace(b'"seed": 0', b'"seed": 1'), ProfileError),
]


def _flipped(whole: bytes, place: int) -> bytes:
    return whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]


@pytest.mark.parametrize(("spoil", "error"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_a_spoilt_profile_is_refused(
    saved: bytes, spoil: Callable[[bytes], bytes], error: type[AccelDriftError], tmp_path: Path
) -> None:
    path = tmp_path / "spoilt.adp"
    path.write_bytes(spoil(saved))
    with pytest.raises(error, match=r"spoilt\.adp"):
        ad.Profile.load(path)


def test_a_profile_is_not_written_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere"):
        ad.Profile.fit(GOOD, ["psi"], backend="numpy").save(tmp_path / "nowhere" / "p.adp")


N = 60
ODD: dict[str, tuple[Any, Any]] = {
    "one row each": ([1.0], [2.0]),
    "one row in the batch": (np.arange(60.0), [3.0]),
    "constant and equal": (np.ones(N), np.ones(N)),
    "constant and different": (np.ones(N), np.full(N, 2.0)),
    "all missing in the batch": (np.arange(60.0), np.full(N, np.nan)),
    "all missing on both sides": (np.full(N, np.nan), np.full(N, np.nan)),
    "all infinite": (np.full(N, np.inf), np.full(N, -np.inf)),
    "largest floats": (np.linspace(-1, 1, N) * 1.7e308, np.linspace(1, -1, N) * 1.7e308),
    "smallest floats": (np.arange(N) * 5e-324, np.arange(N) * 5e-324),
    "zeros of both signs": (np.zeros(N), -np.zeros(N)),
    "float32": (np.arange(N, dtype=np.float32), np.arange(N, dtype=np.float64)),
    "unsigned beyond int64": (np.arange(N, dtype=np.uint64) + 2**63, np.arange(N, dtype=np.uint64) + 2**63),
    "whole numbers beyond float64": (np.arange(N) + 2**53, np.arange(N) + 2**53 + 1),
    "truth values": (np.arange(N) % 2 == 0, np.arange(N) % 3 == 0),
    "one category": (["a"] * N, ["a"] * N),
    "categories without overlap": (["a"] * N, ["b"] * N),
    "empty texts": ([""] * N, ["", "a"] * (N // 2)),
    "nulls and texts": ([None, "a"] * (N // 2), ["a", "b"] * (N // 2)),
    "many categories": ([f"a{i}" for i in range(N)], [f"b{i}" for i in range(N)]),
    "instants": (np.datetime64("2020-01-01") + np.arange(N), np.datetime64("2021-01-01") + np.arange(N)),
}


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("case", ODD)
def test_odd_columns_end_in_a_status_with_finite_numbers(name: str, case: str) -> None:
    reference, batch = ODD[case]
    steady = ROWS[: len(reference)], ROWS[-len(batch) :]
    report = ad.compare(
        {"odd": reference, "steady": steady[0]},
        {"odd": batch, "steady": steady[1]},
        [get_detector(name, permutations=99)],
        backend="numpy",
        kinds={"odd": "categorical"} if case == "many categories" else None,
    )
    report.to_json()
    for finding in report.findings:
        assert finding.status in Status
        if finding.p_value is not None:
            assert 0 < finding.p_value <= 1
            assert finding.statistic is not None
            assert not np.isnan(finding.statistic)
        if finding.effect is not None and finding.interval is not None:
            assert finding.interval[0] <= finding.effect <= finding.interval[1]
