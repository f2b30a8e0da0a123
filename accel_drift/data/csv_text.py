"""CSV and TSV: text whose types are found once, in the reference, and then held to.

Missing is an empty field and, as in pandas, any of the spellings in `NULL_SPELLINGS`, quoted or not, in
text columns too; so a NaN in a column of numbers is a null here. Whole numbers beyond int64 become float64.
The file is UTF-8, separated by commas (or tabs), with one header line; empty lines are skipped. Whether it is
compressed is told by its extension.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from accel_drift.data.arrow import decode
from accel_drift.data.convert import type_group
from accel_drift.data.decoded import Decoded, Outcome, Rows, Source, truth_column
from accel_drift.data.schema import Column, Schema
from accel_drift.data.streams import one_line, unique
from accel_drift.data.table import CategoricalColumn
from accel_drift.errors import SchemaError, SourceError

NULL_SPELLINGS = (
    "", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None", "\\N",
)  # fmt: skip

_TRUE, _FALSE = ("true", "1", "yes", "t", "y"), ("false", "0", "no", "f", "n")


class _Text(NamedTuple):
    """A file of text and what separates its fields."""

    path: Path
    mark: str

    @property
    def format(self) -> str:
        """What the file is called in a message."""
        return "TSV" if self.mark == "\t" else "CSV"


def open_csv(path: Path) -> Source:
    """The columns of a file separated by commas; types come from the schema given to `load`, or from the text.

    Raises:
        SourceError: the file is not a table in UTF-8 text.
    """
    return _open(_Text(path, ","))


def open_tsv(path: Path) -> Source:
    """The columns of a file separated by tabs; else as `open_csv`."""
    return _open(_Text(path, "\t"))


def _open(text: _Text) -> Source:
    names = _header(text)

    def load(wanted: Sequence[str], schema: Schema | None) -> Rows:
        known = {c.name: c for c in schema.columns} if schema else {}
        as_text = [name for name in wanted if name in known and _is_text(known[name])]
        # Without any column Arrow would read them all.
        table = _read(text, list(wanted) or list(names[:1]), as_text)
        columns = {}
        for name in wanted:
            outcome = decode(name, table.schema.field(name).type, table.column(name).chunks)
            columns[name] = _held_to(text, name, outcome, known.get(name), table)
        return table.num_rows, columns

    return Source(names, load)


def _is_text(was: Column) -> bool:
    """Whether the reference asks for the text itself: "01234" is a number only where it was one."""
    return type_group(was.type) == "text" or was.group == "boolean"


def _header(text: _Text) -> tuple[str, ...]:
    import pyarrow.csv as pc

    try:
        with pc.open_csv(text.path, **_options(text, None, ())) as reader:
            names = unique(reader.schema.names)
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        raise _unreadable(text, error) from error
    other = next((m for m in ",;\t|" if m != text.mark and m in names[0]), "") if len(names) == 1 else ""
    if other:
        wanted = "tabs" if text.mark == "\t" else "commas"
        way = {"\t": "name it .tsv", ",": "name it .csv"}.get(other, f"write it again with {wanted}")
        raise SourceError(f"{text.path} seems to be separated by {other!r}; {way}")
    return names


def _read(text: _Text, names: list[str], as_text: list[str]) -> Any:
    import pyarrow.csv as pc

    try:
        # read_csv and not open_csv: it widens a type when a later line asks for it.
        return pc.read_csv(text.path, **_options(text, names, as_text))
    except (pa.ArrowException, OSError, EOFError) as error:
        raise _unreadable(text, error) from error


def _options(text: _Text, names: list[str] | None, as_text: Sequence[str]) -> dict[str, Any]:
    import pyarrow.csv as pc

    return {
        "parse_options": pc.ParseOptions(delimiter=text.mark, newlines_in_values=True),
        "convert_options": pc.ConvertOptions(
            null_values=list(NULL_SPELLINGS),
            strings_can_be_null=True,
            include_columns=names,
            column_types={name: pa.string() for name in as_text},
        ),
    }


def _unreadable(text: _Text, error: Exception) -> SourceError:
    said = one_line(error)
    if "Expected" in said and "columns" in said:
        apart = " or what separates the fields" if "Expected 1 columns" in said else ""
        said = f"its lines differ in length ({said.removeprefix('CSV parse error: ')}); repair that line{apart}"
    elif "Empty CSV" in said:
        said = "it has no header line"
    elif isinstance(error, UnicodeDecodeError) or "UTF8" in said or "UTF-8" in said:
        said = "it is not UTF-8 text; save it as UTF-8"
    return SourceError(f"{text.path} cannot be read as {text.format}: {said}")


def _held_to(text: _Text, name: str, found: Outcome, was: Column | None, table: Any) -> Outcome:
    """The column as the reference has it.

    Raises:
        SchemaError: a value cannot be what the reference's column is.
    """
    if not isinstance(found, Decoded):
        if "binary" in str(table.schema.field(name).type):
            said = f"column {name!r} is not UTF-8 text; save it as UTF-8"
            raise SourceError(f"{text.path} cannot be read as {text.format}: {said}")
        return found
    if was is None or was.group in ("any", "text") or type_group(was.type) == type_group(found.type):
        return found
    if was.group == "boolean":
        return Decoded(_truths(text.path, found.column), "bool") if found.type == "string" else found
    here = Column(name, found.column.kind, found.type).group
    if here in (was.group, "any"):
        return found
    raise _misfit(text.path, name, was, _first_odd(text, name, was))


def _truths(path: Path, column: Any) -> CategoricalColumn:
    """Truth values from their texts."""
    truth = np.zeros(len(column.categories) + 1, bool)
    for code, text in enumerate(column.categories):
        if text.lower() not in _TRUE + _FALSE:
            raise SchemaError(
                f"{path}: column {column.name!r} is boolean in the reference, but has {text!r} here; "
                f"repair the value, or leave the column out when the reference is learned: drop=[{column.name!r}]"
            )
        truth[code] = text.lower() in _TRUE
    return truth_column(column.name, truth[column.codes], column.present)


def _first_odd(text: _Text, name: str, was: Column) -> str:
    """The first value that is not what the reference's column is."""
    table = _read(text, [name], [name])
    for chunk in table.column(name).chunks:
        for value in chunk.to_pylist():
            if value is not None and not _fits(value, was.group):
                return str(value)
    return str(next((value for value in table.column(name).to_pylist() if value is not None), ""))


def _fits(text: str, group: str) -> bool:
    try:
        if group == "numeric":
            float(text)
        else:
            np.datetime64(text.rstrip("Z"))
    except ValueError:
        return False
    return True


def _misfit(path: Path, name: str, was: Column, value: str) -> SchemaError:
    thing = "numeric" if was.group == "numeric" else "a time"
    return SchemaError(
        f"{path}: column {name!r} is {thing} in the reference ({was.type}), but has {value!r} here; repair "
        f"the value or leave it empty, or leave the column out when the reference is learned: drop=[{name!r}]"
    )
