"""The work of `plan`, `fit` and `merge`: from file names and options to a plan or a profile."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_drift.cli.console import Tell
from accel_drift.cli.options import spelled
from accel_drift.cli.scoring import looks_like_a_profile, must_exist
from accel_drift.errors import ConfigError

if TYPE_CHECKING:
    from accel_drift.profiles import Plan, Profile

_COARSE, _MANY = 0.03, 50
"""Mass and rows of a cell of several values above which its column is named."""


def fit(
    reference: str, given: Mapping[str, Any], backend: str, plan_file: Path | None, out: Path, tell: Tell
) -> Profile:
    """Learn REFERENCE and write the profile.

    Raises:
        ConfigError: REFERENCE is a saved profile, or options come with a plan that has its own.
    """
    must_exist(reference)
    if looks_like_a_profile(reference):
        raise ConfigError(f"{reference} is a saved profile already; fit takes the data set")
    from accel_drift.profiles import Plan, Profile

    if plan_file is not None:
        if given:
            raise ConfigError(
                f"{plan_file} fixes {spelled(given)}; leave that out, or plan again with what accel-drift plan takes"
            )
        profile = Profile.fit(reference, plan=Plan.load(plan_file), backend=backend, progress=tell)
    else:
        profile = Profile.fit(reference, backend=backend, progress=tell, **given)
    profile.save(out)
    return profile


def plan(sample: str, given: Mapping[str, Any], out: Path, tell: Tell) -> Plan:
    """Decide from SAMPLE what is counted, and write the plan.

    Raises:
        ConfigError: SAMPLE is a saved profile, or an option has a value that cannot work.
    """
    must_exist(sample)
    if looks_like_a_profile(sample):
        raise ConfigError(f"{sample} is a saved profile or plan already; plan takes a data set")
    from accel_drift.profiles import Profile

    made = Profile.plan(sample, progress=tell, **given)
    made.save(out)
    return made


def merge(files: Sequence[str], out: Path) -> Profile:
    """Add up saved profiles, and write the sum.

    Raises:
        ConfigError: one is given twice, or they do not merge.
    """
    from accel_drift.profiles import Profile

    places = [os.path.realpath(file) for file in files]
    for place, file in zip(places, files, strict=True):
        if places.count(place) > 1:
            raise ConfigError(f"{file} is given twice; each row counts once")
    # One at a time: a thousand profiles of a wide table need not be in memory together.
    profile = Profile.load(files[0])
    for file in files[1:]:
        try:
            profile = profile.merge(Profile.load(file))
        except ConfigError as error:
            raise ConfigError(f"{file} does not go with {files[0]}: {error}") from error
    profile.save(out)
    return profile


def calibrate(
    file: str, rows: int, rate: float, block: str | None, resamples: int | None, seed: int, out: Path, tell: Tell
) -> Profile:
    """Give a saved profile thresholds, and write it.

    Raises:
        ConfigError: the file is no profile, or an option does not fit it.
    """
    must_exist(file)
    if not looks_like_a_profile(file):
        raise ConfigError(f"{file} is no saved profile; accel-drift fit {file} --out PROFILE makes one")
    from accel_drift.profiles import Profile

    made = Profile.load(file).calibrated(rows, rate, block=block, resamples=resamples, seed=seed, progress=tell)
    made.save(out)
    return made


def repeated(files: Sequence[str]) -> str:
    """Which of the saved profiles holds to the byte what another holds, and rows; "" where none does."""
    from accel_drift.profiles import Profile

    met: dict[bytes, str] = {}
    for file in files:
        digest = blake2b(Path(file).read_bytes()).digest()
        if digest in met and Profile.load(file).contents()["rows_of_reference"]:
            return f"{file} holds exactly the counts of {met[digest]}: was a part of the rows given twice?"
        met[digest] = file
    return ""


def described(profile: Profile, out: Path) -> str:
    """What a written profile holds, raw values first: whoever passes it on should know."""
    held = profile.contents()
    raw: list[str] = held["columns_with_raw_values"]
    detectors = ", ".join(d["detector"] for d in held["detectors"])
    if raw:
        rows = f"{held['rows_held']:,} of {held['rows_of_reference']:,} rows"
        holds = [f"It holds {rows} as they are, in {len(raw)} columns: {', '.join(raw)}."]
    else:
        columns: list[str] = held["counts_of_all_rows"]
        holds = [f"It holds counts of {held['rows_of_reference']:,} rows and none of them, in {len(columns)} columns."]
        least = max(_COARSE, _MANY / max(held["rows_of_reference"], 1))
        coarse = [f"{name} ({error:.1%})" for name, error in held["rank_error"].items() if error > least]
        if coarse:
            told = ", ".join(coarse[:12]) + (f" and {len(coarse) - 12} more" if len(coarse) > 12 else "")
            holds.append(
                f"Coarse, with so many of their values in one cell, and distances known no better: {told}. Plan again "
                "on more rows, from all of the reference where you can."
            )
    lines = [
        f"Wrote {out} ({out.stat().st_size:,} bytes).",
        *holds,
        f"Detectors: {detectors}.",
        f"Use it: accel-drift score {out} CURRENT",
    ]
    return "\n".join(lines)


def planned(made: Plan, out: Path) -> str:
    """What a written plan is for."""
    held = made.contents()
    lines = [
        f"Wrote {out} ({out.stat().st_size:,} bytes).",
        f"It counts {len(held['schema'])} columns in cells that {held['planned_on_rows']:,} rows made.",
        *[f"Left out: {name} ({why})." for name, why in held["excluded"].items()],
        f"Detectors: {', '.join(d['detector'] for d in held['detectors'])}.",
        f"Use it: accel-drift fit REFERENCE --plan {out} --out PROFILE",
    ]
    return "\n".join(lines)
