"""Says whether two data sets differ: what drifted, how much, how sure.

The names below are the public ones. Each is imported when it is first asked for (PEP 562), so that
`import accel_drift` itself costs next to nothing and loads no array library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accel_drift.backends import available_backends, get_backend
    from accel_drift.detectors.chi_square import ChiSquare
    from accel_drift.detectors.cramer_von_mises import CramerVonMises
    from accel_drift.detectors.energy import Energy
    from accel_drift.detectors.hellinger import Hellinger
    from accel_drift.detectors.jensen_shannon import JensenShannon
    from accel_drift.detectors.kl import KL
    from accel_drift.detectors.ks import KS
    from accel_drift.detectors.missing import Missing
    from accel_drift.detectors.mmd import MMD
    from accel_drift.detectors.psi import PSI
    from accel_drift.detectors.total_variation import TotalVariation
    from accel_drift.detectors.unseen import Unseen
    from accel_drift.detectors.wasserstein import Wasserstein
    from accel_drift.errors import AccelDriftError
    from accel_drift.finding import Finding, Severity, Status
    from accel_drift.functions import (
        chi_square,
        cramer_von_mises,
        energy,
        hellinger,
        jensen_shannon,
        kl,
        ks,
        mmd,
        psi,
        total_variation,
        wasserstein,
    )
    from accel_drift.history import History
    from accel_drift.monitor import Monitor, Windows
    from accel_drift.profiles import Plan, Profile, compare
    from accel_drift.report import Report
    from accel_drift.sequential.fdr import LORD, SAFFRON, e_bh
    from accel_drift.sequential.kernel_cusum import KernelCUSUM
    from accel_drift.sequential.look import Look
    from accel_drift.sequential.online_mmd import OnlineMMD
    from accel_drift.sequential.per_batch import Sequential
    from accel_drift.sequential.row_watch import RowWatch
    from accel_drift.sequential.two_sample import SequentialTwoSample
    from accel_drift.sequential.watch import Watch
    from accel_drift.streams.adwin import ADWIN
    from accel_drift.streams.bounded_mean import BoundedMean
    from accel_drift.streams.cusum import CUSUM
    from accel_drift.streams.ddm import DDM
    from accel_drift.streams.eddm import EDDM
    from accel_drift.streams.events import Events
    from accel_drift.streams.ewma import EWMA
    from accel_drift.streams.hddm_a import HDDM_A
    from accel_drift.streams.hddm_w import HDDM_W
    from accel_drift.streams.kswin import KSWIN
    from accel_drift.streams.page_hinkley import PageHinkley
    from accel_drift.streams.run_lengths import RunLengths
    from accel_drift.streams.stream import Stream

    __version__: str

# Plain strings, not computed: type checkers and editors read this list.
__all__ = [
    "ADWIN",
    "CUSUM",
    "DDM",
    "EDDM",
    "EWMA",
    "HDDM_A",
    "HDDM_W",
    "KL",
    "KS",
    "KSWIN",
    "LORD",
    "MMD",
    "PSI",
    "SAFFRON",
    "AccelDriftError",
    "BoundedMean",
    "ChiSquare",
    "CramerVonMises",
    "Energy",
    "Events",
    "Finding",
    "Hellinger",
    "History",
    "JensenShannon",
    "KernelCUSUM",
    "Look",
    "Missing",
    "Monitor",
    "OnlineMMD",
    "PageHinkley",
    "Plan",
    "Profile",
    "Report",
    "RowWatch",
    "RunLengths",
    "Sequential",
    "SequentialTwoSample",
    "Severity",
    "Status",
    "Stream",
    "TotalVariation",
    "Unseen",
    "Wasserstein",
    "Watch",
    "Windows",
    "__version__",
    "available_backends",
    "chi_square",
    "compare",
    "cramer_von_mises",
    "e_bh",
    "energy",
    "get_backend",
    "hellinger",
    "jensen_shannon",
    "kl",
    "ks",
    "mmd",
    "psi",
    "total_variation",
    "wasserstein",
]

_HOME = {
    "TotalVariation": "accel_drift.detectors.total_variation",
    "KL": "accel_drift.detectors.kl",
    "JensenShannon": "accel_drift.detectors.jensen_shannon",
    "Hellinger": "accel_drift.detectors.hellinger",
    "History": "accel_drift.history",
    "KS": "accel_drift.detectors.ks",
    "MMD": "accel_drift.detectors.mmd",
    "PSI": "accel_drift.detectors.psi",
    "ADWIN": "accel_drift.streams.adwin",
    "AccelDriftError": "accel_drift.errors",
    "ChiSquare": "accel_drift.detectors.chi_square",
    "CramerVonMises": "accel_drift.detectors.cramer_von_mises",
    "Energy": "accel_drift.detectors.energy",
    "Events": "accel_drift.streams.events",
    "BoundedMean": "accel_drift.streams.bounded_mean",
    "CUSUM": "accel_drift.streams.cusum",
    "DDM": "accel_drift.streams.ddm",
    "EDDM": "accel_drift.streams.eddm",
    "EWMA": "accel_drift.streams.ewma",
    "HDDM_A": "accel_drift.streams.hddm_a",
    "HDDM_W": "accel_drift.streams.hddm_w",
    "Finding": "accel_drift.finding",
    "KSWIN": "accel_drift.streams.kswin",
    "KernelCUSUM": "accel_drift.sequential.kernel_cusum",
    "OnlineMMD": "accel_drift.sequential.online_mmd",
    "RowWatch": "accel_drift.sequential.row_watch",
    "PageHinkley": "accel_drift.streams.page_hinkley",
    "RunLengths": "accel_drift.streams.run_lengths",
    "Stream": "accel_drift.streams.stream",
    "Missing": "accel_drift.detectors.missing",
    "Monitor": "accel_drift.monitor",
    "Plan": "accel_drift.profiles",
    "Profile": "accel_drift.profiles",
    "Report": "accel_drift.report",
    "LORD": "accel_drift.sequential.fdr",
    "SAFFRON": "accel_drift.sequential.fdr",
    "e_bh": "accel_drift.sequential.fdr",
    "Look": "accel_drift.sequential.look",
    "Sequential": "accel_drift.sequential.per_batch",
    "SequentialTwoSample": "accel_drift.sequential.two_sample",
    "Severity": "accel_drift.finding",
    "Status": "accel_drift.finding",
    "Unseen": "accel_drift.detectors.unseen",
    "Wasserstein": "accel_drift.detectors.wasserstein",
    "Watch": "accel_drift.sequential.watch",
    "Windows": "accel_drift.monitor",
    "available_backends": "accel_drift.backends",
    "chi_square": "accel_drift.functions",
    "compare": "accel_drift.profiles",
    "cramer_von_mises": "accel_drift.functions",
    "energy": "accel_drift.functions",
    "get_backend": "accel_drift.backends",
    "hellinger": "accel_drift.functions",
    "jensen_shannon": "accel_drift.functions",
    "kl": "accel_drift.functions",
    "ks": "accel_drift.functions",
    "mmd": "accel_drift.functions",
    "psi": "accel_drift.functions",
    "total_variation": "accel_drift.functions",
    "wasserstein": "accel_drift.functions",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from accel_drift._version import version

        value: Any = version()
    elif name in _HOME:
        from importlib import import_module

        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
