"""The sections of a configuration, but for detectors: every key with its type, its default and a line of meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from accel_drift.backends.registry import names as backend_names
from accel_drift.calibration import Correction, Rule, check
from accel_drift.config.mistakes import nearest
from accel_drift.data.schema import DERIVED, Kind
from accel_drift.errors import ConfigError
from accel_drift.history.hidden import hidden
from accel_drift.history.store import parsed_url
from accel_drift.monitor import Period
from accel_drift.monitor import windows as cut
from accel_drift.profiles.profile import SAMPLE_ROWS
from accel_drift.streams import get_class as get_stream_class
from accel_drift.streams import names as stream_names

Names: TypeAlias = tuple[str, ...]
Whole: TypeAlias = Annotated[int, Field(ge=1)]
Chance: TypeAlias = Annotated[float, Field(gt=0, lt=1)]
AtLeastZero: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fall: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
Share: TypeAlias = Annotated[float, Field(gt=0, le=1)]
Duration: TypeAlias = Annotated[str, Field(examples=["30s", "15min", "1h", "1d", "1w", "1mo"])]


def among(names: Sequence[str]) -> Any:
    """Text that is one of some names."""

    def check_name(name: str) -> str:
        if name not in names:
            raise ValueError(name)
        return name

    return Annotated[str, AfterValidator(check_name), Field(json_schema_extra={"enum": [*names]})]


if TYPE_CHECKING:
    KindName: TypeAlias = str
    StreamName: TypeAlias = str
    ErrorsDetector: TypeAlias = str
    BackendName: TypeAlias = str
else:
    KindName, StreamName = among((*map(str, Kind), *DERIVED)), among(stream_names())
    ErrorsDetector = among(("auto", *stream_names()))
    BackendName = among(("auto", *backend_names()))


class Section(BaseModel):
    """Keys that stand together; no others are allowed, and values never change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    def changed(self) -> dict[str, Any]:
        """The keys whose values are not as by default."""
        there = type(self).model_fields
        return {name: value for name in there if (value := getattr(self, name)) != there[name].default}


class Data(Section):
    """Where the data are. Paths are relative to the folder where the command runs."""

    reference_path: str | None = None
    """The reference: a Parquet, CSV or Arrow file, a folder of them, or a saved profile."""
    production_path: str | None = None
    """What is watched: a folder that files arrive in, or a data set."""
    label_column: str | None = None
    """The label's column: never compared; performance is measured by it."""
    id_column: str | None = None
    """The column that names rows: never compared; labels that come late are joined by it."""
    labels_path: str | None = None
    """Late labels: a folder that files with `id_column` and `label_column` arrive in, or one such file."""

    @field_validator("production_path")
    @classmethod
    def _is_a_path(cls, path: str | None) -> str | None:
        if path is not None and path.startswith("kafka://"):
            raise ConfigError("production_path is an address of Kafka; give kafka: {servers: ..., topics: ...} instead")
        return path


class Columns(Section):
    """Which columns are compared, and as what; a column that is not named is found out about."""

    numerical: Names = ()
    """Columns that hold numbers."""
    categorical: Names = ()
    """Columns that hold categories, codes made of digits among them."""
    text: Names = ()
    """Columns of free text: compared by length and by the share of words that the reference lacks."""
    kinds: dict[str, KindName] = {}
    """Any other kind by column, such as {created_at: gaps}."""
    drop: Names = ()
    """Columns to leave out."""
    only: Names | None = None
    """Compare these columns alone; null for all."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        told = [*self.numerical, *self.categorical, *self.text, *self.kinds]
        twice = sorted({name for name in told if told.count(name) > 1})
        if twice:
            raise ConfigError(f"{', '.join(twice)}: more than one kind is given; a column has one")
        if both := sorted({*self.drop} & {*told, *(self.only or ())}):
            raise ConfigError(f"drop leaves {', '.join(both)} out, which another key names")
        return self

    def of_kind(self) -> dict[str, str]:
        """Column -> kind, as `Profile.fit` takes it."""
        named = {"numeric": self.numerical, "categorical": self.categorical, "text": self.text}
        return {name: kind for kind, names in named.items() for name in names} | self.kinds


class Drift(Section):
    """When a difference counts. P-values say whether there is one, effects and bands how large and how severe it is."""

    alpha: Chance = 0.01
    """False-alarm rate of the corrected tests."""
    correction: Correction = "bh"
    """For testing many columns."""
    rule: Rule | Share = "fdr"
    """When a window counts as drifted: by the tests alone (fdr), or by any, the majority, or a share of its columns."""
    min_effect: AtLeastZero | None = None
    """Effect that a drift must reach, on each detector's own scale; null for its first band."""
    block: str | Whole | None = None
    """Rows that belong together: a column, time:day, or a number of consecutive rows."""
    seed: int = 0
    """Decides every random choice."""
    backend: BackendName = "auto"
    """Where to compute; auto: on a GPU where there is one and work for it."""

    @model_validator(mode="after")
    def _as_the_engine_has_it(self) -> Self:
        check(self.alpha, self.correction, self.rule)
        return self


class Windows(Section):
    """How arriving rows are cut: one of `rows`, `time` and `by`; without any of them every file is a window."""

    rows: Whole | None = None
    """Rows of a window."""
    time: Duration | None = None
    """Length of a window in event time, by the times in the column `on`."""
    by: Literal["file", "batch"] | None = None
    """Every file that arrives is a window."""
    on: str | None = None
    """The column of times; it is not compared, unless `columns` names it."""
    every: Whole | Duration | None = None
    """From one window's start to the next: rows, or a length of time; null for windows that do not overlap."""
    lateness: Duration = "0s"
    """How much later than its window's end a row may come."""
    ahead: Duration | None = "1d"
    """Rows whose time is further ahead of the clock than this are set aside; null for none."""
    origin: str | None = None
    """A time at which a window begins, ISO 8601; null for midnights (UTC), and for Mondays where windows are weeks."""

    @model_validator(mode="after")
    def _one_way_to_cut(self) -> Self:
        given = [name for name in ("rows", "time", "by") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} are given; windows are cut in one way: leave one")
        if self.time is not None and self.on is None:
            raise ConfigError("time is given and on is not; name the column of times: on: event_time")
        if self.every is not None and not {*given} & {"rows", "time"}:
            raise ConfigError("every is given; files and batches do not overlap: leave it out, or give rows or time")
        cut.Windows(**self.options())
        return self

    def options(self) -> dict[str, Any]:
        """What `Windows` of the monitor takes: the keys that are not as by default."""
        given = self.changed()
        return given if {"rows", "time", "by"} & {*given} else {**given, "by": "file"}


class Reference(Section):
    """What windows are compared with."""

    mode: Literal["fixed", "trailing", "period"] = "fixed"
    """fixed: data.reference_path; trailing: the windows before; period: the windows of a span of time."""
    windows: Whole = 26
    """trailing: how many windows before the one that is compared."""
    least: Whole | None = None
    """trailing: windows that must have come before any is compared; null for all of them."""
    start: str | None = None
    """period: its start, ISO 8601."""
    end: str | None = None
    """period: its end, ISO 8601."""
    content: Literal["sample", "aggregates"] = "sample"
    """What a reference keeps: a sample of its rows, or counts alone."""
    sample_rows: Whole | None = SAMPLE_ROWS
    """Rows that a reference keeps at most; counts are of all rows; null keeps all."""
    threshold_rate: Chance | None = None
    """Share of windows without drift over thresholds that are calibrated from the reference; null makes none."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.mode == "period":
            if self.start is None or self.end is None:
                raise ConfigError("mode is period; give its start and its end")
            Period(self.start, self.end)
        elif self.start is not None or self.end is not None:
            raise ConfigError(f"start and end are of mode period, and mode is {self.mode}")
        if self.least is not None and self.least > self.windows:
            raise ConfigError(f"least is {self.least}; it is at most windows, {self.windows}")
        if self.threshold_rate is not None and self.mode != "fixed":
            raise ConfigError(f"threshold_rate is of mode fixed, and mode is {self.mode}: its reference is always new")
        return self


class Predictions(Section):
    """What the model said, in columns of the data; they are compared like any other column, too."""

    probabilities: Names = ()
    """Columns of probabilities, one for each class."""
    score: str | None = None
    """The column of a score from 0 to 1: the probability of the positive class."""
    predicted: str | None = None
    """The column of predicted classes."""
    classes: tuple[str | int, ...] | None = None
    """The classes, in the order of `probabilities`, or the negative and the positive one; null to find them."""
    positive: str | int | None = None
    """Of two classes the one that precision, recall and F1 are of; null for the second."""

    @model_validator(mode="after")
    def _one_sort(self) -> Self:
        if self.probabilities and self.score is not None:
            raise ConfigError("probabilities and score are given; a score stands for the probabilities of two classes")
        if len(self.probabilities) == 1:
            raise ConfigError(f"probabilities names one column; that is a score: score: {self.probabilities[0]}")
        return self

    @property
    def has_chances(self) -> bool:
        """Whether there are probabilities, of two classes or more."""
        return bool(self.probabilities) or self.score is not None


class Confidence(Section):
    """How sure the model is, and whether it became less sure; where `predictions` has probabilities or a score.

    The columns model_confidence, model_entropy, model_margin and model_predicted are compared with the others.
    """

    enabled: bool = True
    """Whether it is followed."""
    alpha: Chance = 0.01
    """Chance of calling a window degraded that is not."""
    tolerance: AtLeastZero = 0.0
    """Fall of the mean confidence that is put up with."""


class Performance(Section):
    """How right the model is; where `predictions` and `data.label_column` or `data.id_column` are given."""

    enabled: bool = True
    """Whether it is measured."""
    baseline_path: str | None = None
    """Rows with predictions and labels to compare with, best of a test; null for the reference's, if it has them."""
    alpha: Chance = 0.01
    """Chance of calling a window degraded that is not, over all drops asked for."""
    f1_drop: Fall | None = 0.05
    """Fall of F1 that is put up with; null does not ask."""
    accuracy_drop: Fall | None = None
    """Fall of the accuracy that is put up with; null does not ask."""
    auc_drop: Fall | None = None
    """Fall of the AUC that is put up with; null does not ask."""
    estimated: bool = False
    """Estimate it from probabilities while no label is known (CBPE), by baseline_path; blind to concept drift."""


class Options(Section):
    """A detector of streams and its options."""

    detector: StreamName | None = None
    """Which one; null for none."""
    options: dict[str, Any] = {}
    """Options of the detector; those that are not named have its defaults."""

    @model_validator(mode="after")
    def _it_can_be_made(self) -> Self:
        self.made()
        return self

    def made(self) -> Any:
        """The detector, or None.

        Raises:
            ConfigError: there is no such detector, no such option, or a value cannot work.
        """
        return detector_of(self.detector, self.options)


def detector_of(name: str | None, options: Mapping[str, Any]) -> Any:
    """A detector of streams, or None.

    Raises:
        ConfigError: there is no such option, or a value cannot work.
    """
    if name is None:
        if options:
            raise ConfigError("options are given and no detector; name one: detector: adwin")
        return None
    kind = get_stream_class(name)
    known = [*kind.__dataclass_fields__]
    for option in options:
        if option not in known:
            raise ConfigError(f"{name} has no option {option}{nearest(option, known)}; it has {', '.join(known)}")
    return kind(**options)


class ConceptDrift(Options):
    """Whether errors became more frequent; where performance is measured."""

    detector: ErrorsDetector | None = "auto"
    """Reads errors as labels come. auto: bets against the baseline's share of them; adwin without one. null: none."""
    adwin_delta: Chance = 0.002
    """adwin: about the chance that a look sees a change where there is none."""

    def made(self) -> Any:
        """See `Options.made`; "auto" as it is.

        Raises:
            ConfigError: as there.
        """
        if self.detector == "auto":
            if self.options:
                raise ConfigError("options are given and detector is auto; name one: detector: adwin")
            return "auto"
        given = {"delta": self.adwin_delta, **self.options} if self.detector == "adwin" else self.options
        return detector_of(self.detector, given)


class Streams(Options):
    """A detector that reads numeric columns value by value, beside the tests of windows."""

    columns: Names = ()
    """The columns that it reads, one stream each."""

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.detector is None) != (not self.columns):
            raise ConfigError("detector and columns go together; give both, or neither")
        return self


class Health(Section):
    """The number from 0 to 100 of every window."""

    weights: dict[str, AtLeastZero] = {}
    """How much a column counts, such as {income: 2}; 1 where it is not named."""


class History(Section):
    """Where reports are kept."""

    url: str = "sqlite:///drift.db"
    """A database: sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME (the password best by the environment)."""
    wait: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 30.0
    """Seconds to wait for other writers, or for a server that does not answer."""
    retention_days: Annotated[float, Field(gt=0, lt=100_000)] | None = None
    """Windows, and alerts, that ended so many days before the last one are removed; null: `keep` alone decides."""
    keep: Annotated[int, Field(ge=1)] | None = None
    """So many last windows always stay, and without `retention_days` no others; null: age alone decides."""

    @field_validator("url")
    @classmethod
    def _of_a_database(cls, url: str) -> str:
        parsed_url(url)
        return url

    def __repr_args__(self) -> Any:
        """The fields, without a password."""
        return [(name, hidden(value) if name == "url" else value) for name, value in super().__repr_args__()]


class Logging(Section):
    """What is logged while it runs. With all keys as they are here, warnings alone, unless --log-format is given."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is told."""
    format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object a line."""
    file: str | None = None
    """A file that lines are added to; null for standard error."""
