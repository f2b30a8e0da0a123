"""Forms of the kernel two-sample statistic: of all pairs of rows, or at a cost that grows with the rows alone."""

from __future__ import annotations

from typing import Any, TypeAlias

from accel_drift.statistics.feature_test import FeatureSums
from accel_drift.statistics.kernel_test import KernelSums
from accel_drift.statistics.matrix_options import Shape
from accel_drift.statistics.tile_test import TileSums

Statistic: TypeAlias = KernelSums | FeatureSums | TileSums
"""What a test asks the same things of, whatever the form."""


def of(kernel: KernelSums, shape: Shape) -> tuple[Statistic, dict[str, Any]]:
    """The statistic of this form, and facts for the report."""
    if shape.form == "features":
        return FeatureSums(kernel, shape.size), {"frequencies": shape.size}
    if shape.form == "incomplete":
        tiled = TileSums(kernel, shape.size)
        return tiled, {"tiles": len(tiled.tiles), "pairs": tiled.pairs}
    return kernel, {}
