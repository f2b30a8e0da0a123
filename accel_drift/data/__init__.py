"""The data door: rows from anywhere in, columns on the host and blocks on the device out.

Nothing here imports pandas, and `import accel_drift.data` does not import pyarrow: the readers do when used.
"""

from __future__ import annotations

from accel_drift.data.block import Block, Columns, category_union, dtype_class, numeric_columns
from accel_drift.data.calendar import block_ids
from accel_drift.data.read import read_table
from accel_drift.data.schema import Column, Kind, Schema, SchemaDiff, common, comparable, diff
from accel_drift.data.table import CategoricalColumn, EmbeddingColumn, NumericColumn, Table, TableColumn

__all__ = [
    "Block",
    "CategoricalColumn",
    "Column",
    "Columns",
    "EmbeddingColumn",
    "Kind",
    "NumericColumn",
    "Schema",
    "SchemaDiff",
    "Table",
    "TableColumn",
    "block_ids",
    "category_union",
    "common",
    "comparable",
    "diff",
    "dtype_class",
    "numeric_columns",
    "read_table",
]
