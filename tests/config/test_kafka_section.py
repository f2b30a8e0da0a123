"""Topics in a configuration: what they take, what contradicts them, and that no secret stands there or is repeated."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from accel_drift.config import Config, effective
from accel_drift.config.writing import commented
from accel_drift.errors import ConfigError

FILES = {"reference_path": "june.csv"}
TOPICS: dict[str, Any] = {"servers": "kafka-1:9092", "topics": "scored"}
SAFE = {"security.protocol": "SASL_SSL", "sasl.username": "me", "enable.ssl.certificate.verification": True}
WORD = "s3cr3t-word"


def _config(data: dict[str, Any] | None = None, windows: dict[str, Any] | None = None, **kafka: Any) -> Config:
    return Config.of({"data": FILES | (data or {}), "windows": windows or {"rows": 100}, "kafka": TOPICS | kafka})


def test_by_default_there_are_none() -> None:
    assert not Config.of({"data": FILES}).kafka.in_use


@pytest.mark.parametrize("topics", ["scored, more", ["scored", "more"]])
def test_several_are_a_list_or_separated_by_commas(topics: Any) -> None:
    said = _config(topics=topics, servers=["a:1", "b:2"], start="2024-06-01T00:00:00Z").kafka
    assert (said.names, said.begin()) == (("scored", "more"), datetime(2024, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize("write", [effective, commented])
def test_they_are_written_and_read_again(tmp_path: Path, write: Any) -> None:
    config = _config(options=SAFE, secrets={"sasl.password": "KAFKA_PASSWORD"}, seconds=2.5)
    (tmp_path / "drift.yaml").write_text(write(config), encoding="utf-8")
    assert Config.load(tmp_path / "drift.yaml", {}).kafka == config.kafka


def test_the_environment_names_them_too(tmp_path: Path) -> None:
    (tmp_path / "drift.yaml").write_text("data: {reference_path: june.csv}\nwindows: {rows: 5}\n", encoding="utf-8")
    given = {"ACCEL_DRIFT_KAFKA__SERVERS": "a:1,b:2", "ACCEL_DRIFT_KAFKA__TOPICS": "x,y"}
    said = Config.load(tmp_path / "drift.yaml", given).kafka
    assert (said.servers, said.names) == ("a:1,b:2", ("x", "y"))


@pytest.mark.parametrize(
    ("kafka", "words"),
    [
        ({"servers": None}, r"kafka\.servers is null; name the brokers"),
        ({"servers": "a b"}, r"kafka\.servers is 'a b'; it is host:port"),
        ({"topics": None}, r"kafka\.topics is null; name the topic"),
        ({"topics": []}, r"kafka\.topics is \(\)"),
        ({"topics": "a,,b"}, r"kafka\.topics is"),
        ({"topics": 5}, r"kafka\.topics is 5; it takes text, a list of names or null"),
        ({"format": "avro"}, r'kafka\.format is "avro"; it takes json or arrow'),
        ({"rows": 0}, r"kafka\.rows is 0; it takes a whole number of at least 1"),
        ({"seconds": -1}, r"kafka\.seconds is -1"),
        ({"start": "first"}, r"kafka\.start is 'first'; it is earliest, latest, or a time with a time zone"),
        ({"start": "2024-06-01"}, r"kafka\.start is '2024-06-01'"),
        ({"options": {"group.id": "x"}}, r"kafka\.options has group\.id, which the source sets itself"),
        ({"options": {"debug": ["x"]}}, r"kafka\.options\.debug"),
        ({"secrets": {"bootstrap.servers": "WHERE"}}, r"has bootstrap\.servers, which the source sets itself"),
        ({"options": SAFE, "secrets": {"sasl.username": "USER"}}, r"kafka\.secrets has sasl\.username, which options"),
        ({"bootstrap.servers": "a:1"}, r"no key kafka\.bootstrap\.servers; bootstrap\.servers is kafka\.servers here"),
        ({"topic": "x"}, r"there is no key kafka\.topic; did you mean topics"),
    ],
)
def test_mistakes_are_told(kafka: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        _config(**kafka)


@pytest.mark.parametrize(
    ("kafka", "words"),
    [
        ({"options": {"sasl.password": WORD}}, r"options\.sasl\.password .* secrets: {sasl\.password: KAFKA_PASSWORD}"),
        ({"options": {"ssl.key.pem": WORD}}, r"secrets: {ssl\.key\.pem: KAFKA_PASSWORD}"),
        ({"options": {"https.proxy": f"http://me:{WORD}@host"}}, r"options\.https\.proxy is a secret"),
        ({"servers": f"me:{WORD}@host:9092"}, r"servers holds an @.*sasl\.username.*secrets: {sasl\.password"),
        ({"servers": [f"me:{WORD}@host:9092"]}, "servers holds an @"),
        ({"password": WORD}, r"password is a secret.*secrets: {sasl\.password: KAFKA_PASSWORD}"),
        ({"sasl.password": WORD}, r"sasl\.password is a secret"),
        ({"secrets": {"sasl.password": f"{WORD}!"}}, r"secrets\.sasl\.password holds a value and not the name of one"),
        ({"secrets": {"sasl.password": 12345678}}, r"secrets\.sasl\.password holds a value"),
    ],
)
def test_a_secret_is_refused_and_not_repeated(kafka: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        _config(**kafka)
    assert WORD not in str(caught.value)
    assert "12345678" not in str(caught.value)


def test_an_address_of_tokens_is_no_secret() -> None:
    where = "https://login.example.com/3f2b8c1e-aaaa-bbbb-cccc-1234567890ab/oauth2/v2.0/token"
    assert _config(options={"sasl.oauthbearer.token.endpoint.url": where}).kafka.in_use


@pytest.mark.parametrize(
    ("data", "windows", "words"),
    [
        ({"production_path": "inbox"}, None, r"kafka: rows come from topics, and data\.production_path names files"),
        ({}, {"by": "file"}, r"kafka: topics have no files; say what a window is: windows\.rows"),
        ({"production_path": f"kafka://me:{WORD}@host/t"}, None, r"data\.production_path is an address of Kafka"),
    ],
)
def test_what_goes_not_together(data: dict[str, Any], windows: dict[str, Any] | None, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        _config(data, windows)
    assert WORD not in str(caught.value)


def test_batches_as_windows_must_be_asked_for() -> None:
    assert _config(windows={"by": "batch"}).kafka.in_use
    with pytest.raises(ConfigError, match="topics have no files"):
        Config.of({"data": FILES, "kafka": TOPICS})
