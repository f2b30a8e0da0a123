"""Online MMD: the newest rows of a stream, as one window, against a fixed reference at every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from accel_drift.sequential.kernel_windows import Floats
from accel_drift.sequential.online import OnlineDetector


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineMMD(OnlineDetector):
    """Squared MMD, unbiased, between the newest `window` rows and the reference, at every row.

    The threshold is one number. A lower one for the first looks, at which chance has had less time, would matter to
    changes within the first few rows alone.

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> watch = OnlineMMD(arl=1000, window=20).open(rng.normal(size=(1000, 2)), backend="numpy")
    >>> rows = np.concatenate([rng.normal(size=(100, 2)), rng.normal(1.0, size=(30, 2))])
    >>> found = watch.update(rows)
    >>> len(found) > 0
    True
    """

    name: ClassVar[str] = "online_mmd"
    source: ClassVar[str] = (
        "Gretton et al., JMLR 13 (2012) 723-773; windows with a threshold for an expected run time: Cobb, Van Looveren "
        "& Klaise, AISTATS 2022, arXiv:2108.00883"
    )

    def units(self, deviations: Floats) -> Floats:
        """See `OnlineDetector.units`."""
        made = np.full(len(deviations), np.inf)
        made[-1] = 1.0
        return made
