"""What was published, number by number, with the digits given there.

Source: `benchmark_results_rigorous.txt` and `empirical_validation_results.txt` of the public repository
"production-drift-detection", commit 0908cdd.
"""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, Mapping[str, float]] = {
    "false_alarms": {"KLDivergence": 0.000, "PSI": 0.399, "MMD": 0.000, "ADWIN": 0.465},
    "delay": {"KLDivergence": 0.2000, "PSI": 0.0000, "MMD": 0.0000, "ADWIN": 0.0000},
    "found": {"KLDivergence": 0.952, "PSI": 1.000, "MMD": 0.999, "ADWIN": 0.977},
    "auc": {"KLDivergence": 0.9995, "PSI": 1.0000, "MMD": 1.0000, "ADWIN": 0.9751},
    "cohens_d": {"KLDivergence": 0.9900, "PSI": 3.8226, "MMD": 5.0344, "ADWIN": 1.9962},
    "cohens_d_strong": {"KLDivergence": 1.1778, "PSI": 4.6211, "MMD": 6.3767, "ADWIN": 2.3668},
    "stability": {"KLDivergence": 0.2983, "PSI": 0.4510, "MMD": 0.4584, "ADWIN": 0.4221},
    "noise_false_alarms": {"KLDivergence": 0.000, "PSI": 0.346, "MMD": 0.000, "ADWIN": 0.470},
    "noise_found": {"KLDivergence": 0.751, "PSI": 1.000, "MMD": 0.278, "ADWIN": 0.651},
    "noise_auc": {"KLDivergence": 1.0000, "PSI": 1.0000, "MMD": 1.0000, "ADWIN": 0.6491},
    "noise_cohens_d": {"KLDivergence": 6.9341, "PSI": 3.0888, "MMD": 9.1359, "ADWIN": 0.6292},
    "f1": {"KLDivergence": 0.9708, "PSI": 0.7567, "MMD": 0.9994, "ADWIN": 0.7700},
    "best_f1": {"KLDivergence": 0.9708, "PSI": 0.9499, "MMD": 1.0000, "ADWIN": 0.9573},
    "best_threshold": {"KLDivergence": 0.1000, "PSI": 0.1898, "MMD": 0.0108, "ADWIN": 0.3778},
}
"""Metric -> detector -> the mean over 20 seeds; the last three are of all seeds together."""

SHARES = ("false_alarms", "found", "noise_false_alarms", "noise_found")
"""Published in percent with one digit; all others have four."""

LEADS: Mapping[str, Mapping[str, int]] = {
    "logistic, shift": {"kl": 4, "psi": 3, "mmd": 2},
    "network, shift": {"kl": 3, "psi": 3, "mmd": 3},
    "logistic, noise": {"kl": 2, "psi": 5, "mmd": 1},
}
"""Experiment -> score -> trials of ten in which confidence was said to lead."""

TRIALS: Mapping[str, Mapping[str, float]] = {
    "logistic, shift": {"warning": 42.00, "confidence_drop": -2.69, "accuracy_drop": -1.45},
    "network, shift": {"warning": 42.00, "confidence_drop": -1.42, "accuracy_drop": 6.01},
    "logistic, noise": {"warning": 44.00, "confidence_drop": -2.35, "accuracy_drop": -1.45},
}
"""Experiment -> mean early-warning score of 100, and mean drops in percent."""
