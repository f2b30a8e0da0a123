"""A process that sends what waits and tells all that it knows: `python sender.py URL LOG`, secrets by variables."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Any


def main(url: str, log: str) -> int:
    """0 where everything went."""
    logging.basicConfig(filename=log, level=1, format="%(levelname)s %(name)s %(message)s")
    logging.captureWarnings(capture=True)
    warnings.simplefilter("default")
    import accel_drift as ad
    from accel_drift.alerts.delivery import Delivery
    from accel_drift.alerts.sinks import sink_of

    options: dict[str, Any] = {"endpoint": os.environ.get("PD_ENDPOINT")}
    sinks = {
        "hook": sink_of("apprise", secret="HOOK_URL"),  # noqa: S106
        "mail": sink_of("apprise", secret="MAIL_URL"),  # noqa: S106
        "pager": sink_of("pagerduty", secret="PD_KEY", **options),  # noqa: S106
    }
    with ad.History(url, wait=60) as history, Delivery(history, "churn", sinks, limit=1.5, poll=0.01) as delivery:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        went = delivery.flush(float(os.environ.get("FLUSH", "60")))
        known = [delivery, sinks, vars(delivery), [vars(one) for one in delivery._channels], [*sinks.values()]]
        sys.stdout.write("".join(f"{one!r}\n" for one in known))
    return 0 if went else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
