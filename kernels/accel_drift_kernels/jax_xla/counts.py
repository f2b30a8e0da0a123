"""Binning and counting."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from accel_drift_kernels.jax_xla.buckets import bucket, cut, padded
from accel_drift_kernels.spec import Array, Bits, Valid


def ordered(x: Array) -> Array:
    """Numbers as integers of the same order, for XLA on CPUs takes numbers below the smallest normal one for 0.

    -0.0 becomes the integer of 0.0, and NaN the smallest, which is above no cut.
    """
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return x
    word = jnp.dtype(f"int{x.dtype.itemsize * 8}")
    least, most = jnp.iinfo(word).min, jnp.iinfo(word).max
    bits = lax.bitcast_convert_type(x, word)
    infinite = lax.bitcast_convert_type(jnp.asarray(jnp.inf, x.dtype), word)
    # Negative floats rise as their bits fall; all bits but the sign are turned round.
    key = jnp.where(bits < 0, bits ^ most, bits) + (bits == least).astype(word)
    return jnp.where((bits & most) > infinite, least, key)


@jax.jit
def _bin_index(x: Array, cuts: Array, mask: Array) -> Array:
    x, cuts = ordered(x), ordered(cuts)

    def one(index: Array, cut: Array) -> tuple[Array, None]:
        return index + (x > cut[None, :]).astype(jnp.int32), None

    index, _ = lax.scan(one, jnp.zeros(x.shape, dtype=jnp.int32), cuts.T)
    return jnp.where(mask, index, jnp.int32(cuts.shape[1] + 1))


def bin_index(x: Array, cuts: Array, mask: Array, /) -> Array:
    """See `spec.OPS["bin_index"]`."""
    rows = bucket(x.shape[0])
    return cut(_bin_index(padded(x, rows), cuts, padded(mask, rows)), np.s_[: x.shape[0]])


@jax.jit
def _histogram(x: Array, cuts: Array, mask: Array, rows: Array) -> Array:
    x, cuts = ordered(x), ordered(cuts)

    # Compare and sum, a cut at a time: scatters are slow on every device, and nothing of size n x c is made.
    def one(_: None, cut: Array) -> tuple[None, Array]:
        return None, jnp.sum((x > cut[None, :]) & mask, axis=0, dtype=jnp.int64)

    present = jnp.sum(mask, axis=0, dtype=jnp.int64)
    _, above = lax.scan(one, None, cuts.T)
    reached = jnp.concatenate([present[None, :], above, jnp.zeros_like(present)[None, :]])
    return jnp.concatenate([reached[:-1] - reached[1:], (rows - present)[None, :]]).T


def histogram(x: Array, cuts: Array, mask: Array, /) -> Array:
    """See `spec.OPS["histogram"]`."""
    rows = bucket(x.shape[0])
    return _histogram(padded(x, rows), cuts, padded(mask, rows, False), np.int64(x.shape[0]))


def _unpacked(bits: Any, rows: int) -> Array:
    """Arrow's bits as (rows,) bool; those beyond the buffer are the last byte's."""
    buffer, first = bits
    at = first + jnp.arange(rows)
    return (jnp.take(buffer, at // 8, mode="clip") >> (at % 8).astype(buffer.dtype)) & 1 == 1


def _rows_of(valid: Valid, rows: int) -> Any:
    """Validity with bytes or rows in a bucket, as `_present` takes it."""
    if isinstance(valid, tuple):
        return padded(valid[0], bucket(valid[0].shape[0])), np.int64(valid[1])
    return None if valid is None else padded(valid, rows, False)


def _present(valid: Any, n: Array, rows: int) -> Array:
    """Which of the padded rows have a value, (rows,) bool."""
    inside = jnp.arange(rows) < n
    if valid is None:
        return inside
    return inside & (_unpacked(valid, rows) if isinstance(valid, tuple) else valid)


def column_counts(columns: Sequence[tuple[Array, Valid]], cuts: Sequence[Array], /) -> list[Array]:
    """See `spec.OPS["column_counts"]`."""
    made = []
    for (values, valid), edges in zip(columns, cuts, strict=True):
        rows = bucket(values.shape[0])
        made.append(_column(padded(values, rows), _rows_of(valid, rows), edges, np.int64(values.shape[0])))
    return made


@jax.jit
def _column(values: Array, valid: Any, edges: Array, n: Array) -> Array:
    present = _present(valid, n, values.shape[0])
    number = present & (values == values)
    inside = _histogram(values[:, None], edges[None, :], number[:, None], n)[0, :-1]
    some = jnp.sum(present, dtype=jnp.int64)
    return jnp.concatenate([inside, jnp.stack([some - jnp.sum(number, dtype=jnp.int64), n - some])])


def code_counts(columns: Sequence[tuple[Array, Valid]], totals: Sequence[int], /) -> list[Array]:
    """See `spec.OPS["code_counts"]`."""
    made = []
    for (codes, valid), total in zip(columns, totals, strict=True):
        rows = bucket(codes.shape[0])
        made.append(_codes(padded(codes, rows), _rows_of(valid, rows), np.int64(codes.shape[0]), total))
    return made


@partial(jax.jit, static_argnames="total")
def _codes(codes: Array, valid: Any, n: Array, total: int) -> Array:
    # A code beyond the largest int64 wraps round to a negative one.
    place = codes.astype(jnp.int64)
    inside = _present(valid, n, codes.shape[0]) & (place >= 0) & (place < total)
    found = jnp.bincount(jnp.where(inside, place, total), length=total + 1)[:total].astype(jnp.int64)
    return jnp.append(found, n - jnp.sum(found))


def bit_counts(bits: Bits, valid: Valid, n: int, /) -> Array:
    """See `spec.OPS["bit_counts"]`."""
    rows = bucket(n)
    return _bits(_rows_of(bits, rows), _rows_of(valid, rows), np.int64(n), rows)


@partial(jax.jit, static_argnames="rows")
def _bits(bits: Any, valid: Any, n: Array, rows: int) -> Array:
    inside, present, one = _present(None, n, rows), _present(valid, n, rows), _unpacked(bits, rows)
    found = (present & ~one, present & one, inside & ~present)
    return jnp.stack([jnp.sum(of, dtype=jnp.int64) for of in found])


@partial(jax.jit, static_argnames="total")
def _count_codes(codes: Array, total: int) -> Array:
    # Negative codes go to a cell past the end: bincount would clip them into cell 0.
    place = jnp.where(codes < 0, total, codes)
    return jnp.bincount(place, length=total + 1)[:total].astype(jnp.int64)


def count_codes(codes: Array, total: int, /) -> Array:
    """See `spec.OPS["count_codes"]`."""
    return _count_codes(padded(codes, bucket(codes.shape[0]), -1), total)
