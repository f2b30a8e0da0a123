"""What real data are asked: a reference, a batch, and what is known or held of the two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bench import real_data as data

SEED = 20_013
REPEATS = 1
"""Random halves of each month."""

HALVES = 12
"""Random halves of a data set that is not split by months."""

Sides = tuple[pa.Table, pa.Table]
Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Question:
    """A comparison of real data.

    Attributes:
        group: what the page calls questions of one kind.
        name: of this one.
        about: "dealt" (a random halving: nothing drifted, by construction), "control" (nothing is held to have
            drifted), "drift" (something did), "open" (nobody knows).
        why: what is known or held, and from where.
        draw: makes reference and batch.
        block: the column whose rows belong together; it is no feature.
        must: columns that drifted; () where which ones is not known.
        calm: columns that are held to have stayed, or to have changed too little to matter.
    """

    group: str
    name: str
    about: str
    why: str
    draw: Callable[[], Sides]
    block: str | None = None
    must: tuple[str, ...] = ()
    calm: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """What is asked, as plain values."""
        return {name: getattr(self, name) for name in ("group", "about", "why", "block", "must", "calm")}


@cache
def questions() -> Mapping[str, Question]:
    """Name -> question."""
    made = [*_months(), *_halves(), *_controls(), *_drifts(), *_open()]
    return {q.name: q for q in made}


DEALT = "rows or whole days are dealt to two sides at random, so nothing drifted by construction"


def _months() -> list[Question]:
    """Months of flights and of rentals: even and odd days, and days and rows at random."""
    made = []
    even = "even and odd days of a month share its weather, its weekdays and its season: held to be alike"
    for m in range(1, 13):
        mine = partial(_month, data.flights, m, ("month",))
        made.append(Question("flights, even and odd days", f"flights of month {m}, even and odd days", "control", even,
                             partial(_parity, mine, "day"), "day"))  # fmt: skip
        for i in range(REPEATS):
            made.append(Question("flights, days dealt", f"flights of month {m}, days dealt, {i}", "dealt", DEALT,
                                 partial(_deal, mine, "day", i), "day"))  # fmt: skip
            made.append(Question("flights, rows dealt", f"flights of month {m}, rows dealt, {i}", "dealt", DEALT,
                                 partial(_deal, mine, None, i)))  # fmt: skip
        for year in (2011, 2012):
            hours = partial(_month, data.rentals, m, _CALENDAR, year)
            made.append(Question("rentals, days dealt", f"rentals of {year}-{m:02}, days dealt", "dealt", DEALT,
                                 partial(_deal, hours, "date", 0), "date"))  # fmt: skip
    return made


def _halves() -> list[Question]:
    """Whole data sets in random halves."""
    made = []
    quiet = partial(_years, (2004, 2006), ())
    for i in range(HALVES):
        made.append(Question("digits, rows dealt", f"digits, rows dealt, {i}", "dealt", DEALT,
                             partial(_deal, _images, None, i)))  # fmt: skip
        made.append(Question("S&P 500, rows dealt", f"S&P 500 2004-06, days dealt, {i}", "dealt", DEALT,
                             partial(_deal, quiet, None, i)))  # fmt: skip
        made.append(Question("pizzas, days dealt", f"pizzas, days dealt, {i}", "dealt", DEALT,
                             partial(_deal, _sold, "date", i), "date"))  # fmt: skip
    return made


def _controls() -> list[Question]:
    """Splits by time between which nothing is held to have changed."""
    season = "one shop, one menu, no growth: the halves of its year are held to be alike; a season may differ a little"
    weeks = "weeks by turns of one decade share its instruments and seasons: held to be alike"
    made = [
        Question("rain, even and odd weeks", f"rain, even and odd weeks of decade {k + 1}", "control", weeks,
                 partial(_parity, partial(_decade, k), "week"), "week")
        for k in range(5)
    ]  # fmt: skip
    halves = Question("pizzas, halves of the year", "pizzas, first and second half of 2015", "control", season,
                      _half_years, "date")  # fmt: skip
    return [*made, halves]


def _drifts() -> list[Question]:
    """What is known to have changed."""
    made = [
        Question("flights", "flights, June and September", "drift", "June's flights arrive late, September's "
                 "early; carriers and airports keep their shares but for a little", _june_september, "day",
                 ("arr_delay", "dep_delay"), ("carrier", "origin")),
        Question("weather", "weather, January and July", "drift", "winter and summer", _january_july, "day",
                 ("temp", "dewp")),
        Question("digits", "digits, all and those below 5", "drift", "half of the classes are gone; which pixels show "
                 "it is not known beforehand", _below_five),
        Question("S&P 500", "S&P 500, 2004-06 and 2008-09", "drift", "the crisis: days move several times as much, "
                 "with little change of the mean", _crisis, "week", ("return", "range")),
    ]  # fmt: skip
    hurt = (
        "a model of rain that learned from the first decade errs far more often in this one; which columns changed is "
        "not known beforehand"
    )
    made += [
        Question("rain", f"rain, decades 1 and {k + 1}", "drift", hurt, partial(_decades, k), "week") for k in (3, 4)
    ]
    grown = "rentals grow by two thirds from one year to the next; the weather of two years is held to be much the same"
    made += [
        Question("rentals", "rentals, 2011 and 2012", "drift", grown, partial(_growth, None), "date",
                 ("registered", "cnt"), ("temp", "atemp", "hum", "windspeed", "weathersit")),
        *(Question("rentals, month by month", f"rentals, {m:02} of 2011 and of 2012", "drift",
                   "rentals grow in every month; the weather of one month is not that of the next year's",
                   partial(_growth, m), "date", ("registered", "cnt")) for m in range(1, 13)),
    ]  # fmt: skip
    return made


def _open() -> list[Question]:
    """What nobody knows."""
    small = "the model errs a little more often here than in the decade it learned from"
    hands = "thirteen people wrote the digits, and who wrote which is not told"
    return [
        *(
            Question("rain", f"rain, decades 1 and {k + 1}", "open", small, partial(_decades, k), "week")
            for k in (1, 2)
        ),
        Question("digits", "digits, first and second half", "open", hands, _writers),
    ]


_CALENDAR = ("year", "month", "holiday", "weekday", "workingday")
"""Columns of rentals that say when, not what."""


def _month(table: Callable[[], pa.Table], month: int, drop: tuple[str, ...], year: int | None = None) -> pa.Table:
    rows = table()
    chosen = pc.field("month") == month
    if year is not None:
        chosen = chosen & (pc.field("year") == year)
    return rows.filter(chosen).drop_columns(list(drop))


def _years(years: tuple[int, int], drop: tuple[str, ...]) -> pa.Table:
    chosen = (pc.field("year") >= years[0]) & (pc.field("year") <= years[1])
    return data.returns().filter(chosen).drop_columns(["year", "month", "week", *drop])


def _images() -> pa.Table:
    return data.digits().drop_columns(["digit"])


def _sold() -> pa.Table:
    return data.pizzas().drop_columns(["year", "month"])


def _decade(k: int) -> pa.Table:
    return data.rainfall().slice(k * data.DECADE, data.DECADE).drop_columns(["rain"])


def _decades(k: int) -> Sides:
    return _decade(0), _decade(k)


def _parity(rows: Callable[[], pa.Table], name: str) -> Sides:
    table = rows()
    odd = table[name].to_numpy() % 2 > 0
    return _where(table, odd), _where(table, ~odd)


def _deal(rows: Callable[[], pa.Table], block: str | None, seed: int) -> Sides:
    """Half of the rows or of the blocks at random, and the others."""
    table = rows()
    _, place = np.unique(table[block].to_numpy(), return_inverse=True) if block else (None, np.arange(table.num_rows))
    count = int(place.max()) + 1
    chosen = np.random.default_rng((SEED, seed, count)).permutation(count) < count // 2
    return _where(table, chosen[place]), _where(table, ~chosen[place])


def _june_september() -> Sides:
    june, september = (_month(data.flights, m, ("month",)) for m in (6, 9))
    return june, september


def _january_july() -> Sides:
    january, july = (_month(data.weather, m, ("month",)) for m in (1, 7))
    return january, july


def _half_years() -> Sides:
    first = data.pizzas()["month"].to_numpy() <= 6
    return _where(_sold(), first), _where(_sold(), ~first)


def _below_five() -> Sides:
    return _images(), _where(_images(), data.digits()["digit"].to_numpy() < 5)


def _writers() -> Sides:
    half = data.digits().num_rows // 2
    return _images().slice(0, half), _images().slice(half)


def _crisis() -> Sides:
    table = data.returns()
    quiet, loud = (table.filter((pc.field("year") >= a) & (pc.field("year") <= b)).drop_columns(["year", "month"])
                   for a, b in ((2004, 2006), (2008, 2009)))  # fmt: skip
    return quiet, loud


def _growth(month: int | None) -> Sides:
    table = data.rentals()
    if month is not None:
        table = table.filter(pc.field("month") == month)
    one, other = (table.filter(pc.field("year") == year).drop_columns(list(_CALENDAR)) for year in (2011, 2012))
    return one, other


def _where(table: pa.Table, chosen: Rows) -> pa.Table:
    return table.filter(pa.array(chosen))
