"""What moved, in words: the sentences made of a finding's parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from accel_drift.finding import Finding, Part, Status
from accel_drift.report import words

CELLS = ("bin", "category", "other", "missing", "unseen", "vanished")
"""Kinds of parts that count rows."""
_NAMED = 3
"""Cells named in a sentence, of each direction; more of them nobody reads."""
_SEEN = 0.005
"""A change of the share of missing rows below this is not worth a sentence."""


def shares(finding: Finding, part: Part) -> tuple[float | None, float | None]:
    """The part's share of the rows of the reference and of the batch; None where it counts no rows."""
    return _share(finding, part, "reference"), _share(finding, part, "batch")


def _share(finding: Finding, part: Part, side: str) -> float | None:
    rows, of = getattr(part, side), finding.n_reference if side == "reference" else finding.n_batch
    if part.kind == "missing" and sum(getattr(p, side) or 0 for p in of_kind(finding, *CELLS)) > of:
        of += rows or 0  # a test of the values alone does not count the missing rows among its own
    return None if rows is None or of == 0 else rows / of


def of_kind(finding: Finding, *kinds: str) -> list[Part]:
    """The parts of these kinds, in their order."""
    return [part for part in finding.parts if part.kind in kinds and not _is_place(part)]


def _is_place(part: Part) -> bool:
    """Whether it is where two distribution functions lie furthest apart: rows up to a value, and not a cell."""
    return part.kind == "bin" and part.label.startswith("at ")


def moved(finding: Finding) -> str:
    """What the finding is about in one line; "" where it has no parts."""
    if not finding.parts:
        return ""
    if finding.status is Status.STABLE:
        return "Nothing that chance would not give; the parts are listed all the same."
    places = [f"furthest apart {words.visible(part.label)}" for part in finding.parts if _is_place(part)]
    sentences = [*places, *_cells(finding), *_columns(finding), *_rows(finding)]
    return " ".join(sentence[0].upper() + sentence[1:] + "." for sentence in sentences)


def _cells(finding: Finding) -> list[str]:
    # Against all cells: where rows went missing the bins lose rows by that alone, and it is not to be told of them.
    told = [p for p in _telling(of_kind(finding, *CELLS)) if p.kind in ("bin", "category", "other")]
    more = [p.label for p in told if p.direction == "more"]
    less = [p.label for p in told if p.direction == "less"]
    clauses = [f"{how} {_listed(labels)}" for how, labels in (("more rows in", more), ("fewer in", less)) if labels]
    out = ["; ".join(clauses)] if clauses else []
    if less and not more:
        out = [out[0].replace("fewer in", "fewer rows in")]
    for part in of_kind(finding, "missing"):
        out += _missing(finding, part)
    unseen, vanished = of_kind(finding, "unseen"), of_kind(finding, "vanished")
    if unseen:
        out.append(f"not in the reference: {_listed(p.label for p in unseen)}")
    if vanished:
        out.append(f"no longer in the batch: {_listed(p.label for p in vanished)}")
    return out


def _missing(finding: Finding, part: Part) -> list[str]:
    before, now = shares(finding, part)
    if before is None or now is None or abs(now - before) < _SEEN:
        return []
    return [f"{'more' if now > before else 'less'} missing ({words.share(before)} before, {words.share(now)} now)"]


def _columns(finding: Finding) -> list[str]:
    found = [p for p in of_kind(finding, "column") if p.contribution > 0]
    if not found:
        return []
    named = [
        words.visible(p.label) + (f" ({words.share(p.share)})" if p.share is not None else "") for p in found[:_NAMED]
    ]
    return [f"most of it is in {_joined(named)}"]


def _rows(finding: Finding) -> list[str]:
    out = []
    for side, other in (("batch", "reference"), ("reference", "batch")):
        found = [p for p in of_kind(finding, "row") if p.side == side]
        if found:
            out.append(f"least like the {other}: {side} {_joined([words.visible(p.label) for p in found[:_NAMED]])}")
    return out


def _telling(parts: Sequence[Part]) -> list[Part]:
    """The parts that make up four fifths of all: those beyond would be noise in a sentence."""
    ranked = sorted(parts, key=lambda part: -_size(part))
    whole = sum(_size(part) for part in ranked)
    told: list[Part] = []
    for part in ranked:
        if whole <= 0 or sum(_size(p) for p in told) >= 0.8 * whole:
            break
        told.append(part)
    return told


def _size(part: Part) -> float:
    return abs(part.contribution) if math.isfinite(part.contribution) else 0.0


def _listed(labels: Iterable[str]) -> str:
    found = [words.visible(label) for label in labels]
    rest = len(found) - _NAMED
    if rest > 1:
        return f"{', '.join(found[:_NAMED])} and {rest:,} others"
    return _joined(found)


def _joined(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
