"""Two data sets in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accel_drift.backends import Backend
from accel_drift.calibration import Correction, Rule
from accel_drift.data.read import Progress
from accel_drift.detectors.base import Detector
from accel_drift.profiles.profile import Profile
from accel_drift.report import Report


def compare(
    reference: Any,
    batch: Any,
    detectors: Sequence[Detector | str] | None = None,
    *,
    backend: str | Backend = "auto",
    block: str | int | None = None,
    correction: Correction = "bh",
    rule: Rule | float = "fdr",
    alpha: float = 0.01,
    min_effect: float | None = None,
    seed: int = 0,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    label: str | None = None,
    kinds: Mapping[str, str] | None = None,
    names: tuple[str, str] = ("", ""),
    progress: Progress | None = None,
) -> Report:
    """Compare two data sets in one call, on all their rows. Options as in `Profile.fit`.

    Args:
        reference: the data to compare with.
        batch: the data in question.
        detectors: as in `Profile.fit`.
        backend: as in `Profile.fit`.
        block: as in `Profile.fit`.
        correction: as in `Profile.fit`.
        rule: as in `Profile.fit`.
        alpha: as in `Profile.fit`.
        min_effect: as in `Profile.fit`.
        seed: as in `Profile.fit`.
        columns: as in `Profile.fit`.
        drop: as in `Profile.fit`.
        label: as in `Profile.fit`.
        kinds: as in `Profile.fit`.
        names: what the report calls the two sides.
        progress: called with (done, of, what) before each detector.

    Raises:
        DataError: a side cannot be read, has no rows, or the two have no column to compare.
        ConfigError: an option has a value that cannot work.

    >>> compare({"x": [1.0] * 40}, {"x": [2.0] * 40}, ["psi"], backend="numpy").drifted_columns
    ('x',)
    """
    profile = Profile.fit(
        reference,
        detectors,
        backend=backend,
        block=block,
        correction=correction,
        rule=rule,
        alpha=alpha,
        min_effect=min_effect,
        seed=seed,
        columns=columns,
        drop=drop,
        label=label,
        kinds=kinds,
        sample_rows=None,
        name=names[0],
    )
    return profile.score(batch, name=names[1], progress=progress)
