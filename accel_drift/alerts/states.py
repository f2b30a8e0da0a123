"""How every row of rules stands, and how that is written: in pieces, of which only those that changed are written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from accel_drift.alerts.compiled import NEVER, Compiled

State: TypeAlias = npt.NDArray[np.void]

STATE = np.dtype(
    [
        ("count", "<i8"),  # windows in a row for which the condition was true, as far as they matter
        ("falses", "<i8"),  # windows in a row that speak for the end of the alert
        ("openings", "<i8"),
        ("raises", "<i8"),
        ("reminders", "<i8"),
        ("since", "<i8"),  # when the condition began to be true
        ("opened_at", "<i8"),
        ("until", "<i8"),  # the end of the cool-down
        ("remind", "<i8"),  # when to tell again
        ("escalate", "<i8"),  # when to tell others
        ("seen", "<u8"),  # the window that was counted last
        ("labelled", "<i8"),  # the end of the latest window whose labels came late
        ("severity", "<i8"),
        ("open", "?"),
        ("key", "S32"),
    ]
)
"""Times are microseconds since 1970."""
_KEPT = np.dtype([("digest", "V16"), ("state", STATE)])
_BUCKETS = 64
_PIECE = "states "


@dataclass(frozen=True, slots=True)
class Orphan:
    """An alert that is open, and whose rule is gone.

    Attributes:
        rule, subject, sinks: what the rule was, and who was told.
        others: who was told when it escalated.
        key: of the alert.
        severity: of the alert.
        bucket: the piece that it stands in.
    """

    rule: str
    subject: str
    sinks: tuple[str, ...]
    others: tuple[str, ...]
    key: str
    severity: int
    bucket: int


def fresh(count: int) -> State:
    """(count,) states of rows of which nothing was seen."""
    state: State = np.zeros(count, dtype=STATE)
    state["remind"] = state["escalate"] = NEVER
    state["labelled"] = -NEVER
    return state


def buckets(digests: Iterable[bytes]) -> npt.NDArray[np.uint8]:
    """(n,) the piece that each row is written to; it does not depend on what other rows there are."""
    return np.fromiter((digest[0] % _BUCKETS for digest in digests), dtype=np.uint8)


def packed(compiled: Compiled, state: State, bucket: npt.NDArray[np.uint8], changed: Iterable[int]) -> Any:
    """Pieces, by name: of each bucket that changed the rows of which something was seen; None where there is none."""
    there = (state["count"] > 0) | (state["openings"] > 0) | (state["labelled"] > -NEVER)
    pieces: dict[str, bytes | None] = {}
    wanted = sorted({*changed})
    rows = np.flatnonzero(there & np.isin(bucket, wanted))
    of = bucket[rows]
    for number in wanted:
        own = rows[of == number]
        pieces[f"{_PIECE}{number}"] = _packed(compiled, state, own) if len(own) else None
    return pieces


def unpacked(compiled: Compiled, pieces: Mapping[str, bytes]) -> tuple[State, list[Orphan]]:
    """The state that was written, and alerts whose rules are gone."""
    records, names = [], []
    for name, body in pieces.items():
        if name.startswith(_PIECE):
            head, _, rest = body.partition(b"\n")
            names += json.loads(head)
            records.append(np.frombuffer(rest, dtype=_KEPT))
    if not records:
        return fresh(len(compiled)), []
    kept = np.concatenate(records)
    if compiled.each:
        own = {compiled.rules[i].name for i in compiled.each}
        compiled.see(list(dict.fromkeys(subject for rule, subject, *_ in names if rule in own and subject)))
    state, orphans = fresh(len(compiled)), []
    for (rule, subject, sinks, others), record in zip(names, kept, strict=True):
        row = compiled.index.get(record["digest"].tobytes())
        if row is not None:
            state[row] = record["state"]
        elif record["state"]["open"]:
            told, where = record["state"], record["digest"].tobytes()[0] % _BUCKETS
            also = tuple(others) if told["escalate"] == NEVER else ()
            key, severity = told["key"].decode(), int(told["severity"])
            orphans.append(Orphan(rule, subject, tuple(sinks), also, key, severity, where))
    return state, sorted(orphans, key=lambda one: (one.rule, one.subject, one.key))


def _packed(compiled: Compiled, state: State, rows: npt.NDArray[np.intp]) -> bytes:
    kept = np.zeros(len(rows), dtype=_KEPT)
    kept["state"] = state[rows]
    kept["digest"] = np.frombuffer(b"".join(compiled.digests[row] for row in rows), dtype="V16")
    rules = [compiled.rules[i] for i in compiled.rule[rows]]
    names = [
        [rule.name, compiled.subjects[row], rule.sinks, rule.escalate_to] for rule, row in zip(rules, rows, strict=True)
    ]
    return json.dumps(names).encode() + b"\n" + kept.tobytes()
