"""What all simulation studies share: runs in processes, kept in a file, taken up again, written as one result.

A study is a list of tasks, each a frozen record of what to draw, and a function that draws a task's data and says
what each of some detectors made of it. What is done is kept by task and detector: a detector that comes later is run
on its own, on the very data that the others saw.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from accel_drift.evaluation.running import begin_worker
from accel_drift.files import write_text_atomically
from bench import machine, online_peer
from bench.economies import economies

Found = dict[str, dict[str, Any]]
"""Detector -> what was counted, as plain values."""

T = TypeVar("T")


@dataclass(slots=True)
class Kept(Generic[T]):
    """What was found of each task, and which commits and seconds it took."""

    found: dict[T, Found] = field(default_factory=dict)
    commits: dict[tuple[T, str], str] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, task: T, found: Found, seconds: float, commit: str) -> None:
        self.found.setdefault(task, {}).update(found)
        self.commits.update({(task, name): commit for name in found})
        self.seconds += seconds


@dataclass(frozen=True, slots=True)
class Study(Generic[T]):
    """One study.

    Attributes:
        name: what its result file is called.
        task: the record's class.
        work: (task, detectors) -> what each detector found.
        wanted: the detectors that a task is for.
        rows: everything kept -> the rows of the result.
        settings: what a reader must know, as plain values.
        told: one detector's finding -> a word for the log.
    """

    name: str
    task: type[T]
    work: Callable[[T, tuple[str, ...]], Found]
    wanted: Callable[[T], tuple[str, ...]]
    rows: Callable[[Kept[T]], list[dict[str, Any]]]
    settings: Callable[[], dict[str, Any]]
    told: Callable[[Mapping[str, Any]], str] = str


def run(
    study: Study[T], todo: Sequence[tuple[T, tuple[str, ...]]], kept: Kept[T], path: Path | None, processes: int
) -> None:
    """Run what is left to do, in processes of their own; each finished run is added to `kept` and to the file."""
    started, commit = time.perf_counter(), machine.commit()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=begin_worker) as pool:
        waiting = {pool.submit(timed, study.work, t, names): t for t, names in todo}
        for i, finished in enumerate(as_completed(waiting), 1):
            task = waiting[finished]
            found, seconds = finished.result()
            kept.add(task, found, seconds, commit)
            if path is not None:
                with path.open("a", encoding="utf-8") as out:
                    line = {"task": asdict(task), "found": found, "seconds": seconds, "commit": commit}  # type: ignore[call-overload]
                    out.write(json.dumps(line) + "\n")
            told = ", ".join(f"{name} {study.told(v)}" for name, v in found.items())
            print(
                f"{i}/{len(todo)} {time.perf_counter() - started:.0f} s: {task} in {seconds:.1f} s: {told}", flush=True
            )


def timed(work: Callable[[T, tuple[str, ...]], Found], task: T, names: tuple[str, ...]) -> tuple[Found, float]:
    """Run a task and say how long it took."""
    started = time.perf_counter()
    with economies():
        return work(task, names), time.perf_counter() - started


def left(study: Study[T], tasks: Sequence[T], kept: Kept[T], only: Sequence[str]) -> list[tuple[T, tuple[str, ...]]]:
    """The tasks and detectors that nothing is known of yet; `only` restricts the detectors."""
    todo = []
    for task in tasks:
        known = kept.found.get(task, {})
        names = tuple(n for n in study.wanted(task) if n not in known and (not only or n in only))
        if names:
            todo.append((task, names))
    return todo


def read(task: type[T], path: Path | None) -> Kept[T]:
    """What a file of finished runs holds."""
    kept: Kept[T] = Kept()
    if path is not None and path.exists():
        for held in _lines(path):
            kept.add(task(**held["task"]), held["found"], held["seconds"], held["commit"])
    return kept


def _lines(path: Path) -> list[dict[str, Any]]:
    """The finished runs of a file; a last line that was cut off when a study was killed is taken out of it.

    Raises:
        ValueError: another line is none of a study's.
    """
    lines, made = path.read_text(encoding="utf-8").splitlines(keepends=True), []
    for number, line in enumerate(lines, 1):
        try:
            made.append(json.loads(line))
        except ValueError as error:
            if number < len(lines):
                raise ValueError(
                    f"{path}, line {number}, is no finished run; give the file that --keep wrote"
                ) from error
            print(f"{path}: its last line was cut off; that run is made anew")
            write_text_atomically(path, "".join(lines[:-1]))
    return made


def check(parser: argparse.ArgumentParser, given: argparse.Namespace, *folders: Path | None) -> None:
    """Refuse, before anything is run, what would be refused after it; make the folders that are written to."""
    if given.processes < 1:
        parser.error(f"--processes is {given.processes}; give at least 1")
    for folder in folders:
        if folder is not None:
            if folder.exists() and not folder.is_dir():
                parser.error(f"{folder} is a file; give a folder")
            folder.mkdir(parents=True, exist_ok=True)
    if given.peers is not None:
        try:
            told = subprocess.run([given.peers, "-c", "print(3)"], capture_output=True, text=True, check=False)
        except OSError as error:
            parser.error(f"--peers {given.peers}: {error.strerror}; give the Python of an environment with peers.txt")
        if told.stdout.strip() != "3":
            parser.error(f"--peers {given.peers} is no Python; give that of an environment with peers.txt")


def main(
    study: Study[T], tasks: Callable[[float], Sequence[T]], about: str | None, words: Sequence[str] | None = None
) -> int:
    """The command line of a study: 0, or 1 where a cell is beyond its bound; `words` stand for those of the shell."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the pairs; see --out")
    parser.add_argument("--processes", type=int, default=machine.cores())
    parser.add_argument("--keep", type=Path, help="a file for finished runs, so that a study can be taken up again")
    parser.add_argument("--out", type=Path, help="folder of the result; without it less than the whole is not written")
    parser.add_argument("--as-is", action="store_true", help="run nothing, write what the kept file holds")
    parser.add_argument("--detectors", default="", help="only these, with commas between; see --out")
    parser.add_argument("--columns", default="", help="only these kinds of column; see --out")
    parser.add_argument("--peers", type=Path, help="the Python of other libraries, where they are studied, too")
    given = parser.parse_args(words)
    check(parser, given, given.out)
    if given.peers is not None:
        os.environ[online_peer.PYTHON] = str(given.peers.absolute())
    before = machine.facts()
    kept = read(study.task, given.keep)
    if not given.as_is:
        columns = [c for c in given.columns.split(",") if c]
        todo = [t for t in tasks(given.scale) if not columns or getattr(t, "column", None) in columns]
        run(study, left(study, todo, kept, [d for d in given.detectors.split(",") if d]), kept, given.keep,
            given.processes)  # fmt: skip
    rows = study.rows(kept)
    failed = [r for r in rows if r.get("holds") is False]
    for row in failed:
        print("beyond its bound:", row)
    whole = given.as_is or not (given.scale < 1 or given.detectors or given.columns)
    folder = given.out or (machine.RESULTS if whole else None)
    if folder is not None:
        path = folder / f"{study.name}-{datetime.now(UTC).date()}.json"
        write_text_atomically(path, as_json(study.name, study.settings(), rows, before, kept.seconds))
        print(f"wrote {path.name}")
    print(f"{len(rows)} cells, {len(failed)} beyond their bound")
    return 1 if failed else 0


def as_json(
    name: str, settings: Mapping[str, Any], rows: list[dict[str, Any]], before: Mapping[str, Any], work_s: float
) -> str:
    """The committed form: what was asked, on what, and one line a cell."""
    head = {"study": name, "machine": dict(before), "work_s": round(work_s), "settings": dict(settings)}
    text = json.dumps(head, indent=1)[:-2] + ',\n "cells": [\n'
    return text + ",\n".join("  " + json.dumps(row) for row in rows) + "\n ]\n}\n"
