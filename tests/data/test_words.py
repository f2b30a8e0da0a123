"""The share of a text's words that a vocabulary lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.data import read_table, words
from accel_drift.data.table import CategoricalColumn
from accel_drift.errors import ConfigError, SchemaError


def column(*texts: str | None) -> CategoricalColumn:
    there = sorted({text for text in texts if text is not None})
    codes = [-1 if text is None else there.index(text) for text in texts]
    return CategoricalColumn("t", np.array(codes, np.int32), tuple(there), codes.count(-1))


def test_words_are_runs_of_letters_and_digits_in_lower_case() -> None:
    known = words.vocabulary(column(*["Hello ÉTÉ, naïve 日本 42"] * 5))
    found = words.unknown(column("hello", "été world", "WORLD", "...", "", None, "naïve-42/日本 new"), known)
    assert found.tolist() == [0.0, 0.5, 1.0, 0.0, 0.0, 0.0, 0.25]


def test_a_vocabulary_has_one_size_and_holds_no_text() -> None:
    made = [words.vocabulary(column(*(f"{text} {i}" for i in range(50)))) for text in ("short", "a much longer text")]
    assert {len(one) for one in made} == {-(-words.BITS // 24) * 4}
    assert "short" not in made[0]


def test_rows_set_aside_are_spread_evenly() -> None:
    assert words.set_aside(4).tolist() == []
    assert words.set_aside(10).tolist() == [0, 5]
    many = words.set_aside(1_000_000)
    assert len(many) == words.MOST_ASIDE
    assert set(np.diff(many)) == {50}


def test_many_texts_are_taken_apart_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = column(*(f"word{i % 7} word{i}" for i in range(40)))
    known = words.vocabulary(texts)
    whole = words.unknown(texts, known)
    monkeypatch.setattr(words, "_TEXTS", 3)
    assert words.vocabulary(texts) == known
    assert words.unknown(texts, known).tolist() == whole.tolist()


def notes(rows: int, seed: int, new: float = 0.0) -> dict[str, Any]:
    """Ten words a text by Zipf's law over 3,000, some of them replaced by new ones."""
    rng = np.random.default_rng(seed)
    place = np.minimum(rng.zipf(1.3, (rows, 10)), 3000)
    fresh = rng.random((rows, 10)) < new
    named = np.char.add(np.where(fresh, "n", "w"), place.astype(str))
    return {"note": [" ".join(row) for row in named.tolist()], "x": rng.normal(size=rows)}


KINDS = {"note": "text"}


def test_new_words_are_found_and_old_ones_are_not_news(tmp_path: Path) -> None:
    """With the reference's own vocabulary the second report would drift as well."""
    profile = ad.Profile.fit(notes(1500, 1), ["psi", "missing"], kinds=KINDS, backend="numpy")
    profile.save(tmp_path / "notes.adp")
    loaded = ad.Profile.load(tmp_path / "notes.adp", backend="numpy")
    drifted, same = notes(800, 2, new=0.1), notes(800, 3)
    for used in (profile, loaded):
        report = used.score(drifted)
        assert report.drifted_columns == ("unseen words of note",)
        assert (report.n_reference, report.n_batch) == (1200, 800)
        assert any(note.startswith("unseen words of note: a fifth") for note in report.notes)
        assert not used.score(same).drifted
    assert {f.column for f in report.findings} == {"length of note", "unseen words of note", "x"}


def test_the_level_is_kept() -> None:
    """Thirty pairs: twelve p-values of at most 0.1 are less likely than one in ten thousand."""
    small = 0
    for seed in range(5):
        first, second = ({f"t{i}": notes(300, 100 * seed + 10 * side + i)["note"] for i in range(6)} for side in (1, 2))
        found = ad.compare(first, second, ["ks"], kinds=dict.fromkeys(first, "text"), backend="numpy")
        p = [f.p_value for f in found.findings if f.column.startswith("unseen")]
        assert len(p) == 6
        small += sum(v is not None and v <= 0.1 for v in p)
    assert small < 12


def test_a_table_that_was_read_keeps_its_rows() -> None:
    first = read_table(notes(100, 1), kinds=KINDS)
    assert first.rows == 80
    assert first.origin is not None
    assert first.origin[:5].tolist() == [1, 2, 3, 4, 6]
    assert read_table(first).rows == 80
    assert read_table(notes(50, 2), schema=first.schema).rows == 50


def test_what_cannot_have_a_vocabulary_is_refused() -> None:
    with pytest.raises(SchemaError, match="has no word in the fifth of its 3 rows"):
        read_table({"note": ["a", "b", "c"]}, kinds=KINDS)
    with pytest.raises(SchemaError, match="'length' and 'text' are of texts"):
        read_table({"note": [1.5, 2.5]}, kinds=KINDS)
    with pytest.raises(ConfigError, match="whole blocks are permuted by block=20"):
        ad.Profile.fit(notes(100, 1), ["psi"], kinds=KINDS, block=20, backend="numpy")
    with pytest.raises(ConfigError, match="whole blocks are permuted by block=20"):
        ad.PSI(block=20).fit(notes(100, 1), kinds=KINDS, backend="numpy")
    with pytest.raises(ConfigError, match=r"compare the length alone, kinds=\{'note': 'length'\}"):
        ad.Profile.plan(notes(100, 1), ["psi"], kinds=KINDS)
