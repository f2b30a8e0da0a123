"""Texts that may hold the URL of a database, without its passwords."""

from __future__ import annotations

import re
from typing import Any

_USER = re.compile(r"(//[^:/@\s]*):[^\s]*@")
_QUERY = re.compile(r"(password|passwd|pwd)=[^&\s'\"]*", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_PRIVATE = re.compile(r"\w://([^/?#\s]*@|[^?#\s]*[?#])")


def looks_secret(name: Any) -> bool:
    """Whether what should name a secret is one itself: a URL, a token, anything that is no plain name."""
    return not isinstance(name, str) or _NAME.fullmatch(name) is None or len(name) > 64 or _is_token(name)


def holds_secret(value: Any) -> bool:
    """Whether a value is a URL with a user, a query or a token in it: https://hooks.example/T0/B0/x1y2z3x1y2z3x1y2z3."""
    if not isinstance(value, str) or "://" not in value:
        return False
    return _PRIVATE.search(value) is not None or any(map(_is_token, re.split(r"[/:]", value)))


def _is_token(text: str) -> bool:
    return len(text) >= 16 and sum(letter.isdigit() for letter in text) >= 3 and "_" not in text and "." not in text


def hidden(text: str) -> str:
    """The text without passwords of URLs.

    >>> hidden("postgresql://me:p@ss@here/db?x=1")
    'postgresql://me:***@here/db?x=1'
    """
    return _QUERY.sub(r"\1=***", _USER.sub(r"\1:***@", text))
