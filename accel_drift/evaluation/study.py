"""A study: contenders on scenarios for many seeds, with dummies beside them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.errors import ConfigError
from accel_drift.evaluation.contenders import named
from accel_drift.evaluation.identity import digest
from accel_drift.evaluation.parts import Folder, joined, renamed
from accel_drift.evaluation.results import Results
from accel_drift.evaluation.running import finished
from accel_drift.evaluation.scenarios import by_name
from accel_drift.evaluation.trial import Task, key_of
from accel_drift.options import at_least, between

Progress = Callable[[int, int, str], None]


class Evaluation:
    """Detectors on data whose truth is known, for many seeds.

    Each trial is one contender on one scenario for one seed: it learns the reference and is asked about each batch in
    its turn. Four dummies, which do not look at the data, take part in every study: a number that they reach, too, is
    worth nothing.

    Attributes:
        contenders: name -> object with fit and detect, the dummies last.
        dummies: names of the dummies.
        scenarios: name -> scenario.
        seeds: each makes other data.
    """

    def __init__(
        self,
        contenders: Mapping[str, Any] | Sequence[Any],
        scenarios: Any,
        *,
        seeds: int | Sequence[int] | npt.NDArray[np.int64] = 20,
        rate: float = 0.01,
    ) -> None:
        """Plan a study.

        Args:
            contenders: name -> contender, or a list of ours, which have names. A contender is one of our detectors
                (of batches, streams, rows; a list of them is a profile with one verdict), or any object whose `fit`
                takes a reference and gives back what has `detect`, or itself (None). `detect` takes a batch and gives
                `Judged(score, alarm)`, True or False.
            scenarios: a scenario of `accel_drift.synthetic`, its name, `Batches` of your own, a function of a seed that
                makes one of these; or several of them by name.
            seeds: how many (0, 1, 2, ...), or which. With one there are no intervals.
            rate: of the dummy that alarms at random.

        Raises:
            ConfigError: there is no contender or scenario, or one is nothing of these.
        """
        between(rate, 0, 1, "rate", "the chance of an alarm of the dummy that alarms at random")
        self.contenders, self.dummies = named(contenders, float(rate))
        self.scenarios = by_name(scenarios)
        self.seeds = _seeds(seeds)

    def run(
        self,
        *,
        processes: int = 1,
        threads: int = 1,
        out: str | Path | None = None,
        progress: Progress | None = None,
    ) -> Results:
        """Run all trials that are not done; the same numbers to the last bit, however many run at a time.

        Only times differ from run to run: those of a trial that was kept are those of the run that made it.

        Args:
            processes: run so many trials at a time, each in a process of its own.
            threads: run so many at a time in threads of this process: for contenders that spend their time outside
                Python. Those that draw from NumPy's or Python's shared generator are then not the same every time.
            out: a folder to keep each trial in as soon as it is done. What is there already is not run again: a study
                that was cut off, or gets more seeds, scenarios or contenders, goes on where it is. A trial is known by
                its options, data and seed, by the version of accel-drift, and by the code of your classes and functions
                with all that it names; of other packages by their versions. What code looks up by a text, reads from
                files or has in compiled modules of yours is not seen: after a change of these take another folder.
            progress: called with (trials done, trials in all, "evaluating"), so `progress=print` will do.

        Raises:
            ConfigError: an option cannot work, or a contender cannot be sent to another process.
            DataError: a scenario cannot be made.
            SourceError: the folder cannot be written to.
        """
        at_least(processes, 1, "processes", "trials that run at a time, such as 2")
        at_least(threads, 1, "threads", "trials that run at a time, such as 2")
        if out is not None and not isinstance(out, str | os.PathLike):
            raise ConfigError(f"out is {out!r}; it is a folder, such as 'results'")
        if progress is not None and not callable(progress):
            raise ConfigError(f"progress is {progress!r}; it is a function of (done, of, what), such as print")
        tasks = self._tasks()
        folder = None if out is None else Folder(out)
        rows: list[Any] = [None if folder is None else folder.read(task.key) for task in tasks]
        if folder is not None:
            folder.write_list({**self._about(), "trials": [_listed(task) for task in tasks]})
        left = [place for place, found in enumerate(rows) if found is None]
        done = len(tasks) - len(left)
        _tell(progress, done, len(tasks))
        for at, table in finished([tasks[place] for place in left], processes, threads, folder):
            rows[left[at]] = table
            done += 1
            _tell(progress, done, len(tasks))
        table = joined([renamed(found, task.name, task.scene) for found, task in zip(rows, tasks, strict=True)])
        return Results(table, self.dummies)

    def _tasks(self) -> list[Task]:
        known = {name: digest(contender) for name, contender in self.contenders.items()}
        data = {scene: digest(scenario) for scene, scenario in self.scenarios.items()}
        # Contenders of one seed follow one another, so that its batches need not be made for each.
        return [
            Task(name, contender, scene, scenario, seed, key_of(known[name], data[scene], seed), data[scene])
            for scene, scenario in self.scenarios.items()
            for seed in self.seeds
            for name, contender in self.contenders.items()
        ]

    def _about(self) -> dict[str, Any]:
        """What the folder says of the study beside its trials."""
        return {
            "contenders": list(self.contenders),
            "dummies": sorted(self.dummies),
            "scenarios": list(self.scenarios),
            "seeds": list(self.seeds),
        }

    def __repr__(self) -> str:
        own = [name for name in self.contenders if name not in self.dummies]
        return f"<Evaluation of {', '.join(own)} on {', '.join(self.scenarios)}, {len(self.seeds):,} seeds>"


def _listed(task: Task) -> dict[str, Any]:
    return {"key": task.key, "contender": task.name, "scenario": task.scene, "seed": task.seed}


def _tell(progress: Progress | None, done: int, of: int) -> None:
    if progress is not None:
        progress(done, of, "evaluating")


def several(given: Any) -> list[Any]:
    """What was given as one or as several, as a list; a text or a mapping is one."""
    if isinstance(given, np.ndarray):
        return list(np.atleast_1d(given).tolist())
    return list(given) if isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping) else [given]


def _seeds(given: Any) -> tuple[int, ...]:
    if isinstance(given, Integral) and not isinstance(given, bool):
        at_least(given, 1, "seeds", "how many, such as 20; or a list of them")
        return tuple(range(int(given)))
    given = given.tolist() if isinstance(given, np.ndarray) else given
    if isinstance(given, str | Mapping) or not isinstance(given, Sequence | range):
        raise ConfigError(f"seeds is {given!r}; it is a whole number of 1 or more, or a list of whole numbers")
    if not given or any(isinstance(s, bool) or not isinstance(s, Integral) or s < 0 for s in given):
        raise ConfigError(f"seeds is {list(given)!r}; a list holds whole numbers of 0 or more, and at least one")
    if len(set(given)) < len(given):
        raise ConfigError("a seed is named twice, and would count twice; name each once")
    return tuple(int(s) for s in given)
