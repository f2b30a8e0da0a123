"""What a consumer of Kafka is told, checked; what of it is secret, and stays so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from accel_drift.errors import ConfigError, ExtraMissingError

OURS = (
    "bootstrap.servers", "group.id", "enable.auto.commit", "auto.offset.reset", "enable.auto.offset.store",
    "enable.partition.eof", "error_cb", "logger", "on_commit",
)  # fmt: skip
"""Options that the source sets itself."""

_SECRET = re.compile(r"password|passphrase|secret|key\.pem$|oauthbearer\.config")


class Hidden(str):
    """The value of an option that is secret, whatever the option's name."""

    __slots__ = ()


def client() -> Any:
    """confluent-kafka, which is there only with its extra.

    Raises:
        ExtraMissingError: it is not installed.
    """
    try:
        import confluent_kafka
    except ImportError as error:
        raise ExtraMissingError(
            f"topics of Kafka need confluent-kafka, which is not here ({error}): pip install 'accel-drift[kafka]'"
        ) from error
    return confluent_kafka


def is_secret(name: str) -> bool:
    """Whether an option's value is a password or the like."""
    return _SECRET.search(name) is not None


def checked_options(given: Any) -> dict[str, Any]:
    """Options for confluent-kafka by their names.

    Raises:
        ConfigError: one cannot be given.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise ConfigError('options are names and values of confluent-kafka, such as {"security.protocol": "SASL_SSL"}')
    if ours := [name for name in given if name in OURS]:
        raise ConfigError(f"options has {', '.join(ours)}, which the source sets itself; leave that out")
    return dict(given)


def consumer_options(given: Mapping[str, Any], servers: str, group: str) -> dict[str, Any]:
    """All options of a consumer: those that are given, and those that make each row count once."""
    return {
        "client.id": "accel-drift",
        **given,
        "bootstrap.servers": servers,
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
    }


def words_of(error: Any) -> str:
    """What an error of the library says; a text as it is."""
    cause: Any = error.args[0] if isinstance(error, Exception) and error.args else error
    return str(cause.str()) if hasattr(cause, "str") else str(cause)


def without_secrets(text: str, options: Mapping[str, Any]) -> str:
    """A text in which no value of a secret option stands."""
    for name, value in options.items():
        if (is_secret(name) or isinstance(value, Hidden)) and str(value):
            text = text.replace(str(value), "***")
    return text


def checked_topics(given: Any) -> tuple[str, ...]:
    """Names of topics.

    Raises:
        ConfigError: there is none, or one that cannot be a topic's.
    """
    names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Sequence) else ()
    wrong = [name for name in names if not isinstance(name, str) or not re.fullmatch(r"[\w.-]{1,249}", name, re.ASCII)]
    if not names or wrong or len(set(names)) < len(names):
        raise ConfigError(
            f"topics is {given!r:.100}; it is the name of a topic, or a list of several names: letters, digits, "
            '".", "_" and "-"'
        )
    return names


def checked_servers(given: Any) -> str:
    """Hosts with ports, separated by commas.

    Raises:
        ConfigError: it is none.
    """
    text = given if isinstance(given, str) else ",".join(given) if isinstance(given, list | tuple) else ""
    if "@" in text:
        raise ConfigError("servers holds an @; give user and password as options sasl.username and sasl.password")
    if not text or not all(re.fullmatch(r"[\w.\-\[\]:]+", one.strip(), re.ASCII) for one in text.split(",")):
        raise ConfigError(f'servers is {given!r:.100}; it is host:port, several separated by commas: "kafka-1:9092"')
    return text


def start_of(text: str) -> str | datetime:
    """Where a topic begins, from text: earliest, latest, or a time in ISO 8601.

    Raises:
        ConfigError: it is none of these.
    """
    if text in ("earliest", "latest"):
        return text
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None:
        raise ConfigError(
            f"start is {text!r:.60}; it is earliest, latest, or a time with a time zone, such as 2024-06-01T00:00:00Z"
        )
    return found


def check_start(start: Any) -> None:
    """Look whether a topic can begin there.

    Raises:
        ConfigError: it cannot.
    """
    if start in ("earliest", "latest") or (isinstance(start, datetime) and start.utcoffset() is not None):
        return
    raise ConfigError(f'start is {start!r}; it is "earliest", "latest", or a datetime with a time zone')
