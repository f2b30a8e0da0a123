"""PagerDuty: an incident an alert, opened and resolved by its key."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from accel_drift.alerts.secrets import Secret, guard_logs, scrubbed
from accel_drift.alerts.sinks.base import Message, Sink
from accel_drift.errors import ConfigError, ExtraMissingError, SinkError

_SEVERITY = {"critical": "critical", "warning": "warning"}
_ANSWER_S = 10
_SAFE = ("https://", "http://127.0.0.1:", "http://localhost:")
"""The key goes there: encrypted, or not beyond this machine."""


@dataclass(frozen=True)
class PagerDuty(Sink):
    """PagerDuty's Events API v2: an alert is one incident, whose dedup_key is the alert's key.

    What opens or goes on is a trigger, its end a resolve. The message's key is `custom_details.key` of a trigger, and
    the header Idempotency-Key of both.

    Args:
        secret: what holds the routing key of the integration.
        endpoint: where the API is; None for PagerDuty's own.

    Raises:
        ConfigError: there is no secret, or the endpoint is no URL.
    """

    secret: Secret | None = None
    endpoint: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.secret, Secret):
            raise ConfigError(
                "a sink of kind pagerduty needs a secret: the name of the variable that holds its routing key, such as "
                "secret: PD_KEY"
            )
        if self.endpoint is not None and not str(self.endpoint).startswith(_SAFE):
            raise ConfigError("endpoint is no https:// URL; it is such as https://events.eu.pagerduty.com")

    def missing(self) -> str | None:
        """The routing key, where it is not set."""
        return self._named.missing()

    def send(self, message: Message) -> None:
        """Trigger or resolve.

        Raises:
            SinkError: PagerDuty did not take it.
            ExtraMissingError: its client is not there.
        """
        try:
            import pagerduty
        except ImportError as error:
            raise ExtraMissingError(
                f"this sink needs pagerduty ({error}): pip install 'accel-drift[monitor]'"
            ) from error
        guard_logs()
        with pagerduty.EventsApiV2Client(self._named.value() or "") as client:
            if self.endpoint is not None:
                client._url = self.endpoint.rstrip("/")  # its own setter refuses this machine
            # It is tried again by ourselves, with longer pauses than a call may take.
            client.retry, client.max_http_attempts, client.max_network_attempts = {429: 1}, -1, 0
            client.timeout = _ANSWER_S
            client.log = logging.getLogger(f"{__name__}.client")
            client.log.setLevel(logging.CRITICAL)  # what failed is raised, and told in our words
            client.headers["Idempotency-Key"] = message.key.encode("ascii", "backslashreplace").decode()
            try:
                if message.kind != "resolved":
                    client.trigger(**_incident(message))
                if message.kind in ("resolved", "test"):
                    client.resolve(message.alert)
            except pagerduty.Error as error:
                raise SinkError(_why(error)) from None

    @property
    def _named(self) -> Secret:
        if self.secret is None:
            raise ConfigError("a sink of kind pagerduty needs a secret")
        return self.secret


def _incident(message: Message) -> dict[str, Any]:
    return {
        "summary": message.text[:1024],
        "source": message.monitor,
        "dedup_key": message.alert,
        "severity": _SEVERITY.get(message.severity, "info"),
        "payload": {"timestamp": message.at, "component": message.subject or message.rule, "class": message.rule},
        "custom_details": message.as_dict(),
        "links": [] if message.link is None else [{"href": message.link, "text": "accel-drift"}],
    }


def _why(error: Exception) -> str:
    """What went wrong; the client's own words may end with a part of the key."""
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if status == 401:
        return "PagerDuty answered 401: the routing key is not one of an integration of Events API v2"
    if status is not None:
        return scrubbed(f"PagerDuty answered {status}: {getattr(response, 'text', '')[:200]}")
    return scrubbed(f"PagerDuty cannot be reached: {error}")
