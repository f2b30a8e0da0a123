"""Which version is installed."""

from __future__ import annotations

from functools import cache


@cache
def version() -> str:
    """The installed version, `0+unknown` in a source tree that is not installed."""
    # Imported here: importlib.metadata brings in email and zipfile, which `import accel_drift` does not need.
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("accel-drift")
    except PackageNotFoundError:
        return "0+unknown"
