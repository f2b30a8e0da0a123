"""What a model says of rows, as columns that any detector or profile takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_drift.backends import Backend
from accel_drift.data import CategoricalColumn, NumericColumn, Schema, Table, TableColumn, read_table
from accel_drift.errors import DataError
from accel_drift.predictions.rows import of_rows


def predicted(
    probabilities: Any = None,
    *,
    widths: Any = None,
    classes: Sequence[str] | None = None,
    rounding: float | None = None,
    backend: str | Backend = "auto",
) -> Any:
    """What a model says of each row, as columns: their drift is the drift of its predictions.

    Args:
        probabilities: (n, k) of k classes, each row summing to 1; (n,) scores, chances of the second of two classes;
            or (s, n, k), s samples of them, as dropout left on makes. NumPy arrays, lists, tensors, an Arrow column of
            lists or of scores, a table with a column for each class, or a file of one. A row with a NaN or a null is
            missing. None where there are only widths.
        widths: (n,) of prediction intervals, as conformal prediction makes: numbers from 0 up, infinity among them.
        classes: names of the classes; by default those of a table's columns, else 0 to k - 1.
        rounding: by how much a number may be below 0, and then counts as 0, and the sum of a row miss 1; by default
            1e-6, 1e-4 of float32, more of shorter floats.
        backend: where to compute: "numpy", "jax", "cupy" or "auto".

    Returns:
        A `pyarrow.Table` of n rows: confidence, entropy (nats), margin, predicted (the class as a category); with
        samples also mutual_information (nats): the entropy of their mean less their mean entropy, what is unsure
        because the samples disagree (Houlsby et al. 2011, arXiv:1112.5745); with widths also interval_width. A missing
        row is null.

    Raises:
        DataError: there is nothing to read, they are no probabilities, or widths are below 0 or of another length.
        ConfigError: there are other classes than columns, or an option cannot work.

    >>> predicted([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], classes=["cat", "dog", "hen"])["predicted"].to_pylist()
    ['cat', 'hen']
    """
    import pyarrow as pa

    columns: dict[str, TableColumn] = {}
    if probabilities is not None:
        rows = of_rows(probabilities, classes=classes, rounding=rounding, backend=backend)
        present = rows.present
        for name in ("confidence", "entropy", "margin"):
            columns[name] = _numbers(name, getattr(rows, name), present)
        codes = rows.predicted.astype(np.int32)
        columns["predicted"] = CategoricalColumn("predicted", codes, rows.classes, rows.missing)
        if rows.mutual_information is not None:
            columns["mutual_information"] = _numbers("mutual_information", rows.mutual_information, present)
    if widths is not None:
        columns["interval_width"] = _numbers("interval_width", *_widths(widths))
    if not columns:
        raise DataError("there is nothing to look at; give probabilities, widths of intervals, or both")
    lengths = {column.rows for column in columns.values()}
    if len(lengths) > 1:
        raise DataError(f"probabilities and widths differ in length: {min(lengths):,} and {max(lengths):,} rows")
    batch = Table(lengths.pop(), columns, Schema(())).to_arrow()
    return pa.table(batch.columns, names=list(columns))


def _numbers(name: str, values: npt.NDArray[Any], present: npt.NDArray[np.bool_]) -> NumericColumn:
    nulls = int(present.size - np.count_nonzero(present))
    return NumericColumn(name, values, present if nulls else None, nulls)


def _widths(given: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    table = read_table({"widths": given}, columns=["widths"], name="widths")
    column = table.columns.get("widths")
    if not isinstance(column, NumericColumn):
        raise DataError("widths are no numbers; give a column (n,) of the upper ends less the lower ends")
    values, present = column.on_host().values, column.mask()
    if present.any() and values[present].min() < 0:
        place = int(np.flatnonzero(present & (values < 0))[0])
        raise DataError(
            f"widths have {values[place].item()!r} in row {place:,}; a width is the upper end less the lower"
        )
    return values, present
