"""The section of detectors: a key for each detector, made from its class, so that nothing is said twice."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, cast, get_args, get_type_hints

from pydantic import AfterValidator, Field, create_model, field_validator, model_validator

from accel_drift.config.sections import Section, among
from accel_drift.detectors import get_class, names
from accel_drift.detectors.base import Detector, in_order
from accel_drift.errors import ConfigError
from accel_drift.profiles.learning import DEFAULT_DETECTORS
from accel_drift.statistics.outcome import Bands

SHARED = ("alpha", "block", "seed")
"""Options that a report has once for all of its detectors: keys of the section `drift`."""

_BOUNDS: dict[str, Any] = {
    "min_effect": Field(ge=0),
    "tolerance": Field(ge=0),
    "permutations": Field(ge=19),
    "bins": Field(ge=2, le=1000),
    "pseudo_count": Field(ge=0),
}


if TYPE_CHECKING:
    DetectorName: TypeAlias = str
else:
    DetectorName = among(names())


class DetectorOptions(Section):
    """Options of one detector."""


class Detectors(Section):
    """What windows are tested with, and the options of each.

    P-values say whether there is a difference; severity_bands how severe it is, min_effect how large it must be.
    """

    use: Annotated[tuple[DetectorName, ...], Field(min_length=1)] = DEFAULT_DETECTORS
    """The detectors in use."""

    @field_validator("use")
    @classmethod
    def _each_once(cls, use: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({name for name in use if use.count(name) > 1}):
            raise ConfigError(f"{', '.join(twice)} is named twice; a report has one detector of a name")
        return use

    @model_validator(mode="after")
    def _used(self) -> Detectors:
        idle = [name for name in self.model_fields_set if name != "use" and name not in self.use]
        if idle:
            raise ConfigError(f"{idle[0]} has options and is not in use; add it to detectors.use, or leave them out")
        return self

    def made(self) -> list[Detector]:
        """The detectors, with their options."""
        return [get_class(name)(**options_of(self, name).changed()) for name in self.use]


def options_of(section: Detectors, name: str) -> DetectorOptions:
    """The options of a detector; those of its class where none are given."""
    found = getattr(section, name)
    kind: type[DetectorOptions] = _OPTIONS[name]
    return kind() if found is None else found


def described(kind: type) -> dict[str, str]:
    """The first sentence of what is said of each field of a class under `Attributes:`, its bases' among them."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        text = inspect.cleandoc(base.__dict__.get("__doc__") or "")
        _, _, told = text.partition("\nAttributes:\n")
        told = told.split("\n\n")[0]
        for name, words in re.findall(r"^    (\w+): (.*(?:\n        .*)*)", told, re.MULTILINE):
            first = re.split(r"(?<=\.) (?=[A-Z])", " ".join(words.split()).replace("None", "null").replace("`", ""))[0]
            found[name] = first[:1].upper() + first[1:]
    return found


def _model(name: str) -> type[DetectorOptions]:
    kind = get_class(name)
    hints, told = get_type_hints(kind), described(kind)
    keys: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in SHARED or not field.init:
            continue
        default = field.default
        if field.name == "severity_bands":
            default = kind.bands or None
        elif default is MISSING:
            continue
        bound = _BOUNDS.get(field.name)
        keys[field.name] = _bounded(hints[field.name], bound), Field(default, description=told.get(field.name, ""))

    def can_be_made(self: DetectorOptions) -> DetectorOptions:
        kind(**self.changed())
        return self

    return create_model(
        f"{kind.__name__}Options",
        __base__=DetectorOptions,
        __doc__=(inspect.getdoc(kind) or "").splitlines()[0],
        __validators__={"can_be_made": cast("Any", model_validator(mode="after")(can_be_made))},
        **keys,
    )


def _bounded(hint: Any, bound: Any) -> Any:
    """The type with bounds, which hold where there is a value: pydantic takes none of a union with None."""
    if hint == Bands | None:
        bands: Any = Annotated[Bands, AfterValidator(in_order), Field(examples=[[0.1, 0.2, 0.25]])]
        return bands | None
    if bound is None:
        return hint
    parts = get_args(hint)
    if type(None) not in parts:
        return Annotated[hint, bound]
    (one,) = (part for part in parts if part is not type(None))
    held: Any = Annotated[one, bound]
    return held | None


_OPTIONS = {name: _model(name) for name in names()}

WithOptions: Any = create_model(
    "Detectors",
    __base__=Detectors,
    __doc__=Detectors.__doc__,
    **{name: (kind | None, Field(default=None, description=kind.__doc__)) for name, kind in _OPTIONS.items()},  # type: ignore[call-overload]
)
"""`Detectors` with a key for each detector."""
