"""What happened, in a database: every window's report, kept whole, and questions over all of them.

It knows reports and their findings, nothing of what makes them. SQL and connections are SQLAlchemy's (Core, the extra
`monitor`); this package says which tables there are, what is written in one transaction, and what is asked.
"""

from __future__ import annotations

from accel_drift.history.history import History
from accel_drift.history.window import Metric, Window

__all__ = ["History", "Metric", "Window"]
