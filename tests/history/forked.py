"""A process that opens a history and forks, where no library has threads: `python -m tests.history.forked URL`."""

from __future__ import annotations

import os
import sys

import accel_drift as ad
from tests.history.samples import day, report


def main(url: str) -> int:
    """Parent and child write other windows through the same history; 0 where all of them were new."""
    with ad.History(url) as history:
        history.record("churn", report(), day(0))
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if all(history.record("churn", report(), day(i)) for i in range(1, 20)) else 2
            finally:
                os._exit(code)
        mine = [history.record("churn", report(), day(i)) for i in range(20, 40)]
        _, status = os.waitpid(child, 0)
        return 0 if all(mine) and os.waitstatus_to_exitcode(status) == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
