"""The sections of a configuration that say who is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, field_validator, model_validator

from accel_drift.config.checking import Contradiction, ContradictionError
from accel_drift.config.mistakes import nearest
from accel_drift.config.sections import Duration, Names, Section, Whole
from accel_drift.errors import ConfigError
from accel_drift.history.hidden import holds_secret, looks_secret
from accel_drift.rules import Rule as MadeRule
from accel_drift.rules import parse

OURS = ("apprise", "jsonl", "log", "pagerduty")
_INSTEAD = "set a variable of the environment to it, such as SLACK_URL, and write its name: secret: SLACK_URL"
_TELLING = frozenset({"key", "password", "routing_key", "smtp", "token", "url", "urls", "webhook", "webhook_url"})
"""Keys under which other tools want the secret itself."""


def kinds() -> tuple[str, ...]:
    """The kinds of sinks: ours, and those of other distributions."""
    return tuple(sorted({*OURS, *(entry.name for entry in entry_points(group="accel_drift.sinks"))}))


def _known(kind: str) -> str:
    if kind not in kinds():
        raise ConfigError(f"kind is {kind!r:.60}; there are {', '.join(kinds())}{nearest(kind, kinds())}")
    return kind


if TYPE_CHECKING:
    Kind: TypeAlias = str
else:
    Kind = Annotated[str, AfterValidator(_known), Field(examples=["apprise"])]


class Sink(Section):
    """Where messages go. Secrets never stand here: `secret` names a variable of the environment that holds one."""

    kind: Kind
    """apprise (Slack, Teams, mail, webhooks, by a URL), pagerduty, jsonl (a file), log, or another distribution's."""
    secret: str | None = None
    """Variable of the environment, or file in the folder ACCEL_DRIFT_SECRETS, that holds the URL or key."""
    path: str | None = None
    """jsonl: the file that messages are added to, a JSON object a line."""
    options: dict[str, Any] = {}  # noqa: RUF012  (pydantic copies it)
    """Options of the kind, such as {endpoint: https://events.eu.pagerduty.com} of pagerduty."""

    @model_validator(mode="before")
    @classmethod
    def _without_secrets(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        for name in given:
            if str(name).lower() in _TELLING:
                raise ConfigError(f"{name} is a secret, and secrets do not stand in a configuration; {_INSTEAD}")
        if given.get("secret") is not None and looks_secret(given["secret"]):
            raise ConfigError(f"secret holds a value and not the name of one; {_INSTEAD}")
        for name, value in _leaves(given.get("options"), "options"):
            if name.rpartition(".")[2].lower() in _TELLING - {"url", "urls"} or holds_secret(value):
                raise ConfigError(f"{name} holds a secret, which does not stand in a configuration; {_INSTEAD}")
        if holds_secret(given.get("path")):
            raise ConfigError(f"path holds a secret, which does not stand in a configuration; {_INSTEAD}")
        return given

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if self.kind in ("apprise", "pagerduty") and self.secret is None:
            what = "URL" if self.kind == "apprise" else "routing key"
            raise ConfigError(f"secret is null; {self.kind} needs the name of what holds its {what}: {_INSTEAD}")
        if (self.kind == "jsonl") != (self.path is not None) and self.kind in OURS:
            raise ConfigError("path is the file of kind jsonl: give it there, and nowhere else")
        return self


class Rule(Section):
    """When somebody is told."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """What tells it from other rules."""
    when: Annotated[str, Field(examples=["income psi > 0.2 for 6 hours"])]
    """The condition, such as income psi > 0.2 for 6 hours, or: each column severity >= warning."""
    severity: Literal["watch", "warning", "critical"] | None = None
    """How severe its alerts are; null for that of the findings, where the condition is about that, else warning."""
    clear: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """The level at which an alert ends, where it is another than that at which it opens."""
    resolve_after: Whole = 1
    """Windows in a row that end an alert."""
    cooldown: Duration | None = None
    """How long after an alert's end none opens."""
    remind_every: Duration | None = None
    """How often to tell again while an alert is open; null for never."""
    escalate_after: Duration | None = None
    """How long until `escalate_to` is told, too; null for never."""
    escalate_to: Names = ()
    """Sinks that are told of alerts that stay open."""
    sinks: Names = ()
    """Sinks that are told; none for all of them but those that only `escalate_to` names."""

    @field_validator("when")
    @classmethod
    def _is_understood(cls, when: str) -> str:
        parse(when)
        return when

    @model_validator(mode="after")
    def _it_can_be_made(self) -> Self:
        try:
            self.made()
        except ConfigError as error:
            raise ConfigError(str(error).removeprefix(f"rule {self.name!r}: ")) from None
        return self

    def made(self) -> MadeRule:
        """The rule.

        Raises:
            ConfigError: it cannot work.
        """
        return MadeRule(**{name: getattr(self, name) for name in type(self).model_fields})


class Alerts(Section):
    """Who is told of what, and how; where there are rules, or sinks."""

    rules: tuple[Rule, ...] | None = None
    """Such as [{name: income, when: income psi > 0.2 for 6 hours}]; null: columns from warning on, critical windows."""
    base_url: str | None = None
    """Where pages of alerts are, for links in messages, such as https://drift.example.com."""
    sinks: dict[str, Sink] = {}  # noqa: RUF012  (pydantic copies it)
    """Where messages go, such as {team: {kind: apprise, secret: SLACK_URL}}; a dry run until the secret is set."""
    give_up_days: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 7.0
    """A message that cannot be sent is tried again so many days long."""

    @field_validator("base_url")
    @classmethod
    def _is_of_a_page(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ConfigError("base_url is no address of a page; it begins with https:// or http://")
        return url

    @model_validator(mode="after")
    def _rules_name_what_there_is(self) -> Self:
        names: set[str] = set()
        found: list[Contradiction] = []
        for i, rule in enumerate(self.rules or ()):
            here = ("alerts", "rules", i)
            if rule.name in names:
                text = f"there are two rules of the name {rule.name!r}; give each a name of its own"
                found.append(Contradiction((*here, "name"), text, ()))
            names.add(rule.name)
            for key in ("sinks", "escalate_to"):
                for j, sink in enumerate(getattr(rule, key)):
                    if sink not in self.sinks:
                        there = f"{', '.join(self.sinks) or 'none'}{nearest(sink, [*self.sinks])}"
                        text = f"{rule.name!r} names the sink {sink!r}; there are {there}"
                        found.append(Contradiction((*here, key, j), text, ()))
        if found:
            raise ContradictionError(found)
        return self


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, name)
    else:
        yield name, value
