"""How good a model was, window after window, whenever its labels come."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from accel_drift.backends import Backend
from accel_drift.errors import ConfigError, DataError
from accel_drift.files import path_of
from accel_drift.options import at_least, between
from accel_drift.predictions.changed import PerformanceChange, Tolerance, limits
from accel_drift.predictions.confidence import BINS
from accel_drift.predictions.errors_watched import ConceptDrift, Detector, Errors, detector_of
from accel_drift.predictions.estimates import Estimate, plain
from accel_drift.predictions.joining import Conflict, Counts, Joining, Rows, read_ids
from accel_drift.predictions.labels import read_places
from accel_drift.predictions.performance import Performance, Scored, measured, positive_of, score
from accel_drift.predictions.rows import check_rounding, named
from accel_drift.predictions.track import DAY, placed, shown_at
from accel_drift.streams.base import StreamDetector
from accel_drift.turns import Turn


@dataclass(frozen=True, slots=True)
class Joined:
    """What rows or labels that came have changed.

    Attributes:
        changed: windows some of whose rows have a label that they did not have: ask for their performance again.
        gone: windows that were forgotten, the earliest first.
        concept_drift: what was seen in the errors.
        joined: labels of rows that had none.
        repeated: labels that a row had already.
        contradicting: labels of rows that had another one.
        unknown: labels whose id no row has: they wait.
        missing: ids without a label, or labels without an id.
        dropped: labels that had waited longest, and gave way to others.
        shared: rows whose id a later row has: that one gets the label.
        forgotten: rows of forgotten windows that had an id and no label.
    """

    changed: tuple[str, ...]
    gone: tuple[str, ...]
    concept_drift: tuple[ConceptDrift, ...]
    joined: int
    repeated: int
    contradicting: int
    unknown: int
    missing: int
    dropped: int
    shared: int
    forgotten: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        made: dict[str, Any] = plain(self)
        return made


class PerformanceTrack:
    """Predictions of many windows that wait for their labels, which may come late, in parts, in any order, or twice.

    Rows and labels are joined by id. A label whose row is not there waits for it; a row whose id comes again leaves
    the label to the later one. The errors of rows, as they are labelled, go down a stream under a detector of concept
    drift: their order is that of labelling, so a change is where labels began to tell of it, however old their rows
    are. An error that was told is not taken back where a later label contradicts the first. Each window is compared
    with the baseline by itself: of 100 windows as good as that, one is called degraded at an `alpha` of 0.01.

    Of a row its id, prediction, probabilities and label are kept, some 450 bytes and 8 for each class.

    >>> track = PerformanceTrack(classes=["no", "yes"])
    >>> taken = track.update("monday", ["a", "b", "c", "d"], [0.9, 0.2, 0.7, 0.4])
    >>> came = track.label(["b", "a", "z"], ["no", "yes", "yes"])
    >>> came.changed, came.joined, came.unknown
    (('monday',), 2, 1)
    >>> track.performance("monday").accuracy.value
    1.0
    """

    def __init__(
        self,
        baseline: Performance | None = None,
        *,
        classes: Sequence[str] | None = None,
        positive: str | int | None = None,
        bins: int = BINS,
        metrics: Sequence[str] | None = None,
        tolerance: Tolerance = 0.0,
        alpha: float = 0.01,
        correction: str = "holm",
        detector: Detector = "auto",
        conflict: Conflict = "last",
        keep: int = 90,
        keep_rows: int = 1_000_000,
        keep_days: float | None = None,
        keep_labels: int = 100_000,
        rounding: float | None = None,
        backend: str | Backend = "auto",
    ) -> None:
        """Begin without a window.

        Args:
            baseline: what `performance` made of other rows, to compare windows with; None to compare with nothing.
            classes: as in `performance`; by default those of the baseline, else of the first probabilities.
            positive: as in `performance`; by default that of the baseline.
            bins: as in `performance`.
            metrics: as in `Performance.change`.
            tolerance: as in `Performance.change`.
            alpha: chance of calling a window degraded that is as good as the baseline; and, where `detector` is
                "auto", of ever seeing concept drift where there is none.
            correction: as in `Performance.change`.
            detector: what watches the errors: any detector of streams, such as `ad.ADWIN()` or `ad.DDM()`; None for
                none. "auto" bets against the baseline's share of errors (`ad.BoundedMean`), and is none without one.
            conflict: which of two labels of a row counts, "last" or "first".
            keep: windows that are kept at most, of which the earliest go.
            keep_rows: rows that are kept at most, of which the earliest windows go; the latest window is always kept.
            keep_days: how many days before the latest window's time one is kept at most; None for any.
            keep_labels: labels that wait for their row at most; the oldest go.
            rounding: as in `predicted`.
            backend: as in `predicted`.

        Raises:
            ConfigError: an option cannot work.
            DataError: the baseline is none.
        """
        if baseline is not None and not isinstance(baseline, Performance):
            raise DataError(f"baseline is {type(baseline).__name__}; give what `performance` made of other rows")
        self._options: dict[str, Any] = {
            "classes": None if classes is None else list(named(classes)),
            "positive": positive,
            "bins": bins,
            "metrics": metrics if metrics is None or isinstance(metrics, str) else list(metrics),
            "tolerance": dict(tolerance) if isinstance(tolerance, Mapping) else tolerance,
            "alpha": alpha,
            "correction": correction,
            "conflict": conflict,
            "keep": keep,
            "keep_rows": keep_rows,
            "keep_days": keep_days,
            "keep_labels": keep_labels,
            "rounding": rounding,
        }
        _check(self._options)
        self._backend, self._baseline = backend, baseline
        self._classes = None if classes is None else named(classes)
        if baseline is not None:
            self._beside(baseline)
        elif self._classes is not None:
            positive_of(positive, self._classes)
        self._errors = Errors(detector_of(detector, baseline, alpha), backend)
        self._joining = Joining(conflict, int(keep_labels))
        self._counts, self._sort, self._seen = Counts(), "", 0
        self._turn = Turn()

    def update(
        self, window: str, ids: Any, probabilities: Any = None, *, predictions: Any = None, at: Any = None
    ) -> Joined:
        """Take the rows of a window in, which may have labels that were waiting.

        Args:
            window: a name that no window here has.
            ids: (n,) texts or whole numbers; a row without one never gets a label. 7 and "7" are the same.
            probabilities: as in `performance`.
            predictions: as in `performance`.
            at: time of the window, a date, a datetime (UTC where it has no zone) or a datetime64, or a number; the same
                sort for all windows, in any order. By default windows are counted from 0.

        Raises:
            DataError: the window is there already, no row has a prediction, the classes are not those of earlier
                windows, or ids are of another length.
            ConfigError: `at` is no time or of another sort than before, or classes are not known.
        """
        with self._turn:
            return self._update(window, read_ids(ids), probabilities, predictions, at)

    def label(self, ids: Any, labels: Any) -> Joined:
        """Take labels in, of rows of any window, in any order.

        Args:
            ids: (n,) as in `update`.
            labels: (n,) the true class of each: its name, or its number from 0 on; a missing one says nothing.

        Raises:
            DataError: labels are of another length or no classes, or ids cannot be read.
            ConfigError: classes are not known yet.
        """
        given = read_ids(ids)
        with self._turn:
            if self._classes is None:
                raise ConfigError(
                    "labels came before any rows, and classes are not known; give them as classes=[...], or a baseline"
                )
            truth = read_places(labels, self._classes, len(given), "labels", "ids").tolist()
            counts, changed = Counts(), dict[str, None]()
            fresh = self._joining.label(given, truth, counts, changed)
            return self._told(counts, tuple(changed), (), self._errors.take(fresh))

    def performance(self, window: str) -> Performance:
        """How good the predictions of a window are, by the labels that are known now.

        Raises:
            DataError: there is no such window.
        """
        rows = self._find(window)
        classes = self._classes or ()
        scored = Scored(classes, rows.said, rows.chances)
        return measured(scored, rows.truth, positive_of(self._options["positive"], classes), self._options["bins"])

    def change(self, window: str) -> PerformanceChange | None:
        """How much worse a window went than the baseline; None without one.

        Raises:
            DataError: there is no such window.
        """
        made = self.performance(window)
        if self._baseline is None:
            return None
        wanted = {name: self._options[name] for name in ("metrics", "tolerance", "alpha", "correction")}
        return made.change(self._baseline, **wanted)

    def metrics(self, window: str) -> tuple[tuple[str, Estimate, int], ...]:
        """What is known of a window, as (name, estimate, rows that it was taken from).

        Raises:
            DataError: there is no such window.
        """
        return self.performance(window).metrics()

    def at(self, window: str) -> dt.datetime | float:
        """Time (UTC) or number of a window.

        Raises:
            DataError: there is no such window.
        """
        return shown_at(self._sort, self._find(window).at)

    @property
    def windows(self) -> tuple[str, ...]:
        """Names of the windows that are kept, in the order they came."""
        return tuple(rows.key for rows in self._joining.windows.values())

    @property
    def detector(self) -> StreamDetector | None:
        """What watches the errors; None where nothing does."""
        return self._errors.detector

    @property
    def counts(self) -> dict[str, int]:
        """What became of all labels so far, and how many wait: by the names of `Joined`, and `waiting`."""
        return {**asdict(self._counts), "waiting": len(self._joining.waiting)}

    def save(self, path: str | Path) -> None:
        """Write the whole state to one Arrow file, whole or not at all; never a pickle.

        Raises:
            SourceError: the folder does not exist or cannot be written to.
            ConfigError: the detector is not offered under its name, so that it could not be loaded again.
        """
        from accel_drift.predictions.performance_file import write

        with self._turn:
            write(self, path_of(path))

    @classmethod
    def load(cls, path: str | Path, backend: str | Backend = "auto") -> PerformanceTrack:
        """A track as it stood when it was saved.

        Args:
            path: of a file that `save` wrote.
            backend: as in `predicted`.

        Raises:
            SourceError: there is no such file; or it is damaged, foreign, altered, or of a later format.
        """
        from accel_drift.predictions.performance_file import read

        return read(path_of(path), backend)

    def __len__(self) -> int:
        return len(self._joining.windows)

    def __repr__(self) -> str:
        rows = sum(len(rows.said) for rows in self._joining.windows.values())
        watched = self._errors.detector
        under = f", errors under {type(watched).__name__}" if watched else ", errors not watched"
        return f"<PerformanceTrack: {len(self):,} windows, {rows:,} rows{under}>"

    def _beside(self, baseline: Performance) -> None:
        """Take the classes of the baseline, or refuse others.

        Raises:
            ConfigError: classes or the positive one are others.
        """
        if self._classes not in (None, baseline.classes):
            raise ConfigError(
                f"classes are {', '.join(self._classes or ())}, and the baseline's {', '.join(baseline.classes)}; "
                "leave them out, or give the baseline of this model"
            )
        self._classes, positive = baseline.classes, self._options["positive"]
        if positive is not None and str(positive) != baseline.positive:
            raise ConfigError(f"positive is {positive!r}, and in the baseline {baseline.positive!r}; leave it out")
        self._options["positive"] = baseline.positive

    def _update(self, window: Any, ids: Any, probabilities: Any, predictions: Any, at: Any) -> Joined:
        if not isinstance(window, str) or not window:
            raise ConfigError(f"window is {window!r}; it is a text, the name of the window")
        if window in self.windows:
            raise DataError(f"window {window!r} is there already; give each window once, with all of its rows")
        sort, place = ("count", self._seen) if at is None else placed(at)
        if self._sort and sort != self._sort:
            raise ConfigError(f"at is {at!r}, and windows before it had another sort of time; give the same for all")
        if self._options["keep_days"] is not None and sort != "time":
            raise ConfigError("keep_days needs the time of each window: at=")
        options = {name: self._options[name] for name in ("classes", "rounding")}
        scored = score(probabilities, predictions, **options, backend=self._backend, known=self._classes)
        if len(ids) != len(scored.said):
            raise DataError(f"ids have {len(ids):,} rows, and predictions {len(scored.said):,}; give one for each")
        if not (scored.said >= 0).any():
            raise DataError(f"none of {len(ids):,} rows has a prediction; there is nothing to judge")
        positive_of(self._options["positive"], scored.classes)
        # Nothing is changed before all of this has gone well.
        self._classes, self._sort = scored.classes, sort
        self._seen += 1
        counts = Counts()
        rows = Rows(window, place, ids, scored.said, scored.chances, np.full(len(ids), -1, np.int64))
        fresh = list(self._joining.add(rows, counts))
        seen = self._errors.take(fresh)
        return self._told(counts, (window,) if fresh else (), self._thinned(counts), seen)

    def _thinned(self, counts: Counts) -> tuple[str, ...]:
        """Forget the earliest windows that are too many, or too old; their names."""
        keep, most_rows, days = (self._options[name] for name in ("keep", "keep_rows", "keep_days"))
        windows, gone = self._joining.windows, list[str]()
        order = sorted(windows, key=lambda serial: (windows[serial].at, serial))
        total = sum(len(rows.said) for rows in windows.values())
        latest = windows[order[-1]].at
        for serial in order[:-1]:
            old = days is not None and windows[serial].at < latest - days * DAY
            if not (old or len(windows) > keep or total > most_rows):
                break
            rows = self._joining.remove(serial, counts)
            total -= len(rows.said)
            gone.append(rows.key)
        return tuple(gone)

    def _told(
        self, counts: Counts, changed: tuple[str, ...], gone: tuple[str, ...], seen: tuple[ConceptDrift, ...]
    ) -> Joined:
        for one in fields(Counts):
            setattr(self._counts, one.name, getattr(self._counts, one.name) + getattr(counts, one.name))
        return Joined(tuple(key for key in changed if key not in gone), gone, seen, **asdict(counts))

    def _find(self, window: str) -> Rows:
        for rows in self._joining.windows.values():
            if rows.key == window:
                return rows
        raise DataError(f"there is no window {window!r}; of {len(self):,} the latest is {(None, *self.windows)[-1]!r}")


def _check(options: dict[str, Any]) -> None:
    """Refuse options that cannot work, and make numbers of NumPy plain ones.

    Raises:
        ConfigError: one cannot.
    """
    at_least(options["bins"], 1, "bins", "ranges of equal width in which confidence and accuracy are compared")
    at_least(options["keep"], 1, "keep", "how many windows are kept")
    at_least(options["keep_rows"], 1, "keep_rows", "how many rows are kept")
    at_least(options["keep_labels"], 0, "keep_labels", "how many labels wait for their row")
    if options["keep_days"] is not None:
        between(options["keep_days"], 0, 1e6, "keep_days", "how many days a window is kept")
    if options["conflict"] not in ("last", "first"):
        raise ConfigError(f"conflict is {options['conflict']!r}; it is 'last' or 'first': which of two labels counts")
    check_rounding(options["rounding"])
    limits(*(options[name] for name in ("metrics", "tolerance", "alpha", "correction")))
    tolerance = options["tolerance"]
    options["tolerance"] = {k: float(v) for k, v in tolerance.items()} if isinstance(tolerance, dict) else tolerance
    for name, value in options.items():
        options[name] = value.item() if isinstance(value, np.generic) else value
