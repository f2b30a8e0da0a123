"""A classifier of texts from Hugging Face that is watched: python texts.py drift.db MODEL known.txt new.txt."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch  # pyright: ignore[reportMissingImports]
from transformers import (  # pyright: ignore[reportMissingImports]
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

import accel_drift as ad
from accel_drift import monitor as mo


class Texts:
    """A model and its tokenizer, by name or from a folder."""

    def __init__(self, name: str) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(name)
        self.model = AutoModelForSequenceClassification.from_pretrained(name).eval()
        self.classes = [self.model.config.id2label[i] for i in range(self.model.config.num_labels)]

    def rows(self, texts: Sequence[str], at_once: int = 64) -> dict[str, Any]:
        """Chances of the classes (n, k), and an embedding of each text (n, d): the mean over its tokens."""
        chances, vectors = [], []
        for start in range(0, len(texts), at_once):
            given = self.tokenizer(
                list(texts[start : start + at_once]), padding=True, truncation=True, return_tensors="pt"
            )
            with torch.no_grad():
                said = self.model(**given, output_hidden_states=True)
            there = given["attention_mask"].unsqueeze(-1)
            vectors.append((said.hidden_states[-1] * there).sum(dim=1) / there.sum(dim=1))
            chances.append(torch.softmax(said.logits, dim=1))
        return {"text": torch.cat(vectors), "p": torch.cat(chances)}


def watched(texts: Texts, known: Sequence[str], url: str, rows: int = 200) -> ad.Monitor:
    """A monitor of windows of so many texts, beside texts like those that the model is for."""
    reference = texts.rows(known)
    sure = mo.Confidences("p", classes=texts.classes, reference=reference)
    # Embeddings lie in a heap for each class: kernels of several widths see what moves within one.
    profile = ad.Profile.fit(sure.prepare(reference), ["psi", ad.MMD(bandwidth="fuse")], drop=["p"])
    return ad.Monitor(profile, ad.Windows(rows=rows), history=url, name="texts", parts=[sure])


def main(url: str, model: str, known: str, new: str) -> list[ad.Report]:
    """Texts of a file, one a line, beside those of another."""
    texts = Texts(model)
    monitor = watched(texts, Path(known).read_text(encoding="utf-8").splitlines(), url)
    return list(monitor.observe(texts.rows(Path(new).read_text(encoding="utf-8").splitlines())))


if __name__ == "__main__":
    for report in main(f"sqlite:///{sys.argv[1]}", *sys.argv[2:5]):
        print(repr(report))
