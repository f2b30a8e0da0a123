"""A study's summary as one page that stands by itself, in the style of the reports."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from accel_drift.evaluation import ranking
from accel_drift.evaluation.markdown import SHOWN, TIMED, failures, heading, meanings, ranked, times_told
from accel_drift.evaluation.pictures import panels, roc
from accel_drift.evaluation.wording import number, told
from accel_drift.report import words

if TYPE_CHECKING:
    from accel_drift.evaluation.results import Results

_NAMED = 6
"""Contenders that the title names."""


def render(results: Results, weights: Mapping[str, float]) -> str:
    """The page's text."""
    from accel_drift._version import version

    values = ranking.composites(results.lines, weights)
    scenes = []
    for scene in results.scenarios:
        mine = ranked(results.lines, values, scene)
        drifts = any(line.measures["detection_rate"].value is not None for line, _ in mine)
        scenes.append(
            {
                "name": scene,
                "lines": mine,
                "failures": failures([line for line, _ in mine]),
                "roc": roc(results, scene) if drifts else None,
                "panels": panels(results, scene),
                "several": any(line.seeds > 1 for line, _ in mine),
            }
        )
    own = [name for name in dict.fromkeys(line.contender for line in results.lines) if name not in results.dummies]
    return _template("page.html.j2").render(
        title=f"Evaluation of {', '.join(own) if len(own) <= _NAMED else f'{len(own)} contenders'}",
        lead=heading(results),
        scenes=scenes,
        shown=SHOWN,
        told=told,
        number=number,
        meanings=meanings(weights),
        timed=TIMED,
        times=times_told,
        version=version(),
    )


def render_plain(
    title: str, lead: str, pictures: Mapping[str, Markup], table: tuple[list[str], list[list[str]]]
) -> str:
    """A page of pictures above a table.

    Args:
        title: of the page.
        lead: what stands below it.
        pictures: what each shows -> the picture.
        table: names of columns, and rows of texts.
    """
    from accel_drift._version import version

    return _template("curves.html.j2").render(
        title=title, lead=lead, pictures=pictures, head_row=table[0], rows=table[1], version=version()
    )


@cache
def _template(name: str) -> Template:
    loaders = ChoiceLoader([PackageLoader("accel_drift.evaluation", "."), PackageLoader("accel_drift.report", ".")])
    environment = Environment(
        loader=loaders,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_visible,
    )
    return environment.get_template(name)


def _visible(value: Any) -> Any:
    return words.visible(value) if type(value) is str else value
