"""A text that says what a contender or a scenario is, the same in every process and on every day.

It is made of classes, options, arrays and the code of functions; what a part of a study is kept under is a digest of
it. Two things with the same text are taken to be the same. A library's own code is named and not read: after an upgrade
of it, run the study into another folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from functools import partial
from types import CodeType
from typing import Any

import numpy as np

_PLAIN = (str, bytes, int, float, complex, bool, type(None), type(Ellipsis))


def digest(*parts: Any) -> str:
    """32 letters and digits that differ where the parts do."""
    return hashlib.blake2b("\n".join(identity(part) for part in parts).encode(), digest_size=16).hexdigest()


def identity(thing: Any) -> str:
    """What a thing is, as a text."""
    return _text(thing, ())


def _text(thing: Any, above: tuple[int, ...]) -> str:
    if isinstance(thing, _PLAIN):
        return repr(thing)
    if id(thing) in above:
        return f"<above {len(above) - above.index(id(thing))}>"
    inside = (*above, id(thing))
    if isinstance(thing, np.ndarray | np.generic):
        return _array(np.asarray(thing), inside)
    if isinstance(thing, Mapping):
        return "{" + ", ".join(sorted(f"{_text(k, inside)}: {_text(v, inside)}" for k, v in thing.items())) + "}"
    if isinstance(thing, AbstractSet | list | tuple):
        items = [_text(item, inside) for item in thing]
        return f"[{', '.join(sorted(items) if isinstance(thing, AbstractSet) else items)}]"
    return _code_of(thing, inside)


def _code_of(thing: Any, inside: tuple[int, ...]) -> str:
    """Classes and functions, and what is made of them."""
    if isinstance(thing, type):
        return f"class {thing.__module__}.{thing.__qualname__}"
    if isinstance(thing, partial):
        return f"partial({_text([thing.func, list(thing.args), thing.keywords], inside)})"
    if hasattr(thing, "__func__"):
        return f"method({_text([thing.__self__, thing.__func__], inside)})"
    if hasattr(thing, "__code__"):
        return _function(thing, inside)
    if callable(thing) and hasattr(thing, "__name__"):
        return f"callable {getattr(thing, '__module__', '')}.{thing.__name__}"
    return _instance(thing, inside)


def _array(array: Any, inside: tuple[int, ...]) -> str:
    if array.dtype == object:
        return f"array{array.shape}({_text(array.ravel().tolist(), inside)})"
    held = hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).hexdigest()
    return f"array({array.dtype.str}, {array.shape}, {held})"


def _function(thing: Any, inside: tuple[int, ...]) -> str:
    cells = []
    for cell in thing.__closure__ or ():
        try:
            cells.append(_text(cell.cell_contents, inside))
        except ValueError:  # not yet filled
            cells.append("")
    given = _text([thing.__defaults__, thing.__kwdefaults__], inside)
    return f"function {thing.__module__}.{thing.__qualname__}({_code(thing.__code__)}, {given}, {cells})"


def _code(code: CodeType) -> str:
    """Of the instructions and constants, without the lines they stand on."""
    made = hashlib.blake2b(code.co_code, digest_size=8)
    for constant in code.co_consts:
        made.update((_code(constant) if isinstance(constant, CodeType) else _text(constant, ())).encode())
    made.update(repr(code.co_names).encode())
    return made.hexdigest()


def _instance(thing: Any, inside: tuple[int, ...]) -> str:
    kind = type(thing)
    named = f"{kind.__module__}.{kind.__qualname__}"
    if is_dataclass(thing):
        state: dict[str, Any] = {f.name: getattr(thing, f.name) for f in fields(thing) if f.compare}
    elif callable(getattr(thing, "get_params", None)):
        state = thing.get_params()
    else:
        slots = [name for base in kind.__mro__ for name in getattr(base, "__slots__", ())]
        state = {**getattr(thing, "__dict__", {}), **{s: getattr(thing, s) for s in slots if hasattr(thing, s)}}
        named += f"[{_methods(kind)}]"
    return f"{named}({_text(state, inside)})"


def _methods(kind: type) -> str:
    """The code of a class's own methods, so that a changed detector is run again."""
    own = [(name, getattr(value, "__code__", None)) for name, value in sorted(vars(kind).items())]
    return hashlib.blake2b(
        "".join(f"{name}{_code(code)}" for name, code in own if code is not None).encode(), digest_size=8
    ).hexdigest()
