"""How sure a model was, batch after batch."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from accel_drift.arrow_files import Form
from accel_drift.backends import Backend
from accel_drift.errors import ConfigError, DataError, SourceError
from accel_drift.files import path_of
from accel_drift.options import at_least, between, is_finite
from accel_drift.predictions.confidence import BINS, BOUNDS, Confidence, check, of
from accel_drift.predictions.degradation import Degradation, Reference
from accel_drift.predictions.estimates import Estimate, plain
from accel_drift.predictions.rows import RowConfidence, check_rounding, named, of_rows
from accel_drift.predictions.trend import MOST_POINTS, Alternative, Trend, trend

FORMAT = 1
"""Number of the form of a file; a reader refuses a later one."""

_FORM = Form("confidence track", "make one with ConfidenceTrack.save(path)", FORMAT, SourceError)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
DAY = 86_400_000_000
"""Microseconds."""

ESTIMATES = (
    *("confidence", "entropy", "relative_entropy", "margin", "below", "above", "mutual_information"),
    *("accuracy", "gap", "overconfidence", "underconfidence", "fall"),
)
"""What is kept of a batch, each with both ends of its interval."""

_WHOLE = ("rows", "missing", "labelled")
_TESTS = ("p_value", "distance", "distance_p_value")


@dataclass(frozen=True, slots=True)
class Tracked:
    """What is known of one batch.

    Attributes:
        at: its time (UTC) or its number.
        confidence: how sure the model is.
        degradation: how that compares with the reference; None without one.
    """

    at: dt.datetime | float
    confidence: Confidence
    degradation: Degradation | None

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        at = self.at.isoformat() if isinstance(self.at, dt.datetime) else self.at
        return {"at": at, "confidence": self.confidence.to_dict(), "degradation": plain(self.degradation)}


class ConfidenceTrack:
    """How sure a model is from batch to batch: what it was, whether it falls, whether the latest batch is degraded.

    Each batch is asked by itself whether it is degraded, at the level alpha: of 1,000 batches like the reference some
    10 are called so at 0.01. For a promise over all batches give the columns of `predicted` to `ad.Watch`. Of a batch
    a few numbers are kept, of the reference all confidences.

    >>> track = ConfidenceTrack()
    >>> for sure in (0.9, 0.85, 0.8, 0.7, 0.65):
    ...     batch = track.update([sure, sure - 0.1, sure + 0.1])
    >>> found = track.trend(alternative="falling")
    >>> round(found.slope, 3), round(found.p_value, 4)
    (-0.065, 0.0083)
    """

    def __init__(
        self,
        reference: Any = None,
        *,
        classes: Sequence[str] | None = None,
        bounds: tuple[float, float] = BOUNDS,
        bins: int = BINS,
        alpha: float = 0.01,
        tolerance: float = 0.0,
        rounding: float | None = None,
        keep: int = MOST_POINTS,
        backend: str | Backend = "auto",
    ) -> None:
        """Begin without a batch.

        Args:
            reference: probabilities to compare batches with, as in `predicted`; None to compare with nothing.
            classes: as in `predicted`.
            bounds: as in `confidence`.
            bins: as in `confidence`.
            alpha: chance of calling a batch degraded that is not.
            tolerance: fall of the mean confidence that is put up with.
            rounding: as in `predicted`.
            keep: batches that are kept at most, of which the earliest go; one takes 4 to 5 kB of memory.
            backend: as in `predicted`.

        Raises:
            DataError: the reference is no probabilities, or has fewer than 2 rows of them.
            ConfigError: an option cannot work.
        """
        check(bounds, bins)
        check_rounding(rounding)
        at_least(keep, 3, "keep", "how many batches are kept")
        between(alpha, 0, 1, "alpha", "the chance of calling a batch degraded that is not")
        if not (is_finite(tolerance) and 0 <= tolerance < 1):
            raise ConfigError(f"tolerance is {tolerance!r}; it is a fall of confidence that is put up with, from 0 up")
        self._options: dict[str, Any] = {
            "classes": None if classes is None else list(named(classes)),
            "bounds": [float(bound) for bound in bounds],
            "bins": int(bins),
            "alpha": float(alpha),
            "tolerance": float(tolerance),
            "rounding": None if rounding is None else float(rounding),
            "keep": int(keep),
        }
        self._backend = backend
        self._classes: tuple[str, ...] | None = None
        self._batches: list[dict[str, Any]] = []
        self._sort, self._seen = "", 0
        self._reference: Reference | None = None
        if reference is not None:
            found = self._read(reference)
            self._reference = Reference(found.confidence[found.present], float(alpha), float(tolerance), backend)
            self._classes = found.classes

    def update(self, probabilities: Any, labels: Any = None, *, at: Any = None) -> Tracked:
        """Take a batch in.

        Args:
            probabilities: as in `predicted`.
            labels: as in `confidence`.
            at: time of the batch, a date, a datetime (UTC where it has no zone) or a datetime64, or a number; the same
                sort for all batches, in any order. By default batches are counted from 0.

        Raises:
            DataError: as `confidence`; or the classes are not those of earlier batches.
            ConfigError: `at` is no time, or of another sort than before.
        """
        sort, place = self._place(at)
        rows = self._read(probabilities)
        if self._classes is not None and rows.classes != self._classes:
            raise DataError(
                f"the batch has the classes {', '.join(rows.classes)}, and those before it {', '.join(self._classes)}; "
                "give the same in the same order"
            )
        made = of(rows, labels, tuple(self._options["bounds"]), self._options["bins"])
        degradation = None if self._reference is None else self._reference.against(rows.confidence[rows.present])
        # Nothing is changed before all of this has gone well.
        self._classes, self._sort = rows.classes, sort
        self._batches.append(_flat(place, made, degradation))
        self._seen += 1
        if len(self._batches) > self._options["keep"]:
            self._batches.pop(min(range(len(self._batches)), key=lambda i: self._batches[i]["at"]))
        return Tracked(shown_at(sort, place), made, degradation)

    def trend(
        self, of: str = "confidence", *, alternative: Alternative = "two-sided", last: int = MOST_POINTS
    ) -> Trend:
        """Whether a number rises or falls over the batches, and how fast: see `accel_drift.predictions.trend`.

        The slope is per day where batches have times, which count from the earliest one; else per batch, or per unit of
        their numbers.

        Args:
            of: what to look at: confidence, entropy, relative_entropy, margin, below, above, mutual_information,
                accuracy, gap, overconfidence, underconfidence or fall.
            alternative: "two-sided", "rising" or "falling".
            last: how many of the latest batches to look at, at most.

        Raises:
            DataError: fewer than 3 batches have that number.
            ConfigError: there is no such number, or no such alternative.
        """
        if of not in ESTIMATES:
            raise ConfigError(f"of is {of!r}; it is one of {', '.join(ESTIMATES)}")
        at_least(last, 3, "last", "how many of the latest batches to look at")
        batches = sorted(self._batches, key=lambda batch: batch["at"])[-int(last) :]
        at = np.array([batch["at"] for batch in batches])
        if self._sort == "time" and len(at):
            at = (at - at[0]) / DAY
        return trend([batch[of] for batch in batches], at, alternative=alternative)

    def merge(self, *others: ConfidenceTrack) -> ConfidenceTrack:
        """The batches of several tracks in one, in the order of their times; counted ones after one another.

        Raises:
            ConfigError: their options, references, classes, or the sorts of their times differ.
        """
        made = self._empty()
        for track in (self, *others):
            given: Any = track
            if not isinstance(given, ConfidenceTrack) or given._facts() != self._facts():
                raise ConfigError("tracks differ in options or in their reference; merge those that were made alike")
            if made._classes and track._classes and made._classes != track._classes:
                raise ConfigError("tracks differ in their classes; merge those of one model")
            if made._sort and track._sort and made._sort != track._sort:
                raise ConfigError("batches of one track have times, of the other numbers; merge those of one sort")
            made._classes, made._sort = made._classes or track._classes, made._sort or track._sort
            first = made._seen if track._sort == "count" else 0
            made._seen += track._seen
            made._batches += [{**batch, "at": batch["at"] + first} for batch in track._batches]
        made._batches.sort(key=lambda batch: batch["at"])
        del made._batches[: -self._options["keep"]]
        return made

    def to_arrow(self) -> Any:
        """A `pyarrow.Table`, one row a batch in the order they came: its time or number, and all that is kept of it."""
        import pyarrow as pa

        table = pa.Table.from_batches([_rows(self._batches)])
        if self._sort == "time":
            table = table.set_column(0, "at", table["at"].cast(pa.timestamp("us", "UTC")))
        return table

    def save(self, path: str | Path) -> None:
        """Write the track to one Arrow file, whole or not at all; never a pickle.

        Raises:
            SourceError: the folder does not exist or cannot be written to.
        """
        _FORM.write(self._header(), _rows(self._batches), path_of(path))

    def to_bytes(self) -> bytes:
        """What `save` writes, for keeping it elsewhere than in a file."""
        return _FORM.pack(self._header(), _rows(self._batches))

    @classmethod
    def load(cls, path: str | Path, backend: str | Backend = "auto") -> ConfidenceTrack:
        """A track as it stood when it was saved.

        Args:
            path: of a file that `save` wrote.
            backend: as in `predicted`.

        Raises:
            SourceError: there is no such file; or it is damaged, foreign, altered, or of a later format.
        """
        return cls._of(*_FORM.read(path_of(path)), path_of(path), backend)

    @classmethod
    def of_bytes(cls, body: bytes, backend: str | Backend = "auto") -> ConfidenceTrack:
        """A track as it stood when `to_bytes` was called.

        Raises:
            SourceError: the bytes are damaged, foreign, altered, or of a later format.
        """
        origin = "confidence track in memory"
        return cls._of(*_FORM.unpack(body, origin), Path(origin), backend)

    @classmethod
    def _of(cls, header: dict[str, Any], rows: Any, path: Path, backend: str | Backend) -> ConfidenceTrack:
        _FORM.require(path, header, ("options", "reference", "sort", "seen", "classes"))
        made = cls(**{**header["options"], "bounds": tuple(header["options"]["bounds"])}, backend=backend)
        if header["reference"] is not None:
            values = np.frombuffer(base64.b64decode(header["reference"]), "<f8")
            made._reference = Reference(values, made._options["alpha"], made._options["tolerance"], backend)
        made._classes = None if header["classes"] is None else tuple(header["classes"])
        made._sort, made._seen, made._batches = header["sort"], header["seen"], rows.to_pylist()
        return made

    def __len__(self) -> int:
        return len(self._batches)

    def __repr__(self) -> str:
        return f"<ConfidenceTrack: {len(self):,} batches{', with a reference' if self._reference else ''}>"

    def _header(self) -> dict[str, Any]:
        return {**self._facts(), "sort": self._sort, "seen": self._seen, "classes": self._classes}

    def _read(self, probabilities: Any) -> RowConfidence:
        options = {name: self._options[name] for name in ("classes", "rounding")}
        return of_rows(probabilities, **options, backend=self._backend)

    def _facts(self) -> dict[str, Any]:
        """What tracks must have in common to be merged, as plain values."""
        reference = self._reference
        kept = None if reference is None else base64.b64encode(reference.values.astype("<f8").tobytes()).decode()
        return {"options": self._options, "reference": kept}

    def _empty(self) -> ConfidenceTrack:
        made = ConfidenceTrack.__new__(ConfidenceTrack)
        made.__dict__.update(self.__dict__, _batches=[], _classes=None, _sort="", _seen=0)
        return made

    def _place(self, at: Any) -> tuple[str, float | int]:
        """Sort and number of a time; of no time, the next number."""
        sort, place = ("count", self._seen) if at is None else placed(at)
        if self._sort and sort != self._sort:
            was = {"count": "none", "number": "a number", "time": "a time"}[self._sort]
            raise ConfigError(f"at is {at!r}, and for the batches before it was {was}; give the same sort for all")
        return sort, place


def placed(at: Any) -> tuple[str, float | int]:
    """A time in microseconds from the epoch, or a number.

    Raises:
        ConfigError: it is neither.
    """
    if isinstance(at, np.datetime64) and not np.isnat(at):
        return "time", int(at.astype("M8[us]").astype(np.int64))
    if is_finite(at):
        return "number", float(at)
    # NaT of pandas calls itself a datetime, and is unlike itself.
    if isinstance(at, dt.datetime) and at == at:
        known = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
        return "time", (known - _EPOCH) // dt.timedelta(microseconds=1)
    if isinstance(at, dt.date) and not isinstance(at, dt.datetime):
        return placed(dt.datetime(at.year, at.month, at.day, tzinfo=dt.UTC))
    raise ConfigError(f"at is {at!r}; give a date, a datetime, a datetime64 or a number")


def shown_at(sort: str, place: float | int) -> dt.datetime | float:
    """What `placed` was given, a time as UTC."""
    return _EPOCH + dt.timedelta(microseconds=int(place)) if sort == "time" else place


def _flat(place: float | int, made: Confidence, degradation: Degradation | None) -> dict[str, Any]:
    """What is kept of a batch."""
    out: dict[str, Any] = {"at": place, **{name: getattr(made, name) for name in _WHOLE}}
    for name in ESTIMATES:
        source = degradation if name == "fall" else made
        estimate: Estimate | None = None if source is None else getattr(source, name)
        out[name], out[f"{name}_low"], out[f"{name}_high"] = estimate or (None, None, None)
    out |= {name: None if degradation is None else getattr(degradation, name) for name in _TESTS}
    return {**out, "degraded": None if degradation is None else degradation.degraded}


def _rows(batches: Sequence[dict[str, Any]]) -> Any:
    """Batches as a `pyarrow.RecordBatch`."""
    import pyarrow as pa

    whole = bool(batches) and all(isinstance(batch["at"], int) for batch in batches)
    types = {"at": pa.int64() if whole else pa.float64(), **dict.fromkeys(_WHOLE, pa.int64())}
    for name in ESTIMATES:
        types |= dict.fromkeys((name, f"{name}_low", f"{name}_high"), pa.float64())
    types |= {**dict.fromkeys(_TESTS, pa.float64()), "degraded": pa.bool_()}
    columns = [pa.array([batch[name] for batch in batches], type_) for name, type_ in types.items()]
    return pa.RecordBatch.from_arrays(columns, names=list(types))
