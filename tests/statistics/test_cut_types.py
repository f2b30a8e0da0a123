"""Cuts between cells mean the same in whatever type a column is."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_drift.statistics.cells import just_below
from accel_drift.statistics.cut_types import cuts_as

NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.floats(allow_nan=False, width=32), st.just(-0.0)
)


def in_type(numbers: list[Any], name: str) -> np.ndarray[Any, Any]:
    """Numbers of a type: rounded to it, or those that it has."""
    dtype = np.dtype(name)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.array(numbers, np.float64).astype(dtype)
    limits = np.iinfo(dtype)
    whole = [int(v) for v in numbers if np.isfinite(v)]
    return np.array([v for v in whole if limits.min <= v <= limits.max], dtype)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["f4", "f8", "i8", "u8"]), st.lists(NUMBERS, max_size=6), st.lists(NUMBERS, max_size=6))
def test_cuts_in_another_type_separate_the_same_values(name: str, cuts: list[Any], values: list[Any]) -> None:
    made = np.unique(in_type(cuts, name))
    for other in ("f4", "f8", "i1", "u2", "i8", "u8"):
        if name[0] == other[0] == "f" and name != other:
            continue
        there, below = cuts_as(made, np.dtype(other))
        assert list(there) == sorted(there)
        for value in in_type([*values, *cuts], other):
            assert below + int((there < value).sum()) == sum(cut < value.item() for cut in made.tolist())


@settings(max_examples=300, deadline=None)
@given(st.lists(NUMBERS, max_size=6), st.lists(NUMBERS, max_size=6))
def test_cuts_of_float32_separate_numbers_as_they_are_rounded(cuts: list[Any], values: list[Any]) -> None:
    made, wide = np.unique(in_type(cuts, "f4")), in_type([*values, *cuts], "f8")
    there, below = cuts_as(made, np.dtype("f8"))
    assert below == 0
    for fine, coarse in zip(wide, in_type([*values, *cuts], "f4"), strict=True):
        if np.isfinite(coarse):
            assert (there < fine).sum() == (made < coarse).sum()


@settings(max_examples=300, deadline=None)
@given(st.lists(NUMBERS, max_size=6), st.lists(NUMBERS, max_size=6))
def test_cuts_rounded_to_float32_separate_rounded_numbers(cuts: list[Any], values: list[Any]) -> None:
    made = np.unique(in_type(cuts, "f8"))
    made = made[np.isfinite(in_type(made.tolist(), "f4"))]
    own = np.unique(np.concatenate([made, just_below(made)]))  # each value has a cell of its own
    there, below = cuts_as(own, np.dtype("f4"))
    assert below == 0
    assert (np.diff(there) > 0).all()
    if (
        len(np.unique(made.astype("f4"))) == len(made)
        and (np.diff(made.astype("f4")) > np.spacing(there[1::2][1:])).all()
    ):
        assert [int((there < v).sum()) for v in made.astype("f4")] == [2 * i + 1 for i in range(len(made))]
    apart = [v for v in in_type(values, "f4") if v not in there]
    assert all((there < v).sum() == (own < v).sum() for v in apart)
