"""Drift made on purpose, of known size and onset: kinds, schedules, populations and scenarios, on NumPy alone.

Every kind is measured by a reference, in units of its spread or as a share of rows, and a magnitude of 0 is no drift
to the last bit. Seeds decide everything.
"""

from accel_drift.synthetic.anchor import Anchor as Anchor
from accel_drift.synthetic.base import Drift as Drift
from accel_drift.synthetic.clock import Clock as Clock
from accel_drift.synthetic.correlation import CorrelationChange as CorrelationChange
from accel_drift.synthetic.kinds import KINDS as KINDS
from accel_drift.synthetic.labels import LabelRule as LabelRule
from accel_drift.synthetic.labels import PriorShift as PriorShift
from accel_drift.synthetic.named import scenario as scenario
from accel_drift.synthetic.named import scenarios as scenarios
from accel_drift.synthetic.population import Population as Population
from accel_drift.synthetic.schedules import Gradual as Gradual
from accel_drift.synthetic.schedules import Incremental as Incremental
from accel_drift.synthetic.schedules import Recurring as Recurring
from accel_drift.synthetic.schedules import Schedule as Schedule
from accel_drift.synthetic.schedules import Sudden as Sudden
from accel_drift.synthetic.shares import Corruption as Corruption
from accel_drift.synthetic.shares import Missing as Missing
from accel_drift.synthetic.shares import NewCategory as NewCategory
from accel_drift.synthetic.spreads import CovariateShift as CovariateShift
from accel_drift.synthetic.spreads import Noise as Noise
from accel_drift.synthetic.spreads import Perturbation as Perturbation
from accel_drift.synthetic.spreads import TailChange as TailChange
from accel_drift.synthetic.spreads import VarianceChange as VarianceChange
from accel_drift.synthetic.stream import Batch as Batch
from accel_drift.synthetic.stream import Scenario as Scenario
from accel_drift.synthetic.truth import BatchTruth as BatchTruth
from accel_drift.synthetic.truth import Truth as Truth
from accel_drift.synthetic.writing import write as write
