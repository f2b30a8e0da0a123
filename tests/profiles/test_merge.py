"""Parts of a reference that are counted apart and merged are the reference counted at once, byte for byte."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import accel_drift as ad
from accel_drift.data import streams
from accel_drift.data.table import NumericColumn
from accel_drift.errors import ConfigError, DataError, ProfileError, SchemaError
from accel_drift.profiles.counted import CountedProfile
from accel_drift.statistics.fixed_cells import NumberCells

DETECTORS = ("psi", "ks", "wasserstein", "chi_square", "missing", "unseen", "mmd")
ROWS = 1_400


def rows(n: int, seed: int, shift: float = 0.0) -> pa.Table:
    rng = np.random.default_rng(seed)
    number = rng.normal(shift, 1.0, n)
    number[rng.random(n) < 0.02] = np.nan
    number[rng.random(n) < 0.01] = -np.inf
    codes = rng.integers(0, 400, n) // rng.integers(1, 50, n)
    return pa.table(
        {
            "number": pa.array(number, mask=rng.random(n) < 0.05),
            "narrow": pa.array(rng.normal(size=n), pa.float32()),
            "whole": pa.array(rng.integers(-3, 4, n), pa.int16()),
            "huge": pa.array(rng.integers(-(2**63), 2**63 - 1, n)),
            "flag": pa.array(rng.random(n) < 0.3, mask=rng.random(n) < 0.1),
            "text": pa.array([f"k{c}" for c in codes], mask=rng.random(n) < 0.03),
        }
    )


@pytest.fixture(scope="module")
def plan() -> ad.Plan:
    return ad.Profile.plan(rows(600, 1), DETECTORS)


def saved(profile: ad.Profile, folder: Path, name: str = "it") -> bytes:
    profile.save(folder / f"{name}.adp")
    return (folder / f"{name}.adp").read_bytes()


def tree(parts: list[ad.Profile], rng: np.random.Generator) -> ad.Profile:
    """The parts merged in any order, any two or more at a time."""
    parts = [parts[i] for i in rng.permutation(len(parts))]
    while len(parts) > 1:
        first, last = sorted(rng.choice(len(parts) + 1, 2, replace=False))
        if last - first > 1:
            parts[first:last] = [parts[first].merge(*parts[first + 1 : last])]
    return parts[0]


@pytest.mark.parametrize("shards", [1, 2, 7])
@pytest.mark.parametrize("seed", range(3))
def test_any_parts_in_any_order_give_the_same_bytes_and_scores(
    plan: ad.Plan, shards: int, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, rng = rows(ROWS, 2), np.random.default_rng(seed)
    whole = ad.Profile.fit(reference, plan=plan)
    # Which rows lie together does not matter either, nor how many are read at a time.
    monkeypatch.setattr(streams, "FEWEST_ROWS", int(rng.integers(50, 500)))
    monkeypatch.setattr(streams, "MOST_VALUES", 50)
    shuffled = reference.take(rng.permutation(ROWS))
    ends = [0, *sorted(rng.choice(ROWS, shards - 1, replace=False)), ROWS]
    parts: list[ad.Profile] = []
    for k, (first, last) in enumerate(pairwise(ends)):
        pq.write_table(shuffled.slice(first, last - first), tmp_path / f"{k}.parquet", row_group_size=170)
        parts.append(ad.Profile.fit(tmp_path / f"{k}.parquet", plan=plan))
        parts[-1].save(tmp_path / f"{k}.adp")
        parts[-1] = ad.Profile.load(tmp_path / f"{k}.adp")
    merged = tree(parts, rng)
    assert saved(merged, tmp_path) == saved(whole, tmp_path, "whole")
    batch = rows(500, 3, 0.3)
    assert merged.score(batch).findings == whole.score(batch).findings


def test_one_profile_counts_what_is_there(plan: ad.Plan) -> None:
    """Against counting by hand, in Python's own numbers."""
    reference = rows(ROWS, 4)
    profile = ad.Profile.fit(reference, plan=plan)
    assert isinstance(profile, CountedProfile)
    tally = profile.tally
    for name in ("number", "narrow", "whole", "huge"):
        cells = plan.cells.columns[name]
        assert isinstance(cells, NumberCells)
        cuts, counts = cells.cuts.tolist(), [0] * cells.width
        for value in reference[name].to_pylist():
            place = -1 if value is None else (-2 if value != value else sum(cut < value for cut in cuts))
            counts[place] += 1
        assert tally.of(name).tolist() == counts
    assert tally.missing("text") == reference["text"].null_count
    assert int(tally.of("text").sum()) == int(tally.of("flag").sum()) == ROWS


def test_types_of_parts_may_differ_but_values_fall_where_they_did(plan: ad.Plan) -> None:
    whole = pa.table({n: rows(ROWS, 5)[n] for n in ("number", "narrow", "whole", "huge", "flag", "text")})
    small = whole.set_column(2, "whole", whole["whole"].cast(pa.float64()))
    wide = small.set_column(1, "narrow", small["narrow"].cast(pa.float64()))
    one, other = (ad.Profile.fit(t, plan=plan) for t in (whole, wide))
    assert isinstance(one, CountedProfile)
    assert isinstance(other, CountedProfile)
    assert one.tally.counts.tolist() == other.tally.counts.tolist()
    assert np.array_equal(one.tally.moments.products, other.tally.moments.products)  # type: ignore[union-attr]


def test_unequal_plans_are_refused(plan: ad.Plan) -> None:
    reference = rows(300, 6)
    one = ad.Profile.fit(reference, plan=plan)
    for other in (
        ad.Profile.fit(reference, plan=ad.Profile.plan(rows(600, 7), DETECTORS)),
        ad.Profile.fit(reference, plan=ad.Profile.plan(rows(600, 1), DETECTORS, alpha=0.05)),
        ad.Profile.fit(reference, plan=ad.Profile.plan(rows(600, 1), ["psi"])),
        ad.Profile.fit(reference, ["psi"]),
    ):
        with pytest.raises(ConfigError, match="merge only if they were fitted on one plan"):
            one.merge(other)
    with pytest.raises(ConfigError, match=r"keep rows do not merge .*Profile\.plan"):
        ad.Profile.fit(reference, ["psi"]).merge(one)


def test_a_plan_made_again_is_the_same_plan(plan: ad.Plan, tmp_path: Path) -> None:
    again = ad.Profile.plan(rows(600, 1), DETECTORS)
    later = replace(again, provenance={**again.provenance, "created_at": "2100-01-01T00:00:00+00:00"})
    assert later.digest == plan.digest
    a, b = (ad.Profile.fit(rows(200, k), plan=p) for k, p in ((1, plan), (2, later)))
    assert saved(a.merge(b), tmp_path) == saved(b.merge(a), tmp_path, "other")


def test_a_part_may_be_empty_but_not_the_whole(plan: ad.Plan, tmp_path: Path) -> None:
    nothing, some = (ad.Profile.fit(rows(n, 8), plan=plan) for n in (0, 200))
    assert saved(nothing.merge(some), tmp_path) == saved(some, tmp_path, "some")
    with pytest.raises(DataError, match="profile has no rows"):
        nothing.score(rows(50, 9))
    with pytest.raises(DataError, match="batch has no rows"):
        some.score(rows(0, 9))


def test_a_part_has_the_columns_of_the_plan(plan: ad.Plan) -> None:
    said = r"the data to fit lacks 'flag', 'text', which the plan counts; .*, with drop=\['flag', 'text'\]"
    with pytest.raises(SchemaError, match=said):
        ad.Profile.fit(rows(50, 1).drop_columns(["flag", "text"]), plan=plan)
    odd = rows(50, 1).set_column(2, "whole", pa.array(["x"] * 50))
    with pytest.raises(SchemaError, match="'whole' is int16 in the plan, string here; write"):
        ad.Profile.fit(odd, plan=plan)
    renamed = pa.table({"numbers": [1.0], "texts": ["a"]})
    with pytest.raises(SchemaError, match=r"'text', which the plan counts, and has 'numbers', 'texts', which it does"):
        ad.Profile.fit(renamed, plan=plan)
    more = rows(50, 1).append_column("new", pa.array(range(50)))
    assert ad.Profile.fit(more, plan=plan).contents()["rows_of_reference"] == 50


def test_the_plan_holds_the_options(plan: ad.Plan) -> None:
    with pytest.raises(ConfigError, match="the plan fixes detectors, alpha, sample_rows"):
        ad.Profile.fit(rows(50, 1), ["psi"], plan=plan, alpha=0.05, sample_rows=10)
    with pytest.raises(ConfigError, match="content is 'rows'"):
        ad.Profile.fit(rows(50, 1), content="rows")  # type: ignore[arg-type]


def test_a_file_of_a_plan_is_no_profile(plan: ad.Plan, tmp_path: Path) -> None:
    plan.save(tmp_path / "plan.adp")
    assert ad.Plan.load(tmp_path / "plan.adp").to_dict() == plan.to_dict()
    with pytest.raises(ProfileError, match="is a plan, and no row was counted by it yet"):
        ad.Profile.load(tmp_path / "plan.adp")
    ad.Profile.fit(rows(50, 1), ["psi"]).save(tmp_path / "rows.adp")
    with pytest.raises(ProfileError, match="keeps rows, and no plan"):
        ad.Plan.load(tmp_path / "rows.adp")
    fitted = ad.Profile.fit(rows(50, 1), plan=plan)
    fitted.save(tmp_path / "counts.adp")
    assert ad.Plan.load(tmp_path / "counts.adp").digest == plan.digest


def test_what_takes_rows_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"energy compares rows.*content=\"sample\""):
        ad.Profile.plan(rows(100, 1), ["psi", "energy"])
    with pytest.raises(ConfigError, match="energy compares rows"):
        ad.Profile.fit(rows(100, 1), ["energy"], content="aggregates")
    groups = ad.MMD(mode="groups", bandwidth="fuse")
    with pytest.raises(ConfigError, match="mmd with mode='groups', bandwidth='fuse' compares rows"):
        ad.Profile.plan(rows(100, 1), [groups])
    with pytest.raises(ConfigError, match=r"mmd of 1000 frequencies \(at most 256 are summed\)"):
        ad.Profile.plan(rows(100, 1), [ad.MMD(form="features")])
    with pytest.raises(ConfigError, match="keeps no blocks"):
        ad.Profile.fit(rows(100, 1), content="aggregates", block=10)
    with pytest.raises(ConfigError, match=r"gaps of when: .* a profile of counts cannot tell it; give .when. no kind"):
        ad.Profile.plan({"when": np.arange(50).astype("M8[s]"), "x": np.arange(50.0)}, kinds={"when": "gaps"})


def test_counts_hold_no_row(tmp_path: Path) -> None:
    reference = rows(ROWS, 10)
    profile = ad.Profile.fit(reference, DETECTORS, content="aggregates")
    held = profile.contents()
    assert (held["rows_held"], held["holds_raw_rows"], held["columns_with_raw_values"]) == (0, False, [])
    # A fifth of the rows made the cells and is not counted.
    assert held["rows_of_reference"] == ROWS - ROWS // 5
    data = saved(profile, tmp_path)
    column = reference["number"].combine_chunks()
    cells = profile.fitted_on.cells.columns["number"]  # type: ignore[attr-defined]
    cuts = {*cells.cuts.tolist(), *cells.middles.tolist()}
    inside = [v for v in column.to_pylist() if v is not None and v not in cuts and np.isfinite(v)]
    assert len(inside) > 1_000
    assert not any(np.float64(v).tobytes() in data or repr(v).encode() in data for v in inside)
    assert len(data) < 20_000 * len(reference.column_names) + 70_000


def test_size_does_not_grow_with_rows_or_categories(plan: ad.Plan, tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    many = {"text": [f"name {v}" for v in rng.integers(0, 90_000, 60_000)]}
    profile = ad.Profile.fit(many, ["chi_square", "unseen"], content="aggregates", kinds={"text": "categorical"})
    assert len(saved(profile, tmp_path)) < 80_000
    few, more = (ad.Profile.fit(rows(n, 12), plan=plan) for n in (100, 4_000))
    # Larger counts and sums pack a little less.
    assert abs(len(saved(few, tmp_path)) - len(saved(more, tmp_path, "more"))) < 20_000


def test_columns_that_nobody_counts_are_named() -> None:
    n = 60
    table = {
        "when": np.arange(n).astype("M8[s]"),
        "step": np.arange(n) * 2,
        "id": [f"u{k}" for k in range(n)],
        "vector": np.ones((n, 3)),
        "x": np.linspace(0.0, 1.0, n) ** 2,
    }
    plan = ad.Profile.plan(table, ["psi", "missing"])
    assert list(plan.cells.columns) == ["x"]
    excluded = plan.contents()["excluded"]
    assert set(excluded) == {"when", "step", "id", "vector"}
    report = ad.Profile.fit(table, plan=plan).score(table)
    assert set(report.excluded) >= {"when", "step", "id", "vector"}
    with pytest.raises(DataError, match="no column is left to count"):
        ad.Profile.plan({k: v for k, v in table.items() if k != "x"}, ["psi"])


def test_progress_is_told_row_by_row(plan: ad.Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FEWEST_ROWS", 100)
    monkeypatch.setattr(streams, "MOST_VALUES", 100)
    pq.write_table(rows(350, 13), tmp_path / "it.parquet")
    told: list[tuple[int, int, str]] = []
    ad.Profile.fit(tmp_path / "it.parquet", plan=plan, progress=lambda *news: told.append(news))
    assert told == [(n, 350, "counting") for n in (100, 200, 300, 350)]


def test_a_part_that_does_not_fit_is_refused_before_it_is_counted(plan: ad.Plan) -> None:
    def pieces() -> Any:
        yield rows(50, 1).drop_columns(["flag"]).to_batches()[0]
        pytest.fail("it read on")

    few = rows(1, 1).drop_columns(["flag"])
    with pytest.raises(SchemaError, match="lacks 'flag'"):
        ad.Profile.fit(pa.RecordBatchReader.from_batches(few.schema, pieces()), plan=plan)


def test_partitions_are_fitted_apart(tmp_path: Path) -> None:
    for day in range(3):
        (tmp_path / f"day={day}").mkdir()
        pq.write_table(rows(80 + day, day), tmp_path / f"day={day}" / "it.parquet")
    plan = ad.Profile.plan(tmp_path, ["psi", "missing"], columns=["day", "number"])
    assert sorted(plan.cells.columns) == ["day", "number"]
    parts = [ad.Profile.fit(tmp_path / f"day={day}", plan=plan) for day in range(3)]
    whole = saved(ad.Profile.fit(tmp_path, plan=plan), tmp_path, "whole")
    assert saved(parts[0].merge(*parts[1:]), tmp_path) == whole


def test_a_column_without_values_when_planned_is_counted_as_missing_only() -> None:
    empty = {"x": np.full(50, np.nan), "y": [None] * 50, "z": np.arange(50.0) ** 2}
    plan = ad.Profile.plan(empty, ["psi", "ks", "missing"])
    profile = ad.Profile.fit({**empty, "x": np.arange(50.0)}, plan=plan)
    report = profile.score({**empty, "y": ["new"] * 50})
    found = {(f.column, f.detector): f for f in report.findings}
    assert found["x", "missing"].statistic == 1.0
    assert found["y", "missing"].statistic == -1.0


def test_numbers_beside_a_cut_that_is_just_below_an_atom() -> None:
    """A value that many rows hold has a cell of its own, whatever lies beside it."""
    column = NumericColumn("x", np.repeat([0.0, 1.0, 5e-324], [50, 50, 10]))
    cells = NumberCells.of(column, [10])
    assert cells.single.sum() >= 2
    assert (np.diff(cells.middles) >= 0).all()
    assert cells.middles[-1] > cells.cuts[-1]
    assert cells.middles[0] < cells.cuts[0]


def test_new_categories_are_called_by_their_names(plan: ad.Plan) -> None:
    batch = rows(500, 15).set_column(5, "text", pa.array(["nobody knows this"] * 500))
    profile = ad.Profile.fit(rows(900, 14), plan=plan)
    (finding,) = (f for f in profile.score(batch).findings if (f.column, f.detector) == ("text", "unseen"))
    assert finding.statistic == 1.0
    assert finding.note.startswith("not in the reference: nobody knows this (500 rows, 1 of the batch")


def test_distances_on_cells_say_how_far_they_are_known(plan: ad.Plan) -> None:
    """The exact gap lies within the mass of the fullest cell."""
    reference, batch = rows(900, 16), rows(700, 17, 0.2)
    names = [f"{n}" for n in ("number", "narrow", "whole", "huge")]
    found = {f.column: f for f in ad.Profile.fit(reference, plan=plan).score(batch).findings if f.detector == "ks"}
    exact = {f.column: f for f in ad.compare(reference, batch, ["ks"]).findings}
    for name in names:
        statistic, bound = found[name].statistic, found[name].details["rank_error"]
        assert statistic is not None
        assert statistic <= (exact[name].statistic or 0.0) + 1e-12
        assert statistic + bound >= (exact[name].statistic or 0.0)
        assert bound < 0.06
    assert found["whole"].details["rank_error"] == 0.0


def test_mistakes_in_python(plan: ad.Plan) -> None:
    one = ad.Profile.fit(rows(60, 1), plan=plan)
    for wrong in ("june.plan.adp", one, 3):
        with pytest.raises(ConfigError, match=r"it is what Profile\.plan\(\.\.\.\) makes"):
            ad.Profile.fit(rows(60, 1), plan=wrong)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="nope"):
        ad.Profile.fit(rows(60, 1), plan=plan, backend="nope")
    for other in ("x.adp", [one]):
        with pytest.raises(ConfigError, match="merge takes profiles, each an argument of its own"):
            one.merge(other)  # type: ignore[arg-type]
    assert len(repr(plan)) < 200 > len(repr(one))


def test_reports_call_the_reference_by_the_name_that_was_given() -> None:
    reference = rows(300, 22)
    for name, shown in (("", "reference"), ("June", "June")):
        profile = ad.Profile.fit(reference, plan=ad.Profile.plan(reference, ["psi"], name=name))
        assert profile.score(reference).reference == shown


def test_plans_and_counted_profiles_are_equal_where_they_count_the_same() -> None:
    rng = np.random.default_rng(40)
    rows = {"x": rng.normal(size=400), "c": rng.choice(["a", "b"], 400)}
    plan, again = (ad.Profile.plan(rows, ["psi", "mmd"]) for _ in range(2))
    other = ad.Profile.plan(rows, ["psi"])
    assert plan == again
    assert hash(plan) == hash(again)
    assert plan != other
    assert plan != "plan"
    halves = [{k: v[some] for k, v in rows.items()} for some in (slice(0, 150), slice(150, 400))]
    a, b = (ad.Profile.fit(half, plan=plan) for half in halves)
    whole = ad.Profile.fit(rows, plan=again)
    assert a.merge(b) == whole
    assert hash(b.merge(a)) == hash(whole)
    assert a != whole
    assert ad.Profile.fit(rows, plan=other) != whole


def test_a_counted_profile_is_not_opened_on_a_backend_that_is_not_there(tmp_path: Path) -> None:
    ad.Profile.fit({"x": np.arange(60) % 7}, ["psi"], content="aggregates").save(tmp_path / "counted.adp")
    with pytest.raises(ConfigError, match="there is no backend 'nope'"):
        ad.Profile.load(tmp_path / "counted.adp", backend="nope")


def test_a_column_that_cannot_be_read_is_not_called_absent() -> None:
    plan = ad.Profile.plan({"x": np.arange(60.0), "c": ["a", "b"] * 30}, ["psi"])
    with pytest.raises(SchemaError, match=r"cannot be counted as the plan does: 'c': bytes \(binary\)"):
        ad.Profile.fit(pa.table({"x": np.arange(9.0), "c": [b"a"] * 9}), plan=plan)
