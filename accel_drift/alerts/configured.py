"""From a configuration to the alerts that it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accel_drift.alerts.alerting import Alerts
from accel_drift.rules import DEFAULT

if TYPE_CHECKING:
    from accel_drift.config import Config


def alerts_of(config: Config) -> tuple[Alerts, ...]:
    """The alerts that a configuration asks for, to follow its monitor; none where it has neither rules nor sinks."""
    said = config.alerts
    if said.rules is None and not said.sinks:
        return ()
    rules = DEFAULT if said.rules is None else tuple(rule.made() for rule in said.rules)
    later = {sink for rule in rules for sink in rule.escalate_to} - {sink for rule in rules for sink in rule.sinks}
    sinks = [name for name in said.sinks if name not in later]
    return (Alerts(rules, sinks, said.base_url),)
