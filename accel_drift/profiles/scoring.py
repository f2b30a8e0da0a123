"""One reference against one batch, through every detector, to a report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np

from accel_drift._version import version
from accel_drift.backends import ASKED, for_columns
from accel_drift.calibration import Correction, Rule, decide, smallest_needed, verdict
from accel_drift.data.schema import Kind, SchemaDiff, diff
from accel_drift.data.table import Table
from accel_drift.detectors.base import Detector
from accel_drift.errors import DataError
from accel_drift.finding import Finding, Severity
from accel_drift.profiles.arrivals import rate_notes
from accel_drift.profiles.pictures import distributions, null_pictures
from accel_drift.profiles.screening import Screened, alike_rows, screen, without_embeddings
from accel_drift.report import Report
from accel_drift.statistics import power
from accel_drift.statistics.comparison import Comparison, Plan, pair_tables
from accel_drift.statistics.kept import Kept
from accel_drift.statistics.outcome import Outcome
from accel_drift.statistics.totals import Totals


@dataclass(frozen=True, slots=True)
class Options:
    """What a whole report is made with. See `Profile.fit`; `kinds` are the columns whose kind the caller set."""

    correction: Correction = "bh"
    rule: Rule | float = "fdr"
    alpha: float = 0.01
    min_effect: float | None = None
    block: str | int | None = None
    seed: int = 0
    columns: tuple[str, ...] | None = None
    kinds: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that the caller asked for by name."""
        return (*(self.columns or ()), *self.kinds)

    def to_dict(self) -> dict[str, Any]:
        """The options as plain JSON values, the facts left out."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "facts"}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], facts: Mapping[str, Any]) -> Self:
        """What `to_dict` gave, perhaps through JSON, which knows no tuples."""
        known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored.items()}
        return cls(**known, facts=facts)


def score(
    reference: Table,
    batch: Table,
    detectors: Sequence[Detector],
    backend: Any,
    options: Options,
    sizes: tuple[int, int],
    totals: Totals | None = None,
    progress: Any = None,
    kept: Kept | None = None,
) -> Report:
    """Compare, test, correct, judge.

    Args:
        reference: the reference's rows, or the rows that a profile kept of them.
        batch: the batch's rows.
        detectors: what to test with; each column meets those of its kind.
        backend: where to compute.
        options: what the report is made with.
        sizes: rows of the whole reference and of the whole batch, of which these may be samples.
        totals: counts of the whole reference where `reference` is a sample of it.
        progress: called with (done, of, what) before each detector.
        kept: what was made of these rows of the reference for other batches.

    Raises:
        DataError: no rows, or no column to compare.
    """
    started = time.perf_counter()
    screened, comparison = compared(reference, batch, detectors, backend, options, totals, kept)
    report = report_of(comparison, screened, detectors, options, sizes, progress)
    warnings = _block_warnings(reference, batch, screened, options, comparison)
    rates = rate_notes(reference, batch, sizes)
    return replace(
        report,
        reference=reference.name or "reference",
        batch=batch.name or "batch",
        schema_diff=diff(reference.schema, batch.schema),
        warnings=(*report.warnings, *warnings),
        notes=(*_thinning(reference, batch, sizes, totals), *_vocabularies(reference), *report.notes, *rates),
        elapsed_s=time.perf_counter() - started,
    )


def compared(
    reference: Table,
    batch: Table,
    detectors: Sequence[Detector],
    backend: Any,
    options: Options,
    totals: Totals | None = None,
    kept: Kept | None = None,
) -> tuple[Screened, Comparison]:
    """What is compared of two tables, and they side by side. Arguments as in `score`.

    Raises:
        DataError: no rows, or no column to compare.
    """
    screened = screen(reference, batch, options.named, options.block)
    if not any(Kind.EMBEDDING in d.kinds for d in detectors):
        screened = without_embeddings(screened, reference, batch)
    if not screened.names:
        raise DataError(nothing_left(screened))
    host = for_columns(backend, str(options.facts.get("backend_reason", ASKED)))
    return screened, pair_tables(reference, batch, screened.names, backend, options.block, totals, kept, host)


def report_of(
    comparison: Comparison,
    screened: Screened,
    detectors: Sequence[Detector],
    options: Options,
    sizes: tuple[int, int],
    progress: Any = None,
) -> Report:
    """Test what was put side by side, correct, judge; whose names and schemas these are is for the caller to say."""
    needed = _smallest_p(comparison, detectors, options)
    plan = Plan(options.alpha, needed, options.seed)
    outcomes: list[Outcome] = []
    for i, d in enumerate(detectors):
        if progress is not None:
            progress(i, len(detectors), d.name)
        outcomes += d.outcomes(comparison, plan)
    findings = decide(outcomes, alpha=options.alpha, correction=options.correction)
    return Report(
        reference="reference",
        batch="batch",
        n_reference=sizes[0],
        n_batch=sizes[1],
        drifted=verdict(findings, options.rule, options.alpha),
        severity=max((f.severity for f in findings), key=lambda s: s.rank, default=Severity.NONE),
        rule=options.rule if isinstance(options.rule, str) else f"fraction {options.rule:g}",
        findings=findings,
        schema_diff=SchemaDiff(),
        excluded=screened.excluded,
        warnings=tuple(screened.warnings),
        notes=_notes(outcomes, findings, options),
        detectable=_detectable(comparison, detectors, outcomes, needed),
        settings=_settings(detectors, comparison, options),
        distributions=distributions(comparison),
        nulls=null_pictures(outcomes),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        version=version(),
    )


def _smallest_p(comparison: Comparison, detectors: Sequence[Detector], options: Options) -> float:
    """The p-value at which a lone drift would still be found after correction for everything that may be tested."""
    per_column = [sum(comparison.kind(n) in d.kinds for d in detectors if not d.alone) for n in comparison.names]
    members = sum(c > 0 for c in per_column) + sum(d.members(comparison) for d in detectors if d.alone)
    return smallest_needed(members, max(per_column, default=1), options.alpha, options.correction)


def _block_warnings(
    reference: Table, batch: Table, screened: Screened, options: Options, comparison: Comparison
) -> list[str]:
    if options.block is not None:
        return []
    cuts = {n: edges for pair in comparison.numeric for n, edges in zip(pair.names, pair.fine_edges, strict=True)}
    said, block = alike_rows((reference, batch), comparison.names, screened.excluded, cuts)
    return [f"{said}; permute whole blocks with block={block}"] if said else []


def _thinning(reference: Table, batch: Table, sizes: tuple[int, int], totals: Totals | None) -> tuple[str, ...]:
    if totals is not None or sizes == (reference.rows, batch.rows):
        return ()
    rows = f"{reference.rows:,} of {sizes[0]:,} reference rows and {batch.rows:,} of {sizes[1]:,} batch rows"
    return (f"blocks are thinned to the profile's rate on both sides: {rows}, drawn by the seed",)


def _vocabularies(reference: Table) -> tuple[str, ...]:
    names = [c.name for c in reference.schema.columns if c.vocabulary]
    aside = "a fifth of the reference's rows, at most 20,000, made the vocabulary and are not compared"
    return (f"{', '.join(names)}: {aside}",) if names else ()


def _notes(outcomes: Sequence[Outcome], findings: Sequence[Finding], options: Options) -> tuple[str, ...]:
    members = len({o.member for o in outcomes if o.untested is None})
    tests = "test is" if members == 1 else "tests are"
    notes = [f"{members} {tests} corrected for one another by {options.correction} at alpha = {options.alpha:g}"]
    if members < sum(o.untested is None for o in outcomes):
        notes[0] += "; the detectors of one column count as one test, and by Holm within it"
    notes += [f"{f.detector}: {f.note}" for f in findings if len(f.columns) > 1 and f.note]
    return tuple(notes)


def _detectable(
    comparison: Comparison, detectors: Sequence[Detector], outcomes: Sequence[Outcome], alpha: float
) -> dict[str, float]:
    """Smallest mean shift found with power 0.8; with blocks the effective size is unknown, so nothing is claimed."""
    if comparison.groups is not None:
        return {}
    bins = {d.name: int(getattr(d, "bins", 0)) for d in detectors}
    numeric = {n for pair in comparison.numeric for n in pair.names}
    out: dict[str, float] = {}
    for o in outcomes:
        if o.untested is not None or o.column not in numeric or o.detector not in bins:
            continue
        shift = power.detectable_shift(o.detector, o.n_reference, o.n_batch, alpha, bins[o.detector])
        if shift is not None:
            out[o.column] = min(shift, out.get(o.column, np.inf))
    return out


def _settings(detectors: Sequence[Detector], comparison: Comparison, options: Options) -> dict[str, Any]:
    backend = comparison.backend
    # Fixed cells are counts, and no backend holds them.
    used = [getattr(pair, "backend", backend) for pair in comparison.numeric]
    elsewhere = {other.name: other.device for other in used if other is not backend}
    return {
        "alpha": options.alpha,
        "correction": options.correction,
        "min_effect": options.min_effect,
        "block": options.block,
        "seed": options.seed,
        "detectors": [d.summary() for d in detectors],
        "bands": {d.name: list(d.grades) for d in detectors if d.grades},
        "backend": backend.name,
        "device": backend.device,
        **({"columns_on": elsewhere} if elsewhere else {}),
        **options.facts,
    }


def nothing_left(screened: Screened) -> str:
    """What to say where no column is left to compare."""
    reasons = "; ".join([*screened.warnings, *(f"{name}: {why}" for name, why in screened.excluded.items())])
    times = screened.excluded and all(why.startswith("timestamp:") for why in screened.excluded.values())
    advice = "" if times else "; columns=[...] keeps those that it names"
    return f"no column is left to compare ({reasons or 'no columns'}){advice}"
