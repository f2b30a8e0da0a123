"""From a configuration to the monitor: its reference, its windows, its history."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_drift.data.read import Progress
from accel_drift.errors import ConfigError
from accel_drift.history import History
from accel_drift.monitor import Confidences, Monitor, Part, Period, Streams, Trailing, Windows
from accel_drift.monitor.confidence_part import ADDED
from accel_drift.monitor.parts import prepared
from accel_drift.monitor.rows import as_rows
from accel_drift.profiles import Profile
from accel_drift.profiles.file import is_profile
from accel_drift.profiles.learning import Asked, learn

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


def parts(config: Config) -> list[Part]:
    """What looks at windows beside the reference.

    Raises:
        DataError: the reference lacks columns of the model.
        ConfigError: an option cannot work.
    """
    made: list[Part] = []
    said, backend = config.predictions, config.drift.backend
    if config.confidence.enabled and (said.probabilities or said.score is not None):
        named = {said.predicted, said.score, *said.probabilities, *config.columns.of_kind()}
        known = config.reference.mode == "fixed" and not is_saved(config)
        made.append(
            Confidences(
                list(said.probabilities) or None,
                score=said.score,
                classes=None if said.classes is None else [str(name) for name in said.classes],
                reference=config.data.reference_path if known else None,
                prefix="model_" if named & {*ADDED} else "",
                alpha=config.confidence.alpha,
                tolerance=config.confidence.tolerance,
                backend=backend,
            )
        )
    detector = config.streams.made()
    if detector is not None:
        made.append(Streams(detector, list(config.streams.columns), backend=backend))
    return made


def reference(config: Config, beside: Sequence[Part], progress: Progress | None = None) -> Profile | Trailing | Period:
    """What windows are compared with: learned from the reference, opened, or to be learned from windows.

    Args:
        config: the configuration.
        beside: what makes columns of a window's rows that are to be compared, too.
        progress: as in `Profile.fit`.

    Raises:
        DataError: the reference cannot be read, or not as the configuration says.
        ConfigError: a saved profile fixes what the configuration says otherwise; or an option cannot work.
    """
    wanted = config.reference
    if wanted.mode == "trailing":
        first = None if config.data.reference_path is None else fixed(config, beside, progress)
        return Trailing(wanted.windows, least=wanted.least, first=first, **fit_options(config))
    if wanted.mode == "period":
        return Period(str(wanted.start), str(wanted.end), **fit_options(config))
    return fixed(config, beside, progress)


def fixed(config: Config, beside: Sequence[Part], progress: Progress | None = None) -> Profile:
    """The profile at `data.reference_path`, or of the data set there.

    Raises:
        DataError: it cannot be read.
        ConfigError: a saved profile fixes what the configuration says otherwise; or an option cannot work.
    """
    path = str(config.data.reference_path)
    if is_saved(config):
        _refuse_what_is_fixed(config, path)
        made = Profile.load(path, backend=config.drift.backend)
    else:
        given: Any = path
        if any(isinstance(part, Confidences) for part in beside):
            kinds = config.columns.of_kind() or None
            schema = learn(path, Asked(detectors=("missing",), kinds=kinds)).table.schema
            given = prepared(beside, as_rows(path, schema))
        made = Profile.fit(given, **fit_options(config), name=Path(path).name, progress=progress)
    rate, rows = config.reference.threshold_rate, config.windows.rows
    return made if rate is None or rows is None else made.calibrated(rows, rate, progress=progress)


def is_saved(config: Config) -> bool:
    """Whether the reference is a saved profile."""
    path = Path(str(config.data.reference_path))
    return path.suffix == ".adp" or (path.is_file() and is_profile(path))


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
    beside = parts(config)
    return Monitor(
        reference(config, beside, progress),
        Windows(**config.windows.options()),
        history=config.history.url,
        name=config.name,
        parts=beside,
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
