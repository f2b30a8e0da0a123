"""The two-sample test by betting: fair to the last relabelling, and rich where something drifts."""

from __future__ import annotations

import pickle
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend
from accel_drift.data.read import read_table
from accel_drift.data.table import Table
from accel_drift.errors import ConfigError, DataError, SchemaError, SourceError
from accel_drift.sequential.evidence import STAKES, Guarantee
from accel_drift.sequential.rows import FreshRows, set_aside, stacked
from accel_drift.sequential.two_sample import TwoSampleWatch
from tests.sequential.rows import rows


def watched(n: int, **options: Any) -> ad.Watch:
    """A watch on rows of which nothing is changed."""
    return ad.SequentialTwoSample(**options).open(rows(n, 0))


def looks_until_alarm(watch: ad.Watch, first: int, most: int, n: int = 200, **changed: float) -> int:
    for i in range(most):
        if watch.update(rows(n, first + i, **changed)).alarm:
            return i + 1
    return most + 1


def test_no_relabelling_of_pairs_is_better_than_another() -> None:
    """Over all ways to say which of two rows is the batch's, every bet of every stake has mean 1."""
    aside, given = (read_table(rows(n, n, missing=0.2, new=0.1)) for n in (30, 14))
    means = most = np.zeros((len(STAKES), 4))
    for labels in product([False, True], repeat=7):
        places = np.arange(14).reshape(7, 2)
        places[list(labels)] = places[list(labels)][:, ::-1]
        reference, batch = (given.take(places[:, side]) for side in (0, 1))
        watch = TwoSampleWatch(ad.SequentialTwoSample(), aside, FreshRows(reference), ad.get_backend("numpy"))
        e = np.exp(watch._bets(reference, batch).log_e)
        means, most = means + e / 2**7, np.maximum(most, e)
    assert means == pytest.approx(1.0, abs=1e-9)
    assert (most.max(axis=0) > 1.1).all(), "nothing was bet on some column"


def columns(n: int, seed: int, many: int) -> Any:
    """Columns that are independent of one another: each is a run of its own. Every other one repeats its values."""
    values = np.random.default_rng([seed, n]).normal(size=(n, many))
    values[:, ::2] = values[:, ::2].round(1)
    return values


@pytest.mark.statistical
@pytest.mark.parametrize("seed", [1, 2])
def test_ever_a_false_alarm_is_as_rare_as_promised(seed: int) -> None:
    many, alpha = 600, 0.1
    watch = ad.SequentialTwoSample(kernel=False).open(columns(1800, seed, many))
    ever = np.zeros(many, bool)
    for i in range(40):
        look = watch.update(columns(30, seed + 10 * i + 10, many))
        ever |= np.array(list(look.columns.values())) >= np.log(1 / alpha)
    # Five standard deviations above what is promised; that nothing is ever bet would show below.
    assert 0 < ever.sum() <= alpha * many + 5 * np.sqrt(many * alpha * (1 - alpha))


@pytest.mark.statistical
@pytest.mark.parametrize("seed", [1, 2])
def test_false_alarms_are_as_far_apart_as_promised(seed: int) -> None:
    many, alpha, looks = 600, 0.05, 40
    watch = ad.SequentialTwoSample(alpha=1e-9, guarantee="run_length", kernel=False).open(columns(1800, seed, many))
    first = np.full(many, looks + 1)
    for i in range(looks):
        look = watch.update(columns(30, seed + 10 * i + 10, many))
        reached = np.array(list(look.columns.values())) >= np.log(1 / alpha)
        first[reached & (first > looks)] = i + 1
    # Evidence less the number of looks never grows on average: so its mean where it stops is that of the looks at most.
    alarmed = first <= looks
    lasted = np.minimum(first, looks)
    assert 0 < alarmed.sum() <= alpha * lasted.sum() + 5 * np.sqrt(many * 0.25)


@pytest.mark.parametrize("guarantee", ["ever", "run_length"])
@pytest.mark.parametrize(
    ("changed", "column", "most"),
    [({"shift": 0.5}, "a", 6), ({"new": 0.05}, "c", 8), ({"missing": 0.1}, "b", 8), ({"together": 0.8}, None, 6)],
    ids=["shift", "new", "missing", "together"],
)
def test_drifts_are_found_by_the_bet_that_can_see_them(
    guarantee: Guarantee, changed: dict[str, float], column: str | None, most: int
) -> None:
    watch = watched(8000, guarantee=guarantee, kernel=column is None)
    for i in range(5):
        assert not watch.update(rows(200, 100 + i)).alarm
    found = [watch.update(rows(200, 200 + i, **changed)) for i in range(most)]
    look = next(look for look in found if look.alarm)
    if column is not None:
        assert max(look.columns, key=look.columns.__getitem__) == column
    else:
        assert look.joint is not None
        assert look.joint > max(look.columns.values())


def test_a_drift_is_found_as_soon_after_many_looks_as_after_few() -> None:
    watch = ad.SequentialTwoSample(kernel=False).open(rows(22_000, 0))
    for i in range(150):
        watch.update(rows(100, 100 + i))
    assert looks_until_alarm(watch, 1000, 20, n=100, shift=1.0) <= 8


def test_no_reference_row_is_compared_twice_or_set_aside_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = {"row": np.random.default_rng(0).permutation(np.arange(1000.0))}
    watch = ad.SequentialTwoSample(kernel=False).open(numbers, columns=["row"])
    seen: list[float] = watch._aside.numeric("row").values.tolist()
    bets = watch._bets

    def spied(reference: Table, batch: Table) -> Any:
        seen.extend(reference.numeric("row").values.tolist())
        return bets(reference, batch)

    monkeypatch.setattr(watch, "_bets", spied)
    left = [watch.update({"row": np.arange(float(n))}).left for n in (300, 1, 450, 100)]
    assert left == [500, 499, 49, 0]
    assert sorted(seen) == list(range(1000))


def test_the_order_of_the_rows_of_a_batch_is_dealt_by_the_seed() -> None:
    one = rows(200, 5, shift=0.3)
    orders = [np.arange(200), np.argsort(one["a"])]
    found = [watched(4000).update({k: v[o] for k, v in one.items()}).log_evidence for o in orders]
    assert found[0] != found[1]  # which row meets which, and no more than that
    assert found == [watched(4000).update({k: v[o] for k, v in one.items()}).log_evidence for o in orders]


def test_rows_run_out_and_more_can_be_given() -> None:
    watch = watched(500)
    assert watch.update(rows(300, 1)).rows == 300
    look = watch.update(rows(300, 2))
    assert (look.rows, look.left) == (100, 0)
    with pytest.raises(DataError, match=r"all 400 rows .* 2 looks.*more\(reference\)"):
        watch.update(rows(1, 3))
    assert watch.update(rows(0, 3)).number == 3
    watch.more(rows(50, 4))
    assert watch.left == 50
    more = watch.update(rows(20, 5))
    assert (more.number, more.left) == (4, 30)
    assert abs(more.log_evidence - look.log_evidence) < 2.0, "the evidence stays"


def test_more_rows_may_be_of_other_types_of_number() -> None:
    watch = watched(100)
    watch.more(rows(10, 1) | {"a": np.arange(10), "b": [None] * 10})
    watch.more(rows(10, 1) | {"a": np.zeros(10, np.float32), "c": [None] * 10})
    assert watch.update(rows(100, 2)).left == 0


def test_rows_that_first_tell_what_a_column_holds_tell_it_once() -> None:
    nothing = {"a": np.zeros(50), "n": [None] * 50}
    watch = ad.SequentialTwoSample().open(nothing, columns=["a", "n"])
    watch.more({"a": np.zeros(10), "n": ["x"] * 10})
    with pytest.raises(SchemaError, match="'n' cannot be put below that of other rows"):
        watch.more({"a": np.zeros(10), "n": np.ones(10)})
    assert watch.left == 50


def times(n: int, seed: int) -> dict[str, Any]:
    """Times, kept as categories and as numbers, and lengths of time."""
    seconds = np.random.default_rng([seed, n]).integers(0, 50, n)
    return {
        "category": seconds.astype("datetime64[s]"),
        "number": seconds.astype("datetime64[ms]"),
        "length": seconds.astype("timedelta64[s]"),
        "digit": seconds % 7,
        "truth": seconds > 20,
    }


def test_columns_of_a_kind_that_was_set_go_on_to_the_bit(tmp_path: Path) -> None:
    kinds = {"category": "categorical", "number": "numeric", "digit": "categorical"}
    watch = ad.SequentialTwoSample().open(times(400, 0), kinds=kinds)
    watch.update(times(50, 1))
    watch.more(times(100, 2))
    watch.save(tmp_path / "a.watch")
    other = ad.Watch.load(tmp_path / "a.watch")
    look = watch.update(times(200, 3))
    assert look == other.update(times(200, 3))
    assert look.columns.keys() == times(1, 0).keys()


def test_a_cap_makes_the_reference_last() -> None:
    assert watched(500, most_rows=10).update(rows(300, 1)).left == 390


@pytest.mark.parametrize("n", [0, 1, 2, 9])
@pytest.mark.parametrize("guarantee", ["ever", "run_length"])
def test_small_batches(n: int, guarantee: Guarantee) -> None:
    watch = watched(100, guarantee=guarantee)
    for i in range(3):
        look = watch.update(rows(n, i))
        assert look.rows == n
        assert np.isfinite(look.log_evidence) == (n > 0 or guarantee == "ever")
        assert look.untested == ({} if n else dict.fromkeys("abc", "the batch has no rows"))
    assert watch.looks == len(watch.history) == 3


def test_after_an_alarm_a_run_begins_anew() -> None:
    watch = watched(8000, guarantee="run_length")
    looks_until_alarm(watch, 1, 10, shift=1.0)
    calm = watch.update(rows(200, 50))
    assert not calm.alarm
    assert calm.evidence < 3.0


def test_under_ever_an_alarm_stays() -> None:
    watch = watched(20_000, kernel=False)
    assert looks_until_alarm(watch, 1, 10, shift=1.0) <= 10
    assert all(watch.update(rows(200, 50 + i)).alarm for i in range(20))


def odd(n: int, seed: int) -> dict[str, Any]:
    """Columns that are not made for comparison."""
    rng = np.random.default_rng([seed, n])
    infinite = rng.normal(size=n)
    infinite[::3] = np.inf
    return {
        "constant": np.zeros(n),
        "infinite": infinite,
        "nothing": [None] * n,
        "truth": rng.random(n) < 0.5,
        "whole": rng.integers(0, 3, n),
        "many": [f"word {i}" for i in rng.integers(0, 3000, n)],
        "vector": rng.normal(size=(n, 4)).astype(np.float32),
    }


def test_odd_columns_are_taken_as_they_are() -> None:
    watch = ad.SequentialTwoSample().open(odd(6000, 1), columns=list(odd(1, 1)))
    *_, look = (watch.update(odd(300, 2 + i)) for i in range(4))
    assert look.columns.keys() == odd(1, 1).keys() - {"vector"}
    assert all(abs(value) < 4 for value in look.columns.values())
    assert look.columns["constant"] == pytest.approx(0.0)
    changed = odd(300, 9)
    changed |= {"constant": np.ones(300), "vector": changed["vector"] + 2, "nothing": np.ones(300)}
    look = watch.update(changed)
    moved = {name for name, value in look.columns.items() if value > np.log(100)}
    assert moved == {"constant", "nothing"}
    assert look.joint is not None
    assert look.joint > np.log(100)


def test_embeddings_need_the_kernel() -> None:
    vectors = {"e": np.random.default_rng(0).normal(size=(50, 3))}
    with pytest.raises(DataError, match="kernel=True"):
        ad.SequentialTwoSample(kernel=False).open(vectors)
    watch = ad.SequentialTwoSample(kernel=False).open(vectors | {"a": np.random.default_rng(1).normal(size=50)})
    assert watch.columns == ("a",)
    assert watch.excluded == {"e": "embedding: no chosen detector compares embeddings; mmd does"}
    assert ad.SequentialTwoSample().open(vectors).update(vectors).columns == {}


def test_what_was_saved_goes_on_to_the_bit(tmp_path: Path) -> None:
    for guarantee in ("ever", "run_length"):
        watch = ad.SequentialTwoSample(guarantee=guarantee, alpha=0.05).open(odd(3000, 1), columns=list(odd(1, 1)))
        for i in range(3):
            watch.update(odd(100, 2 + i))
        watch.more(odd(100, 7))
        watch.save(tmp_path / "a.watch")
        other = ad.Watch.load(tmp_path / "a.watch")
        assert (other.test, other.left, other.looks, other.history) == (watch.test, watch.left, 3, watch.history)
        assert (other.excluded, repr(other)) == (watch.excluded, repr(watch))
        for i in range(12):
            batch = odd(100, 20 + i) | {"whole": np.full(100, i // 6)}
            assert watch.update(batch) == other.update(batch)
        watch.more(odd(10, 8))
        other.more(odd(10, 8))
        watch.save(tmp_path / "a.watch")
        other.save(tmp_path / "b.watch")
        assert (tmp_path / "a.watch").read_bytes() == (tmp_path / "b.watch").read_bytes()


def test_an_option_that_no_file_can_hold_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be kept in a file"):
        watched(50, alpha=Fraction(1, 4)).save(tmp_path / "a.watch")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_watch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"Watch\.save"):
        ad.Watch.load(tmp_path / "none.watch")
    watched(50).save(tmp_path / "a.watch")
    (tmp_path / "b.watch").write_bytes((tmp_path / "a.watch").read_bytes()[:-100])
    with pytest.raises(SourceError, match="save it again"):
        ad.Watch.load(tmp_path / "b.watch")


def test_backends_agree(backend: Backend) -> None:
    found = []
    for on in (ad.get_backend("numpy"), backend):
        watch = ad.SequentialTwoSample().open(rows(800, 0), backend=on)
        watch.update(rows(100, 1))
        found.append(watch.update(rows(100, 2, together=0.9)))
    assert found[0].columns == found[1].columns
    assert found[0].joint == pytest.approx(found[1].joint, abs=1e-6)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"a": [1.0], "b": [1.0]}, "lacks 'c'"),
        ({"a": ["x"], "b": [1.0], "c": ["x"]}, "'a' is string, and was double"),
    ],
    ids=["lacking", "retyped"],
)
def test_a_batch_with_other_columns_changes_nothing(batch: Any, message: str) -> None:
    watch = watched(100)
    for change in (watch.update, watch.more):
        with pytest.raises(SchemaError, match=message):
            change(batch)
    assert (watch.looks, watch.left) == (0, 80)
    more = rows(10, 1) | {"other": np.zeros(10)}
    assert watch.update(more).rows == 10


def test_a_column_without_a_value_is_missing() -> None:
    watch = watched(3000)
    watch.update(rows(100, 1) | {"c": [None] * 100})
    assert watch.update(rows(100, 2) | {"c": [None] * 100}).columns["c"] > np.log(100)


@pytest.mark.parametrize("reference", [rows(3, 0), {"a": []}, {"t": ["x"] * 9}], ids=["three rows", "none", "constant"])
def test_small_references(reference: Any) -> None:
    if len(next(iter(reference.values()))) < 4:
        with pytest.raises(DataError, match="at least 4"):
            ad.SequentialTwoSample().open(reference)
    else:
        assert ad.SequentialTwoSample().open(reference, columns=["t"]).update(reference).rows == 7


@pytest.mark.parametrize(
    "options", [{"alpha": 0}, {"alpha": 1}, {"guarantee": "fdr"}, {"most_rows": 0}, {"seed": 0.5}], ids=str
)
def test_options_that_cannot_work(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        ad.SequentialTwoSample(**options)


def test_a_look_says_what_it_is() -> None:
    look = watched(100).update(rows(10, 1))
    assert repr(look) == f"<Look 1: evidence {look.evidence:.3g} of 10 rows, no alarm, 70 reference rows left>"
    assert look.to_dict()["log_evidence"] == look.log_evidence
    assert pickle.loads(pickle.dumps(look)) == look  # noqa: S301  (made here)
    assert "at most 0.01" in look.guarantee


def test_rows_set_aside_and_rows_handed_out_are_all_there_are() -> None:
    table = read_table(rows(103, 1))
    aside, fresh = set_aside(table, 3)
    assert (aside.rows, fresh.left) == (20, 83)
    both = stacked([aside, fresh.unused()], table.schema)
    assert sorted(both.numeric("a").values) == sorted(table.numeric("a").values)


@pytest.mark.parametrize("test", [ad.SequentialTwoSample(), ad.Sequential("ks"), ad.OnlineMMD(arl=500, window=20)])
def test_columns_that_cannot_be_watched_are_named(test: Any) -> None:
    times = np.arange(1000).astype("datetime64[s]")
    with pytest.raises(
        DataError, match=r"no column to compare; id: identifier-like: .*; t: timestamp: .*; kinds= says"
    ):
        test.open({"id": np.arange(1000), "t": times})
    with pytest.raises(DataError, match=r"the gaps of 't' are those between the rows of one batch"):
        test.open({"t": times, "x": np.arange(1000.0)}, kinds={"t": "gaps"})


def test_flags_are_true_or_false() -> None:
    with pytest.raises(ConfigError, match="kernel is 'x'; it is True or False"):
        ad.SequentialTwoSample(kernel="x")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="reuse is 'yes'; it is True or False"):
        ad.Sequential("ks", reuse="yes")  # type: ignore[arg-type]


def test_numbers_of_numpy_are_saved_as_plain_ones(tmp_path: Path) -> None:
    five, third, x = np.int64(5), np.float32(0.25), np.random.default_rng(0).normal(size=(200, 2))
    options: Any = {"alpha": third, "seed": five}
    row_options: Any = {"arl": np.int64(300), "window": np.int64(20)}
    bins: Any = five
    for test in (ad.SequentialTwoSample(**options), ad.Sequential(ad.PSI(bins=bins))):
        test.open(x).save(tmp_path / "kept")
        assert ad.Watch.load(tmp_path / "kept").test.summary() == test.summary()
    ad.OnlineMMD(**row_options).open(x).save(tmp_path / "rows")
    assert ad.RowWatch.load(tmp_path / "rows").seen == 0
