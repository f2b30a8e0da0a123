"""Real data as streams for watches: a reference, batches that nothing is held to have changed in, and changed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench import real_data as data

SEED = 20_014
A_DAY = 50
"""Flights that are taken of each day, at random: all nine hundred would say the same, and take twenty times as long."""


class Stream(NamedTuple):
    """What a watch is opened on, and the batches that it then sees."""

    reference: pa.Table
    calm: Sequence[pa.Table]
    moved: Sequence[pa.Table]


@dataclass(frozen=True, slots=True)
class Watched:
    """One way to watch a data set.

    Attributes:
        name: of the data, and of what is dealt.
        fair: whether rows are dealt to reference and calm batches one by one, at random: what detectors promise of
            independent rows then holds.
        why: what reference and calm batches are, and what to make of them.
        moved: what the changed batches are.
        draw: makes the stream of a random generator.
        window: rows of the windows of detectors that look at every row; 0 where rows are too few for any.
        joint: whether rows are embeddings, which the kernel alone compares.
        small: whether a reference is small enough for alibi-detect, whose thresholds take time by its square.
    """

    name: str
    fair: bool
    why: str
    moved: str
    draw: Callable[[np.random.Generator], Stream]
    window: int
    joint: bool = False
    small: bool = False

    def stream(self, repeat: int) -> Stream:
        """The stream of one deal: of what is not dealt, the same each time."""
        return self.draw(np.random.default_rng((SEED, repeat)))


@cache
def watched() -> Mapping[str, Watched]:
    """Name -> what is watched."""
    late = "September's days, in their order: flights arrive early, where June's are late"
    early = "September's days to November's, in their order: flights arrive earlier than in summer"
    grown = "days of 2012, dealt, so that the season takes no part: two thirds more rentals"
    crisis = "days of 2008 and 2009, in their order: returns move several times as much"
    made = [
        Watched("flights in whole days", False, f"20 days of June and the other 10, dealt; a look is a day, of which "
                f"{A_DAY} flights are taken; those of a day share its weather", late, _flights, 50),
        Watched("flights, single ones dealt", True, f"{A_DAY} flights of each day of June, dealt one by one, as in "
                "batches that span the month; a look is 50", "September's, dealt, too", _flights_dealt, 50),
        Watched("flights, a row a day", True, "61 days of June to August and the other 31, dealt; a row has a day's "
                "mean delays, cancellations and flights; a look is 7 days", early, _days_of_flights, 0),
        Watched("rentals in whole days", False, "120 days of 2011 and 40 others, dealt; a look is a day, whose hours "
                "share its weather", grown, _rentals, 20),
        Watched("rentals, a row a day", True, "243 days of 2011 and the other 122, dealt; a row has a day's rentals "
                "and mean weather; a look is 7 days", grown, _days_of_rentals, 20, small=True),
        Watched("returns in order", False, "the days of 2004 and 2005, then those of 2006; a look is 5 days; quiet "
                "days follow quiet ones", crisis, _returns_in_order, 20, small=True),
        Watched("returns dealt", True, "500 days of 2004 to 2006 and the other 255, dealt; a look is 5 days", crisis,
                _returns_dealt, 20, small=True),
        Watched("images dealt", True, "1,000 images of digits and the other 797, dealt, as embeddings of 64 numbers; "
                "a look is 50 images", "those others that show a digit below 5: half of the classes are gone",
                _digits, 50, joint=True),
    ]  # fmt: skip
    return {w.name: w for w in made}


@cache
def _month(month: int) -> tuple[pa.Table, ...]:
    """Its days, of each so many flights in their order."""
    days = _by(data.flights().filter(pc.field("month") == month).drop_columns(["month"]), "day")
    rng = np.random.default_rng((SEED, month, 1))
    return tuple(day.take(np.sort(rng.permutation(day.num_rows)[:A_DAY])) for day in days)


def _flights(rng: np.random.Generator) -> Stream:
    june = _dealt(_month(6), rng)
    return Stream(pa.concat_tables(june[:20]), june[20:], _month(9))


def _flights_dealt(rng: np.random.Generator) -> Stream:
    june, september = (_shuffled(pa.concat_tables(_month(m)), rng) for m in (6, 9))
    return Stream(june.slice(0, 20 * A_DAY), _looks(june.slice(20 * A_DAY), A_DAY), _looks(september, A_DAY))


def _days_of_flights(rng: np.random.Generator) -> Stream:
    summer = _shuffled(_summaries((6, 7, 8)), rng)
    return Stream(summer.slice(0, 61), _looks(summer.slice(61), 7), _looks(_summaries((9, 10, 11)), 7))


@cache
def _summaries(months: tuple[int, ...]) -> pa.Table:
    """One row a day, by all its flights."""
    table = data.flights().filter(pc.field("month").isin(list(months)))
    made = table.group_by(["month", "day"], use_threads=False).aggregate([
        ("dep_delay", "mean"), ("arr_delay", "mean"), ("distance", "count"), ("arr_delay", "count"),
    ]).sort_by([("month", "ascending"), ("day", "ascending")])  # fmt: skip
    gone = made["distance_count"].to_numpy() - made["arr_delay_count"].to_numpy()
    return made.drop_columns(["month", "day", "arr_delay_count"]).append_column("cancelled", pa.array(gone))


@cache
def _year(year: int) -> tuple[pa.Table, ...]:
    """Its days, with their hours."""
    calendar = ["year", "month", "hr", "holiday", "weekday", "workingday"]
    return _by(data.rentals().filter(pc.field("year") == year).drop_columns(calendar), "date")


def _rentals(rng: np.random.Generator) -> Stream:
    before, after = (_dealt(_year(year), rng) for year in (2011, 2012))
    return Stream(pa.concat_tables(before[:120]), before[120:160], after[:40])


def _days_of_rentals(rng: np.random.Generator) -> Stream:
    before, after = (_shuffled(_sums(year), rng) for year in (2011, 2012))
    return Stream(before.slice(0, 243), _looks(before.slice(243), 7), _looks(after, 7))


@cache
def _sums(year: int) -> pa.Table:
    """One row a day."""
    table = data.rentals().filter(pc.field("year") == year)
    what = [(name, "sum") for name in ("casual", "registered", "cnt")]
    what += [(name, "mean") for name in ("temp", "atemp", "hum", "windspeed")]
    return table.group_by("date", use_threads=False).aggregate(what).sort_by("date").drop_columns(["date"])


def _returns(first: int, last: int) -> pa.Table:
    table = data.returns().filter((pc.field("year") >= first) & (pc.field("year") <= last))
    return table.drop_columns(["year", "month", "week"])


def _returns_in_order(_rng: np.random.Generator) -> Stream:
    return Stream(_returns(2004, 2005), _looks(_returns(2006, 2006), 5), _looks(_returns(2008, 2009), 5))


def _returns_dealt(rng: np.random.Generator) -> Stream:
    quiet = _shuffled(_returns(2004, 2006), rng)
    return Stream(quiet.slice(0, 500), _looks(quiet.slice(500), 5), _looks(_returns(2008, 2009), 5))


def _digits(rng: np.random.Generator) -> Stream:
    table = _shuffled(data.digits(), rng)
    pixels = np.stack([table[f"p{i}"].to_numpy() for i in range(64)], axis=1).astype(np.float64)
    images = pa.table({"image": pa.FixedSizeListArray.from_arrays(pixels.ravel(), 64)})
    below = np.flatnonzero(table["digit"].to_numpy() < 5)
    others = images.take(below[below >= 1_000])
    return Stream(images.slice(0, 1_000), _looks(images.slice(1_000), 50), _looks(others, 50))


def _by(table: pa.Table, name: str) -> tuple[pa.Table, ...]:
    """The parts with one value each, in their order, without that column."""
    values = table[name].to_numpy()
    return tuple(table.filter(pa.array(values == v)).drop_columns([name]) for v in np.unique(values))


def _dealt(parts: Sequence[pa.Table], rng: np.random.Generator) -> list[pa.Table]:
    return [parts[i] for i in rng.permutation(len(parts))]


def _shuffled(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    return table.take(rng.permutation(table.num_rows))


def _looks(table: pa.Table, rows: int) -> list[pa.Table]:
    """Whole batches of so many rows."""
    return [table.slice(lo, rows) for lo in range(0, table.num_rows - rows + 1, rows)]
