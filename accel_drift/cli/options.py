"""The options of the commands: their names, their help, and how their text is taken apart."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from accel_drift.errors import ConfigError

_OPTIONS = (
    "detectors|columns|drop|label|kinds|block|alpha|correction|rule|min_effect|seed|backend|sample_rows|plan|content|"
    "rows|rate|resamples"
)
_LEARN, _WRITE = "What is compared, and how", "What comes out"

Reference = Annotated[
    str,
    typer.Argument(
        metavar="REFERENCE",
        help="The data to compare with: a Parquet, CSV or Arrow file, a folder of them, or a profile.",
    ),
]
DataSet = Annotated[
    str, typer.Argument(metavar="REFERENCE", help="The data to learn: a Parquet, CSV or Arrow file, or a folder.")
]
Current = Annotated[
    str, typer.Argument(metavar="CURRENT", help="The data in question: a Parquet, CSV or Arrow file, or a folder.")
]

Detectors = Annotated[
    list[str] | None,
    typer.Option(
        "--detectors",
        metavar="NAMES",
        help="Detectors, separated by commas, such as psi,ks,mmd; an unknown name is answered with all there are. "
        "Without it: psi,missing,unseen, and mmd where rows are kept.",
        rich_help_panel=_LEARN,
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="NAMES",
        help="Only these columns, separated by commas; a name with a comma stands in double quotes, "
        "'\"lat, lon\",x'. A column named here is compared even if it looks like an identifier.",
        rich_help_panel=_LEARN,
    ),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kinds",
        metavar="NAME=KIND",
        help="What columns hold where the finder should not decide, separated by commas: numeric, categorical, "
        "boolean, timestamp, identifier; or what of them is compared: length, text, gaps. Such as zip=categorical, "
        "comment=text,created_at=gaps, or '\"a name, with a comma\"=categorical'.",
        rich_help_panel=_LEARN,
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option("--drop", metavar="NAMES", help="Columns to leave out, as in --columns.", rich_help_panel=_LEARN),
]
Label = Annotated[
    str | None,
    typer.Option("--label", metavar="COLUMN", help="The label's column: left out.", rich_help_panel=_LEARN),
]
Block = Annotated[
    str | None,
    typer.Option(
        "--block",
        metavar="COLUMN",
        help="Rows that belong together and are permuted as one: a column (store), a timestamp and a unit (time:day), "
        "or a number of consecutive rows (24).",
        rich_help_panel=_LEARN,
    ),
]
Alpha = Annotated[
    float | None,
    typer.Option("--alpha", help="False-alarm rate. Without it: 0.01.", rich_help_panel=_LEARN),
]
Correction = Annotated[
    str | None,
    typer.Option(
        "--correction",
        metavar="NAME",
        help="For testing many columns: bh, by, holm, bonferroni or none. Without it: bh.",
        rich_help_panel=_LEARN,
    ),
]
Rule = Annotated[
    str | None,
    typer.Option(
        "--rule",
        metavar="NAME",
        help="When the data set counts as drifted: fdr, any, majority, or a share of columns such as 0.3. "
        "Without it: fdr.",
        rich_help_panel=_LEARN,
    ),
]
MinEffect = Annotated[
    float | None,
    typer.Option(
        "--min-effect",
        help="Effect that a drift must reach. Without it: the first band of the detector's scale.",
        rich_help_panel=_LEARN,
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", help="Decides every random choice. Without it: 0.", rich_help_panel=_LEARN),
]
SampleRows = Annotated[
    int | None,
    typer.Option(
        "--sample-rows",
        help="Rows that the profile keeps at most; counts are of all rows. Without it: 20,000.",
        rich_help_panel=_LEARN,
    ),
]
BackendName = Annotated[
    str,
    typer.Option(
        "--backend",
        metavar="NAME",
        help="Where to compute: numpy, jax, cupy, or auto (a GPU where there is one).",
        rich_help_panel=_LEARN,
    ),
]

Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write the report as one HTML page.", rich_help_panel=_WRITE),
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="[FILE]",
        help="Write the report as JSON: to FILE, a name that ends in .json (any name as --json=FILE), or to standard "
        "output (then nothing else goes there) for '-' or without a FILE.",
        rich_help_panel=_WRITE,
    ),
]
Csv = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="Write the findings as CSV.", rich_help_panel=_WRITE),
]
Parquet = Annotated[
    Path | None,
    typer.Option("--parquet", metavar="FILE", help="Write the findings as Parquet.", rich_help_panel=_WRITE),
]
Pdf = Annotated[
    Path | None,
    typer.Option(
        "--pdf",
        metavar="FILE",
        help="Write the report as PDF; needs weasyprint: pip install 'accel-drift\\[report]'.",
        rich_help_panel=_WRITE,
    ),
]
Explain = Annotated[
    list[str] | None,
    typer.Option(
        "--explain",
        metavar="COLUMN",
        help="Say what moved in this column, too; a joint detector's name (mmd) stands for its columns together.",
        rich_help_panel=_WRITE,
    ),
]
FailOnDrift = Annotated[
    bool,
    typer.Option("--fail-on-drift", help="Exit with 1 when the data set drifted.", rich_help_panel=_WRITE),
]
Top = Annotated[
    int | None,
    typer.Option(
        "--top",
        min=1,
        help="Columns to show, the worst first, here and in HTML and PDF. Without it: here those that are not stable, "
        "200 on a page.",
        rich_help_panel=_WRITE,
    ),
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", help="List every column, however many are stable.", rich_help_panel=_WRITE),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print nothing but errors, and no progress.", rich_help_panel=_WRITE),
]
PlanFile = Annotated[
    Path | None,
    typer.Option(
        "--plan",
        metavar="FILE",
        help="Count REFERENCE, or a part of it, by this plan (see accel-drift plan) in one pass; no rows are kept. "
        "The plan holds all other options.",
        rich_help_panel=_LEARN,
    ),
]
Content = Annotated[
    str | None,
    typer.Option(
        "--content",
        metavar="NAME",
        help="What the profile keeps: sample (rows) or aggregates (counts only). Without it: sample.",
        rich_help_panel=_LEARN,
    ),
]
Sample = Annotated[
    str,
    typer.Argument(
        metavar="SAMPLE",
        help="Rows like those of the reference, or all of it: a Parquet, CSV or Arrow file, or a folder.",
    ),
]
Profiles = Annotated[list[str], typer.Argument(metavar="PROFILE...", help="Profiles that were fitted on one plan.")]
ProfileFile = Annotated[str, typer.Argument(metavar="PROFILE", help="A saved profile that keeps rows.")]
RowsToCome = Annotated[
    int, typer.Option("--rows", help="Rows of the batches that the thresholds are for.", show_default=False)
]
Rate = Annotated[
    float, typer.Option("--rate", help="Share of batches without drift that may be over their thresholds.")
]
Resamples = Annotated[
    int | None, typer.Option("--resamples", help="Batches drawn. Without it: as many as the rate takes.")
]
PlanOut = Annotated[
    Path, typer.Option("--out", metavar="FILE", help="The plan to write, such as june.plan.adp.", show_default=False)
]
Out = Annotated[
    Path, typer.Option("--out", metavar="FILE", help="The profile to write, such as june.adp.", show_default=False)
]

ScenarioName = Annotated[
    str | None, typer.Argument(metavar="SCENARIO", help="What happens; see --list.", show_default=False)
]
SimulationOut = Annotated[
    Path | None,
    typer.Option("--out", metavar="FOLDER", help="Where the files go; made where it is not there.", show_default=False),
]
ListScenarios = Annotated[bool, typer.Option("--list", help="Print the scenarios there are.")]
Magnitude = Annotated[
    float | None,
    typer.Option(
        "--magnitude",
        help="How far features move, in deviations of the reference; with 0 nothing drifts. Without it: 0.5.",
    ),
]
Batches = Annotated[
    int | None, typer.Option("--batches", help="How many batches. Without it: the scenario's own number.")
]
BatchRows = Annotated[
    int | None, typer.Option("--rows", help="Rows of each batch. Without it: the scenario's own number.")
]
OwnRows = Annotated[
    str | None,
    typer.Option(
        "--reference",
        metavar="FILE",
        help="Rows of your own, dealt by lot to the reference and the batches, each once: a Parquet, CSV or Arrow "
        "file, or a folder of them. Without it: rows that are drawn.",
    ),
]
ReferenceRows = Annotated[int, typer.Option("--reference-rows", help="Rows of the reference that is written.")]
ScenarioLabel = Annotated[
    str | None,
    typer.Option(
        "--label",
        metavar="COLUMN",
        help="The label's column: features move without it, rules of labels are about it. Without it: label.",
    ),
]
ScenarioSeed = Annotated[int, typer.Option("--seed", help="Decides every random choice.")]
FileFormat = Annotated[str, typer.Option("--format", metavar="NAME", help="parquet, csv or arrow.")]
Interval = Annotated[
    float,
    typer.Option("--interval", metavar="SECONDS", help="Time between two batches, for whoever watches the folder."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier simulation in the folder.")]


def names_in(texts: Sequence[str] | None) -> list[str] | None:
    """Names separated by commas, over any number of uses of an option.

    As in CSV, double quotes hold a comma, and spaces around a name, inside it; two of them stand for one.
    """
    if texts is None:
        return None
    found = [part.strip() for text in texts for part in re.findall(r'(?:"(?:[^"]|"")*"|[^,])+', text)]
    return [_QUOTED.sub(lambda quoted: quoted[1].replace('""', '"'), part) for part in found if part]


_QUOTED = re.compile(r'"((?:[^"]|"")*)"')


def _as_listed(name: str) -> str:
    """A name as `names_in` takes it."""
    odd = name != name.strip() or set(name) & set(',"')
    return '"' + name.replace('"', '""') + '"' if odd else name


def learning(
    *,
    detectors: Sequence[str] | None,
    columns: Sequence[str] | None,
    drop: Sequence[str] | None,
    kinds: Sequence[str] | None,
    rule: str | None,
    **single: Any,
) -> dict[str, Any]:
    """The options of `Profile.fit` that the command line gives, as it takes them; the others are absent.

    Raises:
        ConfigError: an option that takes names was given none.
    """
    found: dict[str, Any] = {
        "detectors": names_in(detectors),
        "columns": names_in(columns),
        "drop": names_in(drop),
        "kinds": _kinds(names_in(kinds)),
        "rule": rule if rule is None else _rule(rule),
        **single,
    }
    for option in ("detectors", "columns"):
        if found[option] == []:
            raise ConfigError(f"--{option} names nothing; give names separated by commas, or leave it out")
    return {name: value for name, value in found.items() if value is not None}


def _kinds(words: Sequence[str] | None) -> dict[str, str] | None:
    if words is None:
        return None
    # The last sign of equality: a name may hold one, a kind does not.
    pairs = [word.rpartition("=") for word in words]
    wrong = next((word for word, (name, sign, _) in zip(words, pairs, strict=True) if not (name and sign)), None)
    if wrong is not None or not pairs:
        raise ConfigError(
            f"--kinds takes names with their kinds, such as zip=categorical, not {wrong or 'nothing'!r}; a name with a "
            "comma stands in double quotes: --kinds '\"a,b\"=categorical'"
        )
    return {name: kind.strip() for name, _, kind in pairs}


def spelled(given: Mapping[str, Any]) -> str:
    """The options as they are written on the command line: `--alpha, --min-effect`."""
    return ", ".join("--" + name.replace("_", "-") for name in given)


def as_written_here(text: str) -> str:
    """An error's advice with the options as they are written here: `drop=['x', 'y']` becomes `--drop x,y`."""

    def listed(found: re.Match[str]) -> str:
        names = ast.literal_eval(found[2])
        return f"--{found[1]} {'...' if names == [...] else shlex.quote(','.join(map(_as_listed, names)))}"

    def paired(found: re.Match[str]) -> str:
        pairs = ast.literal_eval(found[1])
        return f"--kinds {shlex.quote(','.join(f'{_as_listed(name)}={kind}' for name, kind in pairs.items()))}"

    text = re.sub(rf"\bkinds=(\{{{_TEXT}: {_TEXT}\}})", paired, text)
    text = re.sub(r'\bcontent="(\w+)"', r"--content \1", text)
    text = re.sub(rf"\b(detectors|columns|drop)=(\[(?:{_TEXT}(?:, )?)+\]|\[\.\.\.\])", listed, text)
    return re.sub(rf"\b({_OPTIONS})= ?", lambda found: f"--{found[1].replace('_', '-')} ", text)


_TEXT = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
"""A text as Python writes it."""


def with_stdout_for_json(args: Sequence[str]) -> list[str]:
    """The arguments with `-` after a `--json` that has no file behind it: `-` or a name that ends in .json.

    Without that rule `--json REFERENCE CURRENT` would take the reference for the file.
    """
    out: list[str] = []
    for place, word in enumerate(args):
        out.append(word)
        following = args[place + 1] if place + 1 < len(args) else None
        if word == "--json" and following != "-" and not (following or "").endswith(".json"):
            out.append("-")
    return out


def _rule(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
