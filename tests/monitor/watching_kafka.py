"""A watcher of topics that is there to be killed: SERVERS TOPIC URL."""

from __future__ import annotations

import sys

import accel_drift as ad
from accel_drift import monitor as mo
from tests.kafka_broker import QUICK
from tests.monitor.samples import rows


def main() -> None:
    servers, topic, url = sys.argv[1:]
    profile = ad.Profile.fit(rows(2_000, 0), ["psi", "missing"], backend="numpy")
    monitor = ad.Monitor(profile, ad.Windows(rows=70), history=url, name="m")
    kafka = mo.Kafka(topic, servers=servers, rows=30, seconds=0.0, options=QUICK)
    print("ready", flush=True)  # noqa: T201
    for _report in mo.watch(monitor, kafka, until_idle=0.0, poll=0.01):
        print("window", flush=True)  # noqa: T201
    print("end", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
