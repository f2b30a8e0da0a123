"""What is evaluated: names, and for each an object with fit and detect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accel_drift.errors import ConfigError
from accel_drift.evaluation.dummies import dummies
from accel_drift.evaluation.ours import own

_HOW = (
    "give an object with fit(reference) and detect(batch), one of ours such as accel_drift.PSI(), a list of ours for "
    "one verdict, or another library's through evaluation.adapters"
)


def named(contenders: Any, rate: float) -> tuple[dict[str, Any], frozenset[str]]:
    """The contenders by name, the dummies last; and the names of the dummies.

    Args:
        contenders: name -> contender; or a list, which are then called by their detectors' own names.
        rate: of the dummy that alarms at random.

    Raises:
        ConfigError: there is none, two have one name, or something is no contender.
    """
    if isinstance(contenders, Mapping):
        given = [(name, value) for name, value in contenders.items()]
    elif isinstance(contenders, Sequence) and not isinstance(contenders, str):
        given = [(_name(value), value) for value in contenders]
    else:
        raise ConfigError(f"contenders is {type(contenders).__name__}; it is a dict of names, or a list; {_HOW}")
    if not given:
        raise ConfigError(f"there are no contenders; {_HOW}")
    made: dict[str, Any] = {}
    beside = dummies(rate)
    for name, value in given:
        if not isinstance(name, str) or not name.strip():
            raise ConfigError(f"a contender is called {name!r}; its name is a text")
        if name in beside:
            raise ConfigError(f"a contender is called {name!r}, as a dummy that stands beside every result; rename it")
        if name in made:
            raise ConfigError(f"two contenders are called {name!r}; give a dict with a name of its own for each")
        made[name] = contender(value, name)
    return {**made, **beside}, frozenset(beside)


def contender(given: Any, name: str) -> Any:
    """The object with fit and detect that something stands for.

    Raises:
        ConfigError: it is a class, or nothing that can be fitted and asked.
    """
    if isinstance(given, type):
        raise ConfigError(f"contender {name!r} is the class {given.__name__}; give one of it: {given.__name__}()")
    ours = own(given)
    if ours is not None:
        return ours
    if isinstance(given, str):
        from accel_drift.detectors import get_detector

        return own(get_detector(given))
    if not callable(getattr(given, "fit", None)):
        raise ConfigError(f"contender {name!r} is {type(given).__name__}, which has no fit; {_HOW}")
    # Many have `detect` only once they are fitted.
    return given


def is_stateful(made: Any) -> bool:
    """Whether what a contender says of a batch depends on the batches before, as far as it says so."""
    return bool(getattr(made, "stateful", False))


def _name(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return " and ".join(_name(item) for item in value)
    inner = getattr(value, "detector", value)
    return str(getattr(inner, "name", type(inner).__name__))
