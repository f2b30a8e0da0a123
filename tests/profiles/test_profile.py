"""A profile says after a round trip what it said before, and a file that is none says so in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift.detectors import get_detector
from accel_drift.errors import AccelDriftError, ConfigError, ProfileError, SourceError
from accel_drift.profiles import sampled
from accel_drift.profiles.file import FORMAT
from accel_drift.profiles.sampled import SampledProfile
from tests import oracles
from tests.detectors import cases


def _table(rows: int, seed: int, shift: float = 0.0) -> dict[str, Any]:
    rng = np.random.default_rng([60, seed])
    return {
        "normal": rng.normal(size=rows) + shift,
        "single": rng.normal(size=rows).astype(np.float32),
        "count": rng.poisson(3 + shift, rows),
        "big": 2**53 + rng.integers(0, 40, rows),
        "holes": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
        "infinite": np.where(rng.random(rows) < 0.1, np.inf, rng.normal(size=rows)),
        "letter": [None if rng.random() < 0.05 else str(c) for c in rng.choice(list("abcdé"), rows)],
        "flag": rng.random(rows) < 0.4,
        "nothing": [None] * rows,
        "one": np.ones(rows),
        "when": np.datetime64("2020-01-01", "s") + rng.integers(0, 10**6, rows),
    }


def _fit(rows: int = 300, **options: Any) -> ad.Profile:
    options.setdefault("detectors", [get_detector(n, permutations=99) for n in cases.NAMES])
    return ad.Profile.fit(_table(rows, 1), backend="numpy", **options)


def _said(report: ad.Report) -> dict[str, Any]:
    return {k: v for k, v in report.to_dict().items() if k not in ("created_at", "elapsed_s")}


def _settings_aside(said: dict[str, Any]) -> dict[str, Any]:
    settings = {k: v for k, v in said["settings"].items() if k != "backend_reason"}
    return {**said, "settings": settings}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"sample_rows": 100},
        {"block": 10},
        {"block": "when:day"},
        {"block": 5, "sample_rows": 150},
        {"correction": "by", "rule": 0.3, "alpha": 0.05, "min_effect": 0.01, "seed": 7},
        {"columns": ["normal", "letter", "big"], "name": "the old days"},
        {"drop": ["one"], "label": "flag", "kinds": {"count": "categorical"}},
    ],
    ids=str,
)
def test_saved_and_loaded_it_says_the_same(options: dict[str, Any], tmp_path: Path) -> None:
    profile = _fit(**options)
    profile.save(tmp_path / "p.adp")
    loaded = ad.Profile.load(tmp_path / "p.adp", backend="numpy")
    for batch in (_table(200, 2), _table(120, 3, 0.8)):
        assert _settings_aside(_said(loaded.score(batch))) == _settings_aside(_said(profile.score(batch)))
    assert loaded.contents() == profile.contents()
    loaded.save(tmp_path / "again.adp")
    assert (tmp_path / "again.adp").read_bytes() == (tmp_path / "p.adp").read_bytes()


def test_profile_and_compare_say_the_same() -> None:
    detectors = [get_detector(n, permutations=99) for n in cases.NAMES]
    reference, batch = _table(300, 1), _table(200, 2, 0.5)
    by_profile = ad.Profile.fit(reference, detectors, backend="numpy").score(batch)
    in_one_call = ad.compare(reference, batch, detectors, backend="numpy")
    assert _said(by_profile) == _said(in_one_call)


def test_scoring_leaves_no_trace() -> None:
    profile = _fit()
    first = _said(profile.score(_table(150, 2)))
    profile.score(_table(80, 3, 2.0))
    assert _said(profile.score(_table(150, 2))) == first


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("profile") / "whole.adp"
    _fit(detectors=["psi", "missing"], sample_rows=200).save(path)
    return path


def _refused(path: Path) -> str:
    with pytest.raises(ProfileError) as refused:
        ad.Profile.load(path, backend="numpy")
    message = str(refused.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("tenths", range(10))
def test_truncated(saved: Path, tmp_path: Path, tenths: int) -> None:
    whole = saved.read_bytes()
    path = tmp_path / "cut.adp"
    path.write_bytes(whole[: len(whole) * tenths // 10])
    assert "not a whole profile" in _refused(path)


def test_one_byte_short_or_too_long(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.adp"
    for data in (saved.read_bytes()[:-1], saved.read_bytes() + b"x"):
        path.write_bytes(data)
        _refused(path)


def test_flipped_bytes(saved: Path, tmp_path: Path) -> None:
    """A flipped byte is found, or it was in padding and the profile is the same."""
    whole = bytearray(saved.read_bytes())
    path = tmp_path / "flipped.adp"
    contents = ad.Profile.load(saved, backend="numpy").contents()
    found = 0
    places = np.random.default_rng(61).choice(len(whole), 400, replace=False)
    for place in places:
        for bit in (1, 128):
            whole[place] ^= bit
            path.write_bytes(whole)
            whole[place] ^= bit
            try:
                loaded = ad.Profile.load(path, backend="numpy")
            except ProfileError as error:
                assert "\n" not in str(error)  # noqa: PT017  either outcome is right, and each has a promise
                found += 1
            else:
                assert loaded.contents() == contents
    assert found > 0.7 * 2 * len(places)


def test_flipped_value_is_found(saved: Path, tmp_path: Path) -> None:
    profile = ad.Profile.load(saved, backend="numpy")
    assert isinstance(profile, SampledProfile)
    value = profile.rows.numeric("normal").values[3]
    whole = bytearray(saved.read_bytes())
    place = whole.index(np.float64(value).tobytes())
    whole[place] ^= 1
    path = tmp_path / "flipped.adp"
    path.write_bytes(whole)
    assert "altered or damaged" in _refused(path)


def _rewritten(saved: Path, path: Path, change: Any) -> Path:
    file = pa.ipc.open_file(pa.BufferReader(saved.read_bytes()))
    batch = file.get_batch(0)
    metadata = dict(file.schema.metadata)
    header = json.loads(metadata[b"accel-drift-profile"])
    change(header)
    metadata[b"accel-drift-profile"] = json.dumps(header).encode()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema.with_metadata(metadata)) as out:
        out.write_batch(batch.replace_schema_metadata(metadata))
    return path


def test_rewritten_as_it_is_it_opens(saved: Path, tmp_path: Path) -> None:
    ad.Profile.load(_rewritten(saved, tmp_path / "same.adp", lambda _: None), backend="numpy")


def test_a_later_format_says_upgrade(saved: Path, tmp_path: Path) -> None:
    path = _rewritten(saved, tmp_path / "later.adp", lambda header: header.update(format=FORMAT + 1))
    message = _refused(path)
    assert f"format {FORMAT + 1}" in message
    assert "upgrade" in message


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["options"].update(alpha=0.5),
        lambda header: header.pop("totals"),
        lambda header: header.update(format="new"),
        lambda header: header.clear(),
        lambda header: header["detectors"].clear(),
    ],
    ids=["alpha", "totals", "format", "empty", "detectors"],
)
def test_an_altered_header_is_refused(change: Any, saved: Path, tmp_path: Path) -> None:
    _refused(_rewritten(saved, tmp_path / "altered.adp", change))


def test_foreign_files(tmp_path: Path) -> None:
    table = pa.table({"x": [1.0, 2.0]})
    arrow = tmp_path / "foreign.arrow"
    with pa.OSFile(str(arrow), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)
    assert "no profile" in _refused(arrow)
    for name, data in (
        ("text.adp", b"not arrow at all, but long enough\n" * 20),
        ("empty.adp", b""),
        ("pickle.adp", b"\x80\x05."),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        _refused(path)


def test_no_file_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no profile"):
        ad.Profile.load(tmp_path / "none.adp")
    with pytest.raises(AccelDriftError):
        _fit(detectors=["psi"]).save(tmp_path / "no" / "folder" / "p.adp")
    assert list(tmp_path.iterdir()) == []


def test_contents_say_what_is_held() -> None:
    profile = _fit(detectors=["psi", "ks"], sample_rows=120, name="june")
    held = profile.contents()
    assert json.loads(json.dumps(held, allow_nan=False)) == held
    assert held["holds_raw_rows"] is True
    assert (held["rows_held"], held["rows_of_reference"]) == (120, 300)
    assert set(held["columns_with_raw_values"]) == set(_table(1, 1))
    assert [d["detector"] for d in held["detectors"]] == ["psi", "ks"]
    assert {c["name"] for c in held["schema"]} == set(_table(1, 1))
    assert _fit(detectors=["psi"]).contents()["counts_of_all_rows"] == []
    assert json.dumps(profile.summary(), allow_nan=False)


def test_sampled_statistics_are_those_of_all_rows() -> None:
    """Counts are of every row: PSI, chi-square, missing and unseen do not know that rows were left out."""
    names = ["psi", "chi_square", "missing", "unseen"]
    reference, batch = _table(900, 4), _table(300, 5, 0.3)
    reference["letter"][17] = "rare"
    batch["letter"][3] = "rare"
    detectors = [get_detector(n, permutations=99) for n in names]
    sampled = ad.Profile.fit(reference, detectors, backend="numpy", sample_rows=150)
    whole = ad.Profile.fit(reference, detectors, backend="numpy", sample_rows=None)
    assert isinstance(sampled, SampledProfile)
    assert sampled.rows.rows == 150
    a, b = sampled.score(batch), whole.score(batch)
    assert a.n_reference == 900
    mine, theirs = ({(f.column, f.detector): f for f in r.findings} for r in (a, b))
    assert mine.keys() == theirs.keys()
    for key, f in mine.items():
        assert f.statistic == theirs[key].statistic
        assert f.n_reference == theirs[key].n_reference
    assert mine["normal", "psi"].statistic == pytest.approx(
        oracles.psi(oracles.quantile_cells(reference["normal"], batch["normal"], 10)), rel=1e-9
    )


def test_sampled_statistics_survive_the_file(tmp_path: Path) -> None:
    profile = _fit(500, detectors=["psi", "unseen"], sample_rows=100)
    profile.save(tmp_path / "p.adp")
    batch = _table(200, 6)
    assert (
        _said(ad.Profile.load(tmp_path / "p.adp", backend="numpy").score(batch))["findings"]
        == (_said(profile.score(batch))["findings"])
    )


@pytest.mark.parametrize("kinds", [{}, {"t": "text"}])
@pytest.mark.parametrize("kept", [None, 100])
def test_rows_keep_their_places_in_the_file(kinds: dict[str, str], kept: int | None, tmp_path: Path) -> None:
    """With a vocabulary made of some rows, too: rows are called by their place in the data as they were given."""
    reference = {"place": np.arange(404.0), "t": [f"w{k % 7} w{k % 5}" for k in range(404)]}
    batch = {"place": np.arange(150.0) ** 2, "t": ["w1 new"] * 150}
    fitted = ad.Profile.fit(reference, ["mmd"], kinds=kinds, columns=["place", "t"], sample_rows=kept)
    fitted.save(tmp_path / "it.adp")
    loaded = ad.Profile.load(tmp_path / "it.adp")
    for profile in (fitted, loaded):
        assert isinstance(profile, SampledProfile)
        places = np.arange(404) if profile.rows.origin is None else profile.rows.origin
        np.testing.assert_array_equal(profile.rows.numeric("place").values, places)
    assert loaded.score(batch).explain("mmd") == fitted.score(batch).explain("mmd")
    assert loaded.contents() == fitted.contents()


@pytest.mark.statistical
@pytest.mark.slow
@pytest.mark.parametrize("column", ["normal", "poisson", "zipf"])
def test_level_of_a_sampled_profile(column: str) -> None:
    from bench import level

    rejected = 0
    width = 200
    rng = np.random.default_rng(62)
    names = [f"x{i}" for i in range(width)]
    reference, batch = ({n: level.COLUMNS[column](rng, rows) for n in names} for rows in (1000, 400))
    kinds = dict.fromkeys(names, "categorical" if column == "zipf" else "numeric")
    profile = ad.Profile.fit(
        reference,
        [ad.PSI(permutations=99)],
        backend="numpy",
        sample_rows=300,
        kinds=kinds,
        alpha=0.05,
        correction="none",
    )
    rejected = sum((f.p_value or 0) <= 0.05 for f in profile.score(batch).findings)
    assert rejected / width <= level.Tally(rejected, width, width).bound


@pytest.mark.statistical
@pytest.mark.slow
def test_level_of_a_sampled_profile_of_few_rows_with_ties() -> None:
    """Fewer than 50 reference rows a bin: the hypergeometric law of the reference's own bins does not hold."""
    from bench import level

    rng = np.random.default_rng(1)
    names = [f"x{i}" for i in range(200)]
    reference, batch = ({n: rng.normal(size=rows).round(3) for n in names} for rows in (100, 2000))
    profile = ad.Profile.fit(
        reference,
        [ad.ChiSquare(permutations=99, bins=20)],
        backend="numpy",
        sample_rows=60,
        alpha=0.05,
        correction="none",
    )
    rejected = sum((f.p_value or 0) <= 0.05 for f in profile.score(batch).findings)
    assert rejected / 200 <= level.Tally(rejected, 200, 200).bound


def test_block_and_sampling_name_their_sizes() -> None:
    reference = {"x": np.random.default_rng(63).normal(size=1000), "day": np.repeat(np.arange(50), 20)}
    batch = {"x": np.random.default_rng(64).normal(size=600), "day": np.repeat(np.arange(30), 20) + 100}
    report = ad.Profile.fit(reference, ["psi"], backend="numpy", block="day", sample_rows=400).score(batch)
    (found,) = report.findings
    assert found.status.tested
    # The batch is thinned at the reference's rate, so that its blocks stay alike.
    assert (found.n_reference, found.n_batch) == (400, 240)


def test_block_and_sampling_report_says_how_many_rows_there_were() -> None:
    reference = {"x": np.random.default_rng(63).normal(size=1000), "day": np.repeat(np.arange(50), 20)}
    batch = {"x": np.random.default_rng(64).normal(size=600), "day": np.repeat(np.arange(30), 20) + 100}
    report = ad.Profile.fit(reference, ["psi"], backend="numpy", block="day", sample_rows=400).score(batch)
    assert (report.n_reference, report.n_batch) == (1000, 600)


def test_one_report_has_one_level_and_one_detector_of_a_name() -> None:
    with pytest.raises(ConfigError, match="alpha"):
        _fit(detectors=[ad.PSI(alpha=0.2)])
    with pytest.raises(ConfigError, match="more than once"):
        _fit(detectors=["psi", ad.PSI(bins=5)])
    with pytest.raises(ConfigError, match="psy"):
        _fit(detectors=["psy"])
    with pytest.raises(ConfigError, match="detectors"):
        _fit(detectors=[3])


def test_counts_of_categories_have_a_cap_and_a_sample_keeps_only_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(30)
    table = {
        "x": rng.normal(size=900),
        "c": [f"c{v}" for v in rng.integers(0, 300, 900)],
        "flag": rng.random(900) < 1.5,
    }
    kinds = {"c": "categorical"}
    profile = ad.Profile.fit(table, ["chi_square"], backend="numpy", sample_rows=50, kinds=kinds)
    assert isinstance(profile, SampledProfile)
    held = profile.rows.categorical("c")
    assert len(held.categories) == len(set(held.codes.tolist())) <= 50
    assert profile.rows.categorical("flag").categories == ("false", "true")
    assert profile.totals is not None
    assert len(profile.totals.categories["c"]) > 250
    monkeypatch.setattr(sampled, "MOST_CATEGORIES", 200)
    for rows, there in ((50, False), (None, True)):
        profile = ad.Profile.fit(table, ["chi_square"], backend="numpy", sample_rows=rows, kinds=kinds)
        assert ("c" in profile.contents()["columns_with_raw_values"]) is there
    profile = ad.Profile.fit(table, ["chi_square"], backend="numpy", sample_rows=50, kinds=kinds)
    assert "at most 200" in profile.score(table).excluded["c"]
