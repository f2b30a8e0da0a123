"""The options of a joint test, and which values they may have."""

from __future__ import annotations

from numbers import Integral
from typing import ClassVar, Literal, Protocol, get_args

from accel_drift.data.schema import Kind
from accel_drift.errors import ConfigError
from accel_drift.statistics.aggregated import Rule
from accel_drift.statistics.kernel_sums import Estimator, Kernel

Mode = Literal["rows", "groups"]
Scale = Literal["pooled", "calibration", "reference"]
Precision = Literal["float64", "float32"]
Bandwidth = float | Literal["median"] | Rule


class Options(Protocol):
    """The options of a joint detector; see `accel_drift.MMD`."""

    kinds: ClassVar[tuple[Kind, ...]]
    kernel: ClassVar[Kernel]
    min_rows: ClassVar[int]

    @property
    def length(self) -> Bandwidth | None: ...  # noqa: D102
    @property
    def permutations(self) -> int: ...  # noqa: D102
    @property
    def tolerance(self) -> float | None: ...  # noqa: D102
    @property
    def mode(self) -> Mode: ...  # noqa: D102
    @property
    def group_size(self) -> int | None: ...  # noqa: D102
    @property
    def scale(self) -> Scale: ...  # noqa: D102
    @property
    def estimator(self) -> Estimator: ...  # noqa: D102
    @property
    def precision(self) -> Precision: ...  # noqa: D102
    @property
    def max_rows(self) -> int | None: ...  # noqa: D102


def check(options: Options) -> None:
    """Refuse options of a joint detector that cannot work.

    Raises:
        ConfigError: one cannot.
    """
    for name, choices in (("mode", Mode), ("scale", Scale), ("estimator", Estimator), ("precision", Precision)):
        if getattr(options, name) not in get_args(choices):
            raise ConfigError(f"no {name} {getattr(options, name)!r}; there are {', '.join(get_args(choices))}")
    for name, least in (("group_size", 1), ("max_rows", 2)):
        value = getattr(options, name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
            raise ConfigError(f"{name} is {value!r}; it is a number of rows, at least {least}, or None")
