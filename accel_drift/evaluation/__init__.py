"""An evaluation of detectors on data whose truth is known, with intervals over seeds and dummies beside every result.

from accel_drift import evaluation as ev

study = ev.Evaluation([ad.PSI(), ad.MMD()], ["sudden", "gradual"], seeds=20)
results = study.run(processes=2, out="results/")
results.to_html("report.html")
"""

from __future__ import annotations

from accel_drift.evaluation import adapters, metrics
from accel_drift.evaluation.judged import Judged, judged
from accel_drift.evaluation.ours import OfBatches, OfProfile, OfWatch, OverColumns
from accel_drift.evaluation.power import Power, power
from accel_drift.evaluation.results import Results
from accel_drift.evaluation.scenarios import Batches, Named
from accel_drift.evaluation.study import Evaluation

__all__ = [
    "Batches",
    "Evaluation",
    "Judged",
    "Named",
    "OfBatches",
    "OfProfile",
    "OfWatch",
    "OverColumns",
    "Power",
    "Results",
    "adapters",
    "judged",
    "metrics",
    "power",
]
