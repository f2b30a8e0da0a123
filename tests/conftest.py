"""One `backend` fixture: a test that takes it runs on every backend here, array-api-strict among them."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from accel_drift.backends import Backend, get_backend, names, why_not
from tests._strict import StrictBackend

# How long an example takes says something of the machine, and nothing of the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

BACKENDS = (*names(), "strict")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-backends",
        default="",
        metavar="NAMES",
        help="backends, separated by commas, that must open: their tests fail instead of being skipped",
    )


def pytest_collection_finish() -> None:
    """Take what was collected out of the garbage collector's rounds: it stays, and is a million objects to walk."""
    gc.collect()
    gc.freeze()


def opened(name: str, config: pytest.Config) -> Backend:
    """Open a backend; skip the test where it cannot be, or fail it where the run requires it."""
    if name == "strict":
        return StrictBackend()
    reason = why_not(name)
    if reason is None:
        return get_backend(name)
    required = str(config.getoption("--require-backends")).split(",")
    if name in required:
        pytest.fail(f"--require-backends asks for {name!r}: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """A backend, opened, inside its scope."""
    found = opened(str(request.param), request.config)
    with found.scope():
        yield found
