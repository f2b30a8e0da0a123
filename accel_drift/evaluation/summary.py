"""What a study comes to: for each contender and scenario every measure with its interval over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.evaluation import intervals, metrics
from accel_drift.evaluation.intervals import Estimate, Floats
from accel_drift.evaluation.trial import ERROR, OK, REFUSED

MEASURES: tuple[str, ...] = (
    "false_alarm_rate",
    "false_alarm_rate_after",
    "detection_rate",
    "found",
    "delay_batches",
    "delay_rows",
    "auc",
    "cohens_d",
    "f1",
    "f1_best",
    "run_length",
    "alarmed_before",
    "stability",
)
"""The measures of a summary, in its order."""

MEANING = {
    "false_alarm_rate": "share of clean batches before drift begins at which there was an alarm",
    "false_alarm_rate_after": "share of clean batches after drift began, in its pauses and after its end, at which "
    "there was an alarm: large for a detector that stays in alarm. One that tells each change once, and the return is "
    "one, has an alarm there that some would not call false",
    "detection_rate": "share of drifted batches at which there was an alarm; an error counts as none",
    "found": "share of seeds with an alarm at or after the true onset",
    "delay_batches": "batches from the true onset to the first alarm at or after it; a seed without one counts with "
    "all that were watched, so this is too small where found is below 1",
    "delay_rows": "the same in rows, from the first that drifted to the one at which the alarm came",
    "auc": "area under the ROC curve of the score, drifted batches of one seed against clean ones before drift begins: "
    "the order of scores, not the threshold; clean batches after it began are left out, see false_alarm_rate_after",
    "cohens_d": "difference of mean scores in pooled standard deviations, drifted less clean, of the batches of auc",
    "f1": "harmonic mean of precision and detection rate, with the detector's own alarms at all batches; it grows with "
    "the share s of batches that drift: one that always alarms has 2 s / (1 + s)",
    "f1_best": "F1 of all batches at the threshold that is best on the other half of the seeds",
    "run_length": "average run length to a false alarm in batches; seeds without one count as far as watched",
    "alarmed_before": "share of seeds with any false alarm before drift begins",
    "stability": "1 / (1 + coefficient of variation) of drifted batches' scores; no virtue, and in no rank",
}

TIMES = {
    "fit_seconds": "median over seeds of the seconds that learning the reference took",
    "batch_ms": "median over all batches of the milliseconds from a batch to its answer. Times are those of the "
    "machine and of what else ran on it, and no two runs have the same; compare those of one run with processes=1",
}
"""The times of a summary."""


@dataclass(frozen=True, slots=True)
class Seed:
    """The answers of one contender for one seed, as arrays over batches."""

    scores: Floats
    alarms: npt.NDArray[np.bool_]
    answered: npt.NDArray[np.bool_]
    drifted: npt.NDArray[np.bool_]
    until: npt.NDArray[np.int64]
    onset_row: int | None

    @property
    def before(self) -> npt.NDArray[np.bool_]:
        """Clean batches before drift begins."""
        onset = int(self.drifted.argmax()) if self.drifted.any() else len(self.drifted)
        return np.arange(len(self.drifted)) < onset

    @property
    def after(self) -> npt.NDArray[np.bool_]:
        """Clean batches once drift began, in its pauses and after its end: they find some detectors changed."""
        return ~self.drifted & ~self.before

    @property
    def judged(self) -> npt.NDArray[np.bool_]:
        """Batches whose scores are compared: clean ones before drift begins, and drifted ones."""
        return self.before | self.drifted


@dataclass(frozen=True, slots=True)
class Line:
    """One contender on one scenario.

    Attributes:
        scenario: its name.
        contender: its name.
        dummy: whether it does not look at the data.
        status: "ok", "refused" (no fit succeeded), or "error" (some batch or seed has no answer).
        message: what the first failure said, or "".
        seeds: how many.
        refused: seeds whose reference was refused.
        errors: batches at which it raised, refused seeds aside.
        batches: in all.
        measures: by name, see `MEASURES`.
        horizon: batches watched from the onset on, averaged over seeds.
        times: by name, see `TIMES`; None where nothing was answered.
    """

    scenario: str
    contender: str
    dummy: bool
    status: str
    message: str
    seeds: int
    refused: int
    errors: int
    batches: int
    measures: Mapping[str, Estimate] = field(default_factory=dict)
    horizon: float = 0.0
    times: Mapping[str, float | None] = field(default_factory=dict)


def lines(table: Any, dummies: frozenset[str]) -> list[Line]:
    """One line a scenario and contender, in the order in which they come."""
    return [_line(scene, name, rows, name in dummies) for (scene, name), rows in groups(table)]


def groups(table: Any) -> Iterator[tuple[tuple[str, str], dict[str, npt.NDArray[Any]]]]:
    """The rows of each scenario and contender as arrays by column, in the order in which they come."""
    columns = {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}
    pairs = list(zip(columns["scenario"].tolist(), columns["contender"].tolist(), strict=True))
    place = {pair: i for i, pair in enumerate(dict.fromkeys(pairs))}
    which = np.array([place[pair] for pair in pairs], dtype=np.int64)
    for pair, i in place.items():
        yield pair, {name: values[which == i] for name, values in columns.items()}


def by_seed(rows: Mapping[str, npt.NDArray[Any]]) -> list[Seed]:
    """The answers of every seed, batches in their order."""
    made = []
    for seed in np.unique(rows["seed"]):
        mine = np.flatnonzero(rows["seed"] == seed)
        mine = mine[np.argsort(rows["batch"][mine], kind="stable")]
        of = {name: values[mine] for name, values in rows.items()}
        ends = (of["first_row"] + of["rows"]).astype(np.int64)
        alarm_rows = of["alarm_row"].astype(np.float64)
        alarms = np.array([a is not None and bool(a) for a in of["alarm"].tolist()])
        onset = of["onset_row"].astype(np.float64)
        known = onset[~np.isnan(onset)]
        made.append(
            Seed(
                of["score"].astype(np.float64),
                alarms,
                of["status"] == OK,
                of["drifted"].astype(bool),
                np.where(np.isnan(alarm_rows), ends, np.nan_to_num(alarm_rows)).astype(np.int64),
                int(known[0]) if len(known) else None,
            )
        )
    return made


def _line(scene: str, name: str, rows: Mapping[str, npt.NDArray[Any]], dummy: bool) -> Line:
    status = rows["status"]
    refused = len(np.unique(rows["seed"][status == REFUSED]))
    errors, count = int((status == ERROR).sum()), len(np.unique(rows["seed"]))
    failed = np.flatnonzero(status != OK)
    answered = bool((status == OK).any())
    seeds = by_seed(rows)
    word = OK if not len(failed) else REFUSED if refused == count else ERROR
    message = str(rows["message"][failed[0]]) if len(failed) else ""
    watched = [len(s.drifted) - int(s.drifted.argmax()) for s in seeds if s.drifted.any()]
    nothing: dict[str, Estimate] = dict.fromkeys(MEASURES, intervals.NOTHING)
    measures = _measures(seeds) if answered else nothing
    horizon = float(np.mean(watched)) if watched else 0.0
    return Line(scene, name, dummy, word, message, count, refused, errors, len(status), measures, horizon, _times(rows))


def _times(rows: Mapping[str, npt.NDArray[Any]]) -> dict[str, float | None]:
    _, first = np.unique(rows["seed"], return_index=True)
    taken = {"fit_seconds": rows["fit_seconds"][first], "batch_ms": 1e3 * rows["batch_seconds"].astype(np.float64)}
    known = {name: (each := values.astype(np.float64))[~np.isnan(each)] for name, values in taken.items()}
    return {name: float(np.median(values)) if len(values) else None for name, values in known.items()}


def _measures(seeds: Sequence[Seed]) -> dict[str, Estimate]:
    with_drift = [s for s in seeds if s.drifted.any()]
    delays = [_delay(s) for s in with_drift]
    exposed = [_exposure(s) for s in seeds if s.before.any()]
    pairs = sum(min(int(s.before.sum()), int(s.drifted.sum())) for s in seeds)
    found = [int(d.found) for d in delays]
    return {
        "false_alarm_rate": _alarming(seeds, [s.before for s in seeds]),
        "false_alarm_rate_after": _alarming(seeds, [s.after for s in seeds]),
        "detection_rate": intervals.share(
            [int((s.alarms & s.drifted).sum()) for s in with_drift], [int(s.drifted.sum()) for s in with_drift]
        ),
        "found": intervals.share(found, [1] * len(found)),
        "delay_batches": intervals.mean([float(d.batches) for d in delays], bounds=(0.0, inf)),
        "delay_rows": intervals.mean([float(d.rows) for d in delays], bounds=(0.0, inf)),
        "auc": intervals.area(_each(metrics.auc, seeds), pairs),
        "cohens_d": intervals.mean(_each(metrics.cohens_d, seeds)),
        "f1": intervals.mean([_f1(s) for s in with_drift], bounds=(0.0, 1.0)),
        "f1_best": intervals.mean(best_f1(with_drift), bounds=(0.0, 1.0)),
        "run_length": intervals.run_length(sum(e for e, _ in exposed), sum(a for _, a in exposed)),
        "alarmed_before": intervals.share([a for _, a in exposed], [1] * len(exposed)),
        "stability": intervals.mean(_each(metrics.stability, seeds), bounds=(0.0, 1.0)),
    }


def _alarming(seeds: Sequence[Seed], which: Sequence[npt.NDArray[np.bool_]]) -> Estimate:
    """The share of some batches with an alarm, those without an answer left out."""
    known = [w & s.answered for s, w in zip(seeds, which, strict=True)]
    return intervals.share(
        [int((s.alarms & k).sum()) for s, k in zip(seeds, known, strict=True)], [int(k.sum()) for k in known]
    )


def _delay(s: Seed) -> metrics.Delay:
    found = metrics.delay(s.alarms, s.drifted, until=s.until, onset_row=s.onset_row or 0)
    assert found is not None  # noqa: S101  only seeds with drift are asked
    return found


def _exposure(s: Seed) -> tuple[int, int]:
    """Clean batches watched until the first alarm, that one included, and whether there was one."""
    alarms = s.alarms[s.before]
    return (int(alarms.argmax()) + 1, 1) if alarms.any() else (len(alarms), 0)


def _each(measure: Any, seeds: Sequence[Seed]) -> list[float]:
    found = [measure(s.scores[s.judged], s.drifted[s.judged]) if s.judged.any() else None for s in seeds]
    return [np.nan if value is None else value for value in found]


def _f1(s: Seed) -> float:
    return metrics.f1(s.alarms, s.drifted) or 0.0


def best_f1(seeds: Sequence[Seed]) -> list[float]:
    """F1 of each seed at the threshold that is best for the other half of the seeds; [] with one seed."""
    if len(seeds) < 2:
        return []
    made = []
    for i, s in enumerate(seeds):
        others = [o for j, o in enumerate(seeds) if j % 2 != i % 2]
        scores = np.concatenate([o.scores for o in others])
        threshold = metrics.best_threshold(scores, np.concatenate([o.drifted for o in others]))
        if threshold is None:
            return []
        mine = np.where(np.isnan(s.scores), -np.inf, s.scores)
        # Below every score of the others means: always an alarm.
        alarms = (mine > threshold) | ((threshold == -np.inf) & s.answered)
        made.append(metrics.f1(alarms, s.drifted) or 0.0)
    return made
