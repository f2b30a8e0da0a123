"""The batches of the last scenario and seed, so that they are made once for all contenders and not for each."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from accel_drift.evaluation.scenarios import Batch, Laid, laid

MOST_BYTES = 1 << 26
"""What is remembered at most; of a larger scenario nothing is."""


class _Last(NamedTuple):
    """What was made last in this thread: its batches, and what they were made of."""

    made_of: tuple[str, int]
    reference: Any
    batches: tuple[Batch, ...]
    onset_row: int | None


_here = threading.local()


def remembered(scenario: Any, seed: int, digest: str) -> Laid:
    """The scenario for a seed, made anew or as it was made for the trial before; a contender may change what it gets.

    Args:
        scenario: what it is made of.
        seed: decides it.
        digest: of the scenario; "" to make it anew.
    """
    last: _Last | None = getattr(_here, "last", None)
    if digest and last is not None and last.made_of == (digest, seed):
        copies = (batch._replace(rows=_copy(batch.rows)) for batch in last.batches)
        return Laid(_copy(last.reference), copies, last.onset_row)
    _here.last = None
    made = laid(scenario, seed)
    reference = _copy(made.reference)
    if not digest or reference is None:
        return made
    return made._replace(batches=_kept(made, reference, (digest, seed)))


def _kept(made: Laid, reference: Any, made_of: tuple[str, int]) -> Iterator[Batch]:
    """The batches; once all were given they are what was made last."""
    left, batches = MOST_BYTES - _size(reference), list[Batch]()
    for batch in made.batches:
        rows = _copy(batch.rows) if left >= 0 else None
        left = -1 if rows is None else left - _size(rows)
        if left >= 0:
            batches.append(batch._replace(rows=rows))
        else:
            batches.clear()
        yield batch
    if left >= 0:
        _here.last = _Last(made_of, reference, tuple(batches), made.onset_row)


def _copy(rows: Any) -> Any:
    """A copy of arrays and of dicts of them; None of anything else, of which it is not known how it is copied."""
    if isinstance(rows, np.ndarray):
        return rows.copy()
    if isinstance(rows, Mapping) and all(isinstance(column, np.ndarray) for column in rows.values()):
        return {name: column.copy() for name, column in rows.items()}
    return None


def _size(rows: Any) -> int:
    return rows.nbytes if isinstance(rows, np.ndarray) else sum(column.nbytes for column in rows.values())
