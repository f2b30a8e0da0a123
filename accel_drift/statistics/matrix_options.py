"""The options of a joint test, and which values they may have."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, get_args

from accel_drift.data.schema import Kind
from accel_drift.errors import ConfigError
from accel_drift.statistics.aggregated import Rule
from accel_drift.statistics.kernel_sums import Estimator, Kernel
from accel_drift.statistics.reduction import Reduce, check_reduction
from accel_drift.statistics.rounding import Precision

Mode = Literal["rows", "groups", "auto"]
Scale = Literal["pooled", "calibration", "reference"]
Form = Literal["quadratic", "features", "incomplete"]
Bandwidth = float | Literal["median"] | Rule
MaxRows = int | Literal["auto"] | None

MOST_ROWS = 10_000
"""Rows of a side at most where that is left open and the cost grows with their square."""


_LEAST_TILE = 32
"""Rows of the smallest tile: 16 of either side where the sides are alike."""


class Shape(NamedTuple):
    """A form and its size: frequencies of features, rows of a tile; of all pairs there is none."""

    form: Form = "quadratic"
    size: int = 0


class Options(Protocol):
    """The options of a joint detector; see `accel_drift.MMD`."""

    kinds: ClassVar[tuple[Kind, ...]]
    kernel: ClassVar[Kernel]
    min_rows: ClassVar[int]

    @property
    def length(self) -> Bandwidth | None: ...  # noqa: D102
    @property
    def shape(self) -> Shape: ...  # noqa: D102
    @property
    def permutations(self) -> int: ...  # noqa: D102
    @property
    def stop_after(self) -> int | None: ...  # noqa: D102
    @property
    def tolerance(self) -> float | None: ...  # noqa: D102
    @property
    def mode(self) -> Mode: ...  # noqa: D102
    @property
    def time_budget_s(self) -> float: ...  # noqa: D102
    @property
    def group_size(self) -> int | None: ...  # noqa: D102
    @property
    def scale(self) -> Scale: ...  # noqa: D102
    @property
    def estimator(self) -> Estimator: ...  # noqa: D102
    @property
    def precision(self) -> Precision: ...  # noqa: D102
    @property
    def reduce(self) -> Reduce | None: ...  # noqa: D102
    @property
    def components(self) -> int: ...  # noqa: D102
    @property
    def max_rows(self) -> MaxRows: ...  # noqa: D102
    @property
    def most_rows(self) -> int | None: ...  # noqa: D102


def check(options: Options) -> None:
    """Refuse options of a joint detector that cannot work.

    Raises:
        ConfigError: one cannot.
    """
    for name, choices in (("mode", Mode), ("scale", Scale), ("estimator", Estimator), ("precision", Precision)):
        if getattr(options, name) not in get_args(choices):
            raise ConfigError(f"no {name} {getattr(options, name)!r}; there are {', '.join(get_args(choices))}")
    check_reduction(options)
    for name, least, what in (("group_size", 1, "rows"), ("max_rows", 2, "rows"), ("stop_after", 1, "exceedances")):
        value = getattr(options, name)
        if value is None or (name == "max_rows" and value == "auto"):
            continue
        if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
            other = '"auto" or None' if name == "max_rows" else "or None"
            raise ConfigError(f"{name} is {value!r}; it is a number of {what}, at least {least}, {other}")


def check_form(form: str, frequencies: Any, tile_rows: Any, estimator: str, bandwidth: Any) -> None:
    """Refuse a form and sizes that cannot work, alone or together with other options.

    Raises:
        ConfigError: they cannot.
    """
    if form not in get_args(Form):
        raise ConfigError(f"no form {form!r}; there are {', '.join(get_args(Form))}")
    for name, value, least, meaning in (
        ("frequencies", frequencies, 2, "random frequencies, such as 1000"),
        ("tile_rows", tile_rows, _LEAST_TILE, "rows of a tile, such as 2000"),
    ):
        if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
            raise ConfigError(f"{name} is {value!r}; it is a whole number of at least {least}: {meaning}")
    if form != "quadratic" and isinstance(bandwidth, str) and bandwidth != "median":
        raise ConfigError(
            f'bandwidth is {bandwidth!r} and form is {form!r}: with a linear form it is "median" or a length; '
            'use one of those, or form="quadratic"'
        )
    if form == "incomplete" and estimator != "unbiased":
        raise ConfigError(
            f'estimator is {estimator!r} and form is "incomplete": the bias would be that of one tile; use "unbiased"'
        )
