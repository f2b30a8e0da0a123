"""Sorting numbers by the digits of their bits: a pass over the rows for every ten bits, whatever the processor.

NumPy's own sort is as fast where its vector instructions run, and five times slower where they do not.

Bits become whole numbers of the same order: those of a positive float with the sign turned, of a negative one all
turned, of a signed integer with the sign turned. Passes go from the lowest digit to the highest, each keeps the order
of the one before (Knuth, The Art of Computer Programming, volume 3, section 5.2.5). A few more of the highest bits than
tell the rows apart if they are spread evenly nearly sort them; what is left is put right by insertion. Where that has
far to go, as with a lone outlier, all bits are sorted by.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift_kernels.numba_cpu.threads import compiled, frozen

_DIGIT = 10
"""Bits sorted by in one pass at most: a counter for each of 1,024 digits, and a cache line where it writes."""

_SPARE_BITS = 10
"""Bits beyond the logarithm of the number of rows: of evenly spread rows then one in 1,000 ties with its neighbour."""

_FEW = 64
"""Rows up to which insertion alone is faster."""

_FAR = 32
"""Rows that one row may pass in the insertion before all bits are sorted by."""


@compiled
def _keys(bits: Any, valid: Any, coding: Any, keys: Any) -> int:
    """Keys of the rows that are there; an empty `valid` means all. How many there are."""
    n = bits.size
    none, top, sign, turned = coding[0], coding[2], coding[3], coding[4]
    if valid.size == 0:
        for i in range(n):
            b = bits[i]
            keys[i] = b ^ (((none - (b >> top)) & turned) | sign)
        return int(n)
    count = 0
    for i in range(n):
        b = bits[i]
        # Written in any case, and kept if the next row is written behind it: no branch to be guessed wrong.
        keys[count] = b ^ (((none - (b >> top)) & turned) | sign)
        count += int(valid[i])
    return count


@compiled
def _bits(keys: Any, count: int, coding: Any, out: Any) -> None:
    """The bits that keys were made of."""
    one, top, sign, turned = coding[1], coding[2], coding[3], coding[4]
    for i in range(count):
        k = keys[i]
        out[i] = k ^ ((((k >> top) - one) & turned) | sign)


@compiled
def _inserted(keys: Any, n: int, far: int) -> bool:
    """Sort by insertion, unless a row would pass more than `far` others."""
    for i in range(1, n):
        key = keys[i]
        j = i
        while j > 0 and keys[j - 1] > key:
            if i - j == far:
                keys[j] = key
                return False
            keys[j] = keys[j - 1]
            j -= 1
        keys[j] = key
    return True


@compiled
def _dealt(keys: Any, to: Any, n: int, low: Any, shift: int, digit: int, place: Any) -> bool:
    """One pass: rows in the order of one digit of key - low. False where all have the same, and nothing was written."""
    size = 1 << digit
    by, last = keys.dtype.type(shift), keys.dtype.type(size - 1)
    place[:size] = 0
    for i in range(n):
        place[((keys[i] - low) >> by) & last] += 1
    before = 0
    for d in range(size):
        met = place[d]
        if met == n:
            return False
        place[d] = before
        before += met
    for i in range(n):
        key = keys[i]
        d = ((key - low) >> by) & last
        at = place[d]
        place[d] = at + 1
        to[at] = key
    return True


@compiled
def _by_digits(keys: Any, spare: Any, n: int, low: Any, first: int, width: int, place: Any) -> bool:
    """Sort by the bits first ... width of key - low; whether the result is in `spare`."""
    passes = -(-(width - first) // _DIGIT)
    digit = -(-(width - first) // max(passes, 1))
    swapped = False
    for k in range(passes):
        # Named by turns: the arrays of a loop change places at no cost, but their names must keep one type.
        if swapped:
            moved = _dealt(spare, keys, n, low, first + k * digit, digit, place)
        else:
            moved = _dealt(keys, spare, n, low, first + k * digit, digit, place)
        swapped = swapped != moved
    return swapped


@compiled
def _sorted_keys(keys: Any, spare: Any, n: int, place: Any) -> bool:
    """Sort n keys; whether they are in `spare` then."""
    if n <= _FEW:
        _inserted(keys, n, n)
        return False
    low, high = keys[0], keys[0]
    for i in range(n):
        low, high = min(low, keys[i]), max(high, keys[i])
    width = 0
    span = np.uint64(high - low)
    while width < 64 and (span >> np.uint64(width)) != np.uint64(0):
        width += 1
    enough = _SPARE_BITS
    while (n >> (enough - _SPARE_BITS)) > 1:
        enough += 1
    first = max(0, width - enough)
    swapped = _by_digits(keys, spare, n, low, first, width, place)
    if first == 0 or _inserted(spare if swapped else keys, n, _FAR):
        return swapped
    if swapped:
        return not _by_digits(spare, keys, n, low, 0, width, place)
    return _by_digits(keys, spare, n, low, 0, width, place)


@compiled
def _sorted_bits(bits: Any, valid: Any, coding: Any, spare: Any, out: Any) -> int:
    count = _keys(bits, valid, coding, out)
    swapped = _sorted_keys(out, spare, count, np.empty(1 << _DIGIT, np.int64))
    _bits(spare if swapped else out, count, coding, out)
    return int(count)


def room(rows: int) -> npt.NDArray[np.uint64]:
    """What `sort_into` needs beside its result for columns of so many rows.

    Made once for many columns: the first touch of new memory costs as much as a pass over it, or two.
    """
    return np.empty(2 * rows, np.uint64)


def sort_into(
    values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None, out: npt.NDArray[Any], room: npt.NDArray[np.uint64]
) -> int:
    """The values that are there, ascending, at the front of `out`, and how many there are.

    Args:
        values: (n,) integers, float32 or float64; no NaN where `valid` is True. -0.0 comes before 0.0.
        valid: (n,) which are there, or None for all.
        out: (n,) of any type that keeps the order of the values; what lies behind them has no meaning.
        room: of `room(n)`.
    """
    if values.dtype.itemsize < 4:
        values = values.astype(np.int32 if values.dtype.kind == "i" else np.uint32)
    word = np.dtype(f"u{values.dtype.itemsize}")
    top = 8 * word.itemsize - 1
    sign = 0 if values.dtype.kind == "u" else 1 << top
    turned = np.iinfo(word).max if values.dtype.kind == "f" else 0
    coding = frozen(np.array([0, 1, top, sign, turned], dtype=word))
    spare, own = (part.view(word)[: len(values)] for part in np.split(room, 2))
    made = out.view(word) if out.dtype == values.dtype else own
    rows = np.empty(0, np.bool_) if valid is None else valid
    count = int(_sorted_bits(frozen(values).view(word), frozen(rows), coding, spare, made))
    if out.dtype != values.dtype:
        out[:count] = made[:count].view(values.dtype)
    return count
