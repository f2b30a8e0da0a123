"""The example with Hugging Face, on a small model that is made here: no model is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accel_drift as ad
from accel_drift.finding import Finding

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

GOOD, BAD = ["good", "kind", "warm", "quick"], ["bad", "rude", "cold", "slow"]
PLAIN = ["the", "staff", "room", "food", "was", "and", "very"]
FOREIGN = ["das", "zimmer", "war", "sehr", "und"]


def texts(n: int, seed: int, plain: list[str] = PLAIN) -> tuple[list[str], list[int]]:
    """Texts of six words, and whether those that say something are good."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    made = [" ".join([*rng.choice(plain, 4), *rng.choice(GOOD if label else BAD, 2)]) for label in labels]
    return made, labels.tolist()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small BERT with random weights that learned a little, saved as models are."""
    from tokenizers import Tokenizer, models, pre_tokenizers  # pyright: ignore[reportMissingImports]

    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", *PLAIN, *GOOD, *BAD, *FOREIGN])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106  (no password)
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="[PAD]",  # noqa: S106
        unk_token="[UNK]",  # noqa: S106
    )
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=16, id2label={0: "bad", 1: "good"}, label2id={"bad": 0, "good": 1},
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config)
    step = torch.optim.Adam(model.parameters(), lr=0.01)
    made, labels = texts(256, 0)
    given: Any = tokenizer(made, padding=True, return_tensors="pt")
    for _ in range(30):
        step.zero_grad()
        model(**given, labels=torch.tensor(labels)).loss.backward()
        step.step()
    where = tmp_path_factory.mktemp("model")
    model.save_pretrained(where)
    tokenizer.save_pretrained(where)
    return where


def test_it_finds_texts_of_another_language_and_nothing_before(folder: Path, tmp_path: Path) -> None:
    from tests.examples import texts as example

    (tmp_path / "known.txt").write_text("\n".join(texts(600, 1)[0]))
    (tmp_path / "new.txt").write_text("\n".join(texts(400, 2)[0] + texts(400, 3, FOREIGN)[0]))
    url = f"sqlite:///{tmp_path / 'drift.db'}"
    reports = example.main(url, str(folder), str(tmp_path / "known.txt"), str(tmp_path / "new.txt"))
    assert [report.drifted for report in reports] == [False, False, True, True]
    for report in reports[2:]:
        kernel: list[Finding] = [f for f in report.findings if f.detector == "mmd"]
        assert "text" in kernel[0].columns
        assert kernel[0].status == "drifted"
    with ad.History(url) as history:
        assert history.metrics("texts", "mean_confidence").num_rows == 4


def test_its_rows_are_what_the_model_says_however_many_at_once(folder: Path) -> None:
    from tests.examples import texts as example

    model, (made, labels) = example.Texts(str(folder)), texts(70, 4)
    rows = model.rows(made)
    assert rows["text"].shape == (70, 32)
    assert rows["p"].argmax(dim=1).tolist() == labels
    np.testing.assert_allclose(rows["p"], model.rows(made, at_once=7)["p"], rtol=1e-4)
    # Of texts of other lengths, what fills up the shorter ones does not count.
    alone = model.rows(["food was good"])["text"]
    np.testing.assert_allclose(model.rows(["food was good", *made])["text"][:1], alone, rtol=1e-3, atol=1e-5)
