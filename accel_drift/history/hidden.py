"""Texts that may hold the URL of a database, without its passwords."""

from __future__ import annotations

import re

_USER = re.compile(r"(//[^:/@\s]*):[^\s]*@")
_QUERY = re.compile(r"(password|passwd|pwd)=[^&\s'\"]*", re.IGNORECASE)


def hidden(text: str) -> str:
    """The text without passwords of URLs.

    >>> hidden("postgresql://me:p@ss@here/db?x=1")
    'postgresql://me:***@here/db?x=1'
    """
    return _QUERY.sub(r"\1=***", _USER.sub(r"\1:***@", text))
