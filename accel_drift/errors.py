"""Every exception the engine raises on purpose."""

from __future__ import annotations


class AccelDriftError(Exception):
    """Catch this to catch them all."""


class ConfigError(AccelDriftError, ValueError):
    """An option has a value that cannot work."""


class DataError(AccelDriftError, ValueError):
    """The rows given cannot be used."""


class SchemaError(DataError):
    """The rows do not have the columns, or the kinds of columns, that they are compared with."""


class SourceError(DataError, OSError):
    """A file cannot be found or cannot be read as what it claims to be."""


class BackendError(AccelDriftError, RuntimeError):
    """The array library or its device failed."""


class BackendMissingError(BackendError, ImportError):
    """A backend's library or device is not there."""


class ProfileError(AccelDriftError, ValueError):
    """A profile file is damaged, foreign, of a later format, or lacks what is asked of it."""


class HistoryError(AccelDriftError, RuntimeError):
    """The database of a history cannot be opened, read or written; what was being written is not in it."""


class SecondMonitorError(HistoryError):
    """Another process runs the monitor of this name, or ran it since this one began."""


class SinkError(AccelDriftError, RuntimeError):
    """A message could not be delivered now; it is tried again."""


class ExtraMissingError(AccelDriftError, ImportError):
    """A library of an optional extra, or one of the system that it needs, is not there."""


class DriftError(AccelDriftError, RuntimeError):
    """Data drifted, and whoever asked wanted that to stop what comes next."""
