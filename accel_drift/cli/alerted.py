"""The work of `accel-drift alerts`."""

from __future__ import annotations

import getpass
import json as plain
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from accel_drift.alerts import trial
from accel_drift.alerts.delivery import Delivery
from accel_drift.alerts.register import Register
from accel_drift.alerts.sinks.making import sinks_of
from accel_drift.cli import histories, logs, scoring
from accel_drift.cli.console import aside, out
from accel_drift.config import Config
from accel_drift.errors import ConfigError
from accel_drift.history import History
from accel_drift.monitor.windows import length
from accel_drift.report import words

_ALERTS = (
    "alert", "rule", "column", "severity", "state", "opened", "acknowledged", "sent", "waiting", "dry run", "not sent",
)  # fmt: skip
_SILENCES = ("silence", "rule", "column", "until", "by", "reason")
_MESSAGES = ("message", "attempts", "outcome", "error")
_KEY = 12
_NO_SINKS = "sinks stand in a configuration; give --config FILE"


@contextmanager
def desk(config: Path | None, history: str | None, name: str | None, *, sinks: bool = False) -> Iterator[Desk]:
    """What is done with the alerts of a monitor, over its history.

    Args:
        config: the configuration.
        history: the history, where it is not the configuration's.
        name: the monitor, where there is no configuration.
        sinks: sinks are needed.

    Raises:
        ConfigError: what is given does not say which monitor, or has no sinks.
        SourceError: there is no such file.
        HistoryError: the history cannot be opened.
    """
    if config is None and sinks:
        raise ConfigError(_NO_SINKS)
    if config is not None and name is not None:
        raise ConfigError("--config and --name are given; the configuration says the name: leave one out")
    found = None if config is None else Config.load(config)
    where = history or ("drift.db" if found is None else found.history.url)
    with histories.opened(where) as opened:
        made = Desk(opened, found, name or (found.name if found is not None else "monitor"))
        if found is None:
            made.check()
        yield made


def tested(config: Path | None, sink: str) -> int:
    """Send a test, without the history; 1 where it did not go.

    Args:
        config: the configuration.
        sink: its sink's name.

    Raises:
        ConfigError: there is no such sink.
        SourceError: there is no such file.
    """
    if config is None:
        raise ConfigError(_NO_SINKS)
    found = Config.load(config)
    sinks = sinks_of(found.alerts.sinks)
    if sink not in sinks:
        raise ConfigError(f"there is no sink {sink!r}; there are {', '.join(sinks) or 'none'}")
    if (missing := sinks[sink].missing()) is not None:
        aside(f"Not sent (dry run): {missing}")
        return 1
    message = trial.test_message(found.name, sink, _now())
    if (error := trial.tried(sinks[sink], message)) is not None:
        aside(f"Not sent: {error}")
        return 1
    out(f"Sent {message.key}.")
    return 0


class Desk:
    """A monitor's alerts, its sinks, and what is printed of them."""

    def __init__(self, history: History, config: Config | None, name: str) -> None:
        self._history, self._config, self._register = history, config, Register(history, name)

    def check(self) -> None:
        """See that the history knows the monitor, where it knows any.

        Raises:
            ConfigError: it does not.
        """
        self._register.check()

    def listed(self, *, ended: bool, json: str | None) -> str:
        """Alerts and silences."""
        found, silences = self._register.alerts(ended=ended), self._register.silences(_now())
        if _as_json(json):
            return _dumped({"alerts": found, "silences": silences})
        rows = [
            (
                row["alert_key"][:_KEY], row["rule"], row["subject"], row["severity"], row["state"],
                row["opened_at"], row["acknowledged_by"] or row["acknowledged_at"], row["sent"], row["waiting"],
                row["dry_run"], row["not_sent"],
            )
            for row in found
        ]  # fmt: skip
        held = [(s["id"], s["rule"], s["subject"], s["ends_at"], s["author"], s["reason"]) for s in silences]
        parts = [_table(_ALERTS, rows) if rows else "No alerts are open." if not ended else "There are no alerts."]
        parts += [_table(_SILENCES, held)] if held else []
        return "\n\n".join(parts)

    def shown(self, key: str, *, json: str | None) -> str:
        """One alert."""
        found = self._register.alert(key)
        if _as_json(json):
            return _dumped(found)
        sent = found.pop("messages")
        lines = [f"{name}: {_word(value)}" for name, value in found.items() if value not in (None, "", {})]
        rows = [(row["message_key"], row["attempts"], row["outcome"], row["error"]) for row in sent]
        return "\n".join(lines) + (f"\n\n{_table(_MESSAGES, rows)}" if rows else "\nNo messages.")

    def acknowledged(self, key: str, by: str) -> str:
        """The whole key."""
        return self._register.acknowledge(key, by or _user(), _now())

    def silenced(self, rule: str, subject: str, duration: str, reason: str, by: str) -> str:
        """What was silenced, in words."""
        now = _now()
        span = length(duration, "--for")
        until = now + timedelta(days=30 * span.months, microseconds=span.us)
        number = self._register.silence(rule, subject, now, until, reason=reason, author=by or _user())
        return f"Silence {number} until {until:%Y-%m-%d %H:%M} UTC; accel-drift alerts unsilence {number} ends it."

    def unsilenced(self, numbers: Sequence[int]) -> int:
        """How many."""
        return self._register.unsilence(_now(), numbers)

    def delivered(self, *, once: bool, log_format: str | None) -> int:
        """Send what waits: 1 where some is left, and otherwise for ever."""
        delivery = self._delivery(self._sinks())
        with logs.logged({"log_format": log_format}, self._config):
            if once:
                left = delivery.once()
                if left:
                    aside(f"{left:,} messages could not be sent; they are tried again.")
                return int(left > 0)
            with delivery:
                threading.Event().wait()
        return 0

    def _sinks(self) -> dict[str, Any]:
        return {} if self._config is None else sinks_of(self._config.alerts.sinks)

    def _delivery(self, sinks: dict[str, Any]) -> Delivery:
        days = 7.0 if self._config is None else self._config.alerts.give_up_days
        return Delivery(self._history, self._register.name, sinks, patience_days=days)


def _now() -> datetime:
    return datetime.now(UTC)


def _user() -> str:
    with suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return ""


def _as_json(json: str | None) -> bool:
    if json not in (None, scoring.STDOUT):
        raise ConfigError("--json writes to standard output; for a file write > alerts.json")
    return json is not None


def _dumped(value: Any) -> str:
    return plain.dumps(value, indent=2, default=lambda moment: moment.isoformat())


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    told = [head, *([_word(value) for value in row] for row in rows)]
    widths = [max(len(row[i]) for row in told) for i in range(len(head))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in told
    )


def _word(value: Any) -> str:
    if value in (None, ""):
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return words.visible(str(value))
