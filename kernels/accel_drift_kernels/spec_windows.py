"""What the operations on windows of streams mean: a part of `spec.OPS`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OpSpec:
    """What one operation means and how closely a set must follow `reference`.

    Attributes:
        meaning: what comes out, in words.
        shapes: arguments and result.
        rtol: largest relative difference from `reference` in float64; 0 means bit for bit.
    """

    meaning: str
    shapes: str
    rtol: float = 0.0


WINDOW_OPS = {
    "scan_ks_windows": OpSpec(
        "A window holds the last W values of a stream; NaN is none. Whenever it is full after a value, the `recent` "
        "newest, r of them, are compared with r of the W - r older ones. An event is a largest difference of their "
        "distribution functions of least / r or more; its means are those of the older r and of the newest; then the "
        "window holds the newest r (keep), or nothing. Value c of a window, from 0 on, stands in slot c mod W, and "
        "count says how many there were; the older ones kept after an event count from 0. Order: the slots in use by "
        "their values, of equal ones the older first. What is not in use is 0. Seen counts the stream's values. "
        "The older r are those of row (count - W) mod B of the samples, positions from the oldest on; without samples "
        "(B = 0) the first r of 0 ... W - r - 1 after swapping i and i + floor(w_i (W - r - i) / 2^32), i = 0, 1, ..., "
        "where the w are the first words, then the second ones, of the counters (n, k), k < ceil(r / 2), and n is the "
        "number of the value in its stream, from 0 on, mod 2^32.",
        "values (T, S), state: window float64 (W, S), order int32 (W, S), count int64 (S,), seen int64 (S,), key "
        "uint32 (2,), samples int64 (B, r), recent = r at most W / 2, least int from 1 on, keep bool -> the new state, "
        "moment and stream of each event int64 (E, 2), means float64 (E, 2), by moment, then stream",
        rtol=1e-12,
    ),
    "scan_windows": OpSpec(
        "At every value but NaN the window takes it as a bucket; where a level has M + 1 the two oldest become one of "
        "the next level. After every `clock` values, if the window has more than `grace`, its oldest bucket is dropped "
        "for as long as it can be cut between two buckets: n older values, m newer ones, both at least `least`, whose "
        "means differ by more than sqrt(2 q v d) + 2 / 3 d q, with q = 1 / (n - least + 1) + 1 / (m - least + 1), "
        "d = ln(2 ln(n + m) / delta) and v the window's variance, at least 0. Of each window that lost something its "
        "moment and stream, the mean of what it lost and of what is left, by moment, then stream; with `anew` the "
        "stream then starts from nothing.",
        "values (T, S), state Windows, options (delta, clock, least, grace, anew) -> the six of Windows, int64 (E, 2), "
        "float64 (E, 2)",
    ),
}
"""Operations on windows of streams by name."""
