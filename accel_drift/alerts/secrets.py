"""Secrets: named in a configuration, read from the environment or a folder, and kept out of all that is written."""

from __future__ import annotations

import logging
import os
import re
import traceback
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from accel_drift.errors import ConfigError
from accel_drift.history.hidden import looks_secret

FOLDER = "ACCEL_DRIFT_SECRETS"
"""The variable that names the folder of secrets, one file each, such as /run/secrets."""
HIDDEN = "***"
_SHORTEST, _WORD = 4, 8
"""Shorter parts of a URL are not looked for, and parts below the second length only as words of their own: hiding
`hook` wherever it stands would leave little of a text."""
_TALKATIVE = ("apprise", "httpcore", "httpcore2", "httpx", "httpx2", "pagerduty", "requests", "urllib3")
"""Libraries that log what they are given."""
_EARLY = (
    "urllib3.connectionpool", "urllib3.util.retry", "httpx2", "httpcore2.connection", "httpcore2.http11",
    "pagerduty.api_client",
)  # fmt: skip
"""Loggers of theirs that may log before anybody could look for them."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is named and never shown: it is read when it is needed, and is no part of this object.

    Args:
        name: of a variable of the environment or, where there is none, of a file in the folder that the variable
            ACCEL_DRIFT_SECRETS names.

    Raises:
        ConfigError: the name is none, and may be the secret itself.
    """

    name: str

    def __post_init__(self) -> None:
        if looks_secret(self.name):
            raise ConfigError(
                "secret holds a value and no name; set a variable of the environment to the value, such as SLACK_URL, "
                "and write its name: secret: SLACK_URL"
            ) from None

    def value(self) -> str | None:
        """What it is now; None where it is not set. From now on it is hidden from errors and from libraries' logs.

        Raises:
            ConfigError: its file is there and cannot be read.
        """
        found = os.environ.get(self.name, "").strip() or self._from_file()
        if not found:
            return None
        hide(found)
        return found

    def missing(self) -> str | None:
        """Why there is no value, and what to do; None where there is one."""
        if self.value() is not None:
            return None
        return (
            f"{self.name} is not set; set this variable of the environment, or put a file {self.name} into the folder \
that {FOLDER} names"
        )

    def _from_file(self) -> str:
        folder = os.environ.get(FOLDER)
        if not folder:
            return ""
        try:
            return (Path(folder) / self.name).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the secret {self.name} in {FOLDER}: {type(error).__name__}") from None


class _Hidden:
    """All secrets that were read, as one pattern."""

    def __init__(self) -> None:
        self._parts: set[str] = set()
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = Lock()

    def add(self, value: str) -> None:
        with self._lock:
            if value in self._values:
                return
            self._values.add(value)
            self._parts.update(parts_of(value))
            longest_first = sorted(self._parts, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_searched, longest_first)), re.IGNORECASE)

    def without(self, text: str) -> str:
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)


_HIDDEN = _Hidden()


def hide(value: str) -> None:
    """Look for a value, and for the parts of a URL, in every text from now on; see `scrubbed`."""
    _HIDDEN.add(value)


def scrubbed(text: str) -> str:
    """A text without any secret that was read in this process, nor a part of one, in any spelling."""
    return _HIDDEN.without(text)


def parts_of(value: str) -> set[str]:
    """What would give a secret away: itself and, of a URL, all of its parts but the scheme, as libraries write them."""
    found = {value}
    if "://" in value:
        rest = value.partition("://")[2]
        found.add(rest)
        found.update(re.split(r"[/:@?&=#,;\s]", re.sub(r"(?<=[?&])[^=&]*=", "", rest)))
        user = rest.rpartition("@")[0]
        found.update((user, user.partition(":")[2], user.partition(":")[0]))
        found.update(rest.partition("/")[1:])
    return {spelt for part in found if len(part) >= _SHORTEST for spelt in _spellings(part)}


def _spellings(part: str) -> Iterator[str]:
    plain = unquote(part)
    for one in (part, plain, unquote_plus(part)):
        yield from (one, quote(one), quote(one, safe=""), quote_plus(one))
        yield one.encode("unicode_escape").decode("ascii")
    # As Basic authorization and SMTP's AUTH send them.
    user, _, password = plain.partition(":")
    for sent in (plain, f"\0{user}\0{password}"):
        yield b64encode(sent.encode()).decode().rstrip("=")


def _searched(part: str) -> str:
    found = re.escape(part)
    return found if len(part) >= _WORD else rf"(?<![A-Za-z0-9_]){found}(?![A-Za-z0-9_])"


class _Scrubbing(logging.Filter):
    """Writes records of a library anew, without secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            told = record.getMessage()
        except Exception:  # noqa: BLE001  (a library's own mistake in a line of its log)
            told = str(record.msg)
        record.msg, record.args = scrubbed(told), ()
        if record.exc_info:
            kind, error, trace = record.exc_info
            record.exc_text = scrubbed("".join(traceback.format_exception(kind, error, trace))).rstrip()
            record.exc_info = None
        return True


_SCRUBBING = _Scrubbing()


def guard_logs(more: Iterable[str] = ()) -> None:
    """Keep secrets out of what libraries log, whatever level they log at.

    Args:
        more: first parts of names of further loggers.
    """
    roots = {*_TALKATIVE, *more}
    for early in (*roots, *_EARLY):
        logging.getLogger(early)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] in roots and isinstance(logger, logging.Logger):
            logger.addFilter(_SCRUBBING)
