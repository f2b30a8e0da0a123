"""scikit-learn estimators: a detector with `fit`, `detect` and `score`, and a gate for pipelines.

Numbers, texts, booleans and missing values may be given, as pandas, polars or pyarrow tables, as arrays (of objects,
where columns differ in type), or as lists of rows of one type. With tables the column names are those that
scikit-learn checks: a batch must have the reference's columns in the reference's order. Needs the extra `sklearn`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.calibration import Correction, Rule
from accel_drift.detectors.base import Detector
from accel_drift.errors import ConfigError, DriftError, ExtraMissingError
from accel_drift.profiles import Profile
from accel_drift.report import Report

try:
    from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ExtraMissingError(
        f"accel_drift.sklearn needs scikit-learn 1.6 or later ({error}); try: pip install 'accel-drift[sklearn]'"
    ) from error

OnDrift = Literal["warn", "raise", "ignore"]


class DriftWarning(UserWarning):
    """A gate let a batch pass that drifted from what it was fitted to."""


class _Drift(BaseEstimator):
    """What the detector and the gate share: options, a fitted profile, and checks of what is given."""

    n_features_in_: int
    feature_names_in_: npt.NDArray[Any]

    def __init__(
        self,
        detectors: Sequence[Detector | str] | None = None,
        *,
        alpha: float = 0.01,
        correction: Correction = "bh",
        rule: Rule | float = "fdr",
        min_effect: float | None = None,
        block: str | int | None = None,
        backend: str | Backend = "auto",
        seed: int = 0,
    ) -> None:
        self.detectors = detectors
        self.alpha = alpha
        self.correction: Correction = correction
        self.rule: Rule | float = rule
        self.min_effect = min_effect
        self.block = block
        self.backend = backend
        self.seed = seed

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: N803, ARG002  scikit-learn's names
        """Learn a reference.

        Args:
            X: (n, d) rows: an array, a list of rows, or a table.
            y: ignored; there for pipelines.

        Raises:
            DataError: the rows cannot be read, or hold no column to compare.
            ConfigError: an option has a value that cannot work.
            ValueError: scikit-learn refuses the form of X.
        """
        rows = self._checked(X, reset=True)
        self.profile_ = Profile.fit(
            rows,
            self.detectors,
            backend=self.backend,
            block=self.block,
            correction=self.correction,
            rule=self.rule,
            alpha=self.alpha,
            min_effect=self.min_effect,
            seed=self.seed,
            name="reference",
        )
        return self

    def _report(self, X: Any) -> Report:  # noqa: N803
        check_is_fitted(self)
        return self.profile_.score(self._checked(X, reset=False), name="batch")

    def _checked(self, X: Any, *, reset: bool) -> Any:  # noqa: N803
        """What `read_table` takes; n_features_in_ and feature_names_in_ are set or compared on the way."""
        if hasattr(X, "columns") or hasattr(X, "column_names"):  # a table keeps its types
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        rows: Any = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite=False)
        if rows.dtype.kind in "biuf":
            return rows
        return {f"x{j}": np.asarray(rows[:, j]) for j in range(rows.shape[1])}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


class DriftDetector(_Drift):
    """Fitted to a reference, says of a batch whether and how it drifted.

    Args:
        detectors: detectors or their names; by default psi, missing, unseen and mmd.
        alpha: false-alarm rate of the corrected tests.
        correction: "bh", "by", "holm", "bonferroni" or "none".
        rule: when a batch as a whole counts as drifted: "fdr", "any", "majority", or a share of columns.
        min_effect: effect that a drift must reach; None for the first band of each detector.
        block: rows that belong together and are permuted as one: a column, "timestamp:day", or a run length.
        backend: "numpy", "jax", "cupy" or "auto".
        seed: decides every random choice.

    Attributes:
        profile_: the fitted `accel_drift.Profile`.
        n_features_in_: number of columns, d.
        feature_names_in_: their names, (d,), where the reference was a table whose names are all texts.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> detector = DriftDetector(["ks"], backend="numpy").fit(rng.normal(size=(500, 2)))
    >>> detector.detect(rng.normal(size=(300, 2)) + 1).drifted_columns
    ('x0', 'x1')
    """

    def detect(self, X: Any) -> Report:  # noqa: N803
        """Compare a batch (m, d) with the reference.

        Raises:
            NotFittedError: `fit` was not called.
            DataError: the rows cannot be read, or no column is left to compare.
            ValueError: the columns are not those of the reference.
        """
        return self._report(X)

    def score(self, X: Any, y: Any = None) -> float:  # noqa: N803, ARG002
        """How alike a batch (m, d) and the reference are: the smallest corrected p-value, 0 to 1; higher is more alike.

        1.0 where nothing could be tested. It says how sure a difference is, not how large: `detect` tells both.

        Raises:
            NotFittedError: `fit` was not called.
            DataError: the rows cannot be read, or no column is left to compare.
            ValueError: the columns are not those of the reference.
        """
        found = (finding.adjusted_p_value for finding in self._report(X).findings)
        return float(min((p for p in found if p is not None), default=1.0))


class DriftGate(OneToOneFeatureMixin, TransformerMixin, _Drift):
    """A step of a pipeline that lets rows pass unchanged and speaks up when they drifted from those of `fit`.

    Args:
        detectors: detectors or their names; by default psi, missing, unseen and mmd.
        on_drift: "warn" (`DriftWarning`), "raise" (`accel_drift.errors.DriftError`) or "ignore".
        alpha: false-alarm rate of the corrected tests.
        correction: "bh", "by", "holm", "bonferroni" or "none".
        rule: when a batch as a whole counts as drifted: "fdr", "any", "majority", or a share of columns.
        min_effect: effect that a drift must reach; None for the first band of each detector.
        block: rows that belong together and are permuted as one: a column, "timestamp:day", or a run length.
        backend: "numpy", "jax", "cupy" or "auto".
        seed: decides every random choice.

    Attributes:
        profile_: the fitted `accel_drift.Profile`.
        n_features_in_: number of columns, d.
        feature_names_in_: their names, (d,), where the reference was a table whose names are all texts.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> gate = DriftGate(["ks"], on_drift="ignore", backend="numpy").fit(rng.normal(size=(500, 2)))
    >>> gate.transform(rng.normal(size=(300, 2)) + 1).shape, gate.last_report_.drifted
    ((300, 2), True)
    """

    def __init__(
        self,
        detectors: Sequence[Detector | str] | None = None,
        *,
        on_drift: OnDrift = "warn",
        alpha: float = 0.01,
        correction: Correction = "bh",
        rule: Rule | float = "fdr",
        min_effect: float | None = None,
        block: str | int | None = None,
        backend: str | Backend = "auto",
        seed: int = 0,
    ) -> None:
        super().__init__(
            detectors,
            alpha=alpha,
            correction=correction,
            rule=rule,
            min_effect=min_effect,
            block=block,
            backend=backend,
            seed=seed,
        )
        self.on_drift = on_drift

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: N803
        """Learn a reference (n, d); `y` is ignored.

        Raises:
            DataError: the rows cannot be read, or hold no column to compare.
            ConfigError: an option has a value that cannot work.
            ValueError: scikit-learn refuses the form of X.
        """
        if self.on_drift not in get_args(OnDrift):
            raise ConfigError(f"on_drift is {self.on_drift!r}; there are {', '.join(get_args(OnDrift))}")
        super().fit(X, y)
        self._last: list[Report] = []
        return self

    @property
    def last_report_(self) -> Report | None:
        """The report of the last batch that `transform` saw, None before the first; of any thread."""
        check_is_fitted(self)
        return self._last[-1] if self._last else None

    def fit_transform(self, X: Any, y: Any = None, **fit_params: Any) -> Any:  # noqa: N803, ARG002
        """Learn a reference (n, d) and let it pass: it is not compared with itself. Errors as in `fit`."""
        self.fit(X, y)
        return _passed(X)

    def transform(self, X: Any) -> Any:  # noqa: N803
        """Compare a batch (m, d) with the reference and give it back unchanged.

        Raises:
            DriftError: the batch drifted and `on_drift` is "raise".
            NotFittedError: `fit` was not called.
            DataError: the rows cannot be read, or no column is left to compare.
            ValueError: the columns are not those of the reference.
        """
        report = self._report(X)
        self._last[:] = [report]
        if report.drifted and self.on_drift != "ignore":
            where = ", ".join(report.drifted_columns) or "all columns together"
            said = f"the batch drifted from the reference: {where}"
            if self.on_drift == "raise":
                raise DriftError(f"{said}; see last_report_")
            warnings.warn(f"{said}; see last_report_", DriftWarning, stacklevel=2)
        return _passed(X)


def _passed(rows: Any) -> Any:
    """What was given: the very same object, but for lists, which later steps expect as arrays."""
    return rows if hasattr(rows, "shape") else np.asarray(rows)
