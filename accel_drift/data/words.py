"""How many of a text's words a vocabulary lacks, and the vocabulary: a bitmap of hashes, which holds no text.

A word is a run of letters, marks and digits, in lower case. The vocabulary comes from reference rows that are set aside
and take no part in any test: words that only the reference has would otherwise be the reference's by construction, and
every batch would drift. A word that shares its bit with another one counts as known; with 20,000 words that is one in
13 of the new ones.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from accel_drift.data.table import CategoricalColumn, Table
from accel_drift.errors import ConfigError, SchemaError

BITS = 1 << 18
"""Size of a vocabulary: 32 kB."""

MOST_ASIDE = 20_000
"""Rows set aside at most."""

_NO_WORD = r"[^\pL\pM\pN]+"
_TEXTS = 1 << 16
"""Texts taken apart at a time: bounds the memory."""


def set_aside(rows: int) -> npt.NDArray[np.int64]:
    """Places of the rows that make a vocabulary: a fifth of them, evenly spread, and at most 20,000."""
    most = min(rows // 5, MOST_ASIDE)
    return np.arange(most, dtype=np.int64) * rows // max(most, 1)


def vocabulary(column: CategoricalColumn) -> str:
    """The words of the rows that are set aside, as text that fits into JSON.

    Raises:
        SchemaError: none of these rows has a word.
    """
    codes = column.codes[set_aside(column.rows)]
    known = np.zeros(BITS, np.bool_)
    for hashes, _ in _taken_apart([column.categories[i] for i in np.unique(codes[codes >= 0])]):
        known[hashes[hashes >= 0]] = True
    if not known.any():
        raise SchemaError(
            f"column {column.name!r} has no word in the fifth of its {column.rows:,} rows that makes the vocabulary; "
            f"give more rows, or compare its length with kinds={{{column.name!r}: 'length'}}"
        )
    return base64.b64encode(np.packbits(known).tobytes()).decode()


def unknown(column: CategoricalColumn, words: str) -> npt.NDArray[np.float64]:
    """Share of each row's words that the vocabulary lacks, (n,); 0 where there is no word."""
    known = np.unpackbits(np.frombuffer(base64.b64decode(words), np.uint8)).astype(np.bool_)
    shares = [np.zeros(0)]
    for hashes, texts in _taken_apart(column.categories):
        word = hashes >= 0
        new = np.where(word, ~known[hashes], False)
        count = np.bincount(texts, word, minlength=texts[-1] + 1)
        shares.append(np.bincount(texts, new, minlength=len(count)) / np.maximum(count, 1))
    # Code -1, a missing row, reads the last entry.
    return np.concatenate([*shares, np.zeros(1)])[column.codes]


def refuse_blocks(table: Table, block: str | int | None) -> None:
    """Refuse to set rows aside where whole blocks are permuted: those of the reference would be thinner.

    Raises:
        ConfigError: the table has a vocabulary, and there are blocks.
    """
    found = [c.source for c in table.schema.columns if c.vocabulary]
    if block is not None and found:
        raise ConfigError(
            f"unseen words of {found[0]!r} set rows of the reference aside, and whole blocks are permuted by "
            f"block={block!r}; compare its length alone with kinds={{{found[0]!r}: 'length'}}"
        )


def _taken_apart(texts: Sequence[str]) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Of some texts at a time the hash of every word, -1 for an empty one, and the place of its text among them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for lo in range(0, len(texts), _TEXTS):
        some = _strings(pa, texts[lo : lo + _TEXTS])
        lists = pc.call_function(
            "split_pattern_regex", [pc.call_function("utf8_lower", [some])], pc.SplitPatternOptions(_NO_WORD)
        )
        words = lists.values.dictionary_encode()
        hashes = np.fromiter(map(_hash, words.dictionary.to_pylist()), np.int64, len(words.dictionary))
        codes = np.frombuffer(words.indices.buffers()[1], np.int32, len(words))
        bounds = np.frombuffer(lists.buffers()[1], np.int32, len(lists) + 1)
        yield hashes[codes], np.repeat(np.arange(len(lists)), np.diff(bounds))


def _hash(word: str) -> int:
    return crc32(word.encode()) % BITS if word else -1


def _strings(pa: Any, texts: Sequence[str]) -> Any:
    """Texts as Arrow; by hand, since `pa.array` imports pandas."""
    encoded = [text.encode() for text in texts]
    bounds = np.cumsum(np.fromiter(chain([0], map(len, encoded)), np.int64, len(encoded) + 1))
    return pa.Array.from_buffers(
        pa.large_string(), len(encoded), [None, pa.py_buffer(bounds), pa.py_buffer(b"".join(encoded))]
    )
