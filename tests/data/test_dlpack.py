"""Tensors of other libraries: viewed on the host, left alone on a device."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import array_api_strict
import jax.numpy as jnp
import numpy as np
import pytest

import accel_drift as ad
from accel_drift.backends import Backend, choose, get_backend
from accel_drift.data import Columns, Kind, Table, numeric_columns, read_table
from accel_drift.data.device import DeviceColumn, DeviceEmbedding
from accel_drift.errors import DataError
from tests._strict import StrictBackend

RNG = np.random.default_rng(8)


class Tensor:
    """What torch hands over, as far as DLPack is concerned."""

    def __init__(self, array: Any, device: int = 1, **said: Any) -> None:
        self.array, self.device = array, device
        self.__dict__.update(said)

    def __dlpack__(self, **how: Any) -> Any:
        if getattr(self, "requires_grad", False):
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return self.array.__dlpack__(**how)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device, 0

    def detach(self) -> Tensor:
        return Tensor(self.array, self.device)

    def float(self) -> Tensor:
        return Tensor(self.array.astype(np.float32))


class Torch(Tensor):
    __module__ = "torch"


class Spy(StrictBackend):
    """Counts the numbers that leave the device."""

    def __init__(self) -> None:
        self.fetched: list[int] = []

    def to_numpy(self, x: Any, /) -> Any:
        found = super().to_numpy(x)
        self.fetched.append(found.size)
        return found


class CupyLike(StrictBackend):
    name = "cupy"
    is_gpu = True


class JaxLike(StrictBackend):
    name = "jax"
    is_gpu = True


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_a_matrix_on_the_host_is_viewed(dtype: str) -> None:
    matrix = np.arange(12).reshape(4, 3).T.astype(dtype, order="F")  # columns run through memory
    matrix = np.asfortranarray(matrix)
    found = read_table(Tensor(matrix))
    same = read_table(matrix)
    assert found.schema == same.schema
    for name in ("x0", "x1", "x2", "x3"):
        np.testing.assert_array_equal(found.numeric(name).values, same.numeric(name).values)
    if dtype != "f2":
        at = [found.numeric(f"x{j}").values.__array_interface__["data"][0] for j in range(4)]
        assert at == [matrix[:, j].__array_interface__["data"][0] for j in range(4)]


def test_vectors_and_matrices_in_a_dict() -> None:
    vectors = RNG.normal(size=(30, 4)).astype("f4")
    flags = np.arange(30) % 2 == 0
    table = read_table({"a": Tensor(np.arange(30.0)), "e": Tensor(vectors), "b": jnp.asarray(flags), "t": ["x"] * 30})
    assert table.schema.of(Kind.NUMERIC) == ("a",)
    assert table.schema.of(Kind.BOOLEAN) == ("b",)
    column = table.embedding("e")
    assert column.values.__array_interface__["data"] == vectors.__array_interface__["data"]
    with pytest.raises(DataError, match="differ in length"):
        read_table({"a": Tensor(np.arange(30.0)), "e": Tensor(vectors[:7])})


def test_jax_on_the_host_without_its_backend() -> None:
    matrix = jnp.asarray(RNG.normal(size=(20, 2)), jnp.bfloat16)
    found = read_table(matrix)
    assert found.numeric("x1").values.dtype == np.float32
    np.testing.assert_array_equal(found.numeric("x1").values, np.asarray(matrix.astype("float32"))[:, 1])
    whole = jnp.asarray(np.arange(40, dtype=np.float32).reshape(20, 2))
    assert read_table(whole, backend=get_backend("numpy")).numeric("x0").values.tolist() == list(range(0, 40, 2))


def test_gradients_and_short_floats_are_taken_off() -> None:
    matrix = RNG.normal(size=(5, 2))
    assert read_table(Tensor(matrix, requires_grad=True)).numeric("x0").values.tolist() == matrix[:, 0].tolist()
    short = read_table(Tensor(matrix, dtype="torch.bfloat16"))
    assert short.numeric("x0").values.dtype == np.float32


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (Tensor(np.array(1.0)), "this one has 0"),
        (Tensor(np.zeros((2, 2, 2))), "this one has 3"),
        (Tensor(np.zeros((2, 2), complex)), "must hold numbers, this one holds complex128"),
        (Tensor(np.zeros((2, 2)), is_sparse=True), "sparse; give it dense"),
        (Tensor(np.zeros((2, 2)), layout="torch.sparse_csr"), "sparse; give it dense"),
        (Tensor(np.zeros((2, 2)), device=2), "is on a device, and the host cannot reach it: give backend='cupy'"),
        (Tensor(np.zeros((2, 2)), device=10), "is on a device"),
    ],
)
def test_what_is_refused(tensor: Tensor, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_table(tensor)
    with pytest.raises(DataError, match=f"column 'e' .*{said.partition(';')[0]}"):
        read_table({"x": np.arange(2.0), "e": tensor})


def test_what_cannot_be_handed_over_says_why() -> None:
    class Meta(Tensor):
        def __dlpack__(self, **_: Any) -> Any:
            raise BufferError("no memory")

    with pytest.raises(DataError, match="a Meta cannot be handed over: no memory; give a NumPy array"):
        read_table(Meta(np.zeros(3)))
    Meta.__array__ = lambda *_, **__: np.ones(3)  # type: ignore[attr-defined]
    assert read_table(Meta(np.zeros(3))).numeric("x0").values.tolist() == [1.0, 1.0, 1.0]


def test_a_backend_that_cannot_reach_the_device_says_so() -> None:
    on_gpu = Tensor(np.zeros((30, 2)), device=2)
    for backend in ("numpy", "jax"):
        with pytest.raises(DataError, match=f"backend '{backend}' .* cannot reach it.*x.cpu"):
            ad.compare(on_gpu, on_gpu, ["psi"], backend=backend)


def test_auto_tries_the_library_that_has_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accel_drift.backends.registry._jax_may_have_gpu", lambda: True)
    monkeypatch.setattr("accel_drift.backends.registry.why_not", lambda _: None)
    monkeypatch.setattr("accel_drift.backends.registry._open", lambda name: {"cupy": CupyLike, "jax": JaxLike}[name]())
    for module, first in (("jaxlib._jax", "jax"), ("cupy", "cupy"), ("torch", "cupy")):
        home: Any = type("Array", (Tensor,), {"__module__": module})
        assert choose(home(np.zeros(3), device=2))[0].name == first
        assert choose({"a": [1], "e": home(np.zeros(3), device=2)})[0].name == first
        assert choose(home(np.zeros(3)))[0].name == "cupy"  # on the host it decides nothing
    assert "on a GPU in arrays of jax" in choose(type("A", (Tensor,), {"__module__": "jax"})(np.zeros(3), device=2))[1]


def _strict(array: Any) -> Any:
    return array_api_strict.asarray(np.array(array))


def _holed(rows: int, d: int, dtype: str, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    matrix = (rng.normal(size=(rows, d)) * 50).astype(dtype)
    if matrix.dtype.kind == "f":
        matrix[rng.random((rows, d)) < 0.1] = np.nan
        matrix[:, 0] = rng.normal(size=rows)  # one column misses nothing
    return matrix


@pytest.mark.parametrize("dtype", ["f4", "i4"])
@pytest.mark.parametrize(
    ("backend", "there"), [(StrictBackend(), _strict), (get_backend("jax"), jnp.asarray)], ids=["strict", "jax"]
)
def test_blocks_come_straight_from_the_device(dtype: str, backend: Backend, there: Any) -> None:
    reference, batch = (_holed(40, 3, dtype, seed) for seed in (0, 1))
    with backend.scope():
        on_device = [read_table(there(side), backend=backend) for side in (reference, batch)]
    on_host = [read_table(side) for side in (reference, batch)]
    rows = np.array([3, 1, 30, 7])
    for side in on_device:
        for some in (side, side.take(rows), side.take(np.arange(40) % 2 == 0)):
            held = [c for c in some.columns.values() if isinstance(c, DeviceColumn)]
            assert len(held) == 3
            assert len({id(c.matrix) for c in held}) == 1
    changes: list[Callable[[Table], Table]] = [lambda t: t, lambda t: t.take(rows), lambda t: t.select(["x2", "x0"])]
    for change in changes:
        names = tuple(change(on_host[0]).columns)
        with backend.scope():
            for mine, theirs in zip(on_device, on_host, strict=True):
                found, expected = (_of(change(side), names, backend) for side in (mine, theirs))
                for form in ("block", "ordered"):
                    for one, two in zip(getattr(found, form), getattr(expected, form), strict=True):
                        np.testing.assert_array_equal(backend.to_numpy(one), backend.to_numpy(two), strict=True)


def _of(table: Table, names: tuple[str, ...], backend: Backend) -> Columns:
    ((_, dtype, where),) = numeric_columns(table, table, names, backend)
    return Columns(tuple(table.numeric(n) for n in names), table.rows, dtype, where)


def test_columns_on_the_host_stay_there_and_those_on_the_device_too() -> None:
    """Unless the caller named the backend; a column that is on the device on one side is compared there."""
    device = StrictBackend()
    host = get_backend("numpy")
    away, here = ({"a": move(np.arange(30.0)), "b": np.arange(30) / 7} for move in (_strict, np.asarray))
    for one, other, where in ((away, away, device), (here, away, device), (away, here, device), (here, here, host)):
        reference, batch = (read_table(side, backend=device) for side in (one, other))
        found = numeric_columns(reference, batch, ("a", "b"), device, host)
        assert [place for names, _, place in found if "a" in names] == [where]
        assert [place for names, _, place in found if "b" in names] == [host]
        ((names, _, place),) = numeric_columns(reference, batch, ("a", "b"), device)
        assert (names, place) == (("a", "b"), device)


@pytest.mark.parametrize("dtype", ["f4", "i8"])
def test_a_device_column_is_the_column_that_the_host_reads(dtype: str) -> None:
    matrix = _holed(50, 2, dtype, 3)
    mine, theirs = (read_table(x, backend=StrictBackend()) for x in (_strict(matrix), matrix))
    assert mine.schema == theirs.schema
    for name in ("x0", "x1"):
        a, b = mine.numeric(name), theirs.numeric(name)
        assert (a.rows, a.dtype, a.nulls, a.nans, a.missing) == (b.rows, b.dtype, b.nulls, b.nans, b.missing)
        assert (a.bounds(), a.ascends()) == (b.bounds(), b.ascends())
        np.testing.assert_array_equal(a.mask(), b.mask())
        np.testing.assert_array_equal(a.present_values(), b.present_values())
        np.testing.assert_array_equal(a.on_host().present_values(), b.present_values())
    # The caller's word is kept, and the rows can be written.
    named = read_table(_strict(matrix), backend=StrictBackend(), kinds={"x0": "identifier", "x1": "categorical"})
    assert [str(c.kind) for c in named.columns.values()] == ["identifier", "categorical"]
    assert mine.to_arrow().equals(theirs.to_arrow())
    assert pickle.loads(pickle.dumps(mine.columns["x1"])).nans == theirs.columns["x1"].missing  # noqa: S301


def test_truth_values_and_embeddings_on_a_device() -> None:
    flags = _strict(np.arange(20) % 3 == 0)
    vectors = _holed(20, 4, "f8", 2)
    table = read_table({"flag": flags, "e": _strict(vectors), "x": _strict(np.arange(20.0))}, backend=StrictBackend())
    assert table.schema.of(Kind.BOOLEAN) == ("flag",)
    column = table.columns["e"]
    assert isinstance(column, DeviceEmbedding)
    lost = np.isnan(vectors).any(axis=1)
    assert column.nans == lost.sum()
    np.testing.assert_array_equal(column.mask(), ~lost)
    half = table.take(np.arange(20) < 10).embedding("e")
    assert (half.nans, half.dimensions) == (lost[:10].sum(), 4)


def test_a_report_pulls_no_matrix_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accel_drift.profiles.screening._MEASURED_COLUMNS", 3)
    rows, d = 400, 8
    reference, batch = RNG.normal(size=(rows, d)), RNG.normal(size=(rows, d)) + 0.8
    batch[::9, 4] = np.nan
    spy = Spy()
    detectors: list[ad.Detector | str] = [ad.PSI(permutations=19), "missing"]
    report = ad.compare(_strict(reference), _strict(batch), detectors, backend=spy)
    assert max(spy.fetched) < reference.size / 2  # histograms
    # What looks for alike rows reads its few columns, one by one: nothing else asks for as many numbers as rows.
    assert sum(size == rows for size in spy.fetched) == 2 * 3
    expected = ad.compare(reference, batch, detectors, backend=StrictBackend())
    assert report.findings == expected.findings
    assert report.drifted


def test_a_report_on_jax_arrays_is_that_on_numpy_arrays() -> None:
    reference = RNG.normal(size=(60, 1)).astype("f4")
    batch = (RNG.normal(size=(60, 1)) * 1.4).astype("f4")
    found, expected = (
        ad.compare(turn(reference), turn(batch), ["ks"], backend="jax") for turn in (jnp.asarray, np.asarray)
    )
    assert found.findings == expected.findings
    assert found.warnings == expected.warnings
    assert isinstance(read_table(jnp.asarray(reference), backend=get_backend("jax")).columns["x0"], DeviceColumn)


def test_a_profile_of_a_device_matrix_is_saved_and_scores_host_data(tmp_path: Any) -> None:
    reference, batch = RNG.normal(size=(60, 2)), RNG.normal(size=(50, 2)) + 2
    profile = ad.Profile.fit(_strict(reference), ["ks", "missing"], backend=StrictBackend())
    profile.save(tmp_path / "p.adp")
    loaded = ad.Profile.load(tmp_path / "p.adp", backend="numpy")
    assert profile.score(batch).findings == loaded.score(batch).findings
