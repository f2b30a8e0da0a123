"""The committed level study: it covers what was asked for and holds its bounds."""

from __future__ import annotations

from bench import level_study as study
from bench.level import COLUMNS, SIZES, applies
from bench.readme import newest


def test_the_committed_study_covers_every_detector_column_and_size() -> None:
    result = newest("level")
    assert result is not None
    found = {(c["detector"], c["column"], c["n"], c["m"]): c for c in result["cells"] if not c["change"]}
    sizes = [(n, m) for n in SIZES for m in SIZES]
    for column in COLUMNS.keys() - {"zipf_missing"}:
        for detector in study.SINGLE:
            if applies(detector, column):
                assert all(found[detector, column, n, m]["pairs"] >= 5000 for n, m in sizes)
        assert all(found["mmd rows", column, n, m]["pairs"] >= 1000 for n, m in sizes)


def test_the_committed_study_holds_its_bounds() -> None:
    result = newest("level")
    assert result is not None
    for cell in result["cells"]:
        standard_error = (0.05 * 0.95 / cell["pairs"]) ** 0.5
        if not cell["change"]:
            assert cell["rejected"] / cell["pairs"] <= 0.05 + 4.75 * standard_error, cell
        elif cell["holds"] is not None:
            assert cell["rejected"] / cell["pairs"] >= 0.9, cell
