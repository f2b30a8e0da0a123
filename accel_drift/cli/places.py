"""Where the rows come from that `watch`, `run` and `schedule` look at, and their labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import unquote

from accel_drift.cli import scoring
from accel_drift.errors import ConfigError
from accel_drift.monitor import ArrowStream, Dataset, Folder, Kafka, LabelFolder, Monitor, Source
from accel_drift.monitor.kafka.options import Hidden, start_of

if TYPE_CHECKING:
    from accel_drift.config import Config

STDIN = "-"
KAFKA = "kafka://"
_SUCH_AS = "kafka://kafka-1:9092/scored?format=json"


def of_config(config: Config) -> str | Source:
    """What a configuration names: a path, or topics.

    Raises:
        ConfigError: it names nothing, or a secret of it is not set.
        ExtraMissingError: it names topics, and confluent-kafka is not installed.
    """
    if config.kafka.in_use:
        return _topics_of(config)
    if config.data.production_path is None:
        raise ConfigError(
            "data.production_path is null; name the folder that files arrive in, or - for standard input, or give "
            "topics: kafka: {servers: kafka-1:9092, topics: [scored]}"
        )
    return config.data.production_path


def of_word(inbox: str, *, cut: bool) -> str | Source:
    """What is named on the command line: a path as it is, or topics.

    Args:
        inbox: the word.
        cut: something is said about what makes a window.

    Raises:
        ConfigError: it cannot work.
        ExtraMissingError: it names topics, and confluent-kafka is not installed.
    """
    if not inbox.startswith(KAFKA):
        return inbox
    made = _topics(inbox)
    if not cut:
        raise ConfigError("topics have no files, so what is a window? --rows 10000, or --time 1h --on COLUMN")
    return made


def source(given: Mapping[str, Any], inbox: str | Source, monitor: Monitor, stdin: TextIO) -> Source:
    """Where batches come from.

    Raises:
        SourceError: it is not there.
    """
    if isinstance(inbox, Source):
        return inbox
    if inbox == STDIN:
        return ArrowStream(stdin.buffer)
    if not Path(inbox).is_dir():
        scoring.must_exist(inbox)
        return Dataset(inbox, whole=monitor.windows.by is not None)
    return Folder(
        inbox,
        patterns=given["pattern"] or (),
        order=given["order"] or "name",
        settle=given["settle"],
        patience=given["patience"],
    )


def labels(given: Mapping[str, Any], config: Config | None) -> LabelFolder | None:
    """Where late labels come from, if any do.

    Raises:
        SourceError: it is not there.
    """
    if config is None or config.data.labels_path is None:
        return None
    data = config.data
    return LabelFolder(
        str(data.labels_path),
        id=str(data.id_column),
        label=str(data.label_column),
        settle=given["settle"],
        patience=given["patience"],
    )


def _topics_of(config: Config) -> Kafka:
    from accel_drift.alerts.secrets import Secret, guard_logs

    said, secret = config.kafka, dict[str, Hidden]()
    for option, name in said.secrets.items():
        value = Secret(name).value()
        if value is None:
            raise ConfigError(f"kafka.secrets.{option}: {Secret(name).missing()}")
        secret[option] = Hidden(value)
    if secret:
        guard_logs(("accel_drift",))
    servers = said.servers if isinstance(said.servers, str) else ",".join(said.servers or ())
    return Kafka(
        said.names,
        servers=servers,
        group=said.group,
        format=said.format,
        rows=said.rows,
        seconds=said.seconds,
        start=said.begin(),
        options={**said.options, **secret},
    )


def _topics(address: str) -> Kafka:
    """Topics by an address: kafka://SERVERS/TOPICS?NAME=VALUE&NAME=VALUE."""
    rest = address.removeprefix(KAFKA)
    if "@" in rest:
        raise ConfigError(
            "the address of Kafka holds a user or password, which others of this machine can see; give it in a "
            "configuration: kafka: {options: {sasl.username: NAME}, secrets: {sasl.password: KAFKA_PASSWORD}}, where "
            "KAFKA_PASSWORD is a variable of the environment"
        )
    place, _, query = rest.partition("?")
    servers, _, topics = place.partition("/")
    if not servers or not topics.strip("/"):
        raise ConfigError(f"{KAFKA}{place}: give servers and topics, such as {_SUCH_AS}; several by commas")
    options = dict(_option(part) for part in query.split("&") if part)
    return Kafka([unquote(one.strip()) for one in topics.strip("/").split(",")], servers=servers, **options)


def _option(part: str) -> tuple[str, Any]:
    """A name and its value.

    Raises:
        ConfigError: there is no such name, or the value is none of it.
    """
    name, _, text = part.partition("=")
    if name not in _READ:
        named = f"has {name}=, which" if re.fullmatch(r"[a-z._]+", name) and text else "has what"
        raise ConfigError(
            f"the address of Kafka {named} is none of {', '.join(_READ)}; options of confluent-kafka, and the names of "
            "secrets, stand in a configuration: kafka: {options: ..., secrets: ...}"
        )
    try:
        return name, _READ[name](unquote(text))
    except ConfigError:
        raise
    except ValueError:
        raise ConfigError(f"in the address of Kafka {name} is {unquote(text)!r:.60}; it is a number") from None


_READ: Mapping[str, Callable[[str], Any]] = {
    "format": str, "group": str, "rows": int, "seconds": float, "start": start_of,
}  # fmt: skip
