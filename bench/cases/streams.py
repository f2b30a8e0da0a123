"""How fast are values of streams watched, thousands of streams at once and a single one, against river?

Ours runs in river's mode and finds the same change points, save for KSWIN, which draws other samples. Times are those
of 10,000 values of one stream. river takes one stream at a time: it is timed on a few of many streams, and on the first
part of a long one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.streams import get_class
from bench.goals import Goal, Record, faster, ratio
from bench.question import Answer, Case, Contender, Question, Sizes

_PIECE = 10_000
"""Values of a stream whose time is told."""

_PEERS: Mapping[str, tuple[str, float]] = {
    "page_hinkley": ("S", 100),
    "ddm": ("S", 50),
    "eddm": ("S", 50),
    "adwin": ("middle", 10),
    "hddm_a": ("middle", 50),
    "hddm_w": ("middle", 50),
    "kswin": ("least", 100),
}
"""Detectors that river has, the size that says how many streams, and how many times faster ours shall be on them."""

_CHARTS = ("cusum", "ewma")
"""Detectors that river does not have; they are held against our Page-Hinkley."""

Values = npt.NDArray[np.float64]


def many(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """Streams side by side, on the first backend."""
    b, length, few = backends[0], sizes["T"], sizes["few"]
    given = cache(_values)
    found: dict[str, Contender] = {}
    for name in (*_PEERS, *_CHARTS):
        streams = sizes[_PEERS.get(name, ("S", 1))[0]]
        x = given(_numbers(name), length, streams)
        found |= _contenders(name, b, x, x[:, :few], (streams * length, few * length))
    return Question("streams", sizes, found)


def one(sizes: Sizes, backends: Sequence[Backend]) -> Question:
    """A single stream in one call, on the first backend."""
    b, length = backends[0], sizes["T"]
    found: dict[str, Contender] = {}
    for name in _PEERS:
        # river's KSWIN takes a thousand times as long as its others.
        part = min(sizes["part"], _PIECE) if name == "kswin" else sizes["part"]
        x = _values(_numbers(name), length, 1)
        found |= _contenders(name, b, x, x[:part], (length, part))
    return Question("stream_long", sizes, found)


def _numbers(name: str) -> bool:
    return get_class(name).reads == "numbers"


def _values(numbers: bool, moments: int, streams: int) -> Values:
    """(T, S) numbers, or errors; in the fourth fifth of the time they are others."""
    rng = np.random.default_rng(21)
    moved = (np.arange(moments) * 5 // moments == 3)[:, None]
    if numbers:
        return np.asarray(rng.standard_normal((moments, streams)) + moved)
    return np.asarray(rng.random((moments, streams)) < 0.1 + 0.2 * moved, np.float64)


def _contenders(name: str, backend: Backend, x: Values, few: Values, work: tuple[int, int]) -> dict[str, Contender]:
    """Ours on all values and river on a few of them, where it has the method; `work` is the number of both."""
    mine, theirs = (_label(who, name) for who in (backend.name, "river"))
    ours, other = (max(values // _PIECE, 1) for values in work)
    watch = partial(_watched, name, x, backend, few.shape)
    if name in _CHARTS:
        return {mine: Contender("ours", watch, _label(backend.name, "page_hinkley"), pieces=ours)}
    return {
        mine: Contender("ours", watch, theirs, tolerance=None if name == "kswin" else 0.0, pieces=ours),
        theirs: Contender("peer", partial(_river, name, few), pieces=other),
    }


def _label(who: str, name: str) -> str:
    return f"{who} {get_class(name).__name__}"


def _watched(name: str, x: Values, backend: Backend, part: tuple[int, int]) -> Answer:
    """Watch all streams; what became of those that river sees."""
    found = get_class(name)(variant="river").scan(x, backend=backend).change_points
    moments, streams = part
    return _told([found[(found[:, 1] == s) & (found[:, 0] < moments), 0] for s in range(streams)])


def _river(name: str, x: Values) -> Answer:
    from river import drift

    # What is HDDM_A here is HDDMA there.
    kind = {**vars(drift), **vars(drift.binary)}[get_class(name).__name__.replace("HDDM_", "HDDM")]
    found: list[list[int]] = []
    for stream in x.T.tolist():
        detector = kind()
        found.append([])
        for i, value in enumerate(stream):
            detector.update(value)
            if detector.drift_detected:
                found[-1].append(i)
    return _told(found)


def _told(found: Sequence[Any]) -> Answer:
    """One more than the change points of each stream, and their mean index."""
    return np.array([(1 + len(points), np.mean(points) if len(points) else 0) for points in found])


def _much_faster(questions: Sequence[Record]) -> float | None:
    """How many detectors take a third of river's time for a long stream, or less."""
    ratios = [ratio(questions[-1], _label("numpy", name), _label("river", name)) for name in _PEERS]
    return None if None in ratios else float(sum(r is not None and r >= 3 for r in ratios))


def _against_river(name: str, wanted: float) -> Goal:
    mine = _label("numpy", name)
    return Goal(f"{mine}, times river's values a second", faster(mine, _label("river", name)), wanted)


_ROOT = (
    "the root of the variance that it learns is taken at every value, since all streams of a vector do the same; such "
    "ratios differ by some hundredths from run to run"
)

MANY = Case(
    "streams",
    "Concept drift in S streams of T values (ADWIN and HDDM: `middle` streams, KSWIN: `least`), per 10,000 values of a "
    "stream",
    ({"T": 10_000, "S": 4096, "middle": 1000, "least": 100, "few": 2},),
    ({"T": 10_000, "S": 256, "middle": 128, "least": 8, "few": 1},),
    many,
    goals=(
        *(_against_river(name, wanted) for name, (_, wanted) in _PEERS.items()),
        *(
            Goal(
                f"{_label('numpy', n)}, times the values a second of our Page-Hinkley",
                faster(_label("numpy", n), _label("numpy", "page_hinkley")),
                1,
                reason=_ROOT if n == "cusum" else "",
            )
            for n in _CHARTS
        ),
    ),
    devices=("cpu",),
)

LONG = Case(
    "stream_long",
    "Concept drift in one stream of T values, in one call; river on a part of it; per 10,000 values",
    ({"T": 1_000_000, "part": 50_000},),
    ({"T": 100_000, "part": 10_000},),
    one,
    goals=(
        *(_against_river(name, 1) for name in _PEERS),
        Goal("detectors at least three times as fast as river's", _much_faster, len(_PEERS) // 2 + 1, ""),
    ),
    devices=("cpu",),
)
