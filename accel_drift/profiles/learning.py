"""How a reference is learned, to begin with: options are checked, rows are read, kinds are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from accel_drift.backends import Backend, open_backend
from accel_drift.calibration import Correction, Rule, check
from accel_drift.data.read import Pick, Progress, read_table
from accel_drift.data.schema import Kind
from accel_drift.data.table import Table
from accel_drift.data.words import refuse_blocks
from accel_drift.detectors import get_class, get_detector
from accel_drift.detectors.base import Detector
from accel_drift.errors import ConfigError, DataError
from accel_drift.profiles.scoring import Options

DEFAULT_DETECTORS = ("psi", "missing", "unseen", "mmd")
"""One score for every column, so that columns can be ranked, two tests of what is absent or new, and a joint test."""

COUNTABLE = ("psi", "missing", "unseen")
"""The same where no rows are kept: the sums of mmd take several times as long as all counts, so they are asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Options of `Profile.fit` and `Profile.plan`, as they were given."""

    detectors: Sequence[Detector | str] | None = None
    backend: str | Backend = "auto"
    block: str | int | None = None
    correction: Correction = "bh"
    rule: Rule | float = "fdr"
    alpha: float = 0.01
    min_effect: float | None = None
    seed: int = 0
    columns: Sequence[str] | None = None
    drop: Sequence[str] = ()
    label: str | None = None
    kinds: Mapping[str, str] | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Learned:
    """Rows of a reference and what they are to be compared with.

    Attributes:
        table: the rows, without columns that name things.
        detectors: with the options that a whole report shares.
        options: what reports are made with.
        backend: where to compute.
    """

    table: Table
    detectors: tuple[Detector, ...]
    options: Options
    backend: Backend


def learn(
    reference: Any,
    asked: Asked,
    detectors: Sequence[Detector | str] = DEFAULT_DETECTORS,
    pick: Pick | None = None,
    progress: Progress | None = None,
) -> Learned:
    """Check the options and read the rows.

    Args:
        reference: a data set.
        asked: the options.
        detectors: what is tested with where nothing was asked for.
        pick: which rows to read, as in `read_table`.
        progress: told how many rows were read, as in `read_table`.

    Raises:
        DataError: the reference cannot be read or has no rows.
        ConfigError: an option has a value that cannot work.
    """
    made = checked(asked, detectors)
    chosen, reason = open_backend(asked.backend, reference)
    kinds, columns = asked.kinds, asked.columns
    table = read_table(
        reference,
        columns=columns,
        drop=asked.drop,
        label=asked.label,
        kinds=kinds,
        name=asked.name,
        backend=chosen,
        pick=pick,
        progress=progress,
    )
    if table.rows == 0:
        raise DataError("the reference has no rows; there is nothing to learn")
    refuse_blocks(table, asked.block)
    table = _without_identifiers(table, (*(columns or ()), *(kinds or {})), asked.block)
    options = Options(
        correction=asked.correction,
        rule=asked.rule,
        alpha=asked.alpha,
        min_effect=asked.min_effect,
        block=asked.block,
        seed=asked.seed,
        columns=None if columns is None else tuple(columns),
        kinds=(*(kinds or ()), *(c.name for c in table.schema.columns if c.derived)),
        facts={"backend_reason": reason},
    )
    return Learned(table, made, options, chosen)


def checked(asked: Asked, detectors: Sequence[Detector | str] = DEFAULT_DETECTORS) -> tuple[Detector, ...]:
    """The detectors that options ask for.

    Args:
        asked: the options.
        detectors: what is tested with where nothing was asked for.

    Raises:
        ConfigError: an option has a value that cannot work, whatever the rows are.
    """
    check(asked.alpha, asked.correction, asked.rule)
    if isinstance(asked.detectors, str) or (asked.detectors is not None and not asked.detectors):
        raise ConfigError(f"detectors is {asked.detectors!r}; it is a list of detectors or their names, or None")
    made = tuple(_prepared(d, asked) for d in asked.detectors or detectors)
    _refuse_twins(made)
    return made


def detectors_of(summaries: Sequence[Mapping[str, Any]]) -> tuple[Detector, ...]:
    """Detectors from what their `summary` gave, perhaps through JSON."""
    return tuple(get_detector(d["detector"], **{k: v for k, v in d.items() if k != "detector"}) for d in summaries)


def _prepared(d: Detector | str, asked: Asked) -> Detector:
    """A detector with the report's options: one report has one level, one block rule and one seed."""
    made = get_class(d)() if isinstance(d, str) else d
    if not isinstance(made, Detector):
        raise ConfigError(f"detectors holds {d!r}; it takes detectors such as accel_drift.PSI(), or their names")
    for option, value, start in (("alpha", asked.alpha, 0.01), ("block", asked.block, None), ("seed", asked.seed, 0)):
        own = getattr(made, option)
        if own not in (start, value):
            raise ConfigError(
                f"{made.name} has {option}={own!r} and the report {option}={value!r}; one report has one: "
                f"give {option}= to the report"
            )
    least = made.min_effect if made.min_effect is not None else asked.min_effect
    return replace(made, alpha=asked.alpha, block=asked.block, seed=asked.seed, min_effect=least)


def _without_identifiers(table: Table, named: Sequence[str], block: str | int | None) -> Table:
    """Without the columns that are never compared, so that a profile keeps no names of things."""
    out = {
        c.name: f"identifier-like: {c.reason or 'it names things'}"
        for c in table.schema.columns
        if c.kind is Kind.IDENTIFIER and c.name not in named and c.name != block
    }
    kept = table.select([n for n in table.columns if n not in out])
    return replace(kept, excluded={**table.excluded, **out})


def _refuse_twins(detectors: tuple[Detector, ...]) -> None:
    seen = [d.name for d in detectors]
    twins = sorted({n for n in seen if seen.count(n) > 1})
    if twins:
        raise ConfigError(f"{', '.join(twins)} is given more than once; a report has one detector of a name")
