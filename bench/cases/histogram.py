"""How near does counting come to the rate at which memory is read? Columns in their own bins, dictionary codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend, get_backend
from bench.goals import Goal, Measure, Record, faster, fraction
from bench.question import Answer, Case, Contender, Floor, Question, Sizes

_OURS = "counted where they lie"
_HISTOGRAM = "NumPy, np.histogram by column"
_SEARCH = "NumPy, searchsorted and bincount by column"
_BINCOUNT = "NumPy, bincount by column"
_BUSY = (
    "{} comparisons and about twice as many other vector instructions for each 64 bytes keep the vector units busy for "
    "at least as long as two cores take to read them, and part of the wait for memory comes on top"
)
"""Why values in bins do not come at the rate of memory."""

Columns = Sequence[npt.NDArray[Any]]


def ask(sizes: Sizes, backends: Sequence[Backend]) -> Question:  # noqa: ARG001  (host data is counted on the host)
    """Values in quantile bins, or codes where the size has no bins."""
    rng, floor = np.random.default_rng(5), "read"
    n, d = sizes["n"], sizes["d"]
    if "categories" in sizes:
        dtype = f"int{sizes['bits']}"
        columns = [rng.integers(0, sizes["categories"], n).astype(dtype) for _ in range(d)]
        found = _codes(columns, sizes["categories"], floor)
    else:
        dtype = f"float{sizes['bits']}"
        columns = [rng.standard_normal(n).astype(dtype) for _ in range(d)]
        shares = np.arange(1, sizes["bins"]) / sizes["bins"]
        found = _values(columns, [np.quantile(c[:50_000], shares).astype(dtype) for c in columns], floor)
    size = float(sum(c.nbytes for c in columns))
    floors = {floor: Floor(((size, "read"),), "the columns read once from memory, all cores")}
    return Question("histogram", sizes, found, floors)


def _values(columns: Columns, cuts: Columns, floor: str) -> dict[str, Contender]:
    # np.histogram's bins are closed on the left and ours on the right: the next number up makes them the same.
    edges = [np.concatenate([[-np.inf], np.nextafter(c, c.dtype.type(np.inf)), [np.inf]]).astype(c.dtype) for c in cuts]
    pairs = list(zip(columns, cuts, strict=True))

    def ours() -> Answer:
        counts = get_backend("numpy").kernels.column_counts([(c, None) for c in columns], cuts)
        return np.stack([c[:-2] for c in counts])

    return {
        _OURS: Contender("ours", ours, _HISTOGRAM, floor, 0.0),
        _HISTOGRAM: Contender(
            "peer", lambda: np.stack([np.histogram(c, e)[0] for c, e in zip(columns, edges, strict=True)]), "", floor
        ),
        _SEARCH: Contender(
            "peer",
            lambda: np.stack([np.bincount(np.searchsorted(t, c, side="left"), minlength=len(t) + 1) for c, t in pairs]),
            "",
            floor,
        ),
    }


def _codes(columns: Columns, total: int, floor: str) -> dict[str, Contender]:
    def ours() -> Answer:
        counts = get_backend("numpy").kernels.code_counts([(c, None) for c in columns], [total] * len(columns))
        return np.stack([c[:-1] for c in counts])

    def peer() -> Answer:
        return np.stack([np.bincount(c, minlength=total) for c in columns])

    return {
        _OURS: Contender("ours", ours, _BINCOUNT, floor, 0.0),
        _BINCOUNT: Contender("peer", peer, "", floor),
    }


def _where(measure: Measure, **sizes: int) -> Measure:
    """A measure of the one question that has these sizes."""

    def one(questions: Sequence[Record]) -> float | None:
        found = [q for q in questions if sizes.items() <= q["sizes"].items()]
        return measure(found) if found else None

    return one


def _goals() -> tuple[Goal, ...]:
    shares = (
        Goal(
            f"{bins} bins, float{bits}: share of the read rate",
            _where(fraction(_OURS), bins=bins, bits=bits),
            least,
            "%",
            reason=_BUSY.format(compared),
        )
        for bins, bits, least, compared in ((10, 64, 60, 4), (20, 64, 40, 5), (10, 32, 40, 4))
    )
    return (
        *shares,
        Goal("10 bins, float64: against np.histogram", _where(faster(_OURS, _HISTOGRAM), bins=10, bits=64), 5),
        Goal("10 bins, float64: against searchsorted", _where(faster(_OURS, _SEARCH), bins=10, bits=64), 30),
        Goal(
            "20 categories, int32 codes: share of the read rate",
            _where(fraction(_OURS), categories=20),
            50,
            "%",
            reason="the read rate of this machine differs by a few hundredths from run to run",
        ),
    )


def _sizes(n: int, d: int) -> tuple[Sizes, ...]:
    bins = ((10, 64), (20, 64), (10, 32))
    return (
        *({"n": n, "d": d, "bins": count, "bits": bits} for count, bits in bins),
        {"n": n, "d": d, "categories": 20, "bits": 32},
    )


CASE = Case(
    "histogram",
    "Histograms: counts of d columns of n rows, each in bins of its own, or of codes by category",
    _sizes(1_000_000, 50),
    _sizes(50_000, 5),
    ask,
    goals=_goals(),
    devices=("cpu",),
)
