"""From what reports say to people who must know: rules, alerts that open and end, messages that are not lost.

from accel_drift.alerts import Alerts, Rule

alerts = Alerts([Rule(name="income", when="income psi > 0.2 for 6 hours")], sinks=["team"])
monitor = Monitor(profile, history="sqlite:///drift.db", followers=[alerts])
"""

from __future__ import annotations

from accel_drift.errors import ExtraMissingError

try:
    import sqlalchemy
except ImportError as error:
    raise ExtraMissingError(f"alerts need SQLAlchemy ({error}): pip install 'accel-drift[monitor]'") from error

from accel_drift.alerts.alerting import Alerts
from accel_drift.alerts.configured import alerts_of
from accel_drift.alerts.events import Event, Kind
from accel_drift.rules import Rule

del sqlalchemy

__all__ = ["Alerts", "Event", "Kind", "Rule", "alerts_of"]
