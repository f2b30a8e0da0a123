"""The work of `simulate`: from the name of a scenario to a folder of files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_drift.cli.console import Tell
from accel_drift.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from accel_drift.synthetic import Scenario


def listed() -> str:
    """The scenarios, one a line."""
    from accel_drift.synthetic import scenarios

    told = scenarios()
    width = max(map(len, told))
    return "\n".join(f"{name:{width}}  {words}" for name, words in told.items())


def scenario(
    name: str | None, folder: Path | None, reference: str | None, label: str | None, **options: Any
) -> Scenario:
    """The scenario that was asked for, of rows of one's own where a file of them is given.

    Raises:
        ConfigError: none was, or there is no such one, or no folder to write it to.
        DataError: the file cannot be read, or has too few rows.
    """
    from accel_drift import synthetic

    if name is None:
        raise ConfigError(f"which scenario? there are {', '.join(synthetic.scenarios())}; see simulate --list")
    if reference is not None and name in synthetic.scenarios():
        from accel_drift.data.read import read_arrays

        options["source"] = read_arrays(reference)
    if label is not None:
        options["label"] = label
    made = synthetic.scenario(name, **options)
    if folder is None:
        raise ConfigError(f"where to? give a folder: simulate {name} --out FOLDER")
    return made


def write(made: Scenario, folder: Path | None, file_format: str, interval: float, tell: Tell, *, force: bool) -> str:
    """Write the files; what was written, and where drift begins.

    Raises:
        SourceError: there are such files already, or they cannot be written.
    """
    from accel_drift import synthetic

    root = Path() if folder is None else folder
    try:
        truth = synthetic.write(
            made, root, format=file_format, interval=interval, force=force,
            tell=lambda done, of, what: tell(done, of, f"writing {what}"),
        )  # fmt: skip
    except SourceError as error:
        raise SourceError(str(error).replace("force=True", "--force")) from error
    onset = truth["onset_batch"]
    begins = (
        "Nothing drifts."
        if onset is None
        else (
            f"Drift begins at row {truth['onset_row']:,} of the stream, in {truth['batches'][onset - 1]['file']}: "
            f"{', '.join(truth['moved'])}{_following(truth)}."
        )
    )
    first = truth["batches"][0]["file"]
    return "\n".join(
        [
            f"Wrote {len(truth['batches'])} batches, {truth['reference_file']} and truth.json to {root}.",
            begins,
            *_left(root, truth),
            f"Use it: accel-drift score {root / truth['reference_file']} {root / first}",
        ]
    )


def _following(truth: Mapping[str, Any]) -> str:
    """The columns that change because others do."""
    found = [name for name in truth["columns"] if name not in truth["moved"]]
    return f"; {', '.join(found)} with them" if found else ""


def _left(root: Path, truth: Mapping[str, Any]) -> list[str]:
    """What is told of files beside the batches that are not of this stream."""
    from accel_drift.synthetic.columns import some_of

    ours = {Path(name).name for name in truth["arrivals"]}
    found = sorted(path.name for path in (root / "batches").iterdir() if path.name not in ours)
    return [f"Left as they were, not of this stream: {some_of(found)} in {root / 'batches'}."] if found else []
