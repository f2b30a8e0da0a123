"""Slack, Teams, mail, webhooks and a hundred other services, by a URL as Apprise knows them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from accel_drift.alerts.secrets import Secret, guard_logs, scrubbed
from accel_drift.alerts.sinks.base import Message, Sink
from accel_drift.errors import ConfigError, ExtraMissingError, SinkError


@dataclass(frozen=True)
class Apprise(Sink):
    """A URL as Apprise knows them: `slack://...`, `mailto://...`, `msteams://...`, `json://...` of a webhook.

    The message's key stands at the end of the text. Mails and webhooks (json, xml, form) have it as the header
    Idempotency-Key too, and webhooks all of the message's fields, `key` among them, beside title and text.

    Args:
        secret: what holds the URL.

    Raises:
        ConfigError: there is no secret.
    """

    secret: Secret | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.secret, Secret):
            raise ConfigError(
                "a sink of kind apprise needs a secret: the name of the variable that holds its URL, such as "
                "secret: SLACK_URL"
            )

    def missing(self) -> str | None:
        """The URL, where it is not set."""
        return self._named.missing()

    def send(self, message: Message) -> None:
        """Hand it to the service.

        Raises:
            SinkError: the service did not take it.
            ExtraMissingError: Apprise is not there.
        """
        try:
            import apprise
        except ImportError as error:
            raise ExtraMissingError(f"this sink needs Apprise ({error}): pip install 'accel-drift[monitor]'") from error
        guard_logs()
        with _said() as said:
            service = self._service(apprise)
            guard_logs()  # of what the service's module brought along
            _keyed(service, message)
            went = service.notify(
                body=message.spoken,
                title=message.title,
                notify_type=_type(apprise, message),
                body_format=apprise.NotifyFormat.TEXT,
            )
        if not went:
            why = "; ".join(dict.fromkeys(one.rstrip(". ") for one in said)) or "it did not say why"
            raise SinkError(scrubbed(f"{self._named.name} did not take it: {why}"))

    @property
    def _named(self) -> Secret:
        if self.secret is None:
            raise ConfigError("a sink of kind apprise needs a secret")
        return self.secret

    def _service(self, apprise: Any) -> Any:
        # Nothing of it is to be kept on the disk.
        asset = apprise.AppriseAsset(storage_mode="memory", app_id="accel-drift", app_desc="accel-drift")
        found = apprise.Apprise.instantiate(self._named.value() or "", asset=asset)
        if found is None:
            raise SinkError(
                f"{self._named.name} is no URL that Apprise knows; a webhook of your own at https:// is written with "
                "jsons://, one at http:// with json://; https://appriseit.com tells all"
            )
        return found


def _keyed(service: Any, message: Message) -> None:
    """Give a service the key in a field of its own, where it has any."""
    if isinstance(getattr(service, "headers", None), dict):
        service.headers["Idempotency-Key"] = message.key.encode("ascii", "backslashreplace").decode()
    if isinstance(getattr(service, "payload_extras", None), dict):
        fields = message.as_dict()
        del fields["details"]
        service.payload_extras.update({name: str(value or "") for name, value in fields.items()})


def _type(apprise: Any, message: Message) -> Any:
    kinds = apprise.NotifyType
    if message.kind == "resolved":
        return kinds.SUCCESS
    return {"critical": kinds.FAILURE, "warning": kinds.WARNING}.get(message.severity, kinds.INFO)


@contextmanager
def _said() -> Iterator[list[str]]:
    """What Apprise complains of meanwhile, in this thread: it says why something failed in its log alone."""
    heard: list[str] = []
    me = threading.get_ident()

    class Hearing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == me:
                heard.append(record.getMessage())

    logger, handler = logging.getLogger("apprise"), Hearing(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield heard
    finally:
        logger.removeHandler(handler)
