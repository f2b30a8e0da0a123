"""The section of a configuration that says from which topics rows come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias

from pydantic import model_validator

from accel_drift.config.sections import AtLeastZero, Names, Section, Whole
from accel_drift.errors import ConfigError
from accel_drift.history.hidden import looks_secret
from accel_drift.monitor.kafka.options import checked_options, checked_servers, checked_topics, is_secret, start_of

Value: TypeAlias = str | bool | int | float
_PRIVATE = re.compile(r"://([^/?#\s]*@|\S*\?)")
"""An address with a user or a query in it."""


def _instead(option: str) -> str:
    return (
        "set a variable of the environment to it, such as KAFKA_PASSWORD, and write its name: "
        f"secrets: {{{option}: KAFKA_PASSWORD}}"
    )


class Kafka(Section):
    """Topics of Kafka that rows come from, in place of `data.production_path`.

    Needs accel-drift[kafka], and `windows` by rows or time. Secrets never stand here: `secrets` names them.
    """

    servers: str | Names | None = None
    """Brokers to begin with, such as kafka-1:9092; several in a list, or separated by commas."""
    topics: str | Names | None = None
    """The topic, or several in a list, or separated by commas."""
    group: str | None = None
    """Of consumers; null for one that only this monitor has, accel-drift.NAME."""
    format: Literal["json", "arrow"] = "json"
    """What a message is: a JSON object or a list of them, or a stream in Arrow's IPC format."""
    rows: Whole = 10_000
    """Rows are handed over when so many are there."""
    seconds: AtLeastZero = 5.0
    """Fewer rows are handed over when the first of them came so many seconds ago."""
    start: str = "earliest"
    """Where a topic is begun that was never read: earliest, latest, or a time such as 2024-06-01T00:00:00Z."""
    options: dict[str, Value] = {}  # noqa: RUF012  (pydantic copies it)
    """Options of confluent-kafka, such as {security.protocol: SASL_SSL, sasl.mechanism: PLAIN, sasl.username: me}."""
    secrets: dict[str, str] = {}  # noqa: RUF012
    """Options whose values a variable of the environment holds, or a file in the folder ACCEL_DRIFT_SECRETS."""

    @model_validator(mode="before")
    @classmethod
    def _without_secrets(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        for name in given:
            if name != "secrets" and is_secret(str(name).lower()):
                option = name if "." in name else "sasl.password"
                raise ConfigError(
                    f"{name} is a secret, and secrets do not stand in a configuration; {_instead(option)}"
                )
        if "@" in str(given.get("servers")):
            raise ConfigError(
                "servers holds an @; it is hosts with ports alone. Give the user as options: {sasl.username: NAME}; "
                f"for the password {_instead('sasl.password')}"
            )
        for name, value in _items(given.get("options")):
            if is_secret(name) or (isinstance(value, str) and _PRIVATE.search(value)):
                raise ConfigError(
                    f"options.{name} is a secret, which does not stand in a configuration; {_instead(name)}"
                )
        for name, value in _items(given.get("secrets")):
            if looks_secret(value):
                raise ConfigError(f"secrets.{name} holds a value and not the name of one; {_instead(name)}")
        return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}

    @model_validator(mode="after")
    def _it_can_work(self) -> Self:
        if not self.in_use:
            return self
        if self.servers is None:
            raise ConfigError("servers is null; name the brokers to begin with: servers: kafka-1:9092")
        if self.topics is None:
            raise ConfigError("topics is null; name the topic, or several: topics: [scored]")
        checked_servers(self.servers)
        checked_topics(self.names)
        checked_options({**self.options, **self.secrets})
        if both := sorted({*self.options} & {*self.secrets}):
            raise ConfigError(f"secrets has {', '.join(both)}, which options gives, too; leave it in one of them")
        self.begin()
        return self

    @property
    def in_use(self) -> bool:
        """Whether rows come from topics."""
        return bool(self.changed())

    @property
    def names(self) -> tuple[str, ...]:
        """Of the topics."""
        given = self.topics or ()
        return tuple(one.strip() for one in given.split(",")) if isinstance(given, str) else given

    def begin(self) -> str | datetime:
        """Where a topic is begun.

        Raises:
            ConfigError: it is no such place.
        """
        return start_of(self.start)


def _items(given: Any) -> list[tuple[str, Any]]:
    return [(str(name), value) for name, value in given.items()] if isinstance(given, Mapping) else []
