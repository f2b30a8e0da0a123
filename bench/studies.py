"""All that is said of detectors on drift whose truth is known, by one command.

    python bench/studies.py --peers peers/bin/python --keep kept/     # the whole -> results/<study>-<date>.json
    python bench/studies.py --quick --out quick/                      # a tenth, with a page of its own

The studies run one after the other, each in as many processes as there are cores: the harness on synthetic drift, a
published benchmark again, thresholds from data, embeddings, and real data. What a study needs and does not find is
left out, and said at the end: other libraries (`--peers`, see peers.txt), the packages of real.txt, and the vectors
that `embed_docstrings.py` makes (DOCSTRINGS). The exit status is 1 where a cell is beyond its bound.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "kernels"))

from accel_drift.files import write_text_atomically
from bench import (
    embedding_study,
    evaluation_study,
    machine,
    published_study,
    real_data,
    real_study,
    studies_page,
    study,
    thresholds_study,
)

STUDIES: Mapping[str, ModuleType] = {
    "evaluation": evaluation_study,
    "published": published_study,
    "thresholds": thresholds_study,
    "embeddings": embedding_study,
    "real": real_study,
}
QUICK = 0.1
"""The share of seeds, pairs and questions of the quick form."""


def lacking(peers: Path | None) -> Iterator[str]:
    """What is not here, and what is left out for that."""
    if peers is None:
        yield "no --peers: other libraries, and the experiment with a network, are left out"
    if not os.environ.get("DOCSTRINGS"):
        yield "no DOCSTRINGS: sentence embeddings are left out"
    if missing := real_data.missing():
        yield f"not installed: {', '.join(missing)}: real data are left out"


def main() -> int:
    """Run the studies that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of everything; results are written only with --out"
    )
    parser.add_argument("--only", nargs="+", choices=list(STUDIES), default=list(STUDIES), metavar="STUDY",
                        help=f"some of {', '.join(STUDIES)}")  # fmt: skip
    parser.add_argument("--peers", type=Path, help="the Python of other libraries, see peers.txt")
    parser.add_argument("--keep", type=Path, help="a folder for finished runs, so that all can be taken up again")
    parser.add_argument("--out", type=Path, help="folder of the results and of a page; by default those of the bench")
    parser.add_argument("--processes", type=int, default=machine.cores(), help="at a time; one a core by default")
    given = parser.parse_args()
    study.check(parser, given, given.keep, given.out)
    started, ended = time.perf_counter(), {}
    for name in given.only:
        if name == "real" and real_data.missing():
            continue
        print(f"--- {name}", flush=True)
        ended[name] = _timed(STUDIES[name], words(name, given))
    if given.out is not None:
        write_text_atomically(given.out / "README.md", page(given.out))
    for name, (code, seconds) in ended.items():
        print(f"{name}: {seconds / 60:.1f} minutes" + ("; some cells are beyond their bound" if code else ""))
    print(f"{(time.perf_counter() - started) / 60:.1f} minutes in all, {given.processes} processes")
    for line in lacking(given.peers):
        print(line)
    return max((code for code, _ in ended.values()), default=0)


def words(name: str, given: argparse.Namespace) -> list[str]:
    """The command line of one study."""
    made = ["--processes", str(given.processes)]
    if given.quick:
        made += ["--scale", str(QUICK)]
    if given.peers is not None:
        made += ["--peers", str(given.peers)]
    if given.keep is not None:
        made += ["--keep", str(given.keep / f"{name}.jsonl")]
    return made + (["--out", str(given.out)] if given.out is not None else [])


def _timed(module: ModuleType, line: list[str]) -> tuple[int, float]:
    started = time.perf_counter()
    tasks: Callable[[float], Iterator[Any]] = module.tasks
    code = study.main(module.STUDY, lambda scale: list(tasks(scale)), module.__doc__, line)
    return code, time.perf_counter() - started


def page(folder: Path) -> str:
    """The newest result of each study in a folder, as Markdown."""
    parts = []
    for name, show in studies_page.PARTS.items():
        files = sorted(folder.glob(f"{name}-*.json"))
        if files and name in STUDIES:
            parts.append("\n".join(show(json.loads(files[-1].read_text(encoding="utf-8")))))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
