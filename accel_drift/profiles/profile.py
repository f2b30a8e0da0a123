"""A reference, learned once, that scores batches without the data set it came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from accel_drift._version import version
from accel_drift.backends import Backend, get_backend
from accel_drift.backends.registry import choose
from accel_drift.calibration import Correction, Rule, check
from accel_drift.data.calendar import block_ids
from accel_drift.data.read import read_table
from accel_drift.data.schema import Kind
from accel_drift.data.table import Table
from accel_drift.detectors import get_class, get_detector
from accel_drift.detectors.base import Detector, at_least
from accel_drift.errors import ConfigError, DataError
from accel_drift.profiles.scoring import Options, score
from accel_drift.report import Report
from accel_drift.statistics import draws
from accel_drift.statistics.kept import Kept
from accel_drift.statistics.totals import Totals

SAMPLE_ROWS = 20_000
"""Rows that a profile keeps at most for the detectors that need rows."""

DEFAULT_DETECTORS = ("psi", "missing", "unseen", "mmd")
"""One score for every column, so that columns can be ranked, two tests of what is absent or new, and a joint test."""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Profile:
    """What detectors need of a reference.

    Attributes:
        rows: the reference's rows, or a seeded sample of them, in their order.
        totals: counts of the whole reference where `rows` is a sample.
        detectors: what batches are tested with.
        options: alpha, correction, block and the like.
        backend: where to compute.
        provenance: when, from what and with which version it was made.
        kept: what is made of the rows once and serves every batch; never saved.
    """

    rows: Table
    totals: Totals | None
    detectors: tuple[Detector, ...]
    options: Options
    backend: Backend
    provenance: Mapping[str, Any]
    kept: Kept = field(default_factory=Kept, init=False, repr=False, compare=False)

    @classmethod
    def fit(
        cls,
        reference: Any,
        detectors: Sequence[Detector | str] | None = None,
        *,
        backend: str | Backend = "auto",
        block: str | int | None = None,
        correction: Correction = "bh",
        rule: Rule | float = "fdr",
        alpha: float = 0.01,
        min_effect: float | None = None,
        seed: int = 0,
        columns: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        label: str | None = None,
        kinds: Mapping[str, str] | None = None,
        sample_rows: int | None = SAMPLE_ROWS,
        name: str = "",
    ) -> Self:
        """Learn a reference.

        Args:
            reference: a data set: a Parquet, CSV or Arrow file, anything that speaks Arrow, a dict of columns, an
                (n, d) array.
            detectors: detectors or their names; by default psi, missing, unseen and mmd.
            backend: "numpy", "jax", "cupy" or "auto".
            block: rows that belong together and are permuted as one: a column, "timestamp:day", or a run length.
            correction: "bh", "by", "holm", "bonferroni" or "none".
            rule: when the data set counts as drifted: "fdr", "any", "majority", or a share of columns.
            alpha: false-alarm rate of the corrected tests.
            min_effect: effect that a drift must reach, for every detector that has none of its own.
            seed: decides every random choice.
            columns: only these columns; naming one keeps it even if it looks like an identifier.
            drop: columns to leave out.
            label: the label's column, left out.
            kinds: column -> kind where the finder should not decide; `"length"` compares a text by its length,
                `"gaps"` the seconds between the times of a column.
            sample_rows: rows kept at most; counts are of all rows in any case. None keeps all.
            name: what the report calls the reference.

        Raises:
            DataError: the reference cannot be read or has no rows.
            ConfigError: an option has a value that cannot work.
        """
        check(alpha, correction, rule)
        if isinstance(detectors, str) or (detectors is not None and not detectors):
            raise ConfigError(f"detectors is {detectors!r}; it is a list of detectors or their names, or None")
        made = tuple(_prepared(d, alpha, min_effect, block, seed) for d in detectors or DEFAULT_DETECTORS)
        _refuse_twins(made)
        chosen, reason = _open(backend, reference)
        table = read_table(reference, columns=columns, drop=drop, label=label, kinds=kinds, name=name, backend=chosen)
        if table.rows == 0:
            raise DataError("the reference has no rows; there is nothing to learn")
        table = _without_identifiers(table, (*(columns or ()), *(kinds or {})), block)
        if block is not None:
            block_ids(table, block)  # a wrong rule is told now, not at the first batch
        options = Options(
            correction=correction,
            rule=rule,
            alpha=alpha,
            min_effect=min_effect,
            block=block,
            seed=seed,
            columns=None if columns is None else tuple(columns),
            kinds=(*(kinds or ()), *(c.name for c in table.schema.columns if c.derived)),
            facts={"backend_reason": reason},
        )
        rows, totals = _sample(table, sample_rows, made, block, seed)
        provenance = {
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": version(),
            "reference": table.name,
            "rows": table.rows,
        }
        return cls(rows, totals, made, options, chosen, provenance)

    def score(self, batch: Any, *, name: str = "", progress: Progress | None = None) -> Report:
        """Compare a batch with the reference.

        Args:
            batch: a data set, in any form that `fit` takes.
            name: what the report calls the batch.
            progress: called with (done, of, what) before each detector.

        Raises:
            DataError: the batch cannot be read, has no rows, or no column that the reference has.
            SchemaError: a column holds what it cannot be compared as.
        """
        options = self.options
        # What the reference left out is no news in the batch.
        table = read_table(
            batch,
            schema=self.rows.schema,
            columns=options.columns,
            drop=tuple(self.rows.excluded),
            name=name,
            backend=self.backend,
        )
        thinned = _thinned(table, self.rows.rows, int(self.provenance["rows"]), options, self.totals is None)
        sizes = (int(self.provenance["rows"]), table.rows)
        return score(self.rows, thinned, self.detectors, self.backend, options, sizes, self.totals, progress, self.kept)

    def save(self, path: str | Path) -> None:
        """Write the profile to one Arrow IPC file; never a pickle, never half a file.

        Raises:
            SourceError: the folder does not exist, or the file cannot be written.
        """
        from accel_drift.profiles.file import write

        write(self._header(), self.rows, Path(path))

    @classmethod
    def load(cls, path: str | Path, *, backend: str | Backend = "auto") -> Self:
        """Open a saved profile, on any backend.

        Raises:
            ProfileError: the file is damaged, foreign, altered, or of a later format.
            SourceError: there is no such file.
        """
        from accel_drift.profiles.file import read

        header, rows = read(Path(path))
        chosen, reason = _open(backend)
        options = Options.from_dict(header["options"], {"backend_reason": reason})
        made = tuple(get_detector(d["detector"], **_without_name(d)) for d in header["detectors"])
        totals = None if header["totals"] is None else Totals.from_dict(header["totals"])
        if rows.rows < (of := header["provenance"]["rows"]):
            # The seed says which rows of the source were kept.
            rows = replace(rows, origin=_kept(of, rows.rows, options.seed))
        return cls(rows, totals, made, options, chosen, header["provenance"])

    def contents(self) -> dict[str, Any]:
        """What the profile holds, raw values first."""
        return {
            "rows_held": self.rows.rows,
            "rows_of_reference": self.provenance["rows"],
            "holds_raw_rows": True,
            "columns_with_raw_values": list(self.rows.columns),
            "counts_of_all_rows": sorted(self.totals.missing) if self.totals is not None else [],
            "detectors": [d.summary() for d in self.detectors],
            "schema": self.rows.schema.to_list(),
            "excluded": dict(self.rows.excluded),
            **{k: v for k, v in self.provenance.items() if k != "rows"},
        }

    def summary(self) -> dict[str, Any]:
        """Options, sizes and backend, as plain values."""
        return {**self._header()["options"], **self.contents(), "backend": self.backend.name}

    def _header(self) -> dict[str, Any]:
        return {
            "options": self.options.to_dict(),
            "detectors": [d.summary() for d in self.detectors],
            "totals": None if self.totals is None else self.totals.to_dict(),
            "provenance": dict(self.provenance),
        }


def compare(
    reference: Any,
    batch: Any,
    detectors: Sequence[Detector | str] | None = None,
    *,
    backend: str | Backend = "auto",
    block: str | int | None = None,
    correction: Correction = "bh",
    rule: Rule | float = "fdr",
    alpha: float = 0.01,
    min_effect: float | None = None,
    seed: int = 0,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    label: str | None = None,
    kinds: Mapping[str, str] | None = None,
    names: tuple[str, str] = ("", ""),
    progress: Progress | None = None,
) -> Report:
    """Compare two data sets in one call, on all their rows. Options as in `Profile.fit`.

    Args:
        reference: the data to compare with.
        batch: the data in question.
        detectors: as in `Profile.fit`.
        backend: as in `Profile.fit`.
        block: as in `Profile.fit`.
        correction: as in `Profile.fit`.
        rule: as in `Profile.fit`.
        alpha: as in `Profile.fit`.
        min_effect: as in `Profile.fit`.
        seed: as in `Profile.fit`.
        columns: as in `Profile.fit`.
        drop: as in `Profile.fit`.
        label: as in `Profile.fit`.
        kinds: as in `Profile.fit`.
        names: what the report calls the two sides.
        progress: called with (done, of, what) before each detector.

    Raises:
        DataError: a side cannot be read, has no rows, or the two have no column to compare.
        ConfigError: an option has a value that cannot work.

    >>> compare({"x": [1.0] * 40}, {"x": [2.0] * 40}, ["psi"], backend="numpy").drifted_columns
    ('x',)
    """
    profile = Profile.fit(
        reference,
        detectors,
        backend=backend,
        block=block,
        correction=correction,
        rule=rule,
        alpha=alpha,
        min_effect=min_effect,
        seed=seed,
        columns=columns,
        drop=drop,
        label=label,
        kinds=kinds,
        sample_rows=None,
        name=names[0],
    )
    return profile.score(batch, name=names[1], progress=progress)


def _prepared(
    d: Detector | str, alpha: float, min_effect: float | None, block: str | int | None, seed: int
) -> Detector:
    """A detector with the report's options: one report has one level, one block rule and one seed."""
    made = get_class(d)() if isinstance(d, str) else d
    if not isinstance(made, Detector):
        raise ConfigError(f"detectors holds {d!r}; it takes detectors such as accel_drift.PSI(), or their names")
    for option, value, start in (("alpha", alpha, 0.01), ("block", block, None), ("seed", seed, 0)):
        own = getattr(made, option)
        if own not in (start, value):
            raise ConfigError(
                f"{made.name} has {option}={own!r} and the report {option}={value!r}; one report has one: "
                f"give {option}= to the report"
            )
    least = made.min_effect if made.min_effect is not None else min_effect
    return replace(made, alpha=alpha, block=block, seed=seed, min_effect=least)


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


def _open(backend: str | Backend, data: Any = None) -> tuple[Backend, str]:
    return choose(data) if backend == "auto" else (get_backend(backend), "asked for")


def _sample(
    table: Table, limit: int | None, detectors: tuple[Detector, ...], block: str | int | None, seed: int
) -> tuple[Table, Totals | None]:
    """At most `limit` rows by the seed, in their order; with counts of all rows unless blocks are permuted."""
    if limit is not None:
        at_least(limit, 2, "sample_rows", "rows that the profile keeps, or None for all")
    if limit is None or table.rows <= limit:
        return table, None
    rows = table.take(_kept(table.rows, limit, seed))
    if block is not None:
        return rows, None
    bins = frozenset(int(k) for d in detectors if (k := getattr(d, "bins", None)) is not None)
    return rows, Totals.of(table, bins)


def _kept(of: int, limit: int, seed: int) -> npt.NDArray[np.intp]:
    """Rows that a profile keeps of a reference."""
    return draws.subset(draws.key(seed, "profile", "rows"), of, limit)


def _thinned(batch: Table, held: int, of: int, options: Options, no_totals: bool) -> Table:
    """With blocks and a sampled reference, the batch at the reference's rate: blocks must stay exchangeable."""
    if options.block is None or not no_totals or held >= of:
        return batch
    size = max(1, round(batch.rows * held / of))
    return batch.take(draws.subset(draws.key(options.seed, "batch", "rows"), batch.rows, size))


def _without_name(options: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in options.items() if k != "detector"}
