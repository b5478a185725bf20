"""What Resitu remembers: frozen records, stored as JSON in the index.

Nouns only. A record never holds an array; arrays and tables lie in the store, found by the record's id.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["tissue", "reference", "validation"]
Unit = Literal["um", "mm", "px"]
Species = Literal["human", "mouse"]
GeneIds = Literal["symbol", "ensembl"]
Scale = Literal["counts", "log", "normalised"]


def now() -> str:
    """The time as an ISO string in UTC, to the millisecond: what every record carries."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Record(BaseModel):
    """Frozen; unknown fields are refused, so a record of a newer version is not half read."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Answers(Record):
    """What the user said about a file. `None`: take the doctor's guess."""

    counts_from: str | None = None  # "X", "raw" or "layers/NAME"
    unit: Unit | None = None
    um_per_px: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    species: Species | None = None
    gene_ids: GeneIds | None = None
    type_column: str | None = None  # "" says: none, although one was guessed; likewise below
    section_column: str | None = None
    sample_column: str | None = None
    patient_column: str | None = None
    condition_column: str | None = None
    spots: bool | None = None
    keep: dict[str, str] = Field(default_factory=dict)  # obs column -> value


class Finding(Record):
    """One thing the doctor saw. All of a file's findings are collected before anything is said."""

    grade: Literal["refused", "mended", "asked", "noted"]
    code: str  # stable, for tests: "nan", "empty-cells", "unit"
    what: str
    why: str = ""
    mend: str = ""
    field: str | None = None  # of `Answers`, for grade "asked"
    guess: str | None = None  # the value in use
    options: tuple[str, ...] = ()
    flag: str | None = None  # the command line's, such as "--unit"


class DatasetRecord(Record):
    """One data set: checked, canonical, immutable (only name and `archived` change)."""

    id: str  # "d-" + 12 hex digits of the content's fingerprint
    fingerprint: str
    name: str
    role: Role
    n_cells: int
    n_genes: int
    species: Species
    gene_ids: GeneIds
    scale: Scale
    counts_from: str
    um_per_unit: float | None = None  # None for a reference
    spots: bool = False
    columns: dict[str, str] = Field(default_factory=dict)  # "type" -> the obs column it was read from
    has_types: bool = False
    sections: tuple[str, ...] = ()
    neighbour_um: float | None = None  # median nearest-neighbour distance
    findings: tuple[Finding, ...] = ()
    simulated: bool = False
    source: str = ""  # original file name(s)
    created: str = Field(default_factory=now)
    archived: bool = False
    owner: str = "local"


class StudyRecord(Record):
    id: str
    name: str
    tissue: str
    reference: str
    validation: str | None = None
    types: dict[str, str] = Field(default_factory=dict)  # dataset id -> "column" or the id of an annotation job
    orthologues: str | None = None  # the name of a stored table; None: the one that comes with a dependency
    simulated: bool = False
    created: str = Field(default_factory=now)
    archived: bool = False
    owner: str = "local"

    @property
    def data(self) -> tuple[str, str, str | None, str | None]:
        """What its runs are made from."""
        return self.tissue, self.reference, self.validation, self.orthologues


class RunRecord(Record):
    """A run is named by what it computes: the same method version, config, data, split and seed have the same id,
    which is the id of the job that executes it too."""

    id: str
    method: str
    version: int
    config: dict[str, Any]
    seed: int
    tissue: str
    reference: str
    validation: str | None = None
    split: str  # "validation" or "halves"
    orthologues: str | None = None  # as the study's
    created: str = Field(default_factory=now)
    owner: str = "local"

    @property
    def data(self) -> tuple[str, str, str | None, str | None]:
        """As a study's."""
        return self.tissue, self.reference, self.validation, self.orthologues


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    STOPPED = "stopped"  # told to stop, and kept what it had
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"  # its workers died too often

    @property
    def finished(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


class JobStatus(Record):
    """The execution of one piece of work. `params` are all that a child process needs to do it."""

    id: str
    kind: str
    params: dict[str, Any]
    state: JobState = JobState.QUEUED
    attempt: int = 0  # the fencing token: raised each time a child takes the job
    deaths: int = 0  # children of this job that vanished without a word
    stage: str = ""  # in words: "training on the left half"
    step: int = 0
    steps: int = 0
    first_step: int = 0  # where this attempt began: above 0 after a resume
    stopped_at: int | None = None
    result: dict[str, Any] = Field(default_factory=dict)
    error: dict[str, str] | None = None  # UserError.to_dict()
    created: str = Field(default_factory=now)
    started: str | None = None
    finished: str | None = None
    owner: str = "local"


class Workers(Record):
    """Whether anybody would take a job now."""

    alive: bool
    trainers: int = 0
    device: str = "cpu"
    seen: str | None = None


class Preflight(Record):
    """What one is told before a launch."""

    answers: str  # "For each of the 4,000 reference cells: ..."
    shared_genes: int
    input_genes: int
    dropped: tuple[str, ...] = ()  # sentences
    warnings: tuple[str, ...] = ()
    memory_gb: float
    minutes: float
    device: str
    split: str  # in words
