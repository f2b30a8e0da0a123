"""A process that writes windows: `python -m tests.history.writer URL MONITOR FIRST LAST FINDINGS`."""

from __future__ import annotations

import sys

import accel_drift as ad
from tests.history.samples import day, finding, report


def main() -> None:
    url, name, first, last, findings = sys.argv[1:]
    history = ad.History(url, wait=120)
    tell("open")
    sys.stdin.readline()
    written = 0
    for number in range(int(first), int(last)):
        found = [finding(f"column {i}", number / 1000) for i in range(int(findings))]
        written += history.record(name, report(found), day(number))
    tell(str(written))


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
