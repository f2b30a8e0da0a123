"""What is watched and how, as one YAML file: every key checked, every mistake told with its line.

from accel_drift.config import Config

monitor = Config.load("drift.yaml").monitor()

The file is read by PyYAML's parser alone (the extra `monitor`): its events carry the line of every key, and what a word
means is decided here, by the rules of YAML 1.2, so that `on` and `no` stay words. Checks and the JSON schema are
pydantic's.
"""

from __future__ import annotations

from accel_drift.errors import ExtraMissingError

try:
    import pydantic
    import sqlalchemy
    import yaml
except ImportError as error:
    raise ExtraMissingError(
        f"a configuration needs pydantic 2, PyYAML and SQLAlchemy ({error}): pip install 'accel-drift[monitor]'"
    ) from error

from accel_drift.config.config import Config
from accel_drift.config.mistakes import ConfigFileError, Mistake
from accel_drift.config.schema import schema_text
from accel_drift.config.writing import Found, commented, effective, started

del pydantic, sqlalchemy, yaml

__all__ = [
    "Config",
    "ConfigFileError",
    "Found",
    "Mistake",
    "commented",
    "effective",
    "schema_text",
    "started",
]
