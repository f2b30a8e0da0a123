"""Topics of Kafka as a source: the monitor's history says where each partition stands, and so each row counts once."""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from accel_drift.errors import ConfigError, DataError, SchemaError
from accel_drift.monitor.batches import Batch
from accel_drift.monitor.kafka import options as o
from accel_drift.monitor.kafka.columns import Columns
from accel_drift.monitor.kafka.hand import Damaged, Hand, Lot
from accel_drift.monitor.kafka.member import Member, Settings
from accel_drift.monitor.kafka.messages import FORMATS, Message, UnreadableError
from accel_drift.monitor.monitor import Monitor
from accel_drift.monitor.sources import Source
from accel_drift.options import at_least, is_finite

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
    After a kill the broker gives nothing before the dead process's session is over ("session.timeout.ms", 45 s).

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
        named_topics, named_servers = o.checked_topics(topics), o.checked_servers(servers)
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
        self._rows, self._seconds, self._clock = rows, seconds, clock
        self._read, self._columns = FORMATS[format], Columns(schema)
        self._settings = Settings(
            named_topics, named_servers, group, start, o.checked_options(options), clock, o.client()
        )
        self._member: Member | None = None
        self._leave: Callable[[], object] = _nothing
        self._monitor: Monitor | None = None
        self._inside, self._went, self._new, self._given = False, False, True, Lot()
        self._again: deque[Lot] = deque()
        self._hand = Hand()

    def __repr__(self) -> str:
        return f"<Kafka {', '.join(self._settings.topics)} at {self._settings.servers}>"

    # What a source does.

    def batches(self, monitor: Monitor) -> Iterator[Batch]:
        """What is there, in batches as they are full or old enough; see `Source.batches`."""
        if self._inside or self._monitor is not monitor:
            self.close()  # the last look was broken off: what it had in hand may or may not have been taken
        self._monitor, self._inside = monitor, True
        member = self._member or self._joined(monitor)
        while True:
            lot = self._again.popleft() if self._again else self._next_lot(member)
            if lot is None:
                break
            self._given = lot
            yield lot.batch(self._columns, monitor.expected)
        self._inside = False

    def taken(self, batch: Batch) -> None:
        """Tell the broker, for those who look there."""
        self._went = self._went or batch.rows is not None
        if self._member is not None:
            self._member.done |= self._given.stands
            self._member.commit(self._given.stands, wait=False)

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
        now, member = self._clock(), self._member
        if member is None:
            return 0.0
        if self._hand.since is not None:
            return max(0.0, self._hand.since + self._seconds - now) if member.at_end else 0.0
        return None if member.at_end or now - member.heard >= _SILENCE_S else 0.0

    def ended(self) -> None:
        """Nothing came for long enough.

        Raises:
            SourceError: no broker said that this was the end.
        """
        member = self._member
        if member is None:
            return
        if not member.at_end:
            what = "no partition was assigned" if member.assigned is None else "no broker said anything"
            raise member.broken(f"{what} for {_SILENCE_S:g} s, so that there may be more")
        member.check()

    def close(self) -> None:
        """Leave the group. What is in hand is read again by who comes next."""
        leave, self._leave = self._leave, _nothing
        leave()
        self._member, self._inside, self._hand = None, False, Hand()
        self._again.clear()

    # Messages in.

    def _joined(self, monitor: Monitor) -> Member:
        """A consumer, which leaves its group with this source, at the end of the process at the latest."""
        self._new = not any(name.startswith("kafka:") for name in monitor.positions)
        member = self._member = Member(self._settings, monitor, self._hand)
        self._leave = weakref.finalize(self, member.consumer.close)
        return member

    def _next_lot(self, member: Member) -> Lot | None:
        """What is to be handed over; None where nothing is there now."""
        while True:
            message = member.poll()
            if message is not None and member.fresh(message):
                self._take(message)
            hand, now = self._hand, self._clock()
            if hand.since is not None and (hand.rows >= self._rows or now >= hand.since + self._seconds):
                return hand.cut()
            if message is None:
                return None

    def _take(self, message: Any) -> None:
        place, offset, value = (message.topic(), message.partition()), message.offset(), message.value()
        try:
            rows, count = self._read(value) if value else (None, 0)
        except UnreadableError as error:
            self._hand.damaged(Damaged(place, offset, str(error)), self._clock())
        else:
            self._hand.add(Message(place, offset, rows, count), self._clock())


def _nothing() -> None:
    """There is nothing to leave."""
