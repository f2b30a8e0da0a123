"""The example with PyTorch: noise is found in what the network says and in how much its samples disagree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import accel_drift as ad
from accel_drift import predictions as pr

torch = pytest.importorskip("torch")


def test_it_finds_noise_and_nothing_before(tmp_path: Path) -> None:
    from tests.examples import network

    url = f"sqlite:///{tmp_path / 'drift.db'}"
    reports = network.main(url)
    assert [report.drifted for report in reports] == [False, False, False, True, True]
    for report in reports[3:]:
        found = {(f.column, f.detector) for f in report.findings if f.status == "drifted"}
        assert {("mutual_information", "ks"), ("confidence", "confidence"), ("accuracy", "performance")} <= found
        assert any("pixels" in f.columns and f.status == "drifted" for f in report.findings if f.detector == "mmd")
    with ad.History(url) as history:
        assert history.metrics("digits", "accuracy").num_rows == 5


def test_its_rows_are_what_the_network_says() -> None:
    from tests.examples import network

    x, y = torch.rand(50, 64), torch.randint(10, (50,))
    model = network.learned(x, y)
    rows = network.rows(model, x, y, samples=5)
    with torch.no_grad():
        chances = torch.softmax(model(x), dim=1)
    # The tensors themselves are handed over, and their numbers are the ones that are compared.
    assert torch.equal(rows["p"], chances)
    np.testing.assert_allclose(pr.predicted(rows["p"])["confidence"], chances.max(dim=1).values.numpy(), rtol=1e-6)
    assert rows["label"] == [str(int(one)) for one in y]
    assert min(rows["mutual_information"].to_pylist()) >= 0
    assert max(rows["mutual_information"].to_pylist()) > 0
