"""Topics of Kafka as a source: the monitor's history says where each partition stands, and so each row counts once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from logging import getLogger
from typing import Any

import pyarrow as pa

from accel_drift.errors import ConfigError, DataError, SchemaError, SourceError
from accel_drift.monitor.batches import Batch
from accel_drift.monitor.kafka import options as o
from accel_drift.monitor.kafka.columns import Columns
from accel_drift.monitor.kafka.hand import Damaged, Hand, Lot, Place, name_of
from accel_drift.monitor.kafka.messages import FORMATS, Message, UnreadableError
from accel_drift.monitor.monitor import Monitor
from accel_drift.monitor.sources import Source
from accel_drift.options import at_least, is_finite

_LOG = getLogger("accel_drift.monitor.kafka")

_WAIT_S = 0.2
"""Seconds that one look waits for a message."""
_ANSWER_S = 10.0
"""Seconds that a broker has for an answer."""
_SILENCE_S = 60.0
"""Seconds after which who waits for the end no longer waits for a broker that says nothing."""


class Kafka(Source):
    """Topics of Kafka. Messages are put together into batches by their number of rows and by time.

    Where each partition stands is written in the transaction that takes a batch in, and is sought when the source
    starts and after every rebalance: each row is counted once, also where the process was killed. The offsets that are
    committed to the broker are for other people's tools.

    A message is a JSON object with a value for each column, or a list of them; or a stream in Arrow's IPC format. One
    that is damaged, or has a text where the reference has numbers, is passed over, and the next report says which and
    why; where half have texts, the column has changed. One without content is none. Those that are gone are told, too.

    One monitor is one process, with a group of its own. Several monitors, each with its own name and history, may share
    a group that is named: then each has the partitions that the broker gives it, and one that moves to another
    monitor is read on from the offset that was committed last. Between monitors rows may count twice, but none is lost.

    Args:
        topics: the name of a topic, or several.
        servers: "host:port", several separated by commas.
        group: of consumers. Without it the monitor's name after "accel-drift.", which no other monitor has.
        format: "json" or "arrow".
        rows: a batch is handed over when it has so many rows; a message is never cut in two,
        seconds: or when its first row came so long ago.
        schema: a pyarrow.Schema: the types of columns of JSON. Others are numbers, texts and booleans as they come;
            times in text are read as what the reference has.
        start: where a topic is begun that the monitor never read: "earliest", "latest", or a datetime with a time zone.
            A partition that is added to a topic later is read from its beginning.
        options: of confluent-kafka, by their names: {"security.protocol": "SASL_SSL", "sasl.username": ...}.
        clock: seconds that only go forward.

    Raises:
        ConfigError: an option cannot work.
        ExtraMissingError: confluent-kafka is not installed.
    """

    ends = False

    def __init__(
        self,
        topics: str | Sequence[str],
        *,
        servers: str | Sequence[str],
        group: str | None = None,
        format: str = "json",  # noqa: A002
        rows: int = 10_000,
        seconds: float = 5.0,
        schema: pa.Schema | None = None,
        start: str | datetime = "earliest",
        options: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._topics, self._servers = o.checked_topics(topics), o.checked_servers(servers)
        at_least(rows, 1, "rows", "how many rows make a batch")
        if not is_finite(seconds) or seconds < 0:
            raise ConfigError(f"seconds is {seconds!r}; it is a number of seconds of at least 0")
        if format not in FORMATS:
            raise ConfigError(f"format is {format!r}; there are {' and '.join(FORMATS)}")
        if schema is not None and (format == "arrow" or not isinstance(schema, pa.Schema)):
            raise ConfigError("schema is a pyarrow.Schema, for format json; messages in Arrow's format have their own")
        o.check_start(start)
        named: Any = group
        if named is not None and (not isinstance(named, str) or not named):
            raise ConfigError(f"group is {group!r}; it is the name of a group of consumers, or None")
        self._group, self._rows, self._seconds, self._start = group, rows, seconds, start
        self._read, self._columns, self._clock = FORMATS[format], Columns(schema), clock
        self._options, self._kafka = o.checked_options(options), o.client()
        self._consumer: Any = None
        self._monitor: Monitor | None = None
        self._inside, self._went, self._new, self._given = False, False, True, Lot()
        self._again: deque[Lot] = deque()
        self._forget()

    def _forget(self) -> None:
        """Nothing is in hand, and nothing is assigned."""
        self._hand = Hand()
        self._next: dict[Place, int] = {}
        self._began: dict[Place, int] = {}
        self._assigned: set[Place] | None = None
        self._ended: set[Place] = set()
        self._done: dict[Place, int] = {}
        self._heard, self._said = self._clock(), ""
        self._again.clear()

    @property
    def _cooperative(self) -> bool:
        """Whether partitions are assigned one by one, and not all anew."""
        return "cooperative" in str(self._options.get("partition.assignment.strategy", ""))

    def __repr__(self) -> str:
        return f"<Kafka {', '.join(self._topics)} at {self._servers}>"

    # What a source does.

    def batches(self, monitor: Monitor) -> Iterator[Batch]:
        """What is there, in batches as they are full or old enough; see `Source.batches`."""
        if self._inside or self._monitor is not monitor:
            self.close()  # the last look was broken off: what it had in hand may or may not have been taken
        self._monitor, self._inside = monitor, True
        if self._consumer is None:
            self._connect(monitor)
        while True:
            lot = self._again.popleft() if self._again else self._next_lot()
            if lot is None:
                break
            self._given = lot
            yield lot.batch(self._columns, monitor.expected)
        self._inside = False

    def taken(self, batch: Batch) -> None:
        """Tell the broker, for those who look there."""
        self._went = self._went or batch.rows is not None
        self._done |= self._given.stands
        self._commit(self._given.stands, wait=False)

    def refused(self, batch: Batch, error: DataError) -> bool:  # noqa: ARG002
        """It comes again in two halves, until the message is found that spoils it; that is passed over.

        Raises:
            SchemaError: no batch of a new monitor ever went: that is no message's fault.
        """
        if isinstance(error, SchemaError) and self._new and not self._went:
            raise error
        self._again.extendleft(reversed(self._given.halves(error)))
        return False

    @property
    def due(self) -> float | None:
        """When what is in hand is old enough; at once, where there is more. None at the end of all partitions."""
        now = self._clock()
        if self._hand.since is not None:
            return max(0.0, self._hand.since + self._seconds - now) if self._at_end else 0.0
        return None if self._at_end or now - self._heard >= _SILENCE_S else 0.0

    @property
    def _at_end(self) -> bool:
        return self._assigned is not None and self._assigned <= self._ended

    def ended(self) -> None:
        """Nothing came for long enough.

        Raises:
            SourceError: no broker said that this was the end.
        """
        if not self._at_end:
            what = "no partition was assigned" if self._assigned is None else "no broker said anything"
            raise self._broken(f"{what} for {_SILENCE_S:g} s, so that there may be more")

    def close(self) -> None:
        """Leave the group. What is in hand is read again by who comes next."""
        consumer, self._consumer = self._consumer, None
        self._inside = False
        if consumer is not None:
            consumer.close()
        self._forget()

    # Messages in.

    def _next_lot(self) -> Lot | None:
        """What is to be handed over; None where nothing is there now."""
        while True:
            message = self._poll()
            if message is not None:
                self._see(message)
            hand, now = self._hand, self._clock()
            if hand.since is not None and (hand.rows >= self._rows or now >= hand.since + self._seconds):
                return hand.cut()
            if message is None:
                return None

    def _poll(self) -> Any:
        try:
            return self._consumer.poll(_WAIT_S)
        except self._kafka.KafkaException as error:
            raise self._broken(error) from None

    def _see(self, message: Any) -> None:
        self._heard = self._clock()
        if message.error() is not None:
            self._trouble(message)
            return
        place, offset = (message.topic(), message.partition()), message.offset()
        if self._assigned is None or place not in self._assigned or offset < self._next.get(place, 0):
            return
        self._ended.discard(place)
        self._next[place] = offset + 1
        value = message.value()
        try:
            rows, count = self._read(value) if value else (None, 0)
        except UnreadableError as error:
            self._hand.damaged(Damaged(place, offset, str(error)), self._heard)
        else:
            self._hand.add(Message(place, offset, rows, count), self._heard)

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
                self._hand.stand(place, message.offset(), self._heard)
        elif error.code() in (kinds._AUTO_OFFSET_RESET, kinds.OFFSET_OUT_OF_RANGE):
            self._gone(place)
        elif error.fatal() or error.code() in (kinds.TOPIC_AUTHORIZATION_FAILED, kinds.GROUP_AUTHORIZATION_FAILED):
            raise self._broken(error)
        else:
            self._failed(error)

    def _gone(self, place: Place) -> None:
        """Where a partition stood there is nothing any more: go on where it begins, and say what was lost."""
        at = self._kafka.TopicPartition(*place)
        try:
            low, high = map(int, self._consumer.get_watermark_offsets(at, timeout=_ANSWER_S))
            stood, name = int(self._next.get(place, low)), name_of(place)
            if stood < low:
                text = (
                    f"{name}: {low - stood:,} messages, offsets {stood} to {low - 1}, were gone before they were read; "
                    "let the topic keep them for longer"
                )
                self._hand.lost(place, text, low, self._heard)
            elif stood > high:
                text = f"{name} ends at offset {high}, before {stood}, where it was read to: it is read from its start"
                self._hand.lost(place, text, low, self._heard)
            self._next[place] = low if stood < low or stood > high else stood
            self._go_on(place)
        except self._kafka.KafkaException as error:
            raise self._broken(error) from None

    def _go_on(self, place: Place) -> None:
        """Fetch a partition again; one that failed cannot be sought."""
        again = [place] if self._cooperative else sorted(self._assigned or ())
        partitions = [self._kafka.TopicPartition(*one, self._next.get(one, self._began.get(one, 0))) for one in again]
        if self._cooperative:
            self._consumer.incremental_unassign(partitions)
            self._consumer.incremental_assign(partitions)
        else:
            self._consumer.assign(partitions)

    # The group.

    def _connect(self, monitor: Monitor) -> None:
        """Subscribe to the topics.

        Raises:
            ConfigError: an option cannot work.
            SourceError: no broker answers, or there is no such topic.
        """
        self._new = not any(name.startswith("kafka:") for name in monitor.positions)
        group = self._group or f"accel-drift.{monitor.name}"
        given = o.consumer_options(self._options, self._servers, group)
        try:
            consumer = self._kafka.Consumer({**given, "error_cb": self._failed}, logger=_LOG)
        except self._kafka.KafkaException as error:
            raise ConfigError(f"options cannot be used: {self._said_by(error)}") from None
        except (TypeError, ValueError) as error:
            raise ConfigError(f"options cannot be used: {o.without_secrets(str(error), self._options)}") from None
        try:
            for topic in self._topics:
                found = consumer.list_topics(topic, timeout=_ANSWER_S).topics[topic].error
                if found is not None and found.code() == self._kafka.KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise SourceError(f"there is no topic {topic!r} at {self._servers}; make it, or check the name")
                if found is not None:
                    raise self._broken(found)
            consumer.subscribe([*self._topics], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._drop)
        except BaseException as error:
            consumer.close()
            if isinstance(error, self._kafka.KafkaException):
                raise self._broken(error) from None
            raise
        self._consumer, self._heard = consumer, self._clock()

    def _assign(self, consumer: Any, partitions: list[Any]) -> None:
        """Partitions came: each goes on where the monitor stands, or begins."""
        monitor = self._monitor
        positions = {} if monitor is None else monitor.positions
        topics = {name.removeprefix("kafka:").rpartition("/")[0] for name in positions if name.startswith("kafka:")}
        shared = {(one.topic, one.partition): one.offset for one in self._committed(consumer, partitions)}
        unknown = []
        for one in partitions:
            place = (one.topic, one.partition)
            stood, told = positions.get(name_of(place)), shared.get(place, -1)
            if stood is not None and told > stood:
                text = f"{name_of(place)}: offsets {stood} to {told - 1} were read by others of group {self._group!r}"
                self._hand.lost(place, text, told, self._clock())
            if stood is not None or told >= 0:
                self._next[place] = one.offset = max(told, -1 if stood is None else stood)
            elif one.topic in topics or self._start == "earliest":
                one.offset = self._kafka.OFFSET_BEGINNING
            else:
                unknown.append(one)
        self._begin(consumer, unknown)
        self._assigned = {*(self._assigned or ()), *((one.topic, one.partition) for one in partitions)}
        self._heard = self._clock()
        self._began |= {(one.topic, one.partition): one.offset for one in partitions}
        if self._cooperative:
            consumer.incremental_assign(partitions)
        else:
            consumer.assign(partitions)

    def _begin(self, consumer: Any, partitions: list[Any]) -> None:
        """Set where partitions begin that nobody read."""
        for one in partitions:
            one.offset = self._kafka.OFFSET_END
        if isinstance(self._start, datetime) and partitions:
            at = int(self._start.timestamp() * 1000)
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
        self._commit({place: self._done[place] for place in places & {*self._done}}, wait=self._group is not None)
        self._drop(consumer, partitions)

    def _drop(self, consumer: Any, partitions: list[Any]) -> None:  # noqa: ARG002
        """Partitions are others' already, or no broker answers: there is nobody to tell."""
        places = {(one.topic, one.partition) for one in partitions}
        self._hand.drop(places)
        self._assigned = ((self._assigned or set()) - places) or None  # until something is assigned again
        self._ended -= places
        for place in places:
            self._next.pop(place, None)
            self._done.pop(place, None)

    def _commit(self, stands: Mapping[Place, int], *, wait: bool) -> None:
        """Tell the broker where it stands. Nothing here depends on that."""
        offsets = [self._kafka.TopicPartition(*place, offset) for place, offset in stands.items()]
        if not offsets or self._consumer is None:
            return
        try:
            self._consumer.commit(offsets=offsets, asynchronous=not wait)
        except self._kafka.KafkaException as error:
            _LOG.debug("offsets were not committed: %s", self._said_by(error))

    # Errors.

    def _failed(self, error: Any) -> None:
        """Something went wrong that the library tries again."""
        text = o.without_secrets(error.str(), self._options)
        if text != self._said:
            _LOG.warning("%s: %s", self._servers, text)
        self._said = text

    def _said_by(self, error: Any) -> str:
        """An error in words, without secrets."""
        return o.without_secrets(o.words_of(error), self._options)

    def _broken(self, error: Any) -> SourceError:
        more = f" ({self._said})" if self._said else ""
        return SourceError(
            f"topics {', '.join(self._topics)} at {self._servers} cannot be read: {self._said_by(error)}{more}; "
            "nothing that was taken is lost"
        )
