"""The study of a watcher's memory, on a few windows."""

from __future__ import annotations

from pathlib import Path

from bench import memory_study
from bench.history_page import memory


def test_it_samples_all_windows_and_has_a_page(tmp_path: Path) -> None:
    lines = memory_study.measured(200, tmp_path)
    assert [line["windows"] for line in lines] == [2, *range(10, 201, 10)]
    assert all(line["resident_mb"] > 1 for line in lines)
    settings = {"windows": 200, "rows": 20, "windows_of_a_batch": 50, "grown_mb": 0.1}
    machine = {"created_at": "2026-01-01", "commit": "abc", "cores": 2, "load_average": 0.5}
    page = "\n".join(memory({"settings": settings, "machine": machine, "cells": lines}))
    assert "grew by 0.1 MB" in page
    assert page.count("\n|") == len(lines) + 2
