"""When something is due: cron as cron has it, intervals, and the days on which clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_drift.errors import ConfigError
from accel_drift.schedule import Schedule

BERLIN = "Europe/Berlin"
SPRING, AUTUMN = datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)
"""The days on which clocks in Berlin change, both at 1:00 UTC."""


def times(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """All times in (start, end]."""
    found = []
    while (start := schedule.after(start)) <= end:
        found.append(start)
    return found


def told(schedule: Schedule, day: datetime) -> list[str]:
    """The times (UTC) of a day and of the night around it."""
    return [f"{at:%d %H:%M}" for at in times(schedule, day - timedelta(hours=1), day + timedelta(hours=5))]


@pytest.mark.parametrize(
    ("field", "days"),
    [
        *(("0", "sun"), ("7", "sun"), ("1", "mon"), ("1-5", "mon tue wed thu fri"), ("5-7", "fri sat sun")),
        *(("*/3", "wed sat sun"), ("MON-Fri", "mon tue wed thu fri"), ("mon,0", "mon sun"), ("fri-sun", "fri sat sun")),
        *(("4/2", "thu sat"), ("*", "mon tue wed thu fri sat sun")),
    ],
)
def test_weekdays_are_those_of_cron(field: str, days: str) -> None:
    monday = datetime(2026, 6, 1, tzinfo=UTC)
    found = times(Schedule(cron=f"0 6 * * {field}"), monday, monday + timedelta(days=7))
    assert [f"{at:%a}".lower() for at in found] == days.split()


def test_a_time_of_the_day_that_clocks_show_never_or_twice_comes_once() -> None:
    nightly = Schedule(cron="30 2 * * *", zone=BERLIN)
    # 2:30 does not come in spring: 3:30 in summer time. In autumn it comes twice: the first, in summer time.
    assert told(nightly, SPRING) == ["29 01:30"]
    assert told(nightly, AUTUMN) == ["25 00:30"]
    for day in (SPRING, AUTUMN):
        around = times(nightly, day - timedelta(days=3), day + timedelta(days=3))
        assert len(around) == 6
        # From any moment on, it is the same times.
        for minutes in range(-120, 300, 7):
            moment = day + timedelta(minutes=minutes)
            assert nightly.after(moment) == min(at for at in around if at > moment)


def test_several_times_of_the_night_come_once_each_and_in_their_order() -> None:
    schedule = Schedule(cron="0,30 1,2,3 * * *", zone=BERLIN)
    assert told(schedule, SPRING) == ["29 00:00", "29 00:30", "29 01:00", "29 01:30"]
    assert told(schedule, AUTUMN) == [
        f"{day} {at}"
        for day, at in (("24", "23:30"), ("25", "00:00"), ("25", "00:30"), ("25", "02:00"), ("25", "02:30"))
    ]


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
@pytest.mark.parametrize(("cron", "minutes"), [("0 * * * *", 60), ("*/15 * * * *", 15), ("5 */1 * * *", 60)])
def test_what_is_due_every_hour_is_done_in_every_hour_that_passes(day: datetime, cron: str, minutes: int) -> None:
    found = times(Schedule(cron=cron, zone=BERLIN), day - timedelta(days=1), day + timedelta(days=1))
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=minutes)}


def test_zones_decide_what_the_time_of_the_day_is() -> None:
    assert Schedule(cron="0 6 * * *", zone="Asia/Kolkata").after(SPRING) == SPRING + timedelta(minutes=30)
    assert Schedule(cron="0 6 * * *").after(SPRING) == SPRING + timedelta(hours=6)


def test_intervals_are_on_the_clock() -> None:
    hourly, weekly = Schedule(every="1h"), Schedule(every="1w")
    moment = datetime(2026, 6, 3, 10, 59, 59, tzinfo=timezone(timedelta(hours=2)))
    assert hourly.after(moment) == datetime(2026, 6, 3, 9, tzinfo=UTC)
    assert hourly.after(datetime(2026, 6, 3, 9, tzinfo=UTC)) == datetime(2026, 6, 3, 10, tzinfo=UTC)
    assert f"{weekly.after(moment):%a %H:%M}" == "Mon 00:00"


SCHEDULES = [
    Schedule(cron="*/5 * * * *", zone=BERLIN),
    Schedule(cron="30 2 * * *", zone=BERLIN),
    Schedule(cron="15,45 1-3 * * sun", zone="America/New_York"),
    Schedule(cron="0 0 29 2 *"),
    Schedule(every="7h"),
]


@settings(max_examples=60, deadline=None)
@given(
    which=st.sampled_from(SCHEDULES),
    start=st.datetimes(datetime(2023, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    hours=st.integers(0, 200),
)
def test_the_latest_is_the_last_of_all(which: Schedule, start: datetime, hours: int) -> None:
    end = start + timedelta(hours=hours)
    found = times(which, start, end)
    assert found == sorted(set(found))
    assert which.latest(start, end) == (found[-1] if found else None)


def test_a_long_time_without_a_look_is_no_long_search() -> None:
    minutely = Schedule(cron="* 0-23 * * *", zone=BERLIN)
    end = datetime(2026, 6, 1, 10, 0, 30, tzinfo=UTC)
    assert minutely.latest(datetime(1990, 1, 1, tzinfo=UTC), end) == end.replace(second=0)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "give cron"),
        ({"cron": "0 6 * * *", "every": "1h"}, "not both"),
        ({"cron": "0 6 * *"}, "five fields"),
        ({"cron": 6}, "five fields"),
        ({"cron": "61 6 * * *"}, "cron is '61 6"),
        ({"cron": "0 6 * * 8"}, "0 to 7"),
        ({"cron": "0 6 * * fri-mon"}, "0 to 7"),
        ({"cron": "0 6 * * 1-5/0"}, "0 to 7"),
        ({"cron": "0 6 1 * mon"}, "leave one as"),
        ({"cron": "0 6 30 2 *"}, "never comes"),
        ({"cron": "0 6 * * *", "zone": "Berlin"}, "Europe/Berlin"),
        ({"cron": "0 6 * * *", "zone": "../etc"}, "Europe/Berlin"),
        ({"every": "1h", "zone": BERLIN}, "counted in UTC"),
        ({"every": "1mo"}, "cron"),
        ({"every": "10ms"}, "1s or more"),
        ({"every": "soon"}, "length of time"),
        ({"every": "1h", "missed": "later"}, "run and skip"),
    ],
)
def test_what_cannot_be(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Schedule(**options)
