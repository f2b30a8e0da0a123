"""Rows from topics of Kafka, each counted once."""

from __future__ import annotations

from accel_drift.monitor.kafka.source import Kafka

__all__ = ["Kafka"]
