"""Many files as one data set: the same columns by name, their rows one after the other."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from accel_drift.data.concatenate import Misfit, joined, said_type, sort_of
from accel_drift.data.convert import type_group, without_values
from accel_drift.data.decoded import Decoded, Outcome, Rows, Source, merged_codes
from accel_drift.data.folders import Found, Part
from accel_drift.data.formats import format_of, open_file
from accel_drift.data.schema import NULL_TYPE, Column, Kind, Schema, listed
from accel_drift.data.table import NumericColumn
from accel_drift.errors import SchemaError, SourceError


def open_files(found: Found, expected: Collection[str] = ()) -> Source:
    """The columns of a data set of one or more files.

    Args:
        found: the files.
        expected: columns that are looked for. Where the files lack one that is a key of the folders above them, it is
            read from there: a part of a partitioned data set may be given alone.

    Raises:
        SourceError: a file cannot be read, or the files are of several formats.
        SchemaError: a file has other columns than the first.
    """
    if not found.lone:
        _one_format([part.path for part in found.parts])
    opened = [open_file(part.path) for part in found.parts]
    above = {key: value for key, value in found.above.items() if key in expected and key not in opened[0].names}
    if found.lone and not above:
        return replace(opened[0], default_name=found.name)
    parts = [replace(part, keys={**above, **part.keys}) for part in found.parts]
    for part, source in zip(parts, opened, strict=True):
        _same_names(part.path, source.names, parts[0].path, opened[0].names)
    keys = tuple(parts[0].keys)
    own = tuple(name for name in opened[0].names if name not in keys)

    def load(wanted: Sequence[str], schema: Schema | None) -> Rows:
        inside = [name for name in wanted if name in own]
        read = [source.load(inside, schema) for source in opened]
        counts = [rows for rows, _ in read]
        columns: dict[str, Outcome] = {}
        for name in wanted:
            if name in own:
                columns[name] = _column(name, [found[name] for _, found in read], parts, opened)
            else:
                columns[name] = key_column(name, [part.keys[name] for part in parts], counts, schema)
        return sum(counts), columns

    def pieces(wanted: Sequence[str], schema: Schema | None) -> Iterator[Rows]:
        inside = [name for name in wanted if name in own]
        # What a key's values are together decides what each is.
        told = {
            name: key_column(name, [part.keys[name] for part in parts], [1] * len(parts), schema)
            for name in wanted
            if name not in own
        }
        first: dict[str, tuple[int, Outcome]] = {}
        for place, source in enumerate(opened):
            for rows, read in source.in_pieces(inside, schema):
                _must_be_alike(first, place, read, parts)
                at = np.full(rows, place)
                keys = {n: replace(one, column=one.column.take(at)) for n, one in told.items()}
                yield rows, {n: read[n] if n in own else keys[n] for n in wanted}

    total = None if any(source.rows is None for source in opened) else sum(source.rows or 0 for source in opened)
    return Source((*own, *keys), load, opened[0].index, default_name=found.name, pieces=pieces, rows=total)


def _one_format(paths: Sequence[Path]) -> None:
    families: dict[str, Path] = {}
    for path in paths:
        try:
            families.setdefault(format_of(path).family, path)
        except SourceError as error:
            way = f"choose with a pattern such as '{path.parent}/*.parquet'"
            raise SourceError(f"{path.name} is no data file ({error}); take it away, or {way}") from error
    if len(families) > 1:
        told = " and ".join(f"{said} ({path.name})" for said, path in families.items())
        raise SourceError(f"the files are of several formats: {told}; choose with a pattern such as 'folder/*.parquet'")


def _same_names(path: Path, names: tuple[str, ...], first: Path, expected: tuple[str, ...]) -> None:
    more = [name for name in names if name not in expected]
    less = [name for name in expected if name not in names]
    if more or less:
        told = [f"has {listed(more)} more"] * bool(more) + [f"lacks {listed(less)}"] * bool(less)
        raise SchemaError(f"{path} {' and '.join(told)}, compared with {first}; all files must have the same columns")


def _column(name: str, outcomes: list[Outcome], parts: Sequence[Part], opened: Sequence[Source]) -> Outcome:
    try:
        return joined(name, outcomes)
    except Misfit as misfit:
        if format_of(parts[0].path).family == "delimited text":
            # What one whole file would have been: a column is numbers only where every line of it is.
            as_text = Schema((Column(name, Kind.CATEGORICAL, "string"),))
            return joined(name, [source.load([name], as_text)[1][name] for source in opened])
        raise _differ(name, misfit, parts) from misfit


def _must_be_alike(
    first: dict[str, tuple[int, Outcome]], place: int, read: Mapping[str, Outcome], parts: Sequence[Part]
) -> None:
    """Whether the rows of a file hold what the first ones did; `first` learns of each column where it had a value."""
    for name, outcome in read.items():
        if sort_of(outcome) == NULL_TYPE:
            continue
        one, like = first.setdefault(name, (place, outcome))
        if sort_of(like) != sort_of(outcome):
            raise _differ(name, Misfit((one, place), (said_type(like), said_type(outcome))), parts)


def _differ(name: str, misfit: Misfit, parts: Sequence[Part]) -> SchemaError:
    first, other = (parts[place].path for place in misfit.places)
    return SchemaError(
        f"{other}: column {name!r} is {misfit.types[1]}, but {misfit.types[0]} in {first}; write the files with one "
        f"type, or leave the column out with drop=[{name!r}]"
    )


def key_column(name: str, values: Sequence[str | None], counts: Sequence[int], schema: Schema | None) -> Decoded:
    """The column that a key of the folders makes: whole numbers or dates where all are, else text.

    Args:
        name: the key.
        values: its value for each file; None is null.
        counts: rows of each file.
        schema: the reference's columns; what was text there stays text.
    """
    was = schema.get(name) if schema else None
    texts = [value for value in values if value is not None]
    as_text = not texts or (was is not None and type_group(was.type) == "text")
    rows = np.repeat(np.arange(len(values)), counts)
    if not texts and was is not None:
        return Decoded(without_values(name, len(rows), Column(name, Kind.NUMERIC, NULL_TYPE)), NULL_TYPE)
    if not as_text and all(re.fullmatch(r"-?\d{1,18}", text) for text in texts):
        whole = np.array([0 if value is None else int(value) for value in values], np.int64)
        return Decoded(_numbers(name, whole[rows], values, rows), "int64")
    if not as_text and (days := _days(values)) is not None:
        return Decoded(_numbers(name, days[rows], values, rows, Kind.TIMESTAMP, "D"), "date32[day]")
    place = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    codes = np.array([-1 if value is None else place[value] for value in values], np.int64)
    return Decoded(merged_codes(name, [(codes[rows], list(place))]), "string")


def _days(values: Sequence[str | None]) -> npt.NDArray[np.int64] | None:
    """Days since 1970 where every value is a date such as 2024-01-31."""
    if not all(value is None or re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) for value in values):
        return None
    try:
        return np.array([value or "1970-01-01" for value in values], "M8[D]").astype(np.int64)
    except ValueError:
        return None


def _numbers(
    name: str,
    numbers: npt.NDArray[np.int64],
    values: Sequence[str | None],
    rows: npt.NDArray[np.intp],
    kind: Kind = Kind.NUMERIC,
    unit: str = "",
) -> NumericColumn:
    present = np.array([value is not None for value in values], bool)[rows]
    nulls = int(present.size - np.count_nonzero(present))
    return NumericColumn(name, numbers, present if nulls else None, nulls, 0, kind, unit)
