"""Embeddings of fewer numbers: on their principal components, or projected at random.

Both are linear maps of centred vectors. Principal components come from the rows that decide scales, so a test keeps
whatever level it has by the choice of those; a random projection looks at no row at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np

from accel_drift.backends import Backend
from accel_drift.data.schema import listed
from accel_drift.errors import ConfigError
from accel_drift.statistics import draws

Reduce = Literal["pca", "random"]

COMPONENTS = 32
"""Numbers that are left of an embedding where nothing else is asked for."""

_DECIDING = 5000
"""Rows at most that principal components are found from."""


class Reduction(NamedTuple):
    """How embeddings become shorter, and how many numbers are left."""

    way: Reduce
    components: int

    def axes(self, centred: Any, name: str, seed: int, backend: Backend) -> Axes:
        """The map of one embedding.

        Args:
            centred: (n, d) deciding rows that have a vector, less their mean, n and d at least 1.
            name: of the column; its random projection is its own.
            seed: decides the projection, and the rows that components are found from.
            backend: what computes.
        """
        d = int(centred.shape[1])
        if self.way == "pca":
            return _principal(centred, min(self.components, d), seed, backend)
        return Axes(_random(d, self.components, name, seed, backend) if self.components < d else None, None)


class Axes(NamedTuple):
    """A linear map: (d, k), or None for none; and the share of the variance that it keeps, where that is meant."""

    matrix: Any
    variance: float | None

    def of(self, v: Any) -> Any:
        """Centred vectors on the axes, (n, k)."""
        return v if self.matrix is None else v @ self.matrix


class _Options(Protocol):
    @property
    def reduce(self) -> Reduce | None: ...
    @property
    def components(self) -> int: ...


def check_reduction(options: _Options) -> None:
    """Refuse options that cannot work.

    Raises:
        ConfigError: no such reduction, or no such number of components, or one where nothing is reduced.
    """
    if options.reduce is not None and options.reduce not in get_args(Reduce):
        raise ConfigError(f"no reduce {options.reduce!r}; it is {', '.join(map(repr, get_args(Reduce)))} or None")
    value = options.components
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < 1:
        raise ConfigError(f"components is {value!r}; it is a whole number of at least 1, such as {COMPONENTS}")
    if options.reduce is None and int(value) != COMPONENTS:
        raise ConfigError(
            f"components is {value!r} and reduce is None, so embeddings stay as they are; give reduce='pca' or "
            "reduce='random', or leave components out"
        )


def reduction_of(options: _Options) -> Reduction | None:
    """What the options ask for."""
    return None if options.reduce is None else Reduction(options.reduce, int(options.components))


def told(reduction: Reduction | None, axes: Mapping[str, tuple[int, Axes | None]]) -> dict[str, Any]:
    """What a finding tells: of each embedding how many numbers are left, and the share of variance they keep.

    Args:
        reduction: what was asked for.
        axes: of each column of embeddings its numbers, and how they were reduced; None where all rows are equal.
    """
    if reduction is None:
        return {}
    made = {name: found for name, (_, found) in axes.items() if found is not None}
    left = {name: axes[name][0] if found.matrix is None else int(found.matrix.shape[1]) for name, found in made.items()}
    shares = {name: found.variance for name, found in made.items() if found.variance is not None}
    few = [name for name, (d, _) in axes.items() if d < reduction.components]
    facts = {"reduce": reduction.way, "components": left, **({"variance_kept": shares} if shares else {})}
    note = _noted(reduction, axes, few)
    return {**facts, "reduction_note": note} if note else facts


def _noted(reduction: Reduction, axes: Mapping[str, Any], few: list[str]) -> str:
    if not axes:
        told = f"reduce={reduction.way!r} shortens embeddings, and no column holds any"
        return f"{told}: give vectors as one column of a dict"
    if not few:
        return ""
    has = f"{listed(few)} {'has' if len(few) == 1 else 'have'}"
    return f"{has} fewer than {reduction.components} numbers: components are as many as there are"


def _random(d: int, components: int, name: str, seed: int, backend: Backend) -> Any:
    """Normal numbers of variance 1 / k, (d, k): squared lengths stay what they are on average.

    Their relative error has the deviation sqrt(2 / k), whatever d is. Source: Johnson & Lindenstrauss 1984; with
    normal numbers, Dasgupta & Gupta 2003.
    """
    from scipy.special import ndtri

    u = draws.uniforms(draws.key(seed, "reduce", name), 0, d, components)
    return backend.asarray(np.asarray(ndtri(u) / np.sqrt(components), dtype=np.float64))


def _principal(centred: Any, components: int, seed: int, backend: Backend) -> Axes:
    """Directions of the largest variance, (d, k), orthonormal, the largest first; no more than have any variance."""
    xp, n, d = backend.xp, int(centred.shape[0]), int(centred.shape[1])
    if n > _DECIDING:
        chosen = draws.subset(draws.key(seed, "reduce", "deciding"), n, _DECIDING)
        centred = xp.take(centred, backend.asarray(chosen.astype(np.int64)), axis=0)
    # In units of the largest number, so that no square overflows or vanishes.
    v = centred / (float(backend.to_numpy(xp.max(xp.abs(centred)))) or 1.0)
    values, vectors = xp.linalg.eigh(v.T @ v)
    found = backend.to_numpy(values)[::-1]
    real = int((found > found[0] * d * np.finfo(np.float64).eps).sum())
    k = max(1, min(components, real))
    order = backend.asarray(np.arange(d - 1, d - 1 - k, -1, dtype=np.int64))
    axes = xp.take(vectors, order, axis=1)
    # The largest number of each axis is positive: an axis is one of two otherwise.
    high, low = xp.max(axes, axis=0), xp.min(axes, axis=0)
    axes = xp.where(high >= -low, axes, -axes)
    return Axes(axes, min(1.0, float(found[:k].sum() / (found.sum() or 1.0))))
