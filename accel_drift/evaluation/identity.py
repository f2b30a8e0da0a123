"""A text that says what a contender or a scenario is, the same in every process and on every day.

It is made of options, arrays and code; what a part of a study is kept under is a digest of it. Two things with the same
text are taken to be the same, so the text holds all that can be seen to decide what they do:

- of a class of one's own the code of its methods (static ones, class methods and properties, too), their default values
  and decorators, its class attributes, and the same of its bases;
- of a function of one's own its code, defaults, closure and attributes;
- of both, in turn, every function, class and value at the top level of a module that their code names: helpers,
  constants, the class that a fit gives back, in other modules, too;
- of what is from an installed package its name and the package's version, such as river 0.26.0.

It cannot see what is looked up by a text (getattr, globals), what lies in files and environment variables, compiled
code of one's own, nor what a module that a function imports imports in turn. Values of a module are those at the time
when the text is made. Comments and the lines that code stands on are not in it.
"""

from __future__ import annotations

import dis
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from importlib.util import resolve_name
from types import (
    BuiltinFunctionType,
    CellType,
    ClassMethodDescriptorType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

import numpy as np

from accel_drift.evaluation.origins import file_of, is_installed, version_of

_PLAIN = (str, bytes, int, float, complex, bool, type(None), type(Ellipsis), range, slice)
_NAMED = (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodWrapperType,
    WrapperDescriptorType,
    np.ufunc,
)
_LONGEST = 200
# What Python and dataclasses add to a class: none of it decides what a method does that its own code does not show.
_ADDED = frozenset(
    [
        "__abstractmethods__",
        "__annotate__",
        "__annotate_func__",
        "__annotations__",
        "__annotations_cache__",
        "__dataclass_fields__",
        "__dataclass_params__",
        "__dict__",
        "__doc__",
        "__firstlineno__",
        "__module__",
        "__orig_bases__",
        "__parameters__",
        "__slotnames__",
        "__static_attributes__",
        "__weakref__",
        "_abc_impl",
    ]
)


def digest(*parts: Any) -> str:
    """32 letters and digits that differ where the parts do."""
    return _hash("\n".join(identity(part) for part in parts), 16)


def identity(thing: Any) -> str:
    """What a thing is, as a text."""
    made = _Writer()
    return "\n".join([made.text(thing), *made.rest()])


class _Writer:
    """Writes one text: classes and functions of one's own have a number, and are described once, after the rest."""

    def __init__(self) -> None:
        # Things are kept beside what was made of them: the address of one that is gone may be another's.
        self._places: dict[int, tuple[Any, int]] = {}
        self._own: list[tuple[str, Any, Callable[[Any], str]]] = []
        self._texts: dict[int, tuple[Any, str]] = {}

    def text(self, thing: Any, above: tuple[int, ...] = ()) -> str:
        if isinstance(thing, _PLAIN) and type(thing) in _PLAIN:
            return repr(thing)
        if id(thing) in self._texts:
            return self._texts[id(thing)][1]
        if id(thing) in above:
            return f"<above {len(above) - above.index(id(thing))}>"
        made = self._of(thing, (*above, id(thing)))
        made = made if len(made) <= _LONGEST else f"{made[: _LONGEST // 2]}... {_hash(made, 16)}"
        self._texts[id(thing)] = thing, made
        return made

    def rest(self) -> Iterator[str]:
        """The classes and functions that were met so far, and those that these lead to."""
        at = 0
        while at < len(self._own):
            name, thing, describe = self._own[at]
            yield f"{name} = {describe(thing)}"
            at += 1

    def _of(self, thing: Any, inside: tuple[int, ...]) -> str:
        if isinstance(thing, np.ndarray | np.generic):
            return self._array(np.asarray(thing), inside)
        if type(thing) in (dict, MappingProxyType):
            return self._mapping(thing, inside)
        if type(thing) in (list, tuple):
            return f"{type(thing).__name__}[{', '.join(self.text(item, inside) for item in thing)}]"
        if type(thing) in (set, frozenset):
            return f"set[{', '.join(sorted(self.text(item, inside) for item in thing))}]"
        return self._of_code(thing, inside)

    def _mapping(self, thing: Mapping[Any, Any], inside: tuple[int, ...]) -> str:
        # Keys first: the numbers of classes and functions depend on which is met first.
        keys = sorted(((self.text(key, inside), key) for key in thing), key=lambda pair: pair[0])
        return "{" + ", ".join(f"{name}: {self.text(thing[key], inside)}" for name, key in keys) + "}"

    def _array(self, array: Any, inside: tuple[int, ...]) -> str:
        if array.dtype.hasobject:
            return f"array{array.dtype.str}{array.shape}({self.text(array.ravel().tolist(), inside)})"
        held = hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).hexdigest()
        return f"array({array.dtype.str}, {array.shape}, {held})"

    def _of_code(self, thing: Any, inside: tuple[int, ...]) -> str:
        """Classes, functions, modules, and what is made of them."""
        if isinstance(thing, type):
            return self._class(thing)
        if isinstance(thing, FunctionType):
            return self._numbered("function", thing, self._function)
        if isinstance(thing, partial):
            return f"partial({self._each([thing.func, thing.args, thing.keywords], inside)})"
        if isinstance(thing, MethodType):
            return f"method({self._each([thing.__self__, thing.__func__], inside)})"
        if isinstance(thing, staticmethod | classmethod):
            return f"{type(thing).__name__}({self.text(thing.__func__, inside)})"
        if isinstance(thing, property):
            return f"property({self._each([thing.fget, thing.fset, thing.fdel], inside)})"
        if isinstance(thing, ModuleType):
            return _module(thing.__name__)
        if isinstance(thing, _NAMED):
            return self._builtin(thing, inside)
        return self._instance(thing, inside)

    def _each(self, things: list[Any], inside: tuple[int, ...]) -> str:
        return ", ".join(self.text(thing, inside) for thing in things)

    def _numbered(self, word: str, thing: Any, describe: Callable[[Any], str]) -> str:
        """The name of a class or a function, which is described later: it may lead back to where it was met."""
        if id(thing) not in self._places:
            self._places[id(thing)] = thing, len(self._places)
            name = f"{word} {thing.__module__}.{thing.__qualname__} #{len(self._own)}"
            self._own.append((name, thing, describe))
        return self._own[self._places[id(thing)][1]][0]

    def _class(self, kind: type) -> str:
        if is_installed(kind.__module__):
            return _versioned(f"class {kind.__module__}.{kind.__qualname__}", kind.__module__)
        return self._numbered("class", kind, self._described)

    def _described(self, kind: type) -> str:
        own = {name: value for name, value in vars(kind).items() if name not in _ADDED}
        return self._each([type(kind), kind.__bases__, own], ())

    def _function(self, thing: FunctionType) -> str:
        kept = [thing.__defaults__, thing.__kwdefaults__, vars(thing), [_filled(c) for c in thing.__closure__ or ()]]
        home = thing.__globals__.get("__name__")
        if is_installed(home):
            # One that a package made around a function of one's own has that one's name, or none of its own.
            whole = not is_installed(thing.__module__) or "<locals>" in thing.__qualname__
            named = _versioned(f"{home}.{thing.__code__.co_qualname}", home)
            return f"{named}({self._each(kept, ()) if whole else ''})"
        used = _Used.of(thing.__code__)
        known = {name: thing.__globals__[name] for name in sorted(used.values) if name in thing.__globals__}
        values = {name: value for name, value in known.items() if not isinstance(value, ModuleType)}
        for name, value in known.items():
            if isinstance(value, ModuleType):
                values |= _within(value, used.names, name)
        imported = sorted(_imported(name, level, thing.__globals__) for name, level in used.imports)
        return f"{_code(thing.__code__, self)}({self._each([*kept, values], ())}, {imported})"

    def _builtin(self, thing: Any, inside: tuple[int, ...]) -> str:
        owner = getattr(thing, "__self__", None)
        module = getattr(thing, "__module__", None) or getattr(getattr(thing, "__objclass__", None), "__module__", "")
        named = _versioned(f"{type(thing).__name__} {module}.{thing.__name__}", module)
        return named if owner is None or isinstance(owner, ModuleType) else f"{named} of {self.text(owner, inside)}"

    def _instance(self, thing: Any, inside: tuple[int, ...]) -> str:
        kind = type(thing)
        named = self.text(kind, inside)
        if is_dataclass(kind) and is_installed(kind.__module__):
            return f"{named}({self.text({f.name: getattr(thing, f.name) for f in fields(thing) if f.compare}, inside)})"
        if callable(getattr(thing, "detach", None)) and hasattr(thing, "dtype"):
            return f"{named}({thing.dtype}, {self._array(_of_tensor(thing), inside)})"
        around = getattr(thing, "__dict__", {}).get("__wrapped__")
        if around is not None and is_installed(kind.__module__):
            # What numba, functools and others make of a function: their own state is not the same in every process.
            return f"{named}({self._each([around, getattr(thing, 'targetoptions', None)], inside)})"
        return f"{named}({self._each(_state(thing), inside)})"


class _Used:
    """What the code of a function names.

    Attributes:
        values: names that it looks up in its module.
        names: these, and those of attributes.
        imports: modules that it imports when it runs, with the level of a relative import.
    """

    def __init__(self) -> None:
        self.values: set[str] = set()
        self.names: set[str] = set()
        self.imports: set[tuple[str, int]] = set()

    @classmethod
    def of(cls, code: CodeType) -> _Used:
        made = cls()
        made._add(code)
        return made

    def _add(self, code: CodeType) -> None:
        self.names |= set(code.co_names)
        numbers: list[Any] = []
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                self.values.add(step.argval)
            elif step.opname == "IMPORT_NAME":
                # Below it lie the level and the names that are taken.
                level = next((n for n in reversed(numbers[-2:]) if type(n) is int), 0)
                self.imports.add((step.argval, level))
            if step.opname.startswith(("LOAD_CONST", "LOAD_SMALL_INT")):
                numbers.append(step.argval)
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._add(constant)


def _within(module: ModuleType, names: set[str], path: str) -> dict[str, Any]:
    """What code can mean that names a module and attributes: its values, and those of modules within it."""
    if is_installed(module.__name__):
        return {path: module}
    found: dict[str, Any] = {}
    for name in sorted(names):
        value = vars(module).get(name)
        if isinstance(value, ModuleType) and value.__name__.startswith(f"{module.__name__}."):
            found |= _within(value, names, f"{path}.{name}")
        elif name in vars(module):
            found[f"{path}.{name}"] = value
    return found


def _imported(name: str, level: int, around: Mapping[str, Any]) -> str:
    try:
        return _module(resolve_name("." * level + name, str(around.get("__package__") or "")))
    except ImportError:
        return name


def _module(name: str) -> str:
    """A module by its version, or where it is one's own by its whole source."""
    if is_installed(name):
        return _versioned(f"module {name}", name)
    source = file_of(name)
    try:
        return f"module {name} {_hash('' if source is None else source.read_text(encoding='utf-8'), 16)}"
    except (OSError, UnicodeDecodeError):
        return f"module {name}"


def _versioned(named: str, module: str | None) -> str:
    version = version_of(module) if is_installed(module) else ""
    return f"{named} of {version}" if version else named


def _filled(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not yet filled
        return None


def _code(code: CodeType, writer: _Writer) -> str:
    """Of the instructions and constants, without the lines they stand on and the docstring."""
    made = hashlib.blake2b(code.co_code, digest_size=8)
    made.update(code.co_exceptiontable)
    counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags
    made.update(repr((counts, code.co_names, code.co_varnames[: sum(counts[:3])])).encode())
    for constant in code.co_consts:
        made.update((_code(constant, writer) if isinstance(constant, CodeType) else writer.text(constant)).encode())
    return made.hexdigest()


def _state(thing: Any) -> list[Any]:
    """What a thing is made anew of, as a copy of it would be; its attributes where it has no such form."""
    try:
        made = thing.__reduce_ex__(4)
    except Exception:  # noqa: BLE001  whatever a class raises that cannot be copied
        slots = [name for base in type(thing).__mro__ for name in getattr(base, "__slots__", ())]
        return [getattr(thing, "__dict__", {}), {s: getattr(thing, s) for s in slots if hasattr(thing, s)}]
    if isinstance(made, str):
        module = getattr(thing, "__module__", None)
        return [f"{module}.{made}", version_of(module)]
    maker, arguments, state, items, pairs = (*made, None, None, None)[:5]
    how = getattr(maker, "__qualname__", "")
    return [how, arguments, state, list(items or ()), [list(pair) for pair in pairs or ()]]


def _of_tensor(tensor: Any) -> Any:
    """Its numbers: its own form for copies holds an address."""
    here = tensor.detach().cpu()
    try:
        return np.asarray(here)
    except TypeError:  # NumPy has no such numbers
        return np.asarray(here.double())


def _hash(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()
