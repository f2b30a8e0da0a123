"""Power over magnitude and batch size, with all contenders at one measured rate of false alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.errors import AccelDriftError, ConfigError, DataError
from accel_drift.evaluation import intervals, metrics
from accel_drift.evaluation.contenders import is_stateful
from accel_drift.evaluation.results import Results
from accel_drift.evaluation.scenarios import Batches
from accel_drift.evaluation.study import Evaluation, Progress, several
from accel_drift.evaluation.summary import groups
from accel_drift.evaluation.trial import OK, Task, run_trial
from accel_drift.files import written
from accel_drift.options import at_least, between, is_finite


@dataclass(frozen=True, slots=True)
class Magnitudes:
    """Clean batches, and as many of each magnitude, all fresh draws of one population, in an order that is drawn.

    So who counts batches, or learns from them, knows nothing of the next.

    Attributes:
        population: what draws rows: it has `draw(rows, seed=)`.
        drift: magnitude -> a kind of drift, which has `apply(rows, anchor, seed=)`.
        magnitudes: of the drifted batches.
        rows: of a batch.
        batches: clean ones, and of each magnitude.
        reference_rows: rows of the reference.
        seed: decides all that is drawn.
    """

    population: Any
    drift: Callable[[float], Any]
    magnitudes: tuple[float, ...]
    rows: int
    batches: int
    reference_rows: int
    seed: int = 0

    @property
    def reference(self) -> Any:
        """The rows to learn."""
        return self.population.draw(self.reference_rows, seed=self._seed(0))

    def __iter__(self) -> Iterator[_Batch]:
        from accel_drift.synthetic import Anchor

        anchor = Anchor(self.reference)
        sizes = (0.0, *self.magnitudes)
        order = np.random.default_rng(self._seed(3)).permutation(len(sizes) * self.batches)
        for turn, at in enumerate(order.tolist()):
            magnitude = sizes[at // self.batches]
            yield _Batch(self.batch(magnitude, at, anchor), turn * self.rows, magnitude != 0, float(magnitude))

    def batch(self, magnitude: float, at: int, anchor: Any) -> Any:
        """The rows of one batch, whose number decides what is drawn."""
        rows = self.population.draw(self.rows, seed=self._seed(1, at))
        return self.drift(magnitude).apply(rows, anchor, seed=self._seed(2, at)) if magnitude else rows

    def _seed(self, *purpose: int) -> int:
        return int(np.random.SeedSequence(self.seed, spawn_key=purpose).generate_state(1)[0])


@dataclass(frozen=True, slots=True)
class _Batch:
    rows: Any
    first_row: int
    drifted: bool
    magnitude: float


class Power:
    """Curves of power, at a rate of false alarms that was measured.

    Attributes:
        table: a `pyarrow.Table`, one row a batch size, contender and magnitude, 0 for clean batches: `rate` is the
            share of batches above the contender's threshold, which at magnitude 0 is the measured rate of false alarms,
            with `rate_low` and `rate_high`, its 95 % interval over seeds; `threshold` is the mean of the two halves'.
            `own_rate`, `own_low` and `own_high` are the same with the contender's own alarms.
        rate: the rate of false alarms that thresholds were chosen for.
        results: every answer, see `Results`.
    """

    def __init__(self, table: Any, rate: float, results: Results) -> None:
        self.table, self.rate, self.results = table, rate, results

    def to_svg(self, rows: int | None = None) -> str:
        """Power by magnitude as an SVG image.

        Args:
            rows: the batch size; it may be left out where there is one.

        Raises:
            ConfigError: there is no such batch size.
        """
        from accel_drift.evaluation.curves import by_magnitude
        from accel_drift.evaluation.pictures import alone

        return alone(by_magnitude(self, self._size(rows)))

    def to_markdown(self, path: str | Path | None = None) -> str:
        """A table of power for each batch size, also written to `path` where one is given.

        Raises:
            SourceError: the folder does not exist or cannot be written to.
        """
        from accel_drift.evaluation.curves import markdown

        return written(markdown(self), path)

    def to_html(self, path: str | Path | None = None) -> str:
        """Curves and table as one page that loads nothing, also written to `path` where one is given.

        Raises:
            SourceError: the folder does not exist or cannot be written to.
        """
        from accel_drift.evaluation.curves import page

        return written(page(self), path)

    @property
    def sizes(self) -> list[int]:
        """The batch sizes, rising."""
        return sorted(set(self.table.column("rows").to_pylist()))

    def _size(self, rows: int | None) -> int:
        if rows is None and len(self.sizes) == 1:
            return self.sizes[0]
        if rows not in self.sizes:
            raise ConfigError(f"rows is {rows!r}; there are batches of {', '.join(map(str, self.sizes))} rows")
        return int(rows)

    def __repr__(self) -> str:
        return f"<Power at a rate of {self.rate:g}, batches of {', '.join(map(str, self.sizes))} rows>"


def power(
    contenders: Mapping[str, Any] | Sequence[Any],
    *,
    drift: Callable[[float], Any],
    magnitudes: Sequence[float] | npt.NDArray[np.float64] | float = (0.1, 0.2, 0.3, 0.5),
    rows: Sequence[int] | npt.NDArray[np.int64] | int = (100, 1000),
    rate: float = 0.01,
    seeds: int | Sequence[int] | npt.NDArray[np.int64] = 20,
    batches: int = 20,
    population: Any = None,
    reference_rows: int = 2_000,
    processes: int = 1,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> Power:
    """The share of drifted batches that each contender finds, with all of them at one rate of false alarms.

    A detector that alarms more often finds more, so power says nothing beside another rate. Here each contender alarms
    where its score is above a threshold of its own: the one that clean batches of one half of the seeds ask for, used
    on the other half, and the reverse. So no threshold is tuned on what it is measured on, and the measured rate stands
    beside the power, at magnitude 0. Batches of all magnitudes come in an order that is drawn for each seed.

    Args:
        contenders: as for `Evaluation`; those whose answers depend on earlier batches are refused: each is asked about
            a clean batch after clean ones and after drifted ones, and has to say the same.
        drift: magnitude -> a kind of drift, such as `accel_drift.synthetic.CovariateShift`.
        magnitudes: of the drift; 0 is always among them.
        rows: of a batch, one or several sizes.
        rate: of false alarms.
        seeds: how many, or which: each makes another reference.
        batches: clean batches of a seed, and drifted ones of each magnitude.
        population: what draws rows by `draw(rows, seed=)`; None for `accel_drift.synthetic.Population()`.
        reference_rows: rows of a reference.
        processes: as for `Evaluation.run`.
        out: as for `Evaluation.run`.
        progress: as for `Evaluation.run`.

    Raises:
        ConfigError: an option cannot work, or there are too few clean batches for the rate.
        DataError: no batch can be drawn.
    """
    between(rate, 0, 1, "rate", "the rate of false alarms, such as 0.01")
    at_least(batches, 1, "batches", "clean batches of a seed, and drifted ones of each magnitude")
    at_least(reference_rows, 2, "reference_rows", "rows of a reference")
    sizes = several(rows)
    if not sizes:
        raise ConfigError(f"rows is {rows!r}; it is a number of rows, such as 100, or several")
    for size in sizes:
        at_least(size, 1, "rows", "rows of a batch, such as 100")
    sizes_of_drift = _magnitudes(magnitudes)
    if not callable(drift):
        raise ConfigError(f"drift is {drift!r}; it is a kind of drift such as accel_drift.synthetic.CovariateShift")
    drawn = _population(population)
    scenes = {
        f"{int(size)} rows": Magnitudes(drawn, drift, sizes_of_drift, int(size), int(batches), int(reference_rows))
        for size in sizes
    }
    study = Evaluation(contenders, scenes, seeds=seeds, rate=rate)
    _enough(len(study.seeds), int(batches), rate)
    first = min(scenes.values(), key=lambda scene: scene.rows)
    _stateless(study, replace(first, seed=study.seeds[0]))
    results = study.run(processes=processes, out=out, progress=progress)
    return Power(_table(results, {name: scene.rows for name, scene in scenes.items()}, rate), rate, results)


def _population(given: Any) -> Any:
    if given is None:
        from accel_drift.synthetic import Population

        return Population()
    if not callable(getattr(given, "draw", None)) or isinstance(given, type):
        raise ConfigError(
            f"population is {type(given).__name__ if not isinstance(given, type) else given.__name__}; give what draws "
            "fresh rows by draw(rows, seed=), such as accel_drift.synthetic.Population(), or a class of your own"
        )
    return given


def _magnitudes(given: Any) -> tuple[float, ...]:
    sizes = several(given)
    if not sizes or any(not is_finite(m) for m in sizes):
        raise ConfigError(f"magnitudes is {given!r}; it is a number or several, such as (0.1, 0.2, 0.5)")
    made = tuple(dict.fromkeys(float(m) for m in sizes if m != 0))
    if not made:
        raise ConfigError("all magnitudes are 0, which is no drift; give others, too")
    return made


def _stateless(study: Evaluation, scene: Magnitudes) -> None:
    own = {name: value for name, value in study.contenders.items() if name not in study.dummies}
    told = [name for name, value in own.items() if is_stateful(value)]
    orders = _orders(scene) if not told else ()
    for name, value in own.items():
        if name in told or (orders and _depends(name, value, orders, scene.seed)):
            raise ConfigError(
                f"what {name!r} says of a batch depends on those before it, and power is of a batch by itself; "
                "evaluate it on a scenario, by its delay; a detector of streams can be given as "
                "OverColumns(detector, anew=True)"
            )


def _orders(scene: Magnitudes) -> tuple[Batches, ...]:
    """A clean batch after clean ones, and after as many that are much drifted."""
    from accel_drift.synthetic import Anchor

    try:
        reference = scene.reference
        anchor, most = Anchor(reference), max(scene.magnitudes, key=abs)
        clean, drifted = scene.batch(0.0, 0, anchor), scene.batch(most, 1, anchor)
    except AccelDriftError:
        raise
    except Exception as error:
        raise DataError(f"no batch can be drawn from population and drift: {type(error).__name__}: {error}") from error
    return tuple(Batches(reference, [before, before, clean], [False] * 3) for before in (clean, drifted))


def _depends(name: str, contender: Any, orders: Sequence[Batches], seed: int) -> bool:
    """Whether it says something else of the clean batch; as many batches come before it, so chance drew as often."""
    said = []
    for batches in orders:
        last = run_trial(Task(name, contender, "orders", batches, seed, "")).slice(2).to_pylist()[0]
        said.append((last["status"], last["score"], last["alarm"]))
    return said[0] != said[1]


def _enough(seeds: int, batches: int, rate: float) -> None:
    smaller, needed = seeds // 2 * batches, ceil(1 / rate - 1e-9) - 1
    if seeds < 2 or smaller < needed:
        raise ConfigError(
            f"{seeds} seeds with {batches} clean batches each leave {smaller:,} for the threshold of one half, and a "
            f"rate of {rate:g} needs {needed:,}; give at least {max(2, 2 * ceil(needed / batches))} seeds"
        )


def _table(results: Results, sizes: Mapping[str, int], rate: float) -> Any:
    import pyarrow as pa

    made: list[dict[str, Any]] = []
    for (scene, name), rows in groups(results.table):
        known = {"rows": sizes[scene], "contender": name, "dummy": name in results.dummies}
        made += [{**known, **line} for line in _curve(rows, rate)]
    kinds: dict[str, Any] = {"rows": pa.int64(), "contender": pa.string(), "dummy": pa.bool_()}
    floats = ("magnitude", "rate", "rate_low", "rate_high", "threshold", "own_rate", "own_low", "own_high")
    kinds |= {**dict.fromkeys(floats, pa.float64()), "errors": pa.int64()}
    return pa.Table.from_pylist(made, schema=pa.schema(list(kinds.items())))


def _curve(rows: Mapping[str, npt.NDArray[Any]], rate: float) -> Iterator[dict[str, Any]]:
    """One line a magnitude."""
    scores = rows["score"].astype(np.float64)
    scores = np.where(np.isnan(scores), -np.inf, scores)
    own = np.array([a is not None and bool(a) for a in rows["alarm"].tolist()])
    clean, errors = ~rows["drifted"].astype(bool), rows["status"] != OK
    _, place = np.unique(rows["seed"], return_inverse=True)
    half = place % 2
    thresholds = [metrics.threshold_for(scores[clean & (half == 1 - side)], rate) for side in (0, 1)]
    above = scores > np.where(half == 0, thresholds[0], thresholds[1])
    magnitudes = np.where(clean, 0.0, rows["magnitude"].astype(np.float64))
    for magnitude in np.unique(magnitudes):
        mine = magnitudes == magnitude
        of = np.bincount(place[mine], minlength=place.max() + 1)
        found, alone = (intervals.share(np.bincount(place[mine & hit], minlength=len(of)), of) for hit in (above, own))
        lost = int((errors & mine).sum())
        whole = lost < int(mine.sum())
        yield {
            "magnitude": float(magnitude),
            "rate": found.value if whole else None,
            "rate_low": found.low if whole else None,
            "rate_high": found.high if whole else None,
            "threshold": float(np.mean(thresholds)) if np.isfinite(thresholds).all() else None,
            "own_rate": alone.value if whole else None,
            "own_low": alone.low if whole else None,
            "own_high": alone.high if whole else None,
            "errors": lost,
        }
