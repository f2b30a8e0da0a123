"""A runner to be killed: `python -m tests.retraining.killed URL COMMAND...` runs what is due."""

from __future__ import annotations

import sys

import accel_drift as ad
from accel_drift.retraining import Runner

if __name__ == "__main__":
    with ad.History(sys.argv[1], wait=60) as history:
        Runner(history, sys.argv[2:], lease=0.3).run()
