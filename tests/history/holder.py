"""A process that takes a lease over and over, and notes when it has it: URL, file, rounds; -1 to take it and wait."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import accel_drift as ad
from accel_drift.history.leases import Lease


def main(url: str, file: str, rounds: int) -> None:
    with ad.History(url, wait=60) as history, Path(file).open("ab", buffering=0) as notes:
        lease = Lease(history, "churn", 600)
        if rounds < 0:
            assert lease.acquire()
        sys.stdout.write("open\n")
        sys.stdout.flush()
        assert sys.stdin.readline()
        held = 0
        while held < rounds:
            if lease.acquire():
                held += 1
                notes.write(b"%d in\n" % os.getpid())
                assert lease.renew()
                notes.write(b"%d out\n" % os.getpid())
                lease.release()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
