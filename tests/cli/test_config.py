"""`init` and `config` on the command line: a file is written, checked and shown; mistakes stand one to a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import accel_drift as ad
from tests.cli.conftest import Cli, refused


def test_what_init_writes_config_takes(cli: Cli) -> None:
    ran = cli("init", "ref.csv", "--label", "y")
    assert ran == (0, "Wrote drift.yaml. Check it after a change: accel-drift config drift.yaml\n", "")
    shown = cli("config", "drift.yaml")
    assert (shown.code, shown.err) == (0, "")
    for line in ("name: ref", "  reference_path: ref.csv", "  numerical: [x]", '  label_column: "y"', "  alpha: 0.01"):
        assert f"{line}\n" in shown.out
    Path("again.yaml").write_text(shown.out, encoding="utf-8")
    assert cli("config", "again.yaml").out == shown.out


def test_init_replaces_no_file_unasked(cli: Cli) -> None:
    Path("drift.yaml").write_text("mine", encoding="utf-8")
    refused(cli("init", "ref.csv"), "drift.yaml is there already", "--force")
    assert Path("drift.yaml").read_text(encoding="utf-8") == "mine"
    assert cli("init", "ref.csv", "--force", "--quiet") == (0, "", "")
    assert "What accel-drift watches" in Path("drift.yaml").read_text(encoding="utf-8")


def test_init_refuses_what_it_cannot_describe(cli: Cli) -> None:
    refused(cli("init", "none.csv"), "there is no file 'none.csv'")
    refused(cli("init", "ref.csv", "--out", "no/such.yaml"), "there is no folder no")
    refused(cli("init", "ref.csv", "--label", "z"), "--label names 'z'")
    refused(cli("init", "ref.csv", "--out", "ref.csv"), "is there already")
    refused(cli("init", "ref.csv", "--out", "ref.csv", "--force"), "is read in the same call")
    ad.Profile.fit("ref.csv", ["psi"]).save("ref.adp")
    refused(cli("init", "ref.adp"), "is a saved profile")
    assert not Path("drift.yaml").exists()


def test_every_mistake_stands_on_a_line_of_its_own(cli: Cli) -> None:
    Path("drift.yaml").write_text("windos: 1\ndata: {reference_path: 3}\n", encoding="utf-8")
    ran = cli("config", "drift.yaml")
    assert (ran.code, ran.out) == (2, "")
    first, second = ran.err.splitlines()
    assert first.startswith("error: drift.yaml:1: there is no key windos; did you mean windows?")
    assert second.startswith("error: drift.yaml:2: data.reference_path is 3; it takes text or null")
    Path("drift.yaml").write_text("data: {reference_path: 3}\n", encoding="utf-8")
    refused(cli("config", "drift.yaml"), "drift.yaml:1: data.reference_path is 3")
    refused(cli("config", "none.yaml"), "there is no file 'none.yaml'", "accel-drift init")
    refused(cli("config"), "which file?")


def test_what_a_sink_does_not_take_is_told(cli: Cli) -> None:
    sink = "{kind: pagerduty, secret: PD_KEY, options: {url: 'https://events.eu.pagerduty.com'}}"
    Path("drift.yaml").write_text(f"data: {{reference_path: ref.csv}}\nalerts: {{sinks: {{pager: {sink}}}}}\n", "utf-8")
    refused(cli("config", "drift.yaml"), "alerts.sinks.pager: a sink of kind pagerduty takes secret, endpoint", "'url'")


def test_the_environment_is_told_and_passwords_are_not(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("init", "ref.csv")
    monkeypatch.setenv("ACCEL_DRIFT_HISTORY__URL", "postgresql://me:s3cret@host/db")
    monkeypatch.setenv("ACCEL_DRIFT_WINDOWS__ROWS", "500")
    shown = cli("config", "drift.yaml").out
    assert '  url: "postgresql://me:***@host/db"\n' in shown
    assert "  rows: 500\n" in shown
    assert "s3cret" not in shown


def test_the_schema_is_for_editors(cli: Cli) -> None:
    ran = cli("config", "--schema")
    assert (ran.code, ran.err) == (0, "")
    made = json.loads(ran.out)
    assert made["$schema"].startswith("https://json-schema.org/")
    assert made["additionalProperties"] is False
    assert {"data", "drift", "detectors", "windows", "history"} <= set(made["properties"])
    assert "Warning" in cli("config", "drift.yaml", "--schema").err
