"""The committed studies: they cover what was asked for and hold their bounds."""

from __future__ import annotations

from typing import Any

from bench import level_study
from bench.level import COLUMNS, DETECTORS, SIZES, applies
from bench.readme import newest


def cells(kind: str) -> list[dict[str, Any]]:
    result = newest(kind)
    assert result is not None, f"no result of the {kind} study"
    made: list[dict[str, Any]] = result["cells"]
    return made


def test_the_level_study_covers_every_detector_column_and_size() -> None:
    found = {(c["detector"], c["column"], c["n"], c["m"]): c for c in cells("level") if not c["change"]}
    sizes = [(n, m) for n in SIZES for m in SIZES]
    for column in COLUMNS.keys() - {"zipf_missing"}:
        for detector in (d for d in level_study.SINGLE if applies(d, column)):
            assert all(found[detector, column, n, m]["pairs"] >= 1000 for n, m in sizes)
        for detector in level_study.JOINT.keys() - level_study.JOINT_SIZES.keys():
            assert all(found[detector, column, n, m]["pairs"] >= 250 for n, m in sizes)


def test_the_level_study_holds_its_bounds() -> None:
    for cell in cells("level"):
        standard_error = (0.05 * 0.95 / cell["pairs"]) ** 0.5
        rate = cell["rejected"] / cell["pairs"]
        if cell["change"]:
            assert rate >= 0.9 or cell["holds"] is None, cell
        elif cell["holds"] is not None:
            assert rate <= 0.05 + 4.75 * standard_error, cell


def test_rows_permuted_where_runs_are_alike_reject_far_too_often_and_whole_runs_do_not() -> None:
    found = {(c["detector"], c["column"]): c["rate"] for c in cells("level") if (c["n"], c["m"]) == (500, 500)}
    wrong = {key for key in found if key[0].endswith(", rows of blocks")}
    assert {d.split(",")[0].split()[0] for d, _ in wrong} == set(DETECTORS)
    for name, column in wrong:
        assert found[name, column] > 0.12, (name, column)
        assert found[name.replace("rows of blocks", "blocks"), column] < 0.1
