"""All kinds of drift, in the order in which they are told."""

from __future__ import annotations

from accel_drift.synthetic.base import Drift
from accel_drift.synthetic.correlation import CorrelationChange
from accel_drift.synthetic.labels import LabelRule, PriorShift
from accel_drift.synthetic.shares import Corruption, Missing, NewCategory
from accel_drift.synthetic.spreads import CovariateShift, Noise, Perturbation, TailChange, VarianceChange

KINDS: tuple[type[Drift], ...] = (
    CovariateShift,
    VarianceChange,
    TailChange,
    CorrelationChange,
    Noise,
    Perturbation,
    Missing,
    Corruption,
    NewCategory,
    PriorShift,
    LabelRule,
)
