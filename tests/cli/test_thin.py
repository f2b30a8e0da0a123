"""Thin data: a named status, never a crash and never a nan."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

HEAD = "x,c\n"
THIN = {
    "one row": ("1.5,a\n", {"too_few_rows", "constant"}),
    "constant": ("1.5,a\n" * 40, {"constant"}),
    "all null": (",\n" * 40, {"all_missing", "constant"}),
    "NaN only": ("NaN,a\n" * 40, {"all_missing"}),
}


def statuses(text: str) -> set[str]:
    return {f["status"] for f in json.loads(text)["findings"]}


@pytest.mark.parametrize("detectors", ["psi,missing,unseen,mmd", "ks", "chi_square"])
@pytest.mark.parametrize("case", list(THIN))
@pytest.mark.parametrize("side", ["reference", "current", "both"])
def test_thin_data_gets_a_named_status(cli: Cli, folder: Path, case: str, side: str, detectors: str) -> None:
    text, expected = THIN[case]
    plain = HEAD + "".join(f"{i % 17}.5,{'abc'[i % 3]}\n" for i in range(60))
    (folder / "a.csv").write_text(HEAD + text if side != "current" else plain, encoding="utf-8")
    (folder / "b.csv").write_text(HEAD + text if side != "reference" else plain, encoding="utf-8")
    ran = cli("score", "a.csv", "b.csv", "--detectors", detectors, "--html", "page.html", "--json", "out.json")
    assert ran.code == 0, ran.err
    page = re.sub(r"<(script|style).*?</\1>", "", Path("page.html").read_text(encoding="utf-8"), flags=re.DOTALL)
    data = Path("out.json").read_text(encoding="utf-8")
    for shown in (ran.out, data, re.sub(r"<[^>]*>", " ", page)):
        assert not re.search(r"\bnan\b", shown, re.IGNORECASE)
    found = statuses(data)
    if side == "both":
        assert expected & found
    assert found <= {
        "drifted", "significant_small", "stable", "too_few_rows", "constant", "all_missing", "not_comparable"
    }  # fmt: skip
