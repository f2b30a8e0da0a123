"""How good a model is, window by window, as far as labels are known, and whether its errors change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

import pyarrow as pa

from accel_drift.data.schema import listed
from accel_drift.errors import ConfigError, DataError
from accel_drift.finding import Finding, Severity, Status
from accel_drift.history import Metric
from accel_drift.monitor.confidence_part import chances, sources
from accel_drift.monitor.cutting import Cut
from accel_drift.monitor.parts import Part, Told, column_name, only, stays
from accel_drift.monitor.rows import as_rows
from accel_drift.predictions.changed import LOSSES, Change
from accel_drift.predictions.errors_watched import ConceptDrift
from accel_drift.predictions.estimates import Estimate
from accel_drift.predictions.performance import Performance as Measured
from accel_drift.predictions.performance import performance
from accel_drift.predictions.performance_file import pack, pack_window, unpack
from accel_drift.predictions.performance_track import PerformanceTrack

KEEP = 1_000
"""So many of the latest windows wait for labels, as long as their rows are no more than `keep_rows`."""

_REST = "rest"
_WINDOW = "window "
_OPTIONS = (
    *("positive", "metrics", "tolerance", "alpha", "correction", "detector", "conflict", "bins"),
    *("keep", "keep_rows", "keep_labels", "rounding", "backend"),
)
_COMPARING = ("metrics", "tolerance", "alpha", "correction")
_NOTED = {
    "unknown": "labels came whose id no row here has: they wait for one",
    "contradicting": "labels contradict one that was there",
    "missing": "labels were null, or came without an id",
    "shared": "rows have the id of an earlier one, which gets no label any more",
}
_WARNED = {
    "dropped": "labels that had waited longest for a row were dropped; keep_labels= is how many wait",
    "forgotten": "rows were forgotten before a label came; keep= windows and keep_rows= rows are kept",
}
_METRICS = {
    **{name: f"labels_{name}" for name in ("unknown", "contradicting", "missing", "dropped")},
    **{name: f"rows_{name}" for name in ("shared", "forgotten")},
}


class Performance(Part):
    """How good a model's predictions are, beside those of a baseline, and whether its errors change.

    Labels stand in a column of the rows, or come later by `Monitor.label(ids, labels)`, in any order and in parts; then
    the rows need a column of ids, and the numbers of their windows are written to the history anew. A null label is one
    that is not known yet. What became of labels is in `counts`, and what is new of it in the next report: labels that
    no row has, contradict others or gave way, and rows that were forgotten without one.

    With a baseline, a window with labels is tested for numbers that are worse by more than `tolerance`; each that was
    tested is a finding under the detector "performance", and how much worse it is is a number, such as "f1_drop". The
    errors, in the order in which their labels came, go down a detector of concept drift; a change in them is a finding
    of the next report, on the column "error", whose note says after which row it was seen. Either makes the data set
    drifted, and is not corrected for the other tests.

    Args:
        probabilities: columns with a probability for each class, or one column of lists of them.
        score: instead of these, the column with the chance of the second of two classes.
        predicted: the column with the predicted class, instead of probabilities or beside them.
        label: the column with the true class, where it is known. With `id`, rows may come without this column.
        id: the column with ids, for labels that come later.
        baseline: a data set with these columns, such as the rows the model was tested on; or what
            `predictions.performance` made of one.
        classes: names of the classes; by default those of the columns, else of the baseline.
        name: what tells this part from others.
        options: further ones of `predictions.PerformanceTrack`: positive, metrics, tolerance, alpha, correction,
            detector, conflict, bins, keep, keep_rows, keep_labels, rounding, backend.

    Raises:
        ConfigError: an option cannot work.
        DataError: the baseline has no such columns, or no label.
    """

    def __init__(
        self,
        probabilities: Sequence[str] | str | None = None,
        *,
        score: str | None = None,
        predicted: str | None = None,
        label: str | None = None,
        id: str | None = None,  # noqa: A002  (the field's word)
        baseline: Any = None,
        classes: Sequence[str] | None = None,
        name: str = "performance",
        **options: Any,
    ) -> None:
        only(options, _OPTIONS, "Performance")
        for what, given in (("predicted", predicted), ("label", label), ("id", id)):
            if given is not None:
                column_name(given, what)
        self._source: tuple[str, ...] = ()
        if probabilities is not None or score is not None:
            self._source, _ = sources(probabilities, score)
        elif predicted is None:
            raise ConfigError("give probabilities=[...], score= or predicted=: the columns with what the model says")
        if label is None and id is None:
            raise ConfigError("give label=, the column of labels, or id=, the column of ids by which labels come later")
        self.name, self._predicted, self._label, self._id = name, predicted, label, id
        self.columns = tuple(dict.fromkeys(c for c in (*self._source, predicted, label, id) if c is not None))
        if classes is None and len(self._source) > 1:
            classes = self._source
        self._classes = None if classes is None else tuple(classes)
        # Without ids no label comes later, so that no row is waited for.
        self._options = {"classes": self._classes, "keep": KEEP if id else 1, **options}
        self._baseline = self._measured(baseline)
        if isinstance(self._baseline, Measured) and not self._baseline.labelled:
            raise DataError("no row of the baseline has a label; give rows with labels, or no baseline")
        self._track = PerformanceTrack(self._baseline, **self._options)
        self._touched: dict[str, bool] = {}
        self._seen: tuple[ConceptDrift, ...] = ()
        self._told = self._track.counts
        self._new, self._other = True, tuple[str, ...]()
        self._worse: dict[str, None] = {}
        self._late: list[str] = []

    @property
    def once(self) -> bool:
        """An error counts once."""
        return True

    @property
    def takes_labels(self) -> bool:
        """Where rows have ids."""
        return self._id is not None

    @property
    def baseline(self) -> dict[str, float]:
        """Measures of the baseline by their names; none without one."""
        known = () if self._baseline is None else self._baseline.metrics()
        return {name: estimate.value for name, estimate, _ in known}

    @property
    def counts(self) -> dict[str, int]:
        """What became of all labels so far, and how many wait: see `predictions.PerformanceTrack.counts`."""
        return self._track.counts

    def look(self, cut: Cut, rows: pa.Table) -> Told:
        """Take the window's rows in, with the labels that they have.

        Raises:
            DataError: columns are not there, or do not hold what they should.
        """
        said, predictions = self._said(rows)
        if self._id is None:
            ids: Any = pa.array([f"{cut.number} {i}" for i in range(rows.num_rows)])
        else:
            ids = self._column(rows, self._id)
        gone = None not in (self._id, self._label) and self._label not in rows.column_names
        labels = None if self._label is None or gone else self._column(rows, self._label)
        came = self._track.update(cut.key, ids, said, predictions=predictions, at=cut.number)
        self._touched |= {cut.key: True, **dict.fromkeys(came.gone, False)}
        self._seen += came.concept_drift
        if labels is not None and labels.null_count < len(labels):
            there = labels.is_valid().combine_chunks() if hasattr(labels, "combine_chunks") else labels.is_valid()
            self._seen += self._track.label(ids.filter(there), labels.filter(there)).concept_drift
        seen, self._seen = self._seen, ()
        changed = self._changes(cut.key)
        for key in came.gone:
            self._worse.pop(key, None)
        if any(one.degraded for one in changed):
            self._worse[cut.key] = None
        labelled = self._track.performance(cut.key).labelled
        before = 0 if self._baseline is None else self._baseline.labelled
        findings = [_finding(one, before, labelled) for one in changed]
        notes = (f"there is no column {self._label!r}: labels of this window may come later",) if gone else ()
        bare = ids.null_count if self._id else 0
        no_ids = (
            (f"{bare:,} of {rows.num_rows:,} rows have no {self._id!r}: no label can come for them",) if bare else ()
        )
        metrics, said, warned = self._news()
        other, self._other = self._other, ()
        return Told(
            (*findings, *self._errors(seen, labelled)),
            (*self._metrics(cut.key), *metrics),
            (*notes, *said),
            (*no_ids, *warned, *other),
        )

    def label(self, ids: Any, labels: Any) -> Mapping[str, tuple[Metric, ...]]:
        """Labels came.

        Raises:
            DataError: they cannot be read.
            ConfigError: classes are not known yet.
        """
        came = self._track.label(ids, labels)
        self._seen += came.concept_drift
        self._touched |= dict.fromkeys(came.changed, True)
        self._new = True
        for key in came.changed:
            worse = [one for one in self._changes(key) if one.degraded]
            if worse and key not in self._worse:
                self._worse[key] = None
                self._late.append(f"window {key}: labels came, {', '.join(map(_fall, worse))}")
        return {key: self._metrics(key) for key in came.changed}

    def worsened(self) -> tuple[str, ...]:
        """Windows that labels showed to be degraded, which their reports could not know: each once."""
        told, self._late = tuple(self._late), []
        return told

    def changes(self) -> Mapping[str, bytes | None]:
        """The windows that changed, and what is known beside them."""
        if not (self._touched or self._new):
            return {}
        pieces: dict[str, bytes | None] = {
            _WINDOW + key: pack_window(self._track, key) if held else None for key, held in self._touched.items()
        }
        order = json.dumps([self._track.windows, [asdict(one) for one in self._seen], self._told, [*self._worse]])
        self._touched, self._new = {}, False
        return {**pieces, _REST: pack(self._track), "order": order.encode()}

    def restore(self, pieces: Mapping[str, bytes]) -> None:
        """Go on from what was written."""
        self._touched, self._seen, self._new = {}, (), not pieces
        self._worse, self._late = {}, []
        if not pieces:
            self._track = PerformanceTrack(self._baseline, **self._options)
            self._told, self._other = self._track.counts, ()
            return
        windows, seen, *rest = json.loads(pieces["order"])
        backend = self._options.get("backend", "auto")
        self._track = unpack(pieces[_REST], [pieces[_WINDOW + key] for key in windows], backend)
        made = PerformanceTrack(self._baseline, **self._options)
        if self._baseline is not None:
            # Windows are compared as is asked for now.
            self._track._options |= {name: made._options[name] for name in _COMPARING}
        self._other = stays(self.name, _kept(made), _kept(self._track))
        self._seen = tuple(ConceptDrift(**one) for one in seen)
        self._told = rest[0] if rest else self._track.counts
        self._worse = dict.fromkeys(rest[1]) if len(rest) > 1 else {}

    def _measured(self, baseline: Any) -> Measured | None:
        if baseline is None or isinstance(baseline, Measured):
            return baseline
        if self._label is None:
            raise ConfigError("a baseline of rows needs label=; or give what predictions.performance made of them")
        rows = as_rows(baseline, None)
        said, predictions = self._said(rows)
        options = {name: self._options[name] for name in ("positive", "bins", "rounding") if name in self._options}
        return performance(
            said, self._column(rows, self._label), predictions=predictions, classes=self._classes, **options
        )

    def _said(self, rows: pa.Table) -> tuple[Any, Any]:
        said = chances(rows, self._source) if self._source else None
        return said, None if self._predicted is None else self._column(rows, self._predicted)

    def _column(self, rows: pa.Table, name: str) -> Any:
        if name not in rows.column_names:
            near = get_close_matches(name, rows.column_names, n=1)
            meant = f", perhaps {near[0]!r} is meant" if near else ""
            raise DataError(f"there is no column {name!r}; there are {listed(rows.column_names)}{meant}")
        return rows.column(name)

    def _metrics(self, key: str) -> tuple[Metric, ...]:
        made = self._track.performance(key)
        metrics = [Metric(name, *estimate, rows) for name, estimate, rows in made.metrics()]
        if changed := self._changes(key):
            metrics += [Metric(f"{c.name}_drop", *c.worse, made.labelled) for c in changed if c.worse is not None]
            metrics.append(Metric("degraded", float(any(one.degraded for one in changed)), rows=made.labelled))
        return (*metrics, Metric("labelled_rows", made.labelled))

    def _news(self) -> tuple[list[Metric], list[str], list[str]]:
        """What became of labels and ids since it was told last: numbers, notes, warnings."""
        now, before = self._track.counts, self._told
        self._told = now
        if self._id is None:
            return [], [], []
        new = {name: now[name] - before.get(name, 0) for name in (*_NOTED, *_WARNED)}
        metrics = [Metric(_METRICS[name], count) for name, count in new.items() if count]
        said, warned = (
            [f"{self.name}: {new[name]:,} {words}" for name, words in of.items() if new[name]]
            for of in (_NOTED, _WARNED)
        )
        return metrics, said, warned

    def _changes(self, key: str) -> tuple[Change, ...]:
        found = self._track.change(key)
        return () if found is None else tuple(one for one in found.changes if one.p_value is not None)

    def _where(self, one: ConceptDrift) -> str:
        """After which row errors changed, and how."""
        row = f"row {one.id!r} of window {one.window!r}" if self._id else f"{one.index + 1:,} labelled rows"
        return f"after {row}: {one.before:.4g} before, {one.after:.4g} after"

    def _errors(self, seen: Sequence[ConceptDrift], labelled: int) -> tuple[Finding, ...]:
        """What was seen in the errors since the last window."""
        detector = self._track.detector
        changes = [one for one in seen if one.kind == "change"]
        if detector is None or not (labelled or changes):
            return ()
        last = changes[-1] if changes else None
        note = ""
        if last is not None:
            told = [self._where(one) for one in (changes[0], last)]
            times = f"{len(changes):,} times, first {told[0]}; the last time {told[1]}" if len(changes) > 1 else told[0]
            note = f"errors changed {times}"
        return (
            Finding(
                column="error",
                columns=("error",),
                detector=detector.name,
                status=Status.DRIFTED if last else Status.STABLE,
                severity=Severity.WARNING if last else Severity.NONE,
                statistic=float(len(changes)),
                p_value=None,
                p_method="",
                adjusted_p_value=None,
                effect=None if last is None else last.after - last.before,
                interval=None,
                unit="change of the error rate" if last else "",
                n_reference=0,
                n_batch=labelled,
                note=note,
            ),
        )


def _kept(track: PerformanceTrack) -> dict[str, Any]:
    """What a track keeps to as it goes on: options, the detector of errors, and which baseline it has."""
    rows = 0 if track._baseline is None else track._baseline.labelled
    return {**track._options, "detector": track.detector, "rows of the baseline": rows}


def _fall(one: Change) -> str:
    """How much worse it became, in words."""
    value = 0.0 if one.worse is None else one.worse.value
    way = "rose" if one.name in LOSSES else "fell"
    return f"{one.name} {way} by {value:.2g}, more than {one.tolerance:g}"


def _finding(one: Change, before: int, now: int) -> Finding:
    worse: Estimate | None = one.worse
    ends = None if worse is None or worse.low is None or worse.high is None else (worse.low, worse.high)
    return Finding(
        column=one.name,
        columns=(one.name,),
        detector="performance",
        status=Status.DRIFTED if one.degraded else Status.STABLE,
        severity=Severity.WARNING if one.degraded else Severity.NONE,
        statistic=None if one.now is None else one.now.value,
        p_value=one.p_value,
        p_method="asymptotic",
        adjusted_p_value=one.adjusted,
        effect=None if worse is None else worse.value,
        interval=ends,
        unit="worse than the baseline",
        n_reference=before,
        n_batch=now,
        note="" if one.before is None else f"{one.before.value:.4g} in the baseline",
    )
