"""A consumer of Kafka: which partitions it has, where each of them goes on, and what the broker says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from logging import getLogger
from typing import Any

from accel_drift.errors import ConfigError, SourceError
from accel_drift.monitor.kafka import options as o
from accel_drift.monitor.kafka.hand import Hand, Place, name_of
from accel_drift.monitor.monitor import Monitor

_LOG = getLogger("accel_drift.monitor.kafka")

_WAIT_S = 0.2
"""Seconds that one look waits for a message."""
_ANSWER_S = 10.0
"""Seconds that a broker has for an answer."""
_JOINED_S = 10.0
"""Seconds after which it is told that the group gives nothing."""
_AGAIN_S = 600.0
"""Seconds after which that is told again."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a consumer is to read, and how.

    Attributes:
        topics: their names.
        servers: hosts with ports, separated by commas.
        group: that other monitors may share; None for one of the monitor's own.
        start: where a topic is begun that was never read.
        options: of confluent-kafka.
        clock: seconds that only go forward.
        kafka: confluent-kafka.
    """

    topics: tuple[str, ...]
    servers: str
    group: str | None
    start: str | datetime
    options: Mapping[str, Any]
    clock: Callable[[], float]
    kafka: Any


class Member:
    """A consumer in its group that goes on where a monitor stands, with the partitions that the broker gives it.

    Attributes:
        heard: when a broker last said anything.
        assigned: the partitions that it has; None while the group gives nothing.
        done: where partitions stand that the monitor took something of.

    Args:
        settings: what to read.
        monitor: where it stands.
        hand: told what will never come, and which partitions have gone to others.

    Raises:
        ConfigError: an option cannot work.
        SourceError: no broker answers, or there is no such topic.
    """

    def __init__(self, settings: Settings, monitor: Monitor, hand: Hand) -> None:
        self._settings, self._monitor, self._hand = settings, monitor, hand
        self._kafka, self._options, self._group = settings.kafka, settings.options, settings.group
        self.assigned: set[Place] | None = None
        self.done: dict[Place, int] = {}
        self._next: dict[Place, int] = {}
        self._began: dict[Place, int] = {}
        self._ended: set[Place] = set()
        self._said = ""
        self._name = settings.group or f"accel-drift.{monitor.name}"
        self.consumer = self._made()
        try:
            self._begin_reading()
        except BaseException as error:
            self.consumer.close()
            if isinstance(error, self._kafka.KafkaException):
                raise self.broken(error) from None
            raise
        self.heard = self._now()
        self._since, self._tell_at = self.heard, self.heard + _JOINED_S

    def poll(self) -> Any:
        """A message, or None where none came for a moment.

        Raises:
            SourceError: it can never work.
        """
        now = self._now()
        if self.assigned is None and now >= self._tell_at:
            self._tell_at = now + _AGAIN_S
            self._not_joined(now - self._since)
        try:
            message = self.consumer.poll(_WAIT_S)
        except self._kafka.KafkaException as error:
            raise self.broken(error) from None
        if message is not None:
            self.heard = self._now()
        return message

    def fresh(self, message: Any) -> bool:
        """Whether it is a message that was not seen before, and not something else that is seen to here.

        Raises:
            SourceError: it can never work.
        """
        if message.error() is not None:
            self._trouble(message)
            return False
        place, offset = (message.topic(), message.partition()), message.offset()
        if self.assigned is None or place not in self.assigned or offset < self._next.get(place, 0):
            return False
        self._ended.discard(place)
        self._next[place] = offset + 1
        return True

    @property
    def at_end(self) -> bool:
        """Whether there was nothing more in any partition when it was last looked."""
        return self.assigned is not None and self.assigned <= self._ended

    def check(self) -> None:
        """Ask whether a broker still answers.

        Raises:
            SourceError: none does.
        """
        try:
            self.consumer.list_topics(self._settings.topics[0], timeout=_ANSWER_S)
        except self._kafka.KafkaException as error:
            raise self.broken(error) from None

    def _now(self) -> float:
        return self._settings.clock()

    @property
    def _cooperative(self) -> bool:
        """Whether partitions are assigned one by one, and not all anew."""
        return "cooperative" in str(self._options.get("partition.assignment.strategy", ""))

    # Which partitions.

    def _made(self) -> Any:
        settings = self._settings
        given = o.consumer_options(settings.options, settings.servers, self._name)
        try:
            return self._kafka.Consumer({**given, "error_cb": self._failed}, logger=_LOG)
        except self._kafka.KafkaException as error:
            raise ConfigError(f"options cannot be used: {self._said_by(error)}") from None
        except (TypeError, ValueError) as error:
            raise ConfigError(f"options cannot be used: {o.without_secrets(str(error), settings.options)}") from None

    def _begin_reading(self) -> None:
        """Subscribe to the topics.

        Raises:
            SourceError: there is no such topic, or it may not be read.
        """
        topics, where = self._settings.topics, self._settings.servers
        for topic in topics:
            found = self.consumer.list_topics(topic, timeout=_ANSWER_S).topics[topic].error
            if found is not None and found.code() == self._kafka.KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise SourceError(f"there is no topic {topic!r} at {where}; make it, or check the name")
            if found is not None:
                raise self.broken(found)
        self.consumer.subscribe([*topics], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._drop)

    def _not_joined(self, seconds: float) -> None:
        """Say that it still waits for the group."""
        _LOG.warning(
            "%s: group %r gave no partition for %.0f s%s. It may wait for the session of a member that was killed "
            "(session.timeout.ms), find no coordinator, or lack the right to read the group; it is tried on",
            self._settings.servers, self._name, seconds, f": {self._said}" if self._said else "",
        )  # fmt: skip

    def _assign(self, consumer: Any, partitions: list[Any]) -> None:
        """Partitions came: each goes on where the monitor stands, or begins."""
        positions = self._monitor.positions
        topics = {name.removeprefix("kafka:").rpartition("/")[0] for name in positions if name.startswith("kafka:")}
        shared = {(one.topic, one.partition): one.offset for one in self._committed(consumer, partitions)}
        unknown = []
        for one in partitions:
            place = (one.topic, one.partition)
            stood, told = positions.get(name_of(place)), shared.get(place, -1)
            if stood is not None and told > stood:
                text = f"{name_of(place)}: offsets {stood} to {told - 1} were read by others of group {self._group!r}"
                self._hand.lost(place, text, told, self._now())
            if stood is not None or told >= 0:
                self._next[place] = one.offset = max(told, -1 if stood is None else stood)
            elif one.topic in topics or self._settings.start == "earliest":
                one.offset = self._kafka.OFFSET_BEGINNING
            else:
                unknown.append(one)
        self._begin(consumer, unknown)
        self.assigned = {*(self.assigned or ()), *((one.topic, one.partition) for one in partitions)}
        self.heard = self._now()
        self._began |= {(one.topic, one.partition): one.offset for one in partitions}
        if self._cooperative:
            consumer.incremental_assign(partitions)
        else:
            consumer.assign(partitions)

    def _begin(self, consumer: Any, partitions: list[Any]) -> None:
        """Set where partitions begin that nobody read."""
        for one in partitions:
            one.offset = self._kafka.OFFSET_END
        if isinstance(self._settings.start, datetime) and partitions:
            at = int(self._settings.start.timestamp() * 1000)
            asked = [self._kafka.TopicPartition(one.topic, one.partition, at) for one in partitions]
            found = consumer.offsets_for_times(asked, timeout=_ANSWER_S)
            for one, there in zip(partitions, found, strict=True):
                one.offset = there.offset if there.offset >= 0 else self._kafka.OFFSET_END

    def _committed(self, consumer: Any, partitions: list[Any]) -> list[Any]:
        """What others of a shared group committed."""
        if self._group is None or not partitions:
            return []
        asked = [self._kafka.TopicPartition(one.topic, one.partition) for one in partitions]
        found: list[Any] = consumer.committed(asked, timeout=_ANSWER_S)
        return found

    def _revoke(self, consumer: Any, partitions: list[Any]) -> None:
        """Partitions go to others: what came from them and was not handed over does not count here."""
        places = {(one.topic, one.partition) for one in partitions}
        self.commit({place: self.done[place] for place in places & {*self.done}}, wait=self._group is not None)
        self._drop(consumer, partitions)

    def _drop(self, consumer: Any, partitions: list[Any]) -> None:  # noqa: ARG002
        """Partitions are others' already, or no broker answers: there is nobody to tell."""
        places = {(one.topic, one.partition) for one in partitions}
        self._hand.drop(places)
        self.assigned = ((self.assigned or set()) - places) or None  # until something is assigned again
        self._since = self._now()
        self._tell_at = max(self._tell_at, self._since + _JOINED_S)
        self._ended -= places
        for place in places:
            self._next.pop(place, None)
            self.done.pop(place, None)

    def commit(self, stands: Mapping[Place, int], *, wait: bool) -> None:
        """Tell the broker where it stands. Nothing here depends on that."""
        offsets = [self._kafka.TopicPartition(*place, offset) for place, offset in stands.items()]
        if not offsets:
            return
        try:
            self.consumer.commit(offsets=offsets, asynchronous=not wait)
        except self._kafka.KafkaException as error:
            _LOG.debug("offsets were not committed: %s", self._said_by(error))

    # What comes in place of messages.

    def _trouble(self, message: Any) -> None:
        """What comes in place of a message.

        Raises:
            SourceError: it can never work.
        """
        error, kinds = message.error(), self._kafka.KafkaError
        place = (message.topic(), message.partition())
        if error.code() == kinds._PARTITION_EOF:
            self._ended.add(place)
            if place not in self._next:  # so that it is known even where the process ends before a message comes
                self._next[place] = message.offset()
                self._hand.stand(place, message.offset(), self.heard)
        elif error.code() in (kinds._AUTO_OFFSET_RESET, kinds.OFFSET_OUT_OF_RANGE):
            self._gone(place)
        elif error.fatal() or error.code() in (kinds.TOPIC_AUTHORIZATION_FAILED, kinds.GROUP_AUTHORIZATION_FAILED):
            raise self.broken(error)
        else:
            self._failed(error)

    def _gone(self, place: Place) -> None:
        """Where a partition stood there is nothing any more: go on where it begins, and say what was lost."""
        at = self._kafka.TopicPartition(*place)
        try:
            low, high = map(int, self.consumer.get_watermark_offsets(at, timeout=_ANSWER_S))
            stood, name = int(self._next.get(place, low)), name_of(place)
            if stood < low:
                text = (
                    f"{name}: {low - stood:,} messages, offsets {stood} to {low - 1}, were gone before they were read; "
                    "let the topic keep them for longer"
                )
                self._hand.lost(place, text, low, self.heard)
            elif stood > high:
                text = f"{name} ends at offset {high}, before {stood}, where it was read to: it is read from its start"
                self._hand.lost(place, text, low, self.heard)
            self._next[place] = low if stood < low or stood > high else stood
            self._go_on(place)
        except self._kafka.KafkaException as error:
            raise self.broken(error) from None

    def _go_on(self, place: Place) -> None:
        """Fetch a partition again; one that failed cannot be sought."""
        again = [place] if self._cooperative else sorted(self.assigned or ())
        partitions = [self._kafka.TopicPartition(*one, self._next.get(one, self._began.get(one, 0))) for one in again]
        if self._cooperative:
            self.consumer.incremental_unassign(partitions)
            self.consumer.incremental_assign(partitions)
        else:
            self.consumer.assign(partitions)

    # Errors.

    def _failed(self, error: Any) -> None:
        """Something went wrong that the library tries again."""
        text = o.without_secrets(error.str(), self._options)
        if text != self._said:
            _LOG.warning("%s: %s", self._settings.servers, text)
        self._said = text

    def _said_by(self, error: Any) -> str:
        """An error in words, without secrets."""
        return o.without_secrets(o.words_of(error), self._options)

    def broken(self, error: Any) -> SourceError:
        """The error of a source for one of the library, or a text."""
        more = f" ({self._said})" if self._said else ""
        where = f"{', '.join(self._settings.topics)} at {self._settings.servers}"
        said = f"{self._said_by(error)}{more}"
        return SourceError(f"topics {where} cannot be read: {said}; nothing that was taken is lost")
