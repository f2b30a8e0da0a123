"""Spans of windows, with OpenTelemetry's SDK keeping them in memory, and nothing at all without its API."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import accel_drift as ad
from accel_drift.telemetry import tracing
from tests.monitor.samples import rows


@pytest.fixture(scope="module")
def profile() -> ad.Profile:
    return ad.Profile.fit(rows(1_000, 0), ["psi"], backend="numpy")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What is traced, by a provider that no other test sees."""
    provider, kept = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("accel_drift"))
    yield kept
    provider.shutdown()


def by_name(kept: InMemorySpanExporter) -> dict[str, list[ReadableSpan]]:
    found: dict[str, list[ReadableSpan]] = {}
    for span in kept.get_finished_spans():
        found.setdefault(span.name.removeprefix("accel_drift."), []).append(span)
    return found


def number(span: ReadableSpan) -> int:
    context = span.get_span_context()
    assert context is not None
    return context.span_id


def parent(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def test_a_window_is_a_span_with_its_steps(spans: InMemorySpanExporter, profile: ad.Profile, sqlite_url: str) -> None:
    with ad.Monitor(profile, ad.Windows(rows=300), name="churn", history=sqlite_url) as monitor:
        reports = list(monitor.observe([rows(200, 1), rows(200, 2, 2.0), rows(500, 3)]))
    found = by_name(spans)
    assert len(reports) == len(found["window"]) == 3
    for span, report in zip(found["window"], reports, strict=True):
        assert dict(span.attributes or {}) == {
            "accel_drift.monitor": "churn",
            "accel_drift.window": report.batch,
            "accel_drift.rows": 300,
            "accel_drift.drifted": report.drifted,
            "accel_drift.severity": str(report.severity),
        }
    for name in ("score", "write"):
        assert [*map(parent, found[name])] == [*map(number, found["window"])]
    # Two batches fill the first window, the third one two more.
    assert [*map(parent, found["read"])] == [*map(number, found["window"][:2])]
    assert [(s.attributes or {})["accel_drift.batches"] for s in found["read"]] == [2, 1]
    for read, window in zip(found["read"], found["window"], strict=False):
        assert read.start_time == window.start_time
        assert (read.end_time or 0) <= (window.end_time or 0)


def test_a_window_that_cannot_be_written_is_told(
    spans: InMemorySpanExporter, profile: ad.Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = ad.Monitor(profile, ad.Windows(rows=100))

    def fails(*_given: Any) -> None:
        raise ad.AccelDriftError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(monitor._journal, "write", fails)
        with pytest.raises(ad.AccelDriftError):
            list(monitor.observe(rows(100, 1)))
    (span,) = by_name(spans)["window"]
    assert not span.status.is_ok
    assert [event.name for event in span.events] == ["exception"]


def test_without_the_api_nothing_is_traced(profile: ad.Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    assert tracing._tracer() is None
    (report,) = ad.Monitor(profile, ad.Windows(rows=100)).observe(rows(100, 1))
    assert report.n_batch == 100


def test_with_the_api_alone_windows_are_as_ever(profile: ad.Profile) -> None:
    assert tracing._tracer() is not None
    (report,) = ad.Monitor(profile, ad.Windows(rows=100)).observe(rows(100, 1))
    assert report.n_batch == 100


def test_a_monitor_says_whether_it_has_a_reference(profile: ad.Profile) -> None:
    from accel_drift.monitor import Trailing

    assert ad.Monitor(profile).has_reference
    monitor = ad.Monitor(Trailing(2, detectors=["psi"], backend="numpy"))
    seen = []
    for number in range(3):
        seen.append(monitor.has_reference)
        list(monitor.observe(rows(100, number)))
    assert seen == [False, False, True]
