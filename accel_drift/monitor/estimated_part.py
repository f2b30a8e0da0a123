"""How good a model is likely to be, window by window, while no label is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from accel_drift.data.schema import listed
from accel_drift.errors import ConfigError, DataError
from accel_drift.history import Metric
from accel_drift.monitor.confidence_part import chances, sources
from accel_drift.monitor.cutting import Cut
from accel_drift.monitor.parts import Part, Told
from accel_drift.predictions.estimated import PerformanceEstimator


class Estimated(Part):
    """Performance estimated from probabilities alone (CBPE), as numbers for the history with their intervals.

    It assumes that there is no concept drift: where the rule of labels changes, the estimate stays as it is while the
    model gets worse. `Performance` sees that, once labels come. See `predictions.PerformanceEstimator`.

    Args:
        estimator: that learned from a reference with labels.
        probabilities: columns with a probability for each class, or one column of lists of them. Columns that are not
            called as the classes are in their order.
        score: instead of these, the column with the chance of the second of two classes.
        predicted: the column with the predicted class, where it is not the one with the largest probability.
        name: what tells this part from others.

    Raises:
        ConfigError: an option cannot work.
    """

    def __init__(
        self,
        estimator: PerformanceEstimator,
        probabilities: Sequence[str] | str | None = None,
        *,
        score: str | None = None,
        predicted: str | None = None,
        name: str = "estimated",
    ) -> None:
        if not isinstance(estimator, PerformanceEstimator):
            raise ConfigError(
                f"estimator is {estimator!r:.100}; it is what predictions.PerformanceEstimator(probabilities, labels) "
                "makes of a reference"
            )
        self._estimator, self.name, self._predicted = estimator, name, predicted
        self._source, _ = sources(probabilities, score)
        self.columns = tuple(dict.fromkeys([*self._source, *([predicted] if predicted else [])]))

    def look(self, cut: Cut, rows: pa.Table) -> Told:  # noqa: ARG002
        """Estimate for the window's rows.

        Raises:
            DataError: columns are not there, or hold no probabilities of the reference's classes.
        """
        if self._predicted is not None and self._predicted not in rows.column_names:
            raise DataError(f"there is no column {self._predicted!r}; there are {listed(rows.column_names)}")
        said = None if self._predicted is None else rows.column(self._predicted)
        given, classes = chances(rows, self._source), self._estimator.reference.classes
        if 1 < len(self._source) == len(classes) and set(self._source) != set(classes):
            given = given.rename_columns(list(classes))
        found = self._estimator.estimate(given, predictions=said)
        metrics = [Metric(name, *estimate, count) for name, estimate, count in found.metrics()]
        note = f"performance is estimated without labels: it assumes {found.assumes.split(':')[0]}"
        return Told((), (*metrics, Metric("estimated_outside", found.outside, rows=found.rows)), (note,))

    def changes(self) -> Mapping[str, bytes | None]:
        """A window is estimated by itself: nothing is kept."""
        return {}

    def restore(self, pieces: Mapping[str, bytes]) -> None:
        """Nothing was kept."""
