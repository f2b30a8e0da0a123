"""The primitive operations: their meaning, their shapes, how closely two sets must agree.

Letters: n rows, d columns, c cut points, N pooled rows, P labellings, C columns of counts, B draws, k cells.
Counts are int64, sums are float64, and every other array has the dtype that its operation names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, runtime_checkable

from accel_drift_kernels.spec_windows import WINDOW_OPS, OpSpec

Array: TypeAlias = Any
"""An array of whichever library the kernel set is written for."""

Bits: TypeAlias = tuple[Array, int]
"""Arrow's bits: (uint8 buffer, number of the first bit), the least significant bit of a byte first."""

Valid: TypeAlias = Array | Bits | None
"""Which rows of a column have a value: all (None), those of a bool array, or those whose bit is set."""

Rule: TypeAlias = Callable[[Any], Callable[..., tuple[Any, ...]]]
"""What a stream's state becomes with one more value, in terms of a namespace that has where, sqrt, log and exp.

`rule(xp)` gives `step(x, *fields, options) -> (event, before, after, *fields)`: the value, 8 or 16 numbers of state
(`STREAM_FIELDS`), a tuple of floats; 0 or the number of the event, two numbers that tell of it, the new state. It
branches by `xp.where` alone, so that it means the same for one number as for an array of them.
"""

STREAM_FIELDS = (8, 16)
"""How many numbers of state a rule may have for each stream; those that it does not need it hands on."""

Windows: TypeAlias = tuple[Array, Array, Array, Array, Array, Array]
"""The latest values of S streams, in buckets of 2^i values at level i < L, at most M of each, the oldest first.

How many buckets int64 (L, S); of each float64 (L, M, S) the sum of its values and that of their squared distances to
their mean, 0 where there is no bucket; of all values float64 (S,) both of these; int64 (S,) how many have come. L is
the most levels that a stream has, at least 1.
"""

NORMAL_FORM_VARIANCE = 16.0
"""Counts whose variance is at least this are drawn as a normal number, bent (Cornish & Fisher 1938) to their first
five cumulants and rounded: their distribution function is then within 1.3e-5 of the exact one."""

MORE_WORDS = 1 << 20
"""Cells that a row of draws may have. Counters beyond are for the further words that the mass of a cell takes."""


def slack(columns: int, eps: float) -> float:
    """Half a squared distance from |a|²/2 + |b|²/2 - ab is 0 if it is at most this share of |a|²/2 + |b|²/2.

    Equal rows would else be a root of their rounding error apart: 1e-8 of their norm, and not the same in every set.

    Args:
        columns: length of the products ab.
        eps: spacing of the floats that they are made in.
    """
    return float((4.0 + columns**0.5) * eps)


@runtime_checkable
class Kernels(Protocol):
    """A kernel set: a *module* that defines, or imports from `portable`, every operation.

    Kernels trust their inputs. Whoever calls one has checked shapes and dtypes; n = 0 and d = 0 are allowed.
    """

    def random_words(self, key: Array, i: Array, j: Array, /) -> Array:
        """Both words of Threefry-2x32-20 for every pair of counters."""
        ...

    def permutation_labels(self, key: Array, perms: Array, rows: Array, n: int, /) -> Array:
        """Random labellings with n ones each, as bits."""
        ...

    def bin_index(self, x: Array, cuts: Array, mask: Array, /) -> Array:
        """Number of cut points below each value."""
        ...

    def histogram(self, x: Array, cuts: Array, mask: Array, /) -> Array:
        """How many values of each column lie in each bin."""
        ...

    def column_counts(self, columns: Sequence[tuple[Array, Valid]], cuts: Sequence[Array], /) -> list[Array]:
        """How many values of each column lie in each of its own bins, columns where they lie."""
        ...

    def code_counts(self, columns: Sequence[tuple[Array, Valid]], totals: Sequence[int], /) -> list[Array]:
        """How often each code of its dictionary occurs in each column."""
        ...

    def bit_counts(self, bits: Bits, valid: Valid, n: int, /) -> Array:
        """How many bits are 0, 1, and absent."""
        ...

    def count_codes(self, codes: Array, total: int, /) -> Array:
        """How often each code occurs."""
        ...

    def sort_columns(self, parts: Sequence[tuple[Array, Array | None]], dtype: Any, /) -> Array:
        """Columns in ascending order, each by itself."""
        ...

    def cdf_distances(self, x: Array, n: Array, y: Array, m: Array, /) -> tuple[Array, Array, Array, Array]:
        """How far apart two empirical distribution functions are, three ways, column by column."""
        ...

    def pooled_cells(self, x: Array, n: Array, y: Array, m: Array, distinct: Array, limit: int, /) -> Any:
        """Where the pooled rows of two sorted samples are cut into cells of about as many rows, column by column."""
        ...

    def sorted_counts(self, x: Array, n: Array, cuts: Array, /) -> Array:
        """How many values of each sorted column lie in each bin."""
        ...

    def lattice_tail(self, width: Array, n: Array, m: Array, /) -> Array:
        """Chance that a random lattice path leaves a band: the exact law of the largest gap."""
        ...

    def hypergeometric(self, keys: Array, first: int, count: int, pooled: Array, n: Array, /) -> Array:
        """Rows drawn without replacement from urns of k colours."""
        ...

    def dirichlet_multinomial(self, keys: Array, first: int, weights: Array, m: Array, /) -> Array:
        """Rows spread over cells whose probabilities are Dirichlet."""
        ...

    def multinomial(self, keys: Array, first: int, count: int, weights: Array, m: Array, /) -> Array:
        """Rows spread over cells whose probabilities are known."""
        ...

    def quantile_bins(self, reference: Array, batch: Array, bins: int, /) -> tuple[Array, Array]:
        """Counts of fine cells put together to counts of the reference's own quantile bins."""
        ...

    def scan_streams(
        self, rule: Rule, values: Array, state: Array, options: tuple[float, ...], /
    ) -> tuple[Array, Array, Array]:
        """A rule that runs down the values of many streams."""
        ...

    def scan_ks_windows(
        self,
        values: Array,
        state: tuple[Array, ...],
        key: Array,
        samples: Array,
        recent: int,
        least: int,
        keep: bool,
        /,
    ) -> tuple[Array, ...]:
        """Windows of streams whose newest values are compared with a sample of the older ones at every value."""
        ...

    def scan_windows(self, values: Array, state: Windows, options: tuple[float, ...], /) -> tuple[Array, ...]:
        """Windows that grow with the values of many streams and lose what is unlike the rest."""
        ...

    def confidence_rows(self, probabilities: Array, valid: Array, /) -> tuple[Array, Array]:
        """How sure each row of probabilities is, and of which class."""
        ...

    def pair_distances(self, z: Array, first: Array, second: Array, /) -> Array:
        """Distances of chosen pairs of rows."""
        ...

    def pair_label_sums(
        self, z: Array, labels: Array, count: int, kernel: str, scales: Array, /
    ) -> tuple[Array, Array, Array]:
        """The sums of kernel matrices that every labelling needs."""
        ...

    def pair_row_sums(self, z: Array, w: Array, kernel: str, scales: Array, /) -> Array:
        """Kernel matrices with zero diagonal, times a matrix."""
        ...

    def pair_group_sums(self, z: Array, ends: Array, kernel: str, scales: Array, /) -> Array:
        """Sums of kernel matrices with zero diagonal between runs of rows."""
        ...

    def cross_row_sums(
        self, x: Array, y: Array, w: Array, v: Array, kernel: str, scales: Array, /
    ) -> tuple[Array, Array]:
        """Kernel matrices between two sets of rows, times a matrix from either side."""
        ...

    def cross_group_sums(
        self, x: Array, x_ends: Array, y: Array, y_ends: Array, kernel: str, scales: Array, /
    ) -> Array:
        """Sums of kernel matrices between the runs of two sets of rows."""
        ...

    def subset_pair_sums(self, z: Array, subsets: Array, kernel: str, scales: Array, /) -> Array:
        """Sums of kernel matrices with zero diagonal within subsets of the rows."""
        ...

    def phase_totals(self, z: Array, turns: Array, table: Array, ends: Array, /) -> Array:
        """Sums over runs of rows of a function of each row's phases, and of the same a quarter turn earlier."""
        ...

    def phase_products(self, z: Array, turns: Array, codes: Array, added: Array, table: Array, /) -> Array:
        """Sums over all rows of the products of these functions with one another and with 1."""
        ...


_OPS = {
    "random_words": OpSpec(
        "Threefry-2x32-20 of the counter (i, j) under a key; equals the words of jax.random.",
        "key uint32 (2,), i uint32 (r,), j uint32 (c,) -> uint32 (2, r, c)",
    ),
    "permutation_labels": OpSpec(
        "Labelling p is 1 on the n rows with the smallest word w0 ^ w1 of the counter (p, row), ties by row; "
        "labelling number 0 is the observed one, 1 on rows below n. Bit p % 8 of byte p // 8; padding is 0.",
        "key uint32 (2,), perms uint32 (P,), rows uint32 (N,) = arange(N), n int -> uint8 (N, ceil(P / 8))",
    ),
    "bin_index": OpSpec(
        "Number of cuts of the column that are below the value; c + 1 where the mask is False.",
        "x (n, d), cuts (d, c) ascending of x's dtype, mask bool (n, d) -> int32 (n, d)",
    ),
    "histogram": OpSpec(
        "Counts of the values 0...c of bin_index, then of the masked-out rows.",
        "x (n, d), cuts (d, c) ascending of x's dtype, mask bool (n, d) -> int64 (d, c + 2)",
    ),
    "column_counts": OpSpec(
        "For every column the counts of the values with 0...c cuts below them, of NaN, of rows without a value; "
        "whatever lies in those rows is not looked at. Denormals are numbers of their own, -0.0 is 0.0.",
        "columns of (values (n,), valid: None, bool (n,) or Bits), cuts (c,) ascending of the values' dtype, one for "
        "each column; n and c are each column's own -> int64 (c + 3,) for each column",
    ),
    "code_counts": OpSpec(
        "For every column how often each of 0...total - 1 occurs, then all other rows: codes outside, and rows without "
        "a value.",
        "columns of (codes integer (n,), valid: None, bool (n,) or Bits), total int for each column; n and total are "
        "each column's own -> int64 (total + 1,) for each column",
    ),
    "bit_counts": OpSpec(
        "Counts of 0, of 1, of rows without a value.",
        "bits: Bits, valid: None, bool (n,) or Bits, n int -> int64 (3,)",
    ),
    "count_codes": OpSpec(
        "How often each of 0...total - 1 occurs; negative codes are ignored.",
        "codes int64 (r,), total int -> int64 (total,)",
    ),
    "sort_columns": OpSpec(
        "The values of each column that are there, ascending; behind them, in the place of those that are not, the "
        "largest of the dtype. Which of -0.0 and 0.0 comes first is not said.",
        "parts of (values (n,) or (n, k), valid: None or bool of the same shape), no NaN where it is True; dtype: one "
        "that keeps the order of the values -> (n, d) of that dtype, d columns in all",
    ),
    "cdf_distances": OpSpec(
        "With F of x, G of y and H of both: max |F - G| at the ends of tie groups, the integral of |F - G| dx and that "
        "of (F - G)^2 dH; 0 if a side is empty. The second is infinite where the sides' shares of inf or of -inf "
        "differ, and only there: beyond the largest float64 it is that number. Then how many values are distinct. What "
        "lies behind the first n or m rows of a column is not looked at.",
        "x (a, d), n int64 (d,), y (b, d), m int64 (d,), n m below 2^63; the first n[j] rows of column j of x and m[j] "
        "of y ascend -> float64 (d,), float64 (d,), float64 (d,), int64 (d,)",
        rtol=1e-12,
    ),
    "pooled_cells": OpSpec(
        "The N = n + m pooled rows in order, v[0] ... v[N - 1]. Of at most `limit` distinct values each is a cut and a "
        "middle, and the last one fills up. Of more, cut i is v[ceil(i N / limit) - 1], i from 1 on, and middle i is "
        "v[floor((2 i + 1) N / (2 limit))], i from 0 on. 0 where there is no row.",
        "x, n, y, m as in cdf_distances, distinct int64 (d,) of it, limit int -> (d, limit - 1), (d, limit)",
    ),
    "sorted_counts": OpSpec(
        "Counts of the values 0...c of bin_index among the first n[j] rows of column j, which ascend.",
        "x (a, d), n int64 (d,), cuts (d, c) ascending of x's dtype -> int64 (d, c + 1)",
    ),
    "lattice_tail": OpSpec(
        "Share of the lattice paths from (0, 0) to (n, m) that touch |i m - j n| >= width; 1 for a width of 0. "
        "The law of n m times the largest gap when no values tie (Hodges 1958).",
        "width int64 (k,), n int64 (k,), m int64 (k,) -> float64 (k,)",
        rtol=1e-11,
    ),
    "hypergeometric": OpSpec(
        "Draw b of urn c takes n[c] of pooled[c] rows of each colour, without replacement: so many of the first half "
        "of the k cells, floor(k / 2), the rest of the others, and so on within the halves. The words of the counter "
        "(first + b, j) under keys[c] decide the halving whose right half begins with cell j.",
        "keys uint32 (C, 2), first int, count = B, pooled int64 (C, k), n int64 (C,) -> int64 (C, B, k)",
    ),
    "dirichlet_multinomial": OpSpec(
        "Draw b of column c spreads m[c, b] rows over cells of Dirichlet(weights[c, b]) probabilities; words as in "
        "hypergeometric, and those of the counters (first + b, j + MORE_WORDS i), i = 1, 2, ..., for the masses.",
        "keys uint32 (C, 2), first int, weights int64 (C, B, k), m int64 (C, B) -> int64 (C, B, k)",
    ),
    "multinomial": OpSpec(
        "Draw b of column c spreads m[c] rows over cells of probabilities weights[c] / sum; words as in "
        "hypergeometric.",
        "keys uint32 (C, 2), first int, count = B, weights int64 (C, k), m int64 (C,) -> int64 (C, B, k)",
    ),
    "quantile_bins": OpSpec(
        "Each row is a reference of n rows in F cells along a line, and its batch; the last cell, missing, stays last. "
        "With C reference rows before a cell, it goes to bin floor(C bins / n), at most bins - 1. A cell of two "
        "reference rows or more that holds two of the quantiles 0 ... bins is an atom: their number is "
        "floor((C + own) bins / n) less that bin, and 1 more in the first cell with rows. Bin i is cell 2 i of the "
        "result, an atom in it 2 i + 1.",
        "reference int64 (L, F + 1), batch int64 (L, F + 1), bins -> int64 (L, 2 bins + 1), int64 (L, 2 bins + 1)",
    ),
    "scan_streams": OpSpec(
        "The rule's step at every value of every stream, one moment after the other; at a NaN nothing happens. The "
        "state after the last, and of each event its moment, stream and number, and what tells of it, by moment, "
        "then stream.",
        "rule of f fields, f one of STREAM_FIELDS, values (T, S), state float64 (f, S), options -> float64 (f, S), "
        "int64 (E, 3), float64 (E, 2)",
        rtol=1e-12,
    ),
    **WINDOW_OPS,
    "confidence_rows": OpSpec(
        "Of each row p the largest number, the entropy -sum p ln p with 0 ln 0 = 0, the largest less the second "
        "largest (itself where k = 1), the sum; and the place of the largest, the first of equal ones. NaN and -1 of a "
        "row that is not valid, or holds a number below 0, NaN or infinity.",
        "probabilities float (n, k) with k from 1 on, valid bool (n,) -> float64 (n, 4), int64 (n,)",
        rtol=1e-12,
    ),
    "pair_distances": OpSpec(
        "|z_i - z_j| of every pair (i, j), from the differences themselves.",
        "z float (N, d), first int64 (p,), second int64 (p,) -> float64 (p,)",
        rtol=1e-12,
    ),
    "pair_label_sums": OpSpec(
        "quad = e'Ke, linear = e'K1, total = 1'K1 for every labelling e and every scale s. With h = s |z_i - z_j|^2, "
        "K_ij is exp(-h / 2) for the kernel gaussian, exp(-sqrt h) for laplace, -sqrt h for distance; K_ii = 0. Rows "
        "lie around the origin: h comes from products, which cancel far from it. Memory is a few tiles, K is never "
        "stored.",
        "z float (N, d), labels uint8 (N, ceil(P / 8)), count = P, kernel, scales float64 (S,) above 0 "
        "-> float64 (S, P), float64 (S, P), float64 (S,)",
        rtol=1e-10,
    ),
    "pair_row_sums": OpSpec(
        "K @ w with the same K.",
        "z float (N, d), w float64 (N, q), kernel, scales float64 (S,) -> float64 (S, N, q)",
        rtol=1e-10,
    ),
    "pair_group_sums": OpSpec(
        "B'KB with the same K, B the indicators of G runs of consecutive rows; run g is the rows from ends[g - 1] up "
        "to ends[g], the first from 0; ends rise to N.",
        "z float (N, d), ends int64 (G,), kernel, scales float64 (S,) -> float64 (S, G, G), symmetric to the bit",
        rtol=1e-10,
    ),
    "cross_row_sums": OpSpec(
        "K @ w and K' @ v with K between the rows of x and those of y, both around the origin; no pair is left out.",
        "x float (a, d), y float (b, d), w float64 (b, q), v float64 (a, r), kernel, scales float64 (S,) "
        "-> float64 (S, a, q), float64 (S, b, r)",
        rtol=1e-10,
    ),
    "cross_group_sums": OpSpec(
        "A'KB with the same K, A and B the indicators of the runs of x and of y.",
        "x float (a, d), x_ends int64 (G,), y float (b, d), y_ends int64 (H,), kernel, scales float64 (S,) "
        "-> float64 (S, G, H)",
        rtol=1e-10,
    ),
    "subset_pair_sums": OpSpec(
        "e'Ke with the K of pair_label_sums, for the indicator e of each subset: row numbers, all different.",
        "z float (N, d), subsets int64 (P, m), kernel, scales float64 (S,) -> float64 (S, P)",
        rtol=1e-10,
    ),
    "phase_totals": OpSpec(
        "With T entries of the table to a turn, the phase of row i at frequency r is T (z turns)_ir, rounded half to "
        "even, modulo T. Of every run of consecutive rows, as in pair_group_sums, the sums of the table's entries at "
        "the phases, then at the phases less T / 4. Values of z and turns are whole steps of powers of two, so few "
        "that their products are exact in any order.",
        "z float64 (N, d), turns float64 (d, R), table int64 (T,) with T a power of two from 4 on and entries up to "
        "2^20, ends int64 (G,) -> int64 (G, 2 R)",
    ),
    "phase_products": OpSpec(
        "To the phases of phase_totals those of a row's codes are added, T added[codes_ic] for every c. With f the "
        "table's entries at a row's phases, then at the phases less T / 4, then 1: the sum of f f' over all rows.",
        "z, turns as in phase_totals, codes int64 (N, c) from 0 to K - 1, added float64 (K, R) whole steps as the "
        "products are, table int64 (T,) with entries up to 2^7 -> int64 (2 R + 1, 2 R + 1)",
    ),
}

OPS: Mapping[str, OpSpec] = MappingProxyType(_OPS)
"""Every operation by name."""
