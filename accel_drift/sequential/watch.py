"""Batches that are looked at one by one, with the evidence of all looks and a state that can be kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend, open_backend
from accel_drift.data.table import Table
from accel_drift.errors import DataError
from accel_drift.files import path_of, write_text_atomically
from accel_drift.report.words import plural
from accel_drift.sequential.base import SequentialTest, test_of
from accel_drift.sequential.evidence import Evidence, Floats, in_words, promise
from accel_drift.sequential.look import ColumnEvidence, Look
from accel_drift.sequential.rows import FINEST, FreshRows, digits, like, order, rounded, shuffled, stacked
from accel_drift.turns import Turn


class Bets(NamedTuple):
    """How the bets of one look ended.

    Attributes:
        log_e: log e-values, (G, S); NaN where nothing was tested.
        p_values: by column, where there are such.
        untested: column -> why nothing was tested.
        spent: whether the reference rows count as used.
    """

    log_e: Floats
    p_values: Mapping[str, float] = MappingProxyType({})
    untested: Mapping[str, str] = MappingProxyType({})
    spent: bool = True


class Watch(ABC):
    """A reference, and what the batches so far say against it.

    Attributes:
        test: the options.
        looks: how many batches were looked at.
        history: log evidence after each look.
    """

    def __init__(
        self,
        test: SequentialTest,
        aside: Table,
        fresh: FreshRows,
        backend: Backend,
        names: tuple[str, ...],
        stakes: int,
        *,
        joint: bool,
        not_compared: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.test, self.looks = test, 0
        self.history: list[float] = []
        self._excluded = {**aside.excluded, **not_compared}
        self._digits = digits(aside)
        self._shown: tuple[Mapping[str, int], Table] = ({}, aside)
        self._aside, self._fresh, self._backend = aside, fresh, backend
        self._names, self._has_joint = names, joint
        self._alarm = False
        self._evidence = Evidence.start(test.guarantee, stakes, len(names) + joint)
        self._turn = Turn()

    @property
    def left(self) -> int | None:
        """Reference rows that no look has used; None where each look uses all."""
        return self._fresh.left

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are compared."""
        return tuple(name for name in self._aside.schema.names if name not in self._excluded)

    @property
    def excluded(self) -> Mapping[str, str]:
        """Column of the reference -> why it is not compared."""
        return MappingProxyType(self._excluded)

    @property
    def guarantee(self) -> str:
        """What an alarm promises, as a sentence."""
        kept = promise(self.test.guarantee, self.test.alpha)
        return f"{kept}, if rows are independent of one another; each reference row is used at most once"

    @property
    def _no_e_values(self) -> str:
        """Why the evidence is no e-value; "" where it is one."""
        if self.test.guarantee == "ever":
            return ""
        return 'evidence under guarantee="run_length" is no e-value: open the watch with guarantee="ever"'

    def update(self, batch: Any) -> Look:
        """Look at the next batch. Where it raises, nothing has changed. Threads that call it take turns.

        A batch with more rows than the reference has left is compared in part, by rows that the seed draws. Numbers
        that come in float32 are compared with the reference's rounded to float32. A look that tested nothing, since the
        batch has too few rows or no values, leaves evidence and reference rows as they were; `Look.untested` says why.

        Args:
            batch: a data set, in any form that the reference may have.

        Raises:
            DataError: the batch cannot be read, or no reference row is left to compare it with.
            SchemaError: a column of the reference is not there, or holds another sort of thing.
        """
        with self._turn:
            return self._look(batch)

    def more(self, reference: Any) -> None:
        """Give more reference rows, alike those given before and never compared: the evidence stays as it is.

        Raises:
            DataError: they cannot be read.
            SchemaError: a column is not there, or holds another sort of thing.
        """
        read = self._read(reference, "added reference")
        with self._turn:
            table = shuffled(read, self.test.seed, "more", self.looks, self._fresh.left)
            self._fresh, self._digits = self._fresh.beside(table), {**self._digits, **self._coarse(table)}

    def to_svg(self, path: str | Path | None = None) -> str:
        """The evidence of all looks and every alarm as an SVG image; written to `path` where one is given.

        Raises:
            SourceError: the folder does not exist or cannot be written to.
        """
        from accel_drift.sequential.picture import evidence

        made = evidence(self.history, self.test.alpha, self.test.guarantee)
        if path is not None:
            write_text_atomically(path, made)
        return made

    def save(self, path: str | Path) -> None:
        """Write options, evidence, what was learned and the reference rows that are still needed to one Arrow file.

        Raises:
            ConfigError: an option is no plain value.
            SourceError: the folder does not exist or cannot be written to.
        """
        from accel_drift.sequential.file import Kept, write

        facts = {
            "test": self.test.summary(),
            "aside": self._aside.rows,
            "before": self._fresh.before + self._fresh.used,
            "evidence": self._evidence.looks,
            "looks": self.looks,
            "alarm": self._alarm,
            "excluded": dict(self._aside.excluded),
            "digits": self._digits,
        }
        own = {"wealth": self._evidence.wealth, "history": np.array(self.history)}
        rows = stacked([self._aside, self._fresh.unused()], self._aside.schema)
        write(Kept(facts, {**self._learned(), **own}, rows), path_of(path))

    @staticmethod
    def load(path: str | Path, backend: str | Backend = "auto") -> Watch:
        """A watch as it stood when it was saved: what it says from here on is what it would have said.

        Args:
            path: of a file that `save` wrote.
            backend: where to compute: "numpy", "jax", "cupy" or "auto".

        Raises:
            SourceError: there is no such file; or it is damaged, foreign, altered, of a later format, or of a test that
                is not there.
        """
        from accel_drift.sequential.file import read

        kept = read(path_of(path))
        facts, opened = kept.facts, open_backend(backend)[0]
        rows, everything = replace(kept.rows, excluded=facts["excluded"]), np.arange(kept.rows.rows)
        aside, fresh = rows.take(everything[: facts["aside"]]), rows.take(everything[facts["aside"] :])
        made = test_of(facts["test"], str(path)).watch(aside, FreshRows(fresh, before=facts["before"]), opened)
        made.looks, made.history = facts["looks"], kept.arrays["history"].tolist()
        made._alarm, made._digits = facts["alarm"], facts["digits"]
        made._evidence = replace(made._evidence, looks=facts["evidence"], wealth=kept.arrays["wealth"])
        made._restore(kept.arrays)
        return made

    def _look(self, batch: Any) -> Look:
        table = self._read(batch, "batch")
        limits = (table.rows, self.left, self.test.most_rows)
        rows = min(limit for limit in limits if limit is not None)
        if table.rows and not rows:
            raise DataError(
                f"all {self._fresh.given:,} rows of the reference were used in {self.looks:,} looks, each once; "
                "give others with more(reference), the evidence stays as it is"
            )
        chosen = table.take(order(table.rows, self.test.seed, "batch", self.looks)[:rows])
        if rows:
            coarse = self._coarse(table)
            bets = self._bets(self._next(rows, coarse), rounded(chosen, coarse))
        else:
            nothing = np.full(self._evidence.wealth.shape, np.nan)
            bets = Bets(nothing, untested=dict.fromkeys(self.columns, "the batch has no rows"), spent=False)
        rows = rows if bets.spent else 0
        self._fresh.used += 0 if self.left is None else rows
        return self._add(bets, rows)

    def _read(self, source: Any, name: str) -> Table:
        """Rows with the columns of the reference."""
        return like(source, self._aside.schema, name, self._backend)

    def _coarse(self, table: Table) -> dict[str, int]:
        """Columns of numbers that are not as fine as can be on both sides, and their binary digits."""
        theirs = digits(table)
        least = {name: min(many, theirs.get(name, many)) for name, many in self._digits.items()}
        return {name: many for name, many in least.items() if many < FINEST}

    def _next(self, rows: int, coarse: Mapping[str, int]) -> Table:
        """Reference rows for a look."""
        if self.left is not None:
            return rounded(self._fresh.next(rows), coarse)
        if coarse != self._shown[0]:
            self._shown = coarse, rounded(self._aside, coarse)
        return self._shown[1]

    def _add(self, bets: Bets, rows: int) -> Look:
        """Evidence with one more look; as it was where nothing was tested."""
        test, before = self.test, self._evidence
        tested = int((~np.isnan(bets.log_e).all(axis=0)).sum())
        now = self._evidence = before.add(bets.log_e) if tested else before
        reached, each = now.reaches(test.alpha), now.processes.tolist()
        self._alarm = reached or (self._alarm and test.guarantee == "ever")
        self.looks += 1
        self.history.append(now.total)
        if reached and test.guarantee == "run_length":
            self._evidence = now.anew()
            self._forget()
        columns = ColumnEvidence(zip(self._names, each, strict=False))
        columns.refused = self._no_e_values
        return Look(
            self.looks,
            rows,
            now.added(before, tested) if tested else 0.0,
            now.total,
            self._alarm,
            self.guarantee,
            self.left,
            columns,
            each[-1] if self._has_joint else None,
            dict(bets.p_values),
            dict(bets.untested),
        )

    def __repr__(self) -> str:
        evidence = self._evidence.total
        left = "" if self.left is None else f", {plural(self.left, 'reference row')} left"
        out = f", {len(self._excluded):,} excluded" if self._excluded else ""
        return (
            f"<Watch by {self._called}: {plural(self.looks, 'look')}, {'alarm' if self._alarm else 'no alarm'}, "
            f"evidence {in_words(evidence)}{left}, {plural(len(self.columns), 'column')}{out}>"
        )

    @property
    def _called(self) -> str:
        return type(self.test).__name__

    @abstractmethod
    def _bets(self, reference: Table, batch: Table) -> Bets:
        """What was bet on these rows, at least one of each, and how it ended."""

    @abstractmethod
    def _forget(self) -> None:
        """Begin anew after an alarm."""

    @abstractmethod
    def _learned(self) -> dict[str, npt.NDArray[Any]]:
        """Arrays that were learned from looks, by name."""

    @abstractmethod
    def _restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from what `_learned` gave."""
