"""A configuration: read, checked, never changed, and made into what the monitor takes."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, cast

from pydantic import Field, ValidationError, model_validator

from accel_drift.config import (
    alert_sections,
    checking,
    environment,
    kafka_section,
    retraining_section,
    running,
    sections,
)
from accel_drift.config.detectors import Detectors, WithOptions
from accel_drift.config.mistakes import ConfigFileError, Key, Mistake, as_keys, shown
from accel_drift.config.sections import Section
from accel_drift.config.text import Read, read
from accel_drift.errors import ConfigError, DataError, SourceError
from accel_drift.files import path_of
from accel_drift.history.hidden import hidden

if TYPE_CHECKING:
    from accel_drift.data.read import Progress
    from accel_drift.history import History
    from accel_drift.monitor import Follower, Monitor
else:
    Detectors = WithOptions


class Config(Section):
    """What is watched, and how."""

    name: Annotated[str, Field(min_length=1, max_length=200)] = "monitor"
    """The monitor's name: its windows stand in the history under it."""
    data: sections.Data = sections.Data()
    kafka: kafka_section.Kafka = kafka_section.Kafka()
    columns: sections.Columns = sections.Columns()
    drift: sections.Drift = sections.Drift()
    detectors: Detectors = Detectors()
    windows: sections.Windows = sections.Windows()
    reference: sections.Reference = sections.Reference()
    predictions: sections.Predictions = sections.Predictions()
    confidence: sections.Confidence = sections.Confidence()
    performance: sections.Performance = sections.Performance()
    concept_drift: sections.ConceptDrift = sections.ConceptDrift()
    streams: sections.Streams = sections.Streams()
    health: sections.Health = sections.Health()
    alerts: alert_sections.Alerts = alert_sections.Alerts()
    retraining: retraining_section.Retraining = retraining_section.Retraining()
    history: sections.History = sections.History()
    logging: sections.Logging = sections.Logging()
    schedule: running.Schedule = running.Schedule()
    metrics: running.Metrics = running.Metrics()

    @model_validator(mode="after")
    def _sections_go_together(self) -> Self:
        found: list[checking.Contradiction] = []
        if self.reference.mode == "fixed" and self.data.reference_path is None:
            text = "it is null, and reference.mode is fixed: name the data set to compare with"
            found.append(checking.Contradiction(("data", "reference_path"), text, ("data", "reference")))
        if self.reference.threshold_rate is not None and self.windows.rows is None:
            text = "thresholds are for windows of so many rows; give windows.rows"
            found.append(checking.Contradiction(("reference", "threshold_rate"), text, ("reference", "windows")))
        if self.kafka.in_use:
            found += self._what_topics_contradict()
        if self.data.labels_path is not None:
            found += self._what_late_labels_lack()
        if self.performance.estimated:
            found += self._what_an_estimate_lacks()
        found += self._what_retraining_lacks()
        if found:
            raise checking.ContradictionError(found)
        return self

    def _what_topics_contradict(self) -> list[checking.Contradiction]:
        found = []
        if self.data.production_path is not None:
            text = "rows come from topics, and data.production_path names files; leave one out"
            found.append(checking.Contradiction(("kafka",), text, ("kafka", "data")))
        windows = self.windows
        if windows.rows is None and windows.time is None and windows.by != "batch":
            text = "topics have no files; say what a window is: windows.rows, or windows.time and windows.on"
            found.append(checking.Contradiction(("kafka",), text, ("kafka", "windows")))
        return found

    def _what_late_labels_lack(self) -> list[checking.Contradiction]:
        model = self.predictions
        lacks = {
            "data.id_column": self.data.id_column is None,
            "data.label_column": self.data.label_column is None,
            "predictions.score, probabilities or predicted": not model.has_chances and model.predicted is None,
            "performance.enabled: true": not self.performance.enabled,
        }
        found = (
            [f"late labels need {', '.join(name for name, it in lacks.items() if it)}"] if any(lacks.values()) else []
        )
        labels, rows = (Path(str(path)).absolute() for path in (self.data.labels_path, self.data.production_path))
        if not found and self.data.production_path is not None and labels.is_relative_to(rows):
            found.append(f"it lies in data.production_path, {self.data.production_path}: files there are rows; move it")
        sections = ("performance", "data", "predictions")
        return [checking.Contradiction(("data", "labels_path"), text, sections) for text in found]

    def _what_an_estimate_lacks(self) -> list[checking.Contradiction]:
        lacks = {
            "performance.baseline_path, rows that the model was not trained on": self.performance.baseline_path is None,
            "data.label_column": self.data.label_column is None,
            "predictions.probabilities or predictions.score": not self.predictions.has_chances,
        }
        text = f"an estimate needs {' and '.join(what for what, lacking in lacks.items() if lacking)}"
        key = ("performance", "estimated")
        return (
            [checking.Contradiction(key, text, ("performance", "data", "predictions"))] if any(lacks.values()) else []
        )

    def _what_retraining_lacks(self) -> list[checking.Contradiction]:
        """A policy about the model that no window could ever say anything of."""
        wanted, model = self.retraining, self.predictions
        if not wanted.enabled or wanted.retrain_on not in ("concept_drift", "f1_drop"):
            return []
        lacks = {
            "data.label_column": self.data.label_column is None and self.data.id_column is None,
            "predictions.score, probabilities or predicted": not model.has_chances and model.predicted is None,
            "performance.enabled: true": not self.performance.enabled,
            "performance.f1_drop": wanted.retrain_on == "f1_drop" and self.performance.f1_drop is None,
        }
        text = f"{wanted.retrain_on} needs {', '.join(name for name, it in lacks.items() if it)}"
        sections = ("retraining", "data", "predictions", "performance")
        return [checking.Contradiction(("retraining", "retrain_on"), text, sections)] if any(lacks.values()) else []

    @classmethod
    def load(cls, path: str | Path, environ: Mapping[str, str] | None = None) -> Self:
        """Read a file, with what the environment says instead.

        A variable `ACCEL_DRIFT_HISTORY__URL` gives the key `history.url`: text as it stands, anything else as YAML.

        Args:
            path: of the YAML file.
            environ: variables; None for those of this process.

        Raises:
            ConfigError: something in it is wrong; all of it is told at once, line by line.
            SourceError: there is no such file, or it cannot be read.
        """
        file = path_of(path)
        found = _read(file)
        if not isinstance(found.value, dict) and not found.wrong:
            raise ConfigFileError(str(file), [_no_mapping(file, found)])
        wrong = [Mistake(f"{file}:{line}", line, text) for line, text in found.wrong]
        values = found.value if isinstance(found.value, dict) else {}
        given, mistakes = environment.overrides(os.environ if environ is None else environ)
        for key, (_, value) in given.items():
            _put(values, key, value)
        variables = {key: variable for key, (variable, _) in given.items()}
        made, more = _checked(cls, values) if isinstance(found.value, dict) else (None, [])
        wrong += [_placed(file, found, variables, key, text) for key, text in more]
        if wrong or mistakes:
            raise ConfigFileError(str(file), [*wrong, *mistakes])
        return cast("Self", made)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """A configuration of plain values, as a YAML file would hold them.

        Raises:
            ConfigError: something in them is wrong; all of it is told at once.
        """
        made, wrong = _checked(cls, dict(values))
        if wrong:
            raise ConfigFileError("the configuration", [Mistake("configuration", 0, text) for _, text in wrong])
        return cast("Self", made)

    def monitor(
        self,
        progress: Progress | None = None,
        followers: Sequence[Follower] = (),
        history: History | None = None,
    ) -> Monitor:
        """The monitor that it describes, ready to observe; `close` it when it is done.

        Args:
            progress: told how much of the reference is read, as in `Profile.fit`.
            followers: what draws conclusions from its windows, such as `alerts.alerts_of(config)`.
            history: its history, where that is open already; it stays open.

        Raises:
            ConfigError: an option cannot work, a saved profile fixes what is said otherwise here, or the monitor of
                this name was begun with other windows.
            DataError: the reference cannot be read, or not as it is said here.
            HistoryError: the database cannot be opened.
        """
        from accel_drift.config.making import Making

        try:
            return Making(self, progress).monitor(followers, history)
        except (ConfigError, DataError) as error:
            raise type(error)(as_keys(hidden(str(error)))) from error

    def prune(self, history: History) -> int:
        """Remove windows of this monitor as `history.retention_days` and `history.keep` say; how many there were.

        Raises:
            HistoryError: the database failed.
        """
        days, keep = self.history.retention_days, self.history.keep
        if (days is None and keep is None) or self.name not in history.names():
            return 0
        return history.prune(older_than=days, keep=keep, name=self.name)


def _read(file: Path) -> Read:
    """Raises SourceError where there is no text to read."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        advice = f"accel-drift init REFERENCE --out {file} writes one"
        raise SourceError(f"there is no file {str(file)!r}; {advice}") from None
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror or error}") from error
    try:
        return read(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = "not UTF-8; save the file as UTF-8"
        raise ConfigFileError(str(file), [Mistake(f"{file}:{line}", line, text)]) from None


def _no_mapping(file: Path, found: Read) -> Mistake:
    line = found.lines.get((), 1)
    if found.value is None:
        text = "there is nothing in it; accel-drift init REFERENCE writes one to begin with"
    else:
        what = "a list" if isinstance(found.value, list) else shown(found.value)
        text = f"it holds {what}; it takes keys with values, such as name: churn"
    return Mistake(f"{file}:{line}", line, text)


def _put(values: dict[str, Any], key: Key, value: Any) -> None:
    """Set a key, with the mappings that lead to it; where something else stands in its way, that is told later."""
    here = values
    for part in key[:-1]:
        if here.get(str(part)) is None:
            here[str(part)] = {}
        here = here[str(part)]
        if not isinstance(here, dict):
            return
    here[str(key[-1])] = value


def _checked(cls: type[Any], values: dict[str, Any]) -> tuple[Any, list[tuple[Key, str]]]:
    """What plain values make, and what is wrong with them. A section without any (null) has its defaults."""
    values = {key: {} if value is None and key != "name" else value for key, value in values.items()}
    made, wrong = _validated(cls, values)
    if wrong:
        # What sections say together is looked at where each is right by itself.
        faulty = {str(key[0]) for key, _ in wrong if key}
        _, more = _validated(cls, {key: value for key, value in values.items() if key not in faulty}, faulty)
        wrong += more
    return made, wrong


def _validated(
    cls: type[Any], values: dict[str, Any], faulty: Collection[str] = ()
) -> tuple[Any, list[tuple[Key, str]]]:
    try:
        # As JSON, so that a list is a tuple where one is wanted, and nothing else is taken for anything else.
        return cls.model_validate_json(json.dumps(values)), []
    except ValidationError as error:
        return None, checking.told(error, values, faulty)


def _placed(file: Path, found: Read, variables: Mapping[Key, str], key: Key, text: str) -> Mistake:
    """A mistake with the line of its key, or of the nearest section above it, or with its variable."""
    for end in range(len(key), -1, -1):
        if key[:end] in variables:
            return Mistake(variables[key[:end]], 0, text)
        if end and key[:end] in found.lines:
            line = found.lines[key[:end]]
            return Mistake(f"{file}:{line}", line, text)
    return Mistake(f"{file}:1", 1, text)
