"""What a sink is, and what it is given."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accel_drift.report.words import visible


@dataclass(frozen=True, slots=True)
class Message:
    """What a sink is to tell: numbers of columns and windows, never rows.

    Attributes:
        key: the same whenever this message is sent again, and no other's: who counts messages counts these.
        alert: the alert's key, the same in all of its messages.
        monitor: the monitor's name.
        rule: the rule's name.
        subject: the column that it is about; "" where it is about no single one.
        kind: opened, raised, reminder, escalated, resolved or test.
        severity: none, watch, warning or critical.
        window: the window's key.
        at: when the window ended, in ISO 8601.
        text: a sentence or two for people.
        details: what was seen.
        link: a page about it; None where nobody said where pages are.
    """

    key: str
    alert: str
    monitor: str
    rule: str
    subject: str
    kind: str
    severity: str
    window: str
    at: str
    text: str
    details: Mapping[str, Any]
    link: str | None

    @classmethod
    def of(cls, body: str) -> Message:
        """A message as it stands in the outbox."""
        return cls(**json.loads(body))

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def title(self) -> str:
        """One line, without anything that a header of a mail cannot hold."""
        state = self.kind if self.kind in ("resolved", "test") else self.severity
        subject = f" ({self.subject})" if self.subject else ""
        return visible(f"[{state}] {self.monitor}: {self.rule}{subject}")

    @property
    def spoken(self) -> str:
        """The text with its link, and its key, by which somebody sees that it came twice."""
        link = "" if self.link is None else f"\n{self.link}"
        return f"{visible(self.text)}{link}\nKey: {visible(self.key)}"


class Sink(ABC):
    """A place that messages go to. Another distribution adds one by an entry point of the group `accel_drift.sinks`.

    It is used by one thread at a time. The same message may come again, with the same key: after a process was killed
    between sending and writing that it was sent, or where no answer came in time.
    """

    def missing(self) -> str | None:
        """What lacks before anything can be sent, in words; None where nothing does. Till then all is a dry run."""
        return None

    @abstractmethod
    def send(self, message: Message) -> None:
        """Deliver one message; back only when it is delivered. Whatever is raised, it is tried again later.

        Raises:
            SinkError: it was not delivered, and why.
        """
