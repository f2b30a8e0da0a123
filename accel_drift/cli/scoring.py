"""The work of `score`: from file names and options to a report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_drift.cli.console import OF_ROWS, Tell
from accel_drift.cli.options import spelled
from accel_drift.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from accel_drift.report import Report

STDOUT = "-"


def check_outputs(outputs: Mapping[str, str | Path | None], inputs: tuple[str, ...]) -> None:
    """Refuse what could not be written, before anything long is done.

    Args:
        outputs: option -> file, where one is given.
        inputs: files that are read, and so must not be written over.

    Raises:
        ConfigError: an output is an input, or two are one file.
        SourceError: there is no such folder, or it cannot be written to.
        ExtraMissingError: a PDF is asked for, and weasyprint is not there.
    """
    taken = {os.path.realpath(name): "is read in the same call" for name in inputs}
    for option, file in outputs.items():
        if file is None or str(file) == STDOUT:
            continue
        path = Path(file)
        if path.is_dir():
            raise SourceError(f"{option} {path} is a folder; give the name of a file")
        if not path.parent.is_dir():
            raise SourceError(f"{option} {path}: there is no folder {path.parent}; make it first")
        if not os.access(path.parent, os.W_OK):
            raise SourceError(f"{option} {path}: the folder {path.parent} cannot be written to")
        place = os.path.realpath(path)
        if place in taken:
            raise ConfigError(f"{option} {path} would be written over: it {taken[place]}; give another name")
        taken[place] = f"is written by {option}, too"
    if outputs.get("--pdf") is not None:
        from accel_drift.report.pdf import library

        library()  # a comparison may take minutes: what cannot be written is said before it


def write(report: Report, files: Mapping[str, str | Path | None], top: int | None = None) -> Iterator[str | Path]:
    """Write the report in every form that was asked for; the name of each file that was written.

    `top` is how many columns the pages show; the data forms hold all.
    """
    forms: dict[str, Callable[[str | Path], object]] = {
        "--html": lambda file: report.to_html(file, top),
        "--pdf": lambda file: report.to_pdf(file, top),
        "--json": report.to_json,
        "--csv": report.to_csv,
        "--parquet": report.to_parquet,
    }
    for option, file in files.items():
        if file is not None and str(file) != STDOUT:
            forms[option](file)
            yield file


def score(reference: str, current: str, given: Mapping[str, Any], backend: str, tell: Tell) -> Report:
    """Compare CURRENT with REFERENCE, a data set or a saved profile.

    Args:
        reference: a data set's or a profile's file.
        current: a data set's file.
        given: options of `Profile.fit` that were given.
        backend: where to compute.
        tell: told before each detector, and while rows are counted.

    Raises:
        ConfigError: CURRENT is a saved profile, or options come with one that has its own.
    """
    must_exist(reference, current)
    if looks_like_a_profile(current):
        raise ConfigError(f"{current} is a saved profile; the profile stands first: score PROFILE CURRENT")
    names = _names(reference, current)

    def testing(done: int, of: int, detector: str) -> None:
        tell(done, of, detector if detector in OF_ROWS else f"testing with {detector}")

    if looks_like_a_profile(reference):
        if given:
            raise ConfigError(
                f"{reference} is a saved profile, which fixes {spelled(given)}; leave that out, or fit the reference "
                "again with it: see accel-drift fit --help"
            )
        from accel_drift.profiles import Profile

        profile = Profile.load(reference, backend=backend)
        report = profile.score(current, name=names[1], progress=testing)
        # A profile of parts was fitted on many files, or none has a name.
        return replace(report, reference=Path(reference).name) if report.reference == "reference" else report
    from accel_drift.profiles import compare

    return compare(reference, current, backend=backend, names=names, progress=testing, **given)


def looks_like_a_profile(file: str) -> bool:
    """By its name or by what is in it; one that is damaged is told from its name."""
    path = Path(file)
    if path.suffix == ".adp":
        return True
    from accel_drift.profiles.file import is_profile

    return path.is_file() and is_profile(path)


def alarming(report: Report) -> bool:
    """Whether a pipeline should stop: a drift, columns gone or of another type, or nothing that could be tested."""
    changes = report.schema_diff
    answered = any(finding.status.tested for finding in report.findings)
    return report.drifted or bool(changes.removed) or bool(changes.retyped) or not answered


def with_command(report: Report, words: str) -> Report:
    """The report with the command that makes it again."""
    return replace(report, settings={**report.settings, "command": words})


def must_exist(*files: str) -> None:
    """Data sets are looked for before the first is read, which may take long.

    Raises:
        SourceError: one is not there.
    """
    from accel_drift.data.folders import find_files

    for file in files:
        found = find_files(file)
        if found.lone and not found.parts[0].path.exists():
            raise SourceError(f"there is no file {file!r}; check the name and the folder ({Path.cwd()})")


def _names(reference: str, current: str) -> tuple[str, str]:
    """Two files of one name in two folders are called by their whole path; otherwise the file's name will do."""
    if Path(reference).name == Path(current).name:
        return reference, current
    return "", ""
