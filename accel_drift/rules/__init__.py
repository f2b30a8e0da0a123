"""When somebody is to be told: rules in a few words, such as "income psi > 0.2 for 6 hours", read and checked."""

from __future__ import annotations

from accel_drift.rules.grammar import parse
from accel_drift.rules.rule import DEFAULT, Rule
from accel_drift.rules.tree import Compare, Condition, Logic, Series

__all__ = ["DEFAULT", "Compare", "Condition", "Logic", "Rule", "Series", "parse"]
