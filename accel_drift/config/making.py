"""From a configuration to the monitor: its reference, its windows, what it looks at beside them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from accel_drift.data.read import Progress
from accel_drift.data.schema import listed
from accel_drift.data.table import Table
from accel_drift.errors import ConfigError, DataError
from accel_drift.monitor import (
    Confidences,
    Estimated,
    Follower,
    Monitor,
    Part,
    Performance,
    Period,
    Streams,
    Trailing,
    Windows,
)
from accel_drift.monitor.confidence_part import chances
from accel_drift.monitor.parts import prepared
from accel_drift.monitor.rows import as_rows
from accel_drift.predictions.estimated import PerformanceEstimator
from accel_drift.profiles import Profile
from accel_drift.profiles.file import is_profile
from accel_drift.profiles.learning import Asked, learn
from accel_drift.profiles.plan import sample_of
from accel_drift.retraining import Retraining
from accel_drift.streams.adwin import ADWIN

if TYPE_CHECKING:
    from accel_drift.config.config import Config
    from accel_drift.history import History


class Making:
    """What a configuration asks for, made on demand; the reference is read where something needs its rows.

    Args:
        config: the configuration.
        progress: told how much of the reference is read, as in `Profile.fit`.
    """

    def __init__(self, config: Config, progress: Progress | None = None) -> None:
        self.config, self._progress = config, progress
        self._path = config.data.reference_path

    def monitor(self, followers: Sequence[Follower] = (), history: History | None = None) -> Monitor:
        """The monitor, ready to observe.

        Args:
            followers: what draws conclusions from its windows.
            history: its history, where that is open already.
        """
        self._refuse_slips()
        config, parts = self.config, self.parts()
        return Monitor(
            self.reference(parts),
            Windows(**config.windows.options()),
            history=config.history.url if history is None else history,
            name=config.name,
            parts=parts,
            followers=[*followers, *self.followers(parts)],
            weights=config.health.weights,
            wait=config.history.wait,
        )

    def followers(self, parts: list[Part]) -> list[Follower]:
        """What draws conclusions from its windows.

        Args:
            parts: what looks at windows beside the reference.

        Raises:
            ConfigError: a fall of F1 is asked for, and there is no F1 to fall from.
        """
        if not self.config.retraining.enabled:
            return []
        baseline = next((part.baseline for part in parts if isinstance(part, Performance)), {})
        if self.config.retraining.retrain_on == "f1_drop" and "f1" not in baseline:
            raise ConfigError(
                "retraining.retrain_on is f1_drop, and there is no F1 to fall from; give performance.baseline_path, "
                "rows with predictions and labels, and data.label_column"
            )
        return [Retraining(self.config.retraining.policy(), baseline=baseline)]

    def parts(self) -> list[Part]:
        """What looks at windows beside the reference."""
        config = self.config
        made: list[Part] = []
        model = config.predictions
        sure = model.has_chances
        if config.confidence.enabled and sure:
            made.append(self._confidences())
        joined = config.data.label_column is not None or config.data.id_column is not None
        if config.performance.enabled and joined and (sure or model.predicted is not None):
            made.append(self._performance())
        if config.performance.enabled and config.performance.estimated:
            made.append(self._estimated())
        detector = config.streams.made()
        if detector is not None:
            made.append(Streams(detector, list(config.streams.columns), backend=config.drift.backend))
        return made

    def reference(self, parts: list[Part]) -> Profile | Trailing | Period:
        """What windows are compared with: opened, learned, or to be learned from windows.

        Args:
            parts: those that make columns of rows which are compared, too.
        """
        wanted = self.config.reference
        if wanted.mode == "trailing":
            first = None if self._path is None else self.profile(parts)
            return Trailing(wanted.windows, least=wanted.least, first=first, **self.fit_options())
        if wanted.mode == "period":
            return Period(str(wanted.start), str(wanted.end), **self.fit_options())
        return self.profile(parts)

    def profile(self, parts: list[Part]) -> Profile:
        """The profile at `data.reference_path`, or of the data set there."""
        config, path = self.config, str(self._path)
        if self.saved:
            self._refuse_what_is_fixed()
            made = Profile.load(path, backend=config.drift.backend)
        else:
            rows = prepared(parts, self.rows) if any(isinstance(part, Confidences) for part in parts) else path
            made = Profile.fit(rows, **self.fit_options(), name=Path(path).name, progress=self._progress)
        rate, size = config.reference.threshold_rate, config.windows.rows
        return made if rate is None or size is None else made.calibrated(size, rate, progress=self._progress)

    def fit_options(self) -> dict[str, Any]:
        """What `Profile.fit` takes beside the reference."""
        drift, columns, identifier = self.config.drift, self.config.columns, self.config.data.id_column
        drop = [*columns.drop]
        # Labels that come later may be of rows with ids, where the reference's have none.
        if identifier is not None and identifier not in drop and self.holds(identifier):
            drop.append(identifier)
        if self._only_dates(self.config.windows.on) and self.holds(self.config.windows.on):
            drop.append(str(self.config.windows.on))
        return {
            "detectors": self.config.detectors.made(),
            "content": self.config.reference.content,
            "backend": drift.backend,
            "block": drift.block,
            "correction": drift.correction,
            "rule": drift.rule,
            "alpha": drift.alpha,
            "min_effect": drift.min_effect,
            "seed": drift.seed,
            "columns": None if columns.only is None else list(columns.only),
            "drop": drop,
            "label": self.config.data.label_column,
            "kinds": columns.of_kind() or None,
            "sample_rows": self.config.reference.sample_rows,
        }

    def _only_dates(self, name: str | None) -> bool:
        """Whether a column is for nothing but to date rows by: its values are others in every window."""
        columns, block = self.config.columns, str(self.config.drift.block or "").partition(":")[0]
        named = {block, *columns.drop, *(columns.only or ()), *columns.of_kind()}
        return name is not None and name not in named

    def holds(self, *names: str | None) -> bool:
        """Whether the reference has all of these columns; of windows to come it is taken for granted."""
        if self._path is None or self.saved:
            return True
        there = {*self._looked_at.schema.names, *self._looked_at.excluded}
        return all(name is None or name in there for name in names)

    @cached_property
    def saved(self) -> bool:
        """Whether the reference is a saved profile."""
        path = Path(str(self._path))
        return path.suffix == ".adp" or (path.is_file() and is_profile(path))

    @cached_property
    def rows(self) -> pa.Table:
        """The rows of the reference, all columns."""
        return as_rows(self._path, self._looked_at.schema)

    @cached_property
    def _looked_at(self) -> Table:
        """Some rows of the reference, as what the configuration says they are."""
        asked = Asked(detectors=("missing",), kinds=self.config.columns.of_kind() or None)
        return learn(self._path, asked, pick=sample_of(0)).table

    def _has_rows(self) -> bool:
        return self._path is not None and not self.saved

    def _model(self) -> dict[str, Any]:
        """The columns of the model, as parts take them."""
        said = self.config.predictions
        classes = None if said.classes is None else [str(name) for name in said.classes]
        return {"probabilities": list(said.probabilities) or None, "score": said.score, "classes": classes}

    def _confidences(self) -> Confidences:
        said, wanted = self.config.predictions, self.config.confidence
        known = self._has_rows() and self.holds(said.score, *said.probabilities)
        return Confidences(
            **self._model(),
            reference=self.rows if known else None,
            prefix="model_",  # a column of predictions is often called just that
            alpha=wanted.alpha,
            tolerance=wanted.tolerance,
            backend=self.config.drift.backend,
        )

    def _performance(self) -> Performance:
        config, wanted = self.config, self.config.performance
        said, label = config.predictions, config.data.label_column
        drops = {"f1": wanted.f1_drop, "accuracy": wanted.accuracy_drop, "auc": wanted.auc_drop}
        tolerance = {name: drop for name, drop in drops.items() if drop is not None}
        baseline: Any = None
        if label is not None and tolerance:
            baseline = wanted.baseline_path
            if baseline is None and self._has_rows():
                found = self.holds(label, said.score, said.predicted, *said.probabilities)
                baseline = self.rows if found else None
        watched = config.concept_drift.made()
        if watched == "auto" and baseline is None:
            watched = ADWIN(delta=config.concept_drift.adwin_delta)
        return Performance(
            **self._model(),
            predicted=said.predicted,
            label=label,
            id=config.data.id_column,
            baseline=baseline,
            positive=None if said.positive is None else str(said.positive),
            metrics=[*tolerance] or None,
            tolerance=tolerance or 0.0,
            alpha=wanted.alpha,
            detector=watched,
            backend=config.drift.backend,
        )

    def _estimated(self) -> Estimated:
        config, model = self.config, self._model()
        said, label = config.predictions, str(config.data.label_column)
        rows = as_rows(config.performance.baseline_path, None)
        if gone := [name for name in (label, said.predicted) if name is not None and name not in rows.column_names]:
            raise DataError(f"{config.performance.baseline_path} has no column {listed(gone)}")
        estimator = PerformanceEstimator(
            chances(rows, [said.score] if said.score is not None else said.probabilities),
            rows.column(label),
            predictions=None if said.predicted is None else rows.column(said.predicted),
            classes=model["classes"] or (said.probabilities or None),
            positive=None if said.positive is None else str(said.positive),
            seed=max(config.drift.seed, 0),
            backend=config.drift.backend,
        )
        return Estimated(estimator, model["probabilities"], score=said.score, predicted=said.predicted)

    def _refuse_slips(self) -> None:
        """A column of the model may be in windows alone; but hardly where the reference has one of nearly its name."""
        said = self.config.predictions
        given = [
            ("score", said.score),
            ("predicted", said.predicted),
            *(("probabilities", p) for p in said.probabilities),
        ]
        for key, name in given:
            if name is None or not self._has_rows() or self.holds(name):
                continue
            there = [*self._looked_at.schema.names, *self._looked_at.excluded]
            if near := difflib.get_close_matches(name, there, n=1, cutoff=0.75):
                raise ConfigError(
                    f"predictions.{key} names {name!r}, but {self._path} has no such column; did you mean {near[0]!r}?"
                )

    def _refuse_what_is_fixed(self) -> None:
        config = self.config
        said = [f"columns.{name}" for name in config.columns.changed()]
        said += [f"drift.{name}" for name in config.drift.changed() if name != "backend"]
        said += [f"reference.{name}" for name in config.reference.changed() if name in ("content", "sample_rows")]
        said += ["detectors"] * (config.detectors.made() != type(config.detectors)().made())
        if said:
            raise ConfigError(
                f"{self._path} is a saved profile, which fixes {', '.join(said)}; leave that out, or give the data set "
                "that it was fitted on as data.reference_path"
            )
