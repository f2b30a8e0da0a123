"""What is counted of a reference, and how: decided once, so that parts counted apart add up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from accel_drift._version import version
from accel_drift.data.read import Pick
from accel_drift.data.schema import Kind, Schema
from accel_drift.data.table import EmbeddingColumn, Table
from accel_drift.detectors.base import Detector
from accel_drift.detectors.mmd import MMD
from accel_drift.errors import ConfigError, DataError
from accel_drift.profiles.learning import Learned, detectors_of
from accel_drift.profiles.scoring import Options
from accel_drift.profiles.screening import alike_rows, counts_up
from accel_drift.statistics import draws
from accel_drift.statistics.feature_map import FREQUENCIES, FeatureMap
from accel_drift.statistics.fixed_cells import FixedCells

SAMPLE_ROWS = 200_000
"""Rows at most that decide the cells."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Plan:
    """The cells of every column, the detectors and the options, fixed before any row is counted.

    Made by `Profile.plan`. Every part of a reference that is fitted on one plan merges with every other to the profile
    that fitting them all at once gives, byte for byte.

    Attributes:
        cells: where each column is cut, and which categories have a cell of their own.
        detectors: what batches are tested with.
        options: alpha, correction and the like.
        schema: the columns counted.
        excluded: columns left out, and why.
        provenance: when, from what and with which version it was made.
        features: how a row becomes random features, for a joint test; None where none is asked for.
    """

    cells: FixedCells
    detectors: tuple[Detector, ...]
    options: Options
    schema: Schema
    excluded: Mapping[str, str]
    provenance: Mapping[str, Any]
    features: FeatureMap | None = None

    @classmethod
    def of(cls, learned: Learned, name: str) -> Self:
        """Decided from rows; `name` is what reports call the reference.

        Raises:
            ConfigError: a detector needs rows, or whole blocks are to be permuted.
            DataError: no column is left to count.
        """
        _refuse_rows(learned)
        table, options = learned.table, learned.options
        out = {n: why for n in table.columns if (why := _not_counted(table, n, options.named))}
        names = [n for n in table.columns if n not in out]
        if not names:
            told = "; ".join(f"{name}: {why}" for name, why in {**table.excluded, **out}.items())
            raise DataError(
                f"no column is left to count ({told or 'no columns'}); kinds={{name: 'categorical'}} or another kind "
                "says what a column is, and columns=[...] keeps only those that it names"
            )
        alike, block = alike_rows((table,), tuple(names), {*table.excluded, *out})
        kept = table.select(names)
        bins = {int(k) for d in learned.detectors if (k := getattr(d, "bins", None)) is not None}
        provenance = {
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": version(),
            "reference": name,
            "planned_on": table.name,
            "planned_on_rows": table.rows,
            "alike_rows": f"{alike}; a profile that keeps rows permutes whole blocks: block={block}" if alike else "",
        }
        cells = FixedCells.of(kept, bins, options.seed)
        options = replace(options, facts={})
        features = _features(kept, learned.detectors, options.seed)
        excluded = {**table.excluded, **out}
        return cls(cells, learned.detectors, options, kept.schema, excluded, provenance, features)

    def __eq__(self, other: object) -> bool:
        return self.digest == other.digest if isinstance(other, Plan) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        named = ", ".join(d.name for d in self.detectors)
        return f"<Plan of {len(self.cells.columns):,} columns for {named}, made on {self.cells.rows:,} rows>"

    def save(self, path: str | Path) -> None:
        """Write the plan to one file; never half a file.

        Raises:
            SourceError: the folder does not exist, or the file cannot be written.
        """
        import pyarrow as pa

        from accel_drift.profiles.file import write

        nothing = pa.record_batch([pa.array([], pa.int64())], ["counts"])
        write({"content": "plan", "plan": self.to_dict()}, nothing, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Open a saved plan; the plan of a profile that was fitted on one may stand for it.

        Raises:
            ProfileError: the file is damaged, foreign, altered, of a later format, or holds no plan.
            SourceError: there is no such file.
        """
        from accel_drift.errors import ProfileError
        from accel_drift.profiles.file import read

        header, _ = read(Path(path))
        if "plan" not in header:
            raise ProfileError(f"{str(path)!r} is a profile that keeps rows, and no plan; make one with Profile.plan")
        return cls.from_dict(header["plan"])

    def contents(self) -> dict[str, Any]:
        """What the plan holds."""
        return {
            "detectors": [d.summary() for d in self.detectors],
            "schema": self.schema.to_list(),
            "excluded": dict(self.excluded),
            "counts": self.cells.width,
            "features": 0 if self.features is None else 2 * self.features.count,
            **self.provenance,
        }

    @property
    def digest(self) -> str:
        """Equal for plans that count the same things in the same way, whenever they were made."""
        told = {k: v for k, v in self.to_dict().items() if k != "provenance"}
        return blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "cells": self.cells.to_dict(),
            "features": None if self.features is None else self.features.to_dict(),
            "detectors": [d.summary() for d in self.detectors],
            "options": self.options.to_dict(),
            "schema": self.schema.to_list(),
            "excluded": dict(self.excluded),
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_dict(cls, made: Mapping[str, Any]) -> Self:
        """What `to_dict` gave."""
        return cls(
            FixedCells.from_dict(made["cells"]),
            detectors_of(made["detectors"]),
            Options.from_dict(made["options"], {}),
            Schema.from_list(made["schema"]),
            dict(made["excluded"]),
            dict(made["provenance"]),
            FeatureMap.from_dict(made["features"]) if made.get("features") else None,
        )


def sample_of(seed: int) -> Pick:
    """Picks at most `SAMPLE_ROWS` rows by the seed, spread evenly: one of every stretch of the same length."""

    def pick(rows: int) -> npt.NDArray[np.int64]:
        size = min(rows, SAMPLE_ROWS)
        if size == rows:
            return np.arange(rows, dtype=np.int64)
        u = draws.uniforms(draws.key(seed, "plan", "rows"), 0, 1, size)[0]
        # Less than the next stretch begins, whatever is rounded.
        ends = np.arange(1, size + 1) * rows // size
        return np.asarray(np.minimum(((np.arange(size) + u) * (rows / size)).astype(np.int64), ends - 1))

    return pick


def _refuse_rows(learned: Learned) -> None:
    if learned.options.block is not None:
        raise ConfigError(
            f"block is {learned.options.block!r}, and a profile of counts keeps no blocks of rows to permute; "
            'leave block= out, or fit a profile with content="sample"'
        )
    need = [d.needs_rows for d in learned.detectors if d.needs_rows]
    if need:
        raise ConfigError(
            f"{'; '.join(need)}, and a profile of counts keeps none; leave that out, or fit a profile with "
            'content="sample"'
        )
    for column in learned.table.schema.columns:
        if column.derived == "gaps":
            raise ConfigError(
                f"{column.name}: a gap may lie between rows in different parts of a data set, and a profile of counts "
                f"cannot tell it; give {column.source!r} no kind, or make a column of gaps before, or fit a "
                'profile of one part with content="sample"'
            )
        if column.vocabulary:
            raise ConfigError(
                f"{column.name}: the rows that made the vocabulary may be counted, too, and have no new word; compare "
                f"the length alone, kinds={{{column.source!r}: 'length'}}, or fit a profile with content=\"sample\""
            )


def _features(table: Table, detectors: tuple[Detector, ...], seed: int) -> FeatureMap | None:
    """What the joint test asks for, of all columns with a value."""
    joint = next((d for d in detectors if isinstance(d, MMD)), None)
    if joint is None:
        return None
    length = None if isinstance(joint.bandwidth, str) else float(joint.bandwidth)
    names = table.schema.of(Kind.NUMERIC, Kind.CATEGORICAL, Kind.BOOLEAN)
    return FeatureMap.of(table, names, length, joint.shape.size or FREQUENCIES, seed)


def _not_counted(table: Table, name: str, named: tuple[str, ...]) -> str:
    """Why a column is not counted, or ""."""
    column = table.columns[name]
    if isinstance(column, EmbeddingColumn):
        return "embedding: it is compared by rows, and a profile of counts keeps none"
    if column.kind is Kind.TIMESTAMP:
        return "timestamp: it says when a row was made, not what it looks like"
    if name not in named and counts_up(column):
        return "identifier-like: whole numbers that never fall down the rows, a counter or a clock"
    return ""
