"""One caller at a time, where a state goes from one call to the next."""

from __future__ import annotations

from threading import Lock
from types import TracebackType


class Turn:
    """A lock that is copied, and goes into a pickle, as a new one."""

    def __init__(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[Turn], tuple[()]]:
        return Turn, ()
