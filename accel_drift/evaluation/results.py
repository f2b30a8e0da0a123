"""What came out of a study, and the forms to pass it on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from accel_drift.errors import ConfigError, SourceError
from accel_drift.evaluation import intervals, ranking, summary
from accel_drift.evaluation.parts import joined, read_study
from accel_drift.evaluation.trial import OK, TIMES, schema
from accel_drift.files import write_bytes_atomically, written

_KEY = b"accel_drift.dummies"
_MOST = 10
"""Magnitudes that are told apart; where there are more they are put into as many bins of one width."""


class Results:
    """The answers of every contender to every batch, and what they come to.

    Attributes:
        table: a `pyarrow.Table`, one row a contender, scenario, seed and batch, whose number counts from 1:
            `first_row`, `rows`, `drifted`, `magnitude` and `onset_row` are the truth; `score`, `alarm` and `alarm_row`
            (rows of the stream that had come when it alarmed) the answer; `status` is "ok", "refused" (the reference
            was) or "error", and `message` says why. It is the same to the last bit however many trials run at a time.
        times: likewise, one row for each of `table` and in its order: `fit_seconds` is what learning the reference
            took, the same in all rows of a trial, and `batch_seconds` the time from a batch to its score and alarm,
            with one thread of matrix products; null where there was no answer. Making the data is in neither. No two
            runs have the same times, which is why they stand apart.
        dummies: names of the contenders that do not look at the data.
    """

    def __init__(self, rows: Any, dummies: frozenset[str]) -> None:
        """Results of the rows of all trials, see `trial.schema`."""
        self._rows, self.dummies = rows, dummies
        self.table = rows.drop_columns(list(TIMES))
        self.times = rows.select(["contender", "scenario", "seed", "batch", *TIMES])

    @classmethod
    def load(cls, path: str | Path) -> Results:
        """The results of a study that was kept: of the folder of `run(out=)`, as far as it is done, or `to_parquet`.

        Raises:
            SourceError: there is none, or it cannot be read.
        """
        if not Path(path).is_file():
            about, tables = read_study(path)
            return cls(joined(tables), frozenset(about["dummies"]))
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise SourceError(f"{str(path)!r} is no whole Parquet file; write the results again") from error
        metadata = table.schema.metadata or {}
        if _KEY not in metadata:
            raise SourceError(f"{str(path)!r} holds no results of an evaluation; give what to_parquet wrote")
        if table.schema.names != schema().names:
            raise SourceError(f"{str(path)!r} was written by another version of accel-drift; run the study again")
        dummies = frozenset(metadata[_KEY].decode().split("\n"))
        return cls(table.cast(schema()).replace_schema_metadata(None), dummies)

    @cached_property
    def lines(self) -> list[summary.Line]:
        """The summary as records, one a scenario and contender, in the study's order."""
        return summary.lines(self._rows, self.dummies)

    @property
    def scenarios(self) -> list[str]:
        """Their names."""
        return list(dict.fromkeys(line.scenario for line in self.lines))

    def summary(self, weights: Mapping[str, float] | None = None) -> Any:
        """One row a scenario and contender as a `pyarrow.Table`, the best composite first within a scenario.

        Each measure has three columns, such as `auc`, `auc_low` and `auc_high`, the ends of its 95 % interval over
        seeds; `meanings` says what each is. It is null where there is nothing to measure: no detection rate without a
        drift, no interval with one seed. `failed_seeds` were refused at the reference, and `errors` are batches at
        which the contender raised. `fit_seconds` and `batch_ms` are medians of `times`, and the only columns that
        another run of the study changes.

        Args:
            weights: of the parts of `composite`: quiet, detection, speed and order (see `ranking.MEANING`); all alike
                where None.

        Raises:
            ConfigError: a weight is of no part, negative or no number.
        """
        import pyarrow as pa

        values = ranking.composites(self.lines, ranking.checked(weights))
        places = ranking.ranks(self.lines, values)
        rows = [_row(*each) for each in zip(self.lines, values, places, strict=True)]
        order = {name: i for i, name in enumerate(self.scenarios)}
        last = len(rows) + 1
        rows.sort(key=lambda row: (order[row["scenario"]], row["rank"] or last))
        return pa.Table.from_pylist(rows, schema=_summary_schema())

    def sensitivity(self) -> Any:
        """The share of batches with an alarm by magnitude, as a `pyarrow.Table`; 0 are the clean ones before drift.

        `rate`, `rate_low` and `rate_high` as in `summary`; magnitudes are binned where there are more than ten, and
        `magnitude` is then their mean.
        """
        import pyarrow as pa

        rows = [
            {"scenario": scene, "contender": name, "dummy": name in self.dummies, **found}
            for (scene, name), group in summary.groups(self.table)
            for found in _by_magnitude(group)
        ]
        kinds = {
            "scenario": pa.string(),
            "contender": pa.string(),
            "dummy": pa.bool_(),
            "magnitude": pa.float64(),
            "batches": pa.int64(),
            **{name: pa.float64() for name in ("rate", "rate_low", "rate_high")},
        }
        return pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items())))

    @property
    def meanings(self) -> dict[str, str]:
        """What each measure and each time is, and what it is not."""
        return summary.MEANING | summary.TIMES

    def roc_svg(self, scenario: str | None = None) -> str:
        """ROC curves of all contenders as an SVG image: the mean over seeds of the curve of each seed.

        Raises:
            ConfigError: there is no such scenario, or several and none is named.
        """
        from accel_drift.evaluation.pictures import alone, roc

        return alone(roc(self, self._one(scenario)))

    def scores_svg(self, scenario: str | None = None) -> str:
        """The score batch by batch as an SVG image: median over seeds, the middle 80 % of them, the true onset.

        Raises:
            ConfigError: there is no such scenario, or several and none is named.
        """
        from accel_drift.evaluation.pictures import alone, scores

        return alone(scores(self, self._one(scenario)))

    def to_parquet(self, path: str | Path) -> None:
        """Write `table`, with the columns of `times`, to a Parquet file, whole or not at all; `load` reads it.

        Raises:
            SourceError: the folder does not exist or cannot be written to.
        """
        import pyarrow.parquet as pq

        told = self._rows.replace_schema_metadata({_KEY: "\n".join(sorted(self.dummies))})
        write_bytes_atomically(path, lambda out: pq.write_table(told, out, compression="zstd"))

    def to_markdown(self, path: str | Path | None = None, weights: Mapping[str, float] | None = None) -> str:
        """The summary as Markdown, also written to `path` where one is given.

        Raises:
            ConfigError: a weight is of no part, negative or no number.
            SourceError: the folder does not exist or cannot be written to.
        """
        from accel_drift.evaluation.markdown import render

        return written(render(self, ranking.checked(weights)), path)

    def to_html(self, path: str | Path | None = None, weights: Mapping[str, float] | None = None) -> str:
        """The summary with its pictures as one page that loads nothing, also written to `path` where one is given.

        Raises:
            ConfigError: a weight is of no part, negative or no number.
            SourceError: the folder does not exist or cannot be written to.
        """
        from accel_drift.evaluation.page import render

        return written(render(self, ranking.checked(weights)), path)

    def __repr__(self) -> str:
        own = [name for name in dict.fromkeys(line.contender for line in self.lines) if name not in self.dummies]
        failed = sum(line.status != OK for line in self.lines)
        also = f", {failed} with errors" if failed else ""
        return f"<Results of {', '.join(own)} on {', '.join(self.scenarios)}: {self.table.num_rows:,} answers{also}>"

    def _one(self, scenario: str | None) -> str:
        if scenario is None and len(self.scenarios) == 1:
            return self.scenarios[0]
        if scenario not in self.scenarios:
            raise ConfigError(f"scenario is {scenario!r}; there are {', '.join(map(repr, self.scenarios))}")
        return str(scenario)


def _row(line: summary.Line, composite: float | None, rank: int | None) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(line, name) for name in ("scenario", "contender", "dummy", "status")}
    row |= {"seeds": line.seeds, "failed_seeds": line.refused, "errors": line.errors, "batches": line.batches}
    for name, estimate in line.measures.items():
        row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return {**row, "composite": composite, "rank": rank, **line.times, "message": line.message}


def _summary_schema() -> Any:
    import pyarrow as pa

    kinds: dict[str, Any] = {"scenario": pa.string(), "contender": pa.string(), "dummy": pa.bool_()}
    kinds |= {"status": pa.string()} | dict.fromkeys(("seeds", "failed_seeds", "errors", "batches"), pa.int64())
    for name in summary.MEASURES:
        kinds |= dict.fromkeys((name, f"{name}_low", f"{name}_high"), pa.float64())
    kinds |= {"composite": pa.float64(), "rank": pa.int64()} | dict.fromkeys(summary.TIMES, pa.float64())
    kinds |= {"message": pa.string()}
    return pa.schema(list(kinds.items()))


def _by_magnitude(group: dict[str, Any]) -> list[dict[str, Any]]:
    seeds = summary.by_seed(group)
    _, starts = np.unique(group["seed"], return_index=True)
    sizes = group["magnitude"].astype(np.float64)
    each = []
    for s, start in zip(seeds, starts, strict=True):
        mine = group["seed"] == group["seed"][start]
        order = np.argsort(group["batch"][mine], kind="stable")
        each.append(np.where(s.drifted, sizes[mine][order], np.where(s.before, 0.0, np.nan)))
    binned = _bins(np.concatenate(each))
    made = []
    for low, high in binned:
        inside = [(m >= low) & (m <= high) & s.answered for m, s in zip(each, seeds, strict=True)]
        rate = intervals.share(
            [int((s.alarms & i).sum()) for s, i in zip(seeds, inside, strict=True)], [int(i.sum()) for i in inside]
        )
        values = np.concatenate([m[i] for m, i in zip(each, inside, strict=True)])
        if len(values):
            known = {"magnitude": float(values.mean()), "batches": len(values), "rate": rate.value}
            made.append({**known, "rate_low": rate.low, "rate_high": rate.high})
    return made


def _bins(magnitudes: Any) -> list[tuple[float, float]]:
    """The ends, both included, of the bins that magnitudes are put into; clean batches have one of their own."""
    distinct = np.unique(magnitudes[~np.isnan(magnitudes)])
    if len(distinct) <= _MOST:
        return [(m, m) for m in distinct.tolist()]
    drifted = distinct[distinct != 0]
    cuts = np.linspace(drifted[0], drifted[-1], _MOST + 1)
    starts = [cuts[0], *np.nextafter(cuts[1:-1], np.inf)]
    bins = list(zip(starts, cuts[1:].tolist(), strict=True))
    return ([(0.0, 0.0)] if 0 in distinct else []) + bins
