"""From a configuration to the monitor: its reference, its windows, its history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_drift.data.read import Progress
from accel_drift.errors import ConfigError
from accel_drift.history import History
from accel_drift.monitor import Monitor, Period, Trailing, Windows
from accel_drift.profiles import Profile
from accel_drift.profiles.file import is_profile

if TYPE_CHECKING:
    from accel_drift.config.config import Config


def fit_options(config: Config) -> dict[str, Any]:
    """What `Profile.fit` takes beside the reference."""
    drift, columns, data = config.drift, config.columns, config.data
    named = [name for name in (data.id_column,) if name is not None and name not in columns.drop]
    return {
        "detectors": config.detectors.made(),
        "content": config.reference.content,
        "backend": drift.backend,
        "block": drift.block,
        "correction": drift.correction,
        "rule": drift.rule,
        "alpha": drift.alpha,
        "min_effect": drift.min_effect,
        "seed": drift.seed,
        "columns": None if columns.only is None else list(columns.only),
        "drop": [*columns.drop, *named],
        "label": data.label_column,
        "kinds": columns.of_kind() or None,
        "sample_rows": config.reference.sample_rows,
    }


def reference(config: Config, progress: Progress | None = None) -> Profile | Trailing | Period:
    """What windows are compared with: learned from the reference, opened, or to be learned from windows.

    Raises:
        DataError: the reference cannot be read, or not as the configuration says.
        ConfigError: a saved profile fixes what the configuration says otherwise; or an option cannot work.
    """
    wanted = config.reference
    if wanted.mode == "trailing":
        first = None if config.data.reference_path is None else fixed(config, progress)
        return Trailing(wanted.windows, least=wanted.least, first=first, **fit_options(config))
    if wanted.mode == "period":
        return Period(str(wanted.start), str(wanted.end), **fit_options(config))
    return fixed(config, progress)


def fixed(config: Config, progress: Progress | None = None) -> Profile:
    """The profile at `data.reference_path`, or of the data set there.

    Raises:
        DataError: it cannot be read.
        ConfigError: a saved profile fixes what the configuration says otherwise; or an option cannot work.
    """
    path = str(config.data.reference_path)
    if path.endswith(".adp") or (Path(path).is_file() and is_profile(Path(path))):
        _refuse_what_is_fixed(config, path)
        made = Profile.load(path, backend=config.drift.backend)
    else:
        made = Profile.fit(path, **fit_options(config), name=Path(path).name, progress=progress)
    rate, rows = config.reference.threshold_rate, config.windows.rows
    return made if rate is None or rows is None else made.calibrated(rows, rate, progress=progress)


def _refuse_what_is_fixed(config: Config, path: str) -> None:
    said = [f"columns.{name}" for name in config.columns.changed()]
    said += [f"drift.{name}" for name in config.drift.changed() if name != "backend"]
    said += [f"reference.{name}" for name in config.reference.changed() if name in ("content", "sample_rows")]
    said += ["detectors"] * (config.detectors.made() != type(config.detectors)().made())
    if said:
        raise ConfigError(
            f"{path} is a saved profile, which fixes {', '.join(said)}; leave that out, or give the data set that it "
            "was fitted on as data.reference_path"
        )


def monitor(config: Config, progress: Progress | None = None) -> Monitor:
    """The monitor, ready to observe.

    Raises:
        ConfigError: an option cannot work, or the monitor of this name was begun with other windows.
        DataError: the reference cannot be read.
        HistoryError: the database cannot be opened.
    """
    return Monitor(
        reference(config, progress),
        Windows(**config.windows.options()),
        history=config.history.url,
        name=config.name,
        weights=config.health.weights,
        wait=config.history.wait,
    )


def prune(config: Config, history: History) -> int:
    """Remove the windows of this monitor that are no longer to be kept; how many there were.

    Raises:
        HistoryError: the database failed.
    """
    wanted = config.history
    if (wanted.retention_days is None and wanted.keep is None) or config.name not in history.names():
        return 0
    return history.prune(older_than=wanted.retention_days, keep=wanted.keep, name=config.name)
