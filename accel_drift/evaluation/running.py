"""Trials one after the other, in threads or in processes; every trial is the same wherever it runs."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import Any

from accel_drift.errors import ConfigError
from accel_drift.evaluation.parts import Folder
from accel_drift.evaluation.trial import Task, run_trial

_AHEAD = 2
"""Trials that are handed over before they can be begun, for each worker."""


def finished(
    tasks: Sequence[Task], processes: int, threads: int, folder: Folder | None = None
) -> Iterator[tuple[int, Any]]:
    """The place and the rows of every trial, as they come; they are kept in the folder, where there is one.

    Whatever ends this early (an error, Ctrl-C), trials that have begun are waited for and kept, none is begun.
    Where this process is killed, those that it started end, too.

    Raises:
        ConfigError: something cannot be sent to another process, or processes and threads are both more than 1.
    """
    if processes > 1 and threads > 1:
        raise ConfigError(f"processes is {processes} and threads is {threads}; use one of them")
    if processes > 1:
        yield from _in_processes(tasks, processes, folder)
    elif threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            yield from _pooled(pool, [(_kept, task, folder, False) for task in tasks], threads)
    else:
        for place, task in enumerate(tasks):
            yield place, _kept(task, folder)


def _kept(task: Task, folder: Folder | None, alone: bool = True) -> Any:
    """Run a trial and keep it: here, so that it is kept whatever becomes of who waits for it."""
    rows = run_trial(task, alone=alone)
    if folder is not None:
        folder.write(task.key, rows)
    return rows


def _in_processes(tasks: Sequence[Task], processes: int, folder: Folder | None) -> Iterator[tuple[int, Any]]:
    sent = [(_unpacked, _packed(task), folder) for task in tasks]
    # A fork of a process with threads may hang, and every kernel has threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=begin_worker) as pool:
        try:
            yield from _pooled(pool, sent, processes)
        except BrokenProcessPool as error:
            raise ConfigError(
                "a process ended before its trial did: it was killed, memory ran out, or the script that started it "
                'has no `if __name__ == "__main__":` before the study; processes=1 runs it here'
            ) from error


def _pooled(pool: Executor, work: Sequence[tuple[Any, ...]], workers: int) -> Iterator[tuple[int, Any]]:
    begun: dict[Future[Any], int] = {}
    left = iter(enumerate(work))
    try:
        while True:
            while len(begun) < _AHEAD * workers and (following := next(left, None)) is not None:
                place, (function, *given) = following
                begun[pool.submit(function, *given)] = place
            if not begun:
                return
            done, _ = wait(begun, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=begun.__getitem__):
                place = begun.pop(future)
                yield place, future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _packed(task: Task) -> bytes:
    """The trial as it goes to another process.

    Raises:
        ConfigError: it cannot go there.
    """
    try:
        made = pickle.dumps(task)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"contender {task.name!r} on scenario {task.scene!r} cannot be sent to another process ({error}); define "
            "its classes and functions by name in a module that can be imported, or use processes=1"
        ) from error
    here = sys.modules["__main__"]
    if b"__main__" in made and not hasattr(here, "__file__"):
        raise ConfigError(
            f"contender {task.name!r} or scenario {task.scene!r} is defined here by hand, where another process "
            "cannot import it; put it into a file of its own, or use processes=1"
        )
    return made


def _unpacked(packed: bytes, folder: Folder | None) -> Any:
    """Run a trial in another process.

    Raises:
        ConfigError: what it is made of cannot be imported there.
    """
    try:
        task = pickle.loads(packed)  # noqa: S301  made by `_packed` of the process that started this one
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"a contender or a scenario cannot be imported in another process ({error}); define it in a module that "
            "can be imported, or use processes=1"
        ) from error
    return _kept(task, folder)


def begin_worker() -> None:
    """End with the process that started this one, and leave Ctrl-C to it: it waits for the trials that have begun."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process as soon as the one that started it is gone: nobody else would, and its trial is no one's."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)
