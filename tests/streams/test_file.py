"""Streams that were saved and loaded go on as if they had never stopped; what is no such file is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import accel_drift as ad
from accel_drift import named
from accel_drift.backends import Backend, get_backend
from accel_drift.errors import ConfigError, SourceError
from accel_drift.streams.file import FORMAT
from accel_drift.streams.page_hinkley import PageHinkley
from tests.streams.examples import DETECTORS, label, told, values
from tests.streams.outside import Sevenths

T, S = 320, 70
"""More streams than go down time together, and no multiple of that."""

CUTS = (0, 1, 31, 64, 161, 244, 250, T - 1, T)
"""Before, amid and after the streams' move."""

GO_ON = """
import sys
from pathlib import Path
import numpy as np
import accel_drift as ad
for path in Path(sys.argv[1]).glob("*.ads"):
    stream = ad.Stream.load(path, backend="numpy")
    rest = np.load(path.parent / (path.stem.rpartition("-")[0] + ".npy"))[stream.seen :]
    parts = [stream.update(part) for part in np.array_split(rest, 2)]
    fields = ("index", "stream", "kind", "before", "after")
    np.savez(path.with_suffix(".npz"), **{f: np.concatenate([getattr(p, f) for p in parts]) for f in fields})
    stream.save(path.with_suffix(".end"))
"""


def test_every_detector_goes_on_in_a_new_process_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    begun = {}
    for detector in DETECTORS:
        x = values(detector, T, S, at=0.75)
        x[::13, 3] = np.nan
        np.save(tmp_path / f"{label(detector)}.npy", x)
        for cut in CUTS:
            stream = detector.open(S, backend="numpy")
            begun[detector, cut] = [stream.update(part) for part in (x[:cut], x[:0])]
            stream.save(tmp_path / f"{label(detector)}-{cut}.ads")
    path = {"PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", GO_ON, str(tmp_path)], env=path, check=True, timeout=120)
    for detector in DETECTORS:
        whole = detector.open(S, backend="numpy")
        wanted = whole.update(np.load(tmp_path / f"{label(detector)}.npy"))
        whole.save(tmp_path / "whole.end")
        assert (wanted.index >= 244).any(), "nothing would be lost with the state"
        for cut in CUTS:
            file = tmp_path / f"{label(detector)}-{cut}.npz"
            with np.load(file) as later:
                found = {field: seen + later[field].tobytes() for field, seen in told(*begun[detector, cut]).items()}
            assert found == told(wanted)
            assert file.with_suffix(".end").read_bytes() == (tmp_path / "whole.end").read_bytes()


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that offers a detector."""
    point = EntryPoint(name="sevenths", value="tests.streams.outside:Sevenths", group="accel_drift.streams")

    def found(group: str, name: str = point.name) -> list[EntryPoint]:
        return [point] if (group, name) == (point.group, point.name) else []

    monkeypatch.setattr(named, "entry_points", found)


@pytest.mark.usefixtures("outside")
def test_a_state_of_any_types_and_shapes_comes_back(backend: Backend, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 5))
    stream = Sevenths(every=6).open(5, backend=backend)
    stream.update(x[:11])
    stream.save(tmp_path / "s.ads")
    loaded = ad.Stream.load(tmp_path / "s.ads", backend=backend)
    assert loaded.detector == Sevenths(every=6)
    for name, array in stream._state._asdict().items():
        there = getattr(loaded._state, name)
        assert type(there) is type(array)
        assert (there.dtype, there.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(np.asarray(there), np.asarray(array))
    assert told(loaded.update(x[11:])) == told(stream.update(x[11:]))


def test_what_one_backend_saved_another_loads(backend: Backend, tmp_path: Path) -> None:
    detector, host = ad.PageHinkley(threshold=20), get_backend("numpy")
    x = values(detector, 120, 4)
    for one, other in ((host, backend), (backend, host)):
        stream = detector.open(4, backend=one)
        stream.update(x[:62])
        stream.save(tmp_path / "s.ads")
        found, wanted = ad.Stream.load(tmp_path / "s.ads", backend=other).update(x[62:]), stream.update(x[62:])
        assert found.change_points.tolist() == wanted.change_points.tolist() != []


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    stream = ad.PageHinkley(threshold=20).open(3)
    stream.update(np.arange(12.0).reshape(4, 3))
    stream.save(tmp_path / "whole.ads")
    return tmp_path / "whole.ads"


def _refused(path: Path) -> str:
    with pytest.raises(SourceError) as refused:
        ad.Stream.load(path)
    message = str(refused.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def _rewritten(saved: Path, change: Any, digest: bool = False) -> Path:
    """The file with another header, and with its right digest where that is wanted."""
    from accel_drift.arrow_files import _digest

    file = pa.ipc.open_file(pa.BufferReader(saved.read_bytes()))
    batch = file.get_batch(0)
    header = json.loads(file.schema.metadata[b"accel-drift-stream"])
    change(header)
    if digest:
        header["digest"] = _digest({k: v for k, v in header.items() if k != "digest"}, batch)
    metadata = {b"accel-drift-stream": json.dumps(header).encode()}
    path = saved.with_name("other.ads")
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, file.schema.with_metadata(metadata)) as out:
        out.write_batch(batch.replace_schema_metadata(metadata))
    return path


def test_damage_is_found(saved: Path, tmp_path: Path) -> None:
    whole, path = bytearray(saved.read_bytes()), tmp_path / "damaged.ads"
    for length in (0, 3, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "is not a whole stream" in _refused(path)
    place = whole.index(np.float64(4.0).tobytes())
    path.write_bytes(whole[:place] + b"\x01" + whole[place + 1 :])
    assert "altered or damaged" in _refused(path)
    for change in (lambda h: h.update(seen=5), lambda h: h["options"].update(delta=1.0), lambda h: h.pop("streams")):
        assert "altered or damaged" in _refused(_rewritten(saved, change))
    assert "altered or damaged" in _refused(_rewritten(saved, lambda h: h.update(seen=np.inf)))
    for change in (lambda h: h.clear(), lambda h: h.update(format="x"), lambda h: h.pop("digest")):
        assert "save it again" in _refused(_rewritten(saved, change))
    assert ad.Stream.load(_rewritten(saved, lambda _: None, digest=True)).seen == 4


def test_other_files_are_refused(saved: Path, tmp_path: Path) -> None:
    said = _refused(_rewritten(saved, lambda h: h.update(format=FORMAT + 1)))
    assert f"has format {FORMAT + 1}, and this version reads up to {FORMAT}; upgrade" in said
    assert "there is no stream" in _refused(tmp_path / "none.ads")
    ad.Profile.fit({"x": np.arange(60.0)}, detectors=["ks"]).save(tmp_path / "profile.adp")
    assert "is an Arrow file, but no stream; make one with Stream.save(path)" in _refused(tmp_path / "profile.adp")
    with pytest.raises(ad.AccelDriftError, match="is an Arrow file, but no profile"):
        ad.Profile.load(saved)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h: h.update(detector="tea"), "no detector of streams 'tea'; there are .*page_hinkley"),
        (lambda h: h["options"].update(leaves=3), "that is not here: .*leaves.*; install the version"),
        (lambda h: h["options"].update(mode="sideways"), "mode is 'sideways'"),
        (lambda h: h.pop("seen"), "lacks seen in its header"),
    ],
    ids=["detector", "option", "value", "header"],
)
def test_what_this_version_does_not_have_is_refused(change: Any, said: str, saved: Path) -> None:
    with pytest.raises(SourceError, match=said):
        ad.Stream.load(_rewritten(saved, change, digest=True))


def test_a_state_of_another_version_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PageHinkley, "start", lambda _, streams, backend: Sevenths().start(streams, backend))
    assert "holds fields of each stream, and PageHinkley here keeps count, cube" in _refused(saved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine(PageHinkley):
    name = "mine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike(PageHinkley):
    pass


def test_what_could_not_be_loaded_is_not_saved(tmp_path: Path) -> None:
    for detector in (Mine(), Alike()):
        with pytest.raises(ConfigError, match=r'could not be loaded again: .*"accel_drift.streams"'):
            detector.open().save(tmp_path / "s.ads")
    no_plain_number: Any = Fraction(1, 2)
    with pytest.raises(ConfigError, match=r"an option of .* cannot be kept in a file"):
        ad.PageHinkley(delta=no_plain_number).open().save(tmp_path / "s.ads")
    with pytest.raises(SourceError):
        ad.PageHinkley().open().save(tmp_path / "no" / "folder" / "s.ads")
    assert list(tmp_path.iterdir()) == []


def test_options_as_numbers_of_numpy_are_kept_as_plain_ones(tmp_path: Path) -> None:
    given: Any = {"delta": np.float32(0.5), "min_instances": np.int64(40)}
    ad.PageHinkley(**given).open().save(tmp_path / "s.ads")
    assert ad.Stream.load(tmp_path / "s.ads").detector == ad.PageHinkley(delta=0.5, min_instances=40)
