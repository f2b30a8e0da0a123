from __future__ import annotations

import json
from pathlib import Path

import pytest

import accel_drift as ad
from tests.cli.conftest import Cli, refused

QUICK = ("--detectors", "psi,ks")


def test_fit_then_score_is_like_score_at_once(cli: Cli) -> None:
    assert cli("fit", "ref.csv", "--out", "ref.adp").code == 0
    by_profile = json.loads(cli("score", "ref.adp", "moved.csv", "--json").out)
    at_once = json.loads(cli("score", "ref.csv", "moved.csv", "--json").out)
    assert by_profile["findings"] == at_once["findings"]
    assert cli("score", "ref.adp", "moved.csv", "--fail-on-drift").code == 1
    assert cli("score", "ref.adp", "same.csv", "--fail-on-drift").code == 0


def test_fit_says_which_raw_values_the_profile_holds(cli: Cli) -> None:
    ran = cli("fit", "ref.csv", "--out", "ref.adp", *QUICK, "--sample-rows", "50", "--drop", "y")
    assert "It holds 50 of 300 rows as they are, in 2 columns: x, c." in ran.out
    assert "Detectors: psi, ks." in ran.out
    assert "accel-drift score ref.adp CURRENT" in ran.out
    assert ad.Profile.load("ref.adp").contents()["rows_held"] == 50


def test_a_profile_is_known_by_what_it_holds(cli: Cli) -> None:
    cli("fit", "ref.csv", "--out", "ref.arrow", *QUICK)
    assert json.loads(cli("score", "ref.arrow", "moved.csv", "--json").out)["reference"] == "ref.csv"


def test_what_the_profile_fixes_cannot_be_given_again(cli: Cli) -> None:
    cli("fit", "ref.csv", "--out", "ref.adp", *QUICK, "--alpha", "0.05")
    ran = cli("score", "ref.adp", "moved.csv", "--alpha", "0.01", "--min-effect", "0.2", "--detectors", "psi")
    refused(ran, "--detectors", "--alpha", "--min-effect", "fit the reference again")
    assert cli("score", "ref.adp", "moved.csv", "--backend", "numpy", "--html", "page.html", "--verbose").code == 0


def test_the_profile_stands_first(cli: Cli) -> None:
    cli("fit", "ref.csv", "--out", "ref.adp", *QUICK)
    refused(cli("score", "moved.csv", "ref.adp"), "the profile stands first")
    refused(cli("fit", "ref.adp", "--out", "other.adp"), "is a saved profile already")


def test_fit_needs_somewhere_to_write(cli: Cli) -> None:
    refused(cli("fit", "ref.csv"), "--out")
    refused(cli("fit", "ref.csv", "--out", "no/such/ref.adp"), "there is no folder no/such")
    refused(cli("fit", "ref.csv", "--out", "ref.csv"), "is read in the same call")


@pytest.mark.parametrize("damage", ["truncated", "altered", "foreign", "empty", "later"])
def test_a_profile_that_cannot_be_read(cli: Cli, folder: Path, damage: str) -> None:
    cli("fit", "ref.csv", "--out", "ref.adp", *QUICK)
    whole = (folder / "ref.adp").read_bytes()
    broken = {
        "truncated": whole[: len(whole) // 2],
        "altered": whole.replace(b'"seed": 0', b'"seed": 7'),
        "foreign": b"this is no profile",
        "empty": b"",
        "later": whole.replace(b'"format": 2', b'"format": 9'),
    }
    assert broken[damage] != whole
    (folder / "ref.adp").write_bytes(broken[damage])
    refused(cli("score", "ref.adp", "moved.csv"), "ref.adp")


def test_parts_are_fitted_on_a_plan_and_merged(cli: Cli, folder: Path) -> None:
    ran = cli("plan", "ref.csv", "--out", "ref.plan.adp", "--detectors", "psi,ks,missing", "--alpha", "0.05")
    assert "It counts 3 columns in cells that 300 rows made." in ran.out
    assert "accel-drift fit REFERENCE --plan ref.plan.adp" in ran.out
    for part, rows in (("ref", 300), ("same", 200)):
        ran = cli("fit", f"{part}.csv", "--plan", "ref.plan.adp", "--out", f"{part}.adp")
        assert f"It holds counts of {rows} rows and none of them, in 3 columns." in ran.out
        assert "coarse" not in ran.out
    assert "of 500 rows" in cli("merge", "ref.adp", "same.adp", "--out", "one.adp").out
    assert cli("merge", "same.adp", "ref.adp", "--out", "other.adp").code == 0
    assert (folder / "one.adp").read_bytes() == (folder / "other.adp").read_bytes()
    found = json.loads(cli("score", "one.adp", "moved.csv", "--json").out)
    assert found["settings"]["alpha"] == 0.05
    assert found["n_reference"] == 500
    assert found["reference"] == "one.adp"
    assert cli("score", "one.adp", "moved.csv", "--fail-on-drift").code == 1


def test_quiet_commands_write_their_files_and_say_nothing(cli: Cli, folder: Path) -> None:
    assert cli("plan", "ref.csv", "--out", "plan.adp", "-q") == (0, "", "")
    for part in ("ref", "same"):
        assert cli("fit", f"{part}.csv", "--plan", "plan.adp", "--out", f"{part}.adp", "--quiet") == (0, "", "")
    assert cli("merge", "ref.adp", "same.adp", "--out", "one.adp", "--quiet") == (0, "", "")
    (folder / "copy.adp").write_bytes((folder / "ref.adp").read_bytes())
    again = cli("merge", "ref.adp", "copy.adp", "--out", "two.adp", "--quiet")
    assert again.code == 0
    assert "Warning: copy.adp holds exactly the counts of ref.adp" in again.err
    said = cli("score", "one.adp", "moved.csv", "--quiet", "--fail-on-drift", "--csv", "it.csv", "--explain", "x")
    assert said == (1, "", "")
    assert (folder / "it.csv").stat().st_size > 0
    assert json.loads(cli("score", "one.adp", "moved.csv", "--quiet", "--json").out)["drifted"] is True
    refused(cli("score", "one.adp", "no.csv", "--quiet"), "there is no file 'no.csv'")


def test_counts_are_kept_without_a_plan(cli: Cli) -> None:
    ran = cli("fit", "ref.csv", "--out", "ref.adp", "--content", "aggregates")
    assert "It holds counts of 240 rows and none of them" in ran.out
    assert cli("score", "ref.adp", "moved.csv", "--fail-on-drift").code == 1


def test_mistakes_with_plans(cli: Cli) -> None:
    cli("plan", "ref.csv", "--out", "plan.adp")
    cli("fit", "ref.csv", "--plan", "plan.adp", "--out", "one.adp")
    cli("fit", "ref.csv", "--out", "rows.adp", *QUICK)
    refused(cli("fit", "ref.csv", "--plan", "plan.adp", "--out", "x.adp", "--alpha", "0.1"), "plan.adp fixes --alpha")
    (Path() / "less.csv").write_text("x,Y\n1,2\n", encoding="utf-8")
    refused(cli("fit", "less.csv", "--plan", "plan.adp", "--out", "x.adp"), "less.csv lacks 'y', 'c'", "--drop y,c")
    refused(cli("plan", "ref.csv", "--out", "x.adp", "--kinds", "c=text"), "--kinds c=length", "--content sample")
    refused(cli("fit", "ref.csv", "--plan", "rows.adp", "--out", "x.adp"), "keeps rows, and no plan")
    refused(cli("fit", "ref.csv", "--plan", "no.adp", "--out", "x.adp"), "there is no profile")
    refused(cli("fit", "ref.csv", "--plan", "plan.adp", "--out", "plan.adp"), "is read in the same call")
    refused(cli("fit", "ref.csv", "--out", "x.adp", "--content", "all"), "content is 'all'")
    counted = ("--content", "aggregates")
    refused(cli("fit", "ref.csv", "--out", "x.adp", *counted, "--detectors", "energy"), "energy compares rows")
    refused(cli("plan", "plan.adp", "--out", "x.adp"), "plan takes a data set")
    refused(cli("merge", "one.adp", "one.adp", "--out", "x.adp"), "each row counts once")
    refused(cli("merge", "one.adp", "./one.adp", "--out", "x.adp"), "each row counts once")
    refused(cli("merge", "one.adp", "rows.adp", "--out", "x.adp"), "merge only if they were fitted on one plan")
    refused(cli("score", "plan.adp", "moved.csv"), "is a plan", "fit REFERENCE --plan plan.adp")


def test_calibrate_gives_a_profile_thresholds(cli: Cli) -> None:
    cli("fit", "ref.csv", "--out", "ref.adp", *QUICK)
    ran = cli("calibrate", "ref.adp", "--rows", "40", "--rate", "0.1", "--out", "with.adp")
    assert ran.code == 0
    assert "thresholds for batches of 40 rows at a rate of 0.1" in ran.out
    assert "accel-drift score with.adp CURRENT" in ran.out
    assert ad.Profile.load("with.adp").thresholds is not None
    assert "thresholds" in json.loads(cli("score", "with.adp", "moved.csv", "--json").out)["settings"]
    assert cli("calibrate", "ref.adp", "--rows", "40", "--out", "other.adp", "--quiet") == (0, "", "")


def test_calibrate_refuses_what_it_cannot_do(cli: Cli) -> None:
    cli("fit", "ref.csv", "--out", "ref.adp", *QUICK)
    refused(cli("calibrate", "ref.csv", "--rows", "40", "--out", "x.adp"), "is no saved profile")
    refused(cli("calibrate", "ref.adp", "--out", "x.adp"), "--rows")
    refused(cli("calibrate", "ref.adp", "--rows", "40", "--out", "ref.adp"), "is read in the same call")
    refused(cli("calibrate", "ref.adp", "--rows", "290", "--out", "x.adp"), "rows is 290", "fit on more")
    refused(cli("calibrate", "ref.adp", "--rows", "40", "--rate", "2", "--out", "x.adp"), "rate is 2")
