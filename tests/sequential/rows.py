"""Rows to look at: numbers, categories, missing values and embeddings, with one thing changed at a time."""

from __future__ import annotations

from typing import Any

import numpy as np


def rows(
    n: int, seed: int, *, shift: float = 0.0, new: float = 0.0, missing: float = 0.0, together: float = 0.0
) -> dict[str, Any]:
    """Two numbers, a category; a shift, a share of a new category or of missing rows, a correlation."""
    rng = np.random.default_rng([seed, n])
    a, other = rng.normal(size=(2, n))
    b = together * a + np.sqrt(1 - together**2) * other
    b[rng.random(n) < missing] = np.nan
    category = np.where(rng.random(n) < new, "new", rng.choice(["x", "y", "z"], n))
    return {"a": a + shift, "b": b, "c": category}
