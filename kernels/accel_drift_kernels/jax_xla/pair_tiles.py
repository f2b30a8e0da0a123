"""Tiles of kernel matrices: their sizes, their order, their values, and which device works on which."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from accel_drift_kernels.jax_xla.buckets import bucket
from accel_drift_kernels.portable.pair_sums import half_distances, kernel_of
from accel_drift_kernels.spec import Array

EXACT = lax.Precision.HIGHEST
"""Said at every product: the default may round float32 operands to 10 bits on a GPU or a TPU."""

_CPU_TILE, _DEVICE_TILE = 1024, 2048
_LEAST = 64
_AXIS = "tiles"


class Plan(NamedTuple):
    """What decides a compilation, besides the shapes: rows of a tile, the kernel's name, how many devices share."""

    tile: int
    kernel: str
    devices: int


class Rows(NamedTuple):
    """Rows in blocks of a tile's height: z (T, b, d) and half their squared norms (T, b); of int8 the whole squares."""

    z: Array
    norms: Array


def tile_rows(n: int, dtype: Any) -> int:
    """Rows of a tile: a quarter of n or less, for tiles at the edges are half in vain, up to what is fast."""
    most = _CPU_TILE
    if jax.default_backend() != "cpu":
        # 16 MB of float32 or 32 MB of 16 bits: a tile stays in the cache of a large GPU.
        most = _DEVICE_TILE * (2 if dtype.itemsize <= 2 else 1)
    size = _LEAST
    while size < min(n, 256) or (size < most and 4 * size < n):
        size *= 2
    return size


def tile_slots(n: int, tile: int) -> int:
    """Tiles to make room for: a power of two, or above 32 a bucket. Those not in use cost memory only."""
    used = max(1, -(-n // tile))
    return bucket(used, 32) if used > 32 else 1 << (used - 1).bit_length()


def room(z: Array) -> tuple[int, int]:
    """Rows of a tile, and rows to pad z (n, d) to."""
    tile = tile_rows(z.shape[0], z.dtype)
    return tile, tile * tile_slots(z.shape[0], tile)


@cache
def upper(tiles: int) -> npt.NDArray[np.int32]:
    """Pairs (i, j), i <= j, of tiles by rising j: the first t (t + 1) / 2 of them are those of t tiles."""
    return np.array([(i, j) for j in range(tiles) for i in range(j + 1)], dtype=np.int32).reshape(-1, 2)


def used(n: Array, tile: int) -> Array:
    """Tiles that n rows reach into."""
    return (n + tile - 1) // tile


def used_pairs(n: Array, tile: int) -> Array:
    """Tiles of the upper triangle."""
    return used(n, tile) * (used(n, tile) + 1) // 2


def in_blocks(z: Array, tile: int) -> Rows:
    """Rows (T b, d) as T blocks."""
    if z.dtype == jnp.int8:
        whole = z.astype(jnp.int32)
        norms = jnp.sum(whole * whole, axis=1, dtype=jnp.int32)
    else:
        exact = z.astype(jnp.float64)
        norms = (0.5 * jnp.sum(exact * exact, axis=1)).astype(wide(z.dtype))
    return Rows(z.reshape(z.shape[0] // tile, tile, z.shape[1]), norms.reshape(-1, tile))


def wide(dtype: Any) -> Any:
    """What sums within a tile are made in: float64 for float64, else float32."""
    return jnp.float64 if dtype == jnp.float64 else jnp.float32


def narrow(dtype: Any, kernel: str) -> Any:
    """What a tile is rounded to where it meets labels. Distances may be beyond float16."""
    if dtype == jnp.int8 or (dtype == jnp.float16 and kernel == "distance"):
        return jnp.bfloat16
    return dtype


def product(a: Array, b: Array) -> Array:
    """A matrix product, or a stack of them; operands of 16 bits are added up in float32."""
    return jnp.matmul(a, b, precision=EXACT, preferred_element_type=wide(a.dtype))


def halves_between(x: tuple[Array, Array], y: tuple[Array, Array], kernel: str) -> Array:
    """Half the squared distances of rows (..., a, d) with norms (..., a) from rows (..., b, d): (..., a, b)."""
    norms, turned = x[1][..., :, None] + y[1][..., None, :], jnp.swapaxes(y[0], -1, -2)
    if x[0].dtype == jnp.int8:
        # Whole numbers up to 33,000 columns: nothing is rounded, and equal rows are at distance 0.
        both = jnp.matmul(x[0], turned, preferred_element_type=jnp.int32)
        return 0.5 * (norms - 2 * both).astype(jnp.float32)
    return half_distances(product(x[0], turned), norms, x[0].shape[-1], kernel)


def halves_at(x: Rows, i: Array, y: Rows, j: Array, kernel: str) -> Array:
    """Half the squared distances of the rows of block i of x from those of block j of y."""
    return halves_between((x.z[i], x.norms[i]), (y.z[j], y.norms[j]), kernel)


def tile_of(half: Array, kernel: str, scale: Array, below: Array | None = None) -> Array:
    """Kernel values (..., a, b); 0 on the diagonal, on which row r meets column r + `below`. None: it has none."""
    k = kernel_of(half, kernel, scale.astype(half.dtype))
    if below is None:
        return k
    row, column = (lax.broadcasted_iota(jnp.int32, k.shape, k.ndim - back) for back in (2, 1))
    return jnp.where(row + below == column, jnp.zeros_like(k), k)


def real(n: Array, tile: int, place: Array, dtype: Any) -> Array:
    """1 for the rows of a tile that are among the first n, 0 for padding: (b,)."""
    return (place * tile + jnp.arange(tile) < n).astype(dtype)


def share_out(work: int) -> int:
    """How many devices take part in a list of tiles: all that are visible, or one where the list is short."""
    found = len(jax.local_devices())
    return found if work >= 2 * found else 1


def handed(arrays: Any, devices: int) -> Any:
    """Arrays where the devices can use them."""
    return arrays if devices == 1 else jax.device_put(arrays, NamedSharding(_mesh(devices), PartitionSpec()))


def visit_all(total: Array, visit: Callable[[Any, Array, Any], Any], held: Any, start: Any, devices: int) -> Any:
    """Float64 sums over numbers 0 ... total - 1, each made of those before it by visit(held, number, sums).

    `total` is traced: one compilation serves all. With several devices each takes every so many-th number, and their
    sums are added; so `start` is zero, and a visit only adds to it.
    """
    if devices == 1:
        return lax.fori_loop(0, total, partial(visit, held), start)

    def part(total: Array, held: Any, start: Any) -> Any:
        first = lax.axis_index(_AXIS)
        mine = (total - first + devices - 1) // devices
        sums = lax.fori_loop(0, mine, lambda t, sums: visit(held, first + t * devices, sums), start)
        return lax.psum(sums, _AXIS)

    return _shard_map(part, _mesh(devices))(total, held, start)


def _mesh(devices: int) -> Mesh:
    return Mesh(np.array(jax.local_devices()[:devices]), (_AXIS,))


def _shard_map(part: Callable[..., Any], mesh: Mesh) -> Callable[..., Any]:
    """Before JAX 0.6 the function is in jax.experimental."""
    kept: dict[str, Any] = {"mesh": mesh, "in_specs": PartitionSpec(), "out_specs": PartitionSpec()}
    # The check wants the loop to start from values marked as different on each device.
    if hasattr(jax, "shard_map"):
        return cast("Callable[..., Any]", jax.shard_map(part, **kept, check_vma=False))
    from jax.experimental.shard_map import shard_map

    return cast("Callable[..., Any]", shard_map(part, **kept, check_rep=False))
