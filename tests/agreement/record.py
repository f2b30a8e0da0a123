"""Writes what evidently and NannyML say of the real data: `python -m tests.agreement.record peers/bin/python`.

The Python is one of an environment as bench/peers.txt describes it. The tests compute ours anew and compare.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from accel_drift.files import write_text_atomically
from tests.agreement import libraries
from tests.agreement.samples import pairs

RECORDED = Path(__file__).with_name("recorded.json")


def main() -> None:
    """Score all pairs under the Python that is named, and write the values."""
    columns = {
        f"{pair.name}|{kind}|{column}|{side}": values
        for pair in pairs()
        for kind, of_kind in (("numbers", pair.numbers), ("categories", pair.categories))
        for column, sides in of_kind.items()
        for side, values in enumerate(sides)
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "columns.npz"
        np.savez(path, allow_pickle=False, **columns)
        made = subprocess.run(
            [sys.argv[1], "-I", libraries.__file__, str(path)], stdout=subprocess.PIPE, text=True, check=True
        )
    told = json.loads(made.stdout.splitlines()[-1])
    write_text_atomically(RECORDED, json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
