"""Configurations as YAML: what `init` writes holds every key with its meaning, and loads."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from accel_drift.config import Config, commented, effective, started
from accel_drift.config.schema import at, leaves, sections
from accel_drift.config.text import read
from accel_drift.config.writing import word
from accel_drift.detectors import names

PLAIN = {"data": {"reference_path": "ref.csv"}}


def loaded(folder: Path, text: str) -> Config:
    (folder / "drift.yaml").write_text(text, encoding="utf-8")
    return Config.load(folder / "drift.yaml", {})


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    rng = np.random.default_rng(4)
    table = pa.table(
        {
            "age": rng.normal(size=200),
            "a: b, #c": rng.choice(list("xyz"), 200),
            "no": rng.choice(list("xyz"), 200),
            "active": rng.random(200) > 0.5,
            "customer_id": np.arange(200),
            "at": np.arange(200).astype("M8[D]").astype("M8[us]"),
            "left": rng.integers(0, 2, 200),
            "note": [f"a note that has the number {i} and is longer than fifty characters" for i in range(200)],
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "june 1.parquet")
    return tmp_path / "june 1.parquet"


def test_what_is_written_to_begin_with_loads_and_fits(tmp_path: Path, reference: Path) -> None:
    text = started(str(reference), label="left", drop=["age"])
    config = loaded(tmp_path, text)
    assert (config.name, config.data.reference_path) == ("june 1", str(reference))
    assert (config.data.label_column, config.columns.drop) == ("left", ("age",))
    assert config.columns.numerical == ()
    assert config.columns.categorical == ("a: b, #c", "no")
    for line in ("# boolean: active", "# timestamp: at", "customer_id: identifier-like", "left: label", "age: dropped"):
        assert line in text
    note = text[text.index("#   note: identifier-like: free text") : text.index("# Columns that hold numbers")]
    assert "columns.kinds: {'note': 'text'} compares length and words" in " ".join(note.replace("#", " ").split())
    assert effective(config) == effective(Config.of({**config.model_dump(mode="json", exclude_unset=True)}))


def test_it_holds_every_key_with_its_default_and_its_meaning(tmp_path: Path) -> None:
    """Generated from the model, so this holds both together."""
    config = Config.of({**PLAIN, "detectors": {"use": [*names()]}})
    text = commented(config)
    assert effective(loaded(tmp_path, text)) == effective(config)
    found = read(text)
    lines = text.splitlines()
    said = set()
    for key in leaves():
        assert key in found.lines, key
        meaning = str(at(key)[0].get("description", ""))
        assert len(meaning) > 8, key
        above: list[str] = []
        for line in reversed(lines[: found.lines[key] - 1]):
            if not line.lstrip().startswith("#"):
                break
            above.insert(0, line.strip().removeprefix("# "))
        comment = " ".join(above)
        assert meaning.replace("`", "") in comment or meaning in said, key
        said.add(meaning)
    assert all(key in found.lines for key in sections())
    assert max(map(len, lines)) <= 112


def test_detectors_that_are_not_in_use_stand_there_as_comments(tmp_path: Path) -> None:
    text = commented(Config.of(PLAIN))
    before, section, after = re.split(r"^(detectors:\n.*?\n)\n", text, maxsplit=1, flags=re.DOTALL | re.MULTILINE)
    uncommented = before + re.sub(r"^  # ((  )?\w+:)", r"  \1", section, flags=re.MULTILINE) + "\n" + after
    for name in names():
        assert re.search(rf"^  (# )?{name}:", text, re.MULTILINE)
    every = uncommented.replace("use: [psi, missing, unseen, mmd]", f"use: [{', '.join(names())}]")
    assert set(loaded(tmp_path, every).detectors.use) == set(names())


def test_the_settings_in_force_are_a_configuration_without_passwords(tmp_path: Path) -> None:
    url = "postgresql://me:s3cret@host/db"
    config = Config.of({**PLAIN, "history": {"url": url}, "detectors": {"use": ["ks"]}})
    text = effective(config)
    assert "s3cret" not in text
    assert "postgresql://me:***@host/db" in text
    assert "psi" not in text
    again = loaded(tmp_path, text)
    assert again.history.url == "postgresql://me:***@host/db"
    assert effective(again) == text
    assert url in commented(config)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
VALUE = st.one_of(TEXT, st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.floats(allow_nan=False, width=32))


@given(st.lists(VALUE | st.dictionaries(TEXT, VALUE, max_size=2), max_size=4))
def test_words_are_read_back_by_us_and_by_others(values: list[object]) -> None:
    text = f"a: {word(values)}\n"
    assert read(text).value == {"a": values}
    assert not read(text).wrong
    others = yaml.safe_load(text)["a"]
    numbers = [v for v in values if not isinstance(v, float)]
    assert [v for v, own in zip(others, values, strict=True) if not isinstance(own, float)] == numbers


def test_long_lists_stand_on_several_lines(tmp_path: Path) -> None:
    many = [f"column-{i} of the table, no. {i}" for i in range(60)]
    text = commented(Config.of({**PLAIN, "columns": {"drop": many}}))
    assert max(map(len, text.splitlines())) <= 112
    assert loaded(tmp_path, text).columns.drop == tuple(many)
