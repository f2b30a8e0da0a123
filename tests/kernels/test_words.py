"""The random words and the labellings made of them."""

from __future__ import annotations

import numpy as np
import pytest

from accel_drift.backends import Backend


def words(backend: Backend, key: list[int], i: list[int], j: list[int]) -> np.ndarray:
    args = (backend.asarray(v, dtype="uint32") for v in (key, i, j))
    return backend.to_numpy(backend.kernels.random_words(*args))


def test_known_answers_of_threefry(backend: Backend) -> None:
    """Salmon et al. publish these three for Threefry-2x32-20."""
    top = 0xFFFFFFFF
    known = [
        ([0, 0], (0, 0), (0x6B200159, 0x99BA4EFE)),
        ([top, top], (top, top), (0x1CB996FC, 0xBB002BE7)),
        ([0x13198A2E, 0x03707344], (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ]
    for key, (i, j), want in known:
        got = words(backend, key, [i], [j])
        assert (int(got[0, 0, 0]), int(got[1, 0, 0])) == want


def test_words_are_those_of_jax_random(backend: Backend) -> None:
    """`jax.random.bits` of n words takes the counters (0, 0) ... (0, n - 1), and joins two words by xor."""
    jax = pytest.importorskip("jax")
    key = [17, 2**31 + 5]
    with jax.enable_x64(False), jax.threefry_partitionable(True):
        data = jax.random.wrap_key_data(np.array(key, dtype=np.uint32), impl="threefry2x32")
        want = np.asarray(jax.random.bits(data, (200,), dtype=np.uint32))
    got = words(backend, key, [0], list(range(200)))
    np.testing.assert_array_equal(got[0, 0] ^ got[1, 0], want)


def unpacked(backend: Backend, key: list[int], perms: np.ndarray, total: int, n: int) -> np.ndarray:
    rows = np.arange(total, dtype=np.uint32)
    labels = backend.kernels.permutation_labels(
        backend.asarray(key, dtype="uint32"), backend.asarray(perms), backend.asarray(rows), n
    )
    host = backend.to_numpy(labels)
    assert not np.unpackbits(host, axis=1, bitorder="little")[:, perms.size :].any()
    return np.unpackbits(host, axis=1, count=perms.size, bitorder="little")


def test_every_labelling_has_n_ones(backend: Backend) -> None:
    perms = np.arange(32, dtype=np.uint32)
    for total, n in ((64, 32), (50, 1), (61, 60), (7, 7), (7, 0)):
        bits = unpacked(backend, [3, 4], perms, total, n)
        np.testing.assert_array_equal(bits.sum(axis=0), n)


def test_number_zero_is_the_observed_labelling(backend: Backend) -> None:
    perms = np.array([5, 0, 6], dtype=np.uint32)
    bits = unpacked(backend, [3, 4], perms, 50, 21)
    np.testing.assert_array_equal(bits[:, 1], np.arange(50) < 21)
    assert (bits[:, 0] != bits[:, 1]).any()
    assert (bits[:, 0] != bits[:, 2]).any()


def test_a_labelling_depends_on_its_number_alone(backend: Backend) -> None:
    whole = unpacked(backend, [3, 4], np.arange(90, dtype=np.uint32), 60, 25)
    part = unpacked(backend, [3, 4], np.arange(41, 57, dtype=np.uint32), 60, 25)
    np.testing.assert_array_equal(part, whole[:, 41:57])
    other = unpacked(backend, [4, 4], np.arange(41, 57, dtype=np.uint32), 60, 25)
    assert (other != part).any()


def test_every_row_is_labelled_equally_often(backend: Backend) -> None:
    bits = unpacked(backend, [9, 9], np.arange(1, 4_001, dtype=np.uint32), 40, 10)
    chance = bits.mean(axis=1)
    # 40 rows, standard error sqrt(0.25 * 0.75 / 4000): 5.5 of them is passed once in a million runs.
    assert np.abs(chance - 0.25).max() < 5.5 * np.sqrt(0.25 * 0.75 / 4_000)
