"""A profile that holds rows of the reference, all or a seeded sample of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np
import numpy.typing as npt

from accel_drift._version import version
from accel_drift.backends import Backend, open_backend
from accel_drift.data.calendar import block_ids
from accel_drift.data.read import Progress, read_table
from accel_drift.data.schema import Schema, listed
from accel_drift.data.table import CategoricalColumn, Table
from accel_drift.data.words import set_aside
from accel_drift.detectors.base import Detector
from accel_drift.errors import ConfigError, DataError, SchemaError
from accel_drift.options import at_least
from accel_drift.profiles.learning import Learned, detectors_of
from accel_drift.profiles.profile import SAMPLE_ROWS, Profile
from accel_drift.profiles.scoring import Options, compared, score
from accel_drift.profiles.thresholds import Calibration, Statistics, Thresholds
from accel_drift.report import Report
from accel_drift.statistics import draws
from accel_drift.statistics.kept import Kept
from accel_drift.statistics.totals import Totals

MOST_CATEGORIES = 200_000
"""Categories of a column at most whose counts are kept: some megabytes."""


@dataclass(frozen=True, slots=True)
class SampledProfile(Profile):
    """Rows of a reference.

    Attributes:
        rows: the reference's rows, or a seeded sample of them, in their order.
        totals: counts of the whole reference where `rows` is a sample.
        detectors: what batches are tested with.
        options: alpha, correction, block and the like.
        backend: where to compute.
        provenance: when, from what and with which version it was made.
        thresholds: of the statistics, once calibrated; else None.
        kept: what is made of the rows once and serves every batch; never saved.
    """

    rows: Table
    totals: Totals | None
    detectors: tuple[Detector, ...]
    options: Options
    backend: Backend
    provenance: Mapping[str, Any]
    thresholds: Thresholds | None = None
    kept: Kept = field(default_factory=Kept, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, learned: Learned, sample_rows: int | None) -> Self:
        """Keep rows of what was read.

        Raises:
            ConfigError: the block rule does not fit the rows, or `sample_rows` is no number of rows.
        """
        table, options = learned.table, learned.options
        if options.block is not None:
            block_ids(table, options.block)  # a wrong rule is told now, not at the first batch
        rows, totals = _sample(table, sample_rows, learned.detectors, options.block, options.seed)
        provenance = {
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": version(),
            "reference": table.name,
            "rows": table.rows,
        }
        if table.origin is not None:  # some made a vocabulary, and never the last one
            provenance["rows_read"] = int(table.origin[-1]) + 1
        return cls(rows, totals, learned.detectors, options, learned.backend, provenance)

    @property
    def schema(self) -> Schema:
        """See `Profile.schema`."""
        return self.rows.schema

    def merge(self, *others: Profile) -> NoReturn:
        """Refused: samples of rows do not add up to what one sample of all rows would be.

        Raises:
            ConfigError: always.
        """
        raise ConfigError(
            f"profiles that keep rows do not merge ({1 + len(others)} were given); make a plan with Profile.plan, fit "
            "every part of the reference on it, and merge those"
        )

    def score(self, batch: Any, *, name: str = "", progress: Progress | None = None) -> Report:
        """See `Profile.score`."""
        options, table = self.options, self._read(batch, name)
        sizes = (int(self.provenance["rows"]), table.rows)
        thinned = self._thinned(table)
        report = score(
            self.rows, thinned, self.detectors, self.backend, options, sizes, self.totals, progress, self.kept
        )
        return report if self.thresholds is None else self.thresholds.told(report)

    def statistics(self, batch: Any) -> Statistics:
        """See `Profile.statistics`."""
        table = self._read(batch, "")
        sides = self.rows, self._thinned(table)
        _, comparison = compared(*sides, self.detectors, self.backend, self.options, self.totals, self.kept)
        return Statistics({d.name: d.statistics(comparison) for d in self.detectors}, table.rows)

    def _calibrated(self, asked: Calibration, progress: Progress | None) -> Self:
        from accel_drift.profiles.calibrating import calibrate

        of = int(self.provenance["rows"])
        made = calibrate(self.rows, of, self.detectors, self.backend, self.options, asked, progress)
        return replace(self, thresholds=made)

    def recalibrated(self, reference: Any, *, progress: Progress | None = None) -> Self:
        """See `Profile.recalibrated`.

        Raises:
            ConfigError: this profile was not calibrated, or the new rows are too few for it.
            DataError: there are no new rows.
            SchemaError: they lack a column that this profile compares.
        """
        old = self.thresholds
        if old is None:
            raise ConfigError("the profile has no thresholds to make anew; profile.calibrated(rows=...) makes them")
        table = self._read(reference, "")
        if table.rows == 0:
            raise DataError("the reference has no rows; there is nothing to learn")
        if lacking := [name for name in self.rows.schema.names if name not in table.schema.names]:
            raise SchemaError(
                f"the new reference lacks {listed(lacking)}, so there would be no thresholds of that; give rows with "
                "all columns of this profile, or fit and calibrate another on those that are left"
            )
        learned = Learned(table, self.detectors, self.options, self.backend)
        # As many rows are kept as of the last reference, or all of as many as a profile keeps anyway.
        made = self.of(learned, max(self.rows.rows, SAMPLE_ROWS))
        return made._calibrated(old.calibration, progress)

    def _read(self, batch: Any, name: str) -> Table:
        """Rows of the reference's columns; what the reference left out is no news in the batch."""
        return read_table(
            batch,
            schema=self.rows.schema,
            columns=self.options.columns,
            drop=tuple(self.rows.excluded),
            name=name,
            backend=self.backend,
        )

    def _thinned(self, batch: Table) -> Table:
        """With blocks and a sampled reference, the batch at the reference's rate: blocks must stay exchangeable."""
        held, of, options = self.rows.rows, int(self.provenance["rows"]), self.options
        if options.block is None or self.totals is not None or held >= of:
            return batch
        size = max(1, round(batch.rows * held / of))
        return batch.take(draws.subset(draws.key(options.seed, "batch", "rows"), batch.rows, size))

    def save(self, path: str | Path) -> None:
        """See `Profile.save`."""
        from accel_drift.profiles.file import write

        rows = self.rows
        header = {
            "content": "sample",
            **self._header(),
            "schema": rows.schema.to_list(),
            "excluded": dict(rows.excluded),
            "name": rows.name,
            # An earlier version reads the file and leaves them out: no verdict hangs on them.
            **({} if self.thresholds is None else {"thresholds": self.thresholds.to_dict()}),
        }
        write(header, rows.to_arrow(), Path(path))

    @classmethod
    def of_file(cls, header: Mapping[str, Any], rows: Table, backend: str | Backend) -> Self:
        """What `save` wrote."""
        chosen, reason = open_backend(backend)
        options = Options.from_dict(header["options"], {"backend_reason": reason})
        made = detectors_of(header["detectors"])
        totals = None if header["totals"] is None else Totals.from_dict(header["totals"])
        rows = replace(rows, origin=_origin(rows.rows, header["provenance"], options.seed))
        limits = Thresholds.from_dict(header["thresholds"]) if header.get("thresholds") else None
        return cls(rows, totals, made, options, chosen, header["provenance"], limits)

    def contents(self) -> dict[str, Any]:
        """See `Profile.contents`."""
        return {
            "rows_held": self.rows.rows,
            "rows_of_reference": self.provenance["rows"],
            "holds_raw_rows": True,
            "columns_with_raw_values": list(self.rows.columns),
            "counts_of_all_rows": sorted(self.totals.missing) if self.totals is not None else [],
            "detectors": [d.summary() for d in self.detectors],
            "schema": self.rows.schema.to_list(),
            "excluded": dict(self.rows.excluded),
            **({} if self.thresholds is None else {"thresholds": self.thresholds.said}),
            **{k: v for k, v in self.provenance.items() if not k.startswith("rows")},
        }

    def summary(self) -> dict[str, Any]:
        """See `Profile.summary`."""
        return {**self._header()["options"], **self.contents(), "backend": self.backend.name}

    def _header(self) -> dict[str, Any]:
        return {
            "options": self.options.to_dict(),
            "detectors": [d.summary() for d in self.detectors],
            "totals": None if self.totals is None else self.totals.to_dict(),
            "provenance": dict(self.provenance),
        }


def _sample(
    table: Table, limit: int | None, detectors: tuple[Detector, ...], block: str | int | None, seed: int
) -> tuple[Table, Totals | None]:
    """At most `limit` rows by the seed, in their order; with counts of all rows unless blocks are permuted."""
    if limit is not None:
        at_least(limit, 2, "sample_rows", "rows that the profile keeps, or None for all")
    if limit is None or table.rows <= limit:
        return table, None
    table = _countable(table)
    rows = table.take(_kept(table.rows, limit, seed))
    held = {n: c.trimmed() if isinstance(c, CategoricalColumn) else c for n, c in rows.columns.items()}
    rows = replace(rows, columns=held)
    if block is not None:
        return rows, None
    bins = frozenset(int(k) for d in detectors if (k := getattr(d, "bins", None)) is not None)
    return rows, Totals.of(table, bins)


def _countable(table: Table) -> Table:
    """Without columns of so many categories that their counts would be most of the file."""
    many = {n: c for n, c in table.columns.items() if isinstance(c, CategoricalColumn)}
    out = {
        n: f"{len(c.categories):,} categories, and a profile that keeps a sample of rows counts at most "
        f'{MOST_CATEGORIES:,}; sample_rows=None keeps all rows, content="aggregates" counts in cells'
        for n, c in many.items()
        if len(c.categories) > MOST_CATEGORIES
    }
    kept = table.select([n for n in table.columns if n not in out])
    return replace(kept, excluded={**table.excluded, **out})


def _kept(of: int, limit: int, seed: int) -> npt.NDArray[np.intp]:
    """Rows that a profile keeps of a reference."""
    return draws.subset(draws.key(seed, "profile", "rows"), of, limit)


def _origin(held: int, provenance: Mapping[str, Any], seed: int) -> npt.NDArray[np.int64] | None:
    """Which rows of the data as it was given a saved profile holds; None where they are all."""
    of = int(provenance["rows"])
    read = int(provenance.get("rows_read", of))
    kept = np.arange(of) if held == of else _kept(of, held, seed)
    if read == of:
        return None if held == of else kept
    return np.setdiff1d(np.arange(read), set_aside(read))[kept]
