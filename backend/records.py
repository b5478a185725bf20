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


class Cut(Record):
    """Keep cells whose measure lies between the two ends, both included. None: no end. Cells without a value stay."""

    measure: str  # a column of the cells that holds numbers: "counts", "genes", "area_um2", "control_share", ...
    least: float | None = Field(default=None, allow_inf_nan=False)
    most: float | None = Field(default=None, allow_inf_nan=False)


class Area(Record):
    """A closed polygon drawn on the map of one section, in micrometres."""

    name: str = Field(min_length=1, max_length=80)
    section: str
    corners: tuple[tuple[float, float], ...] = Field(min_length=3, max_length=2000)


class Recipe(Record):
    """How a version of a data set is made from another. Applied in the order of the fields; each cell keeps its id."""

    columns: dict[Literal["section", "sample", "patient", "condition", "type"], str] = Field(default_factory=dict)
    areas: tuple[Area, ...] = ()  # cells inside take the area's name as their `areas_are`
    areas_are: Literal["section", "sample", "patient", "condition"] = "section"
    gap_um: float | None = Field(default=None, gt=0, allow_inf_nan=False)  # cut sections where this much is empty
    cuts: tuple[Cut, ...] = ()
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # column -> the values kept
    regions: tuple[Area, ...] = ()  # only the cells inside any of them
    most_cells: int | None = Field(default=None, ge=10)  # a tissue: one contiguous piece; a reference: balanced by type
    balance_by: str | None = None  # "column" or an annotation job: whose types balance a reference's sample
    seed: int = Field(default=0, ge=0, lt=2**31)

    @property
    def empty(self) -> bool:
        return self == Recipe(seed=self.seed, balance_by=self.balance_by, areas_are=self.areas_are)


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
    parent: str | None = None  # the data set that it is a version of
    recipe: Recipe | None = None  # how it was made from its parent
    left_out: tuple[str, ...] = ()  # what the recipe left out, in sentences
    created: str = Field(default_factory=now)
    archived: bool = False
    owner: str = "local"


class Snapshot(Record):
    """What a study was before a change, so that the change can be taken back."""

    did: str  # the change, in words: "QC of the tissue"
    at: str = Field(default_factory=now)
    tissue: str
    reference: str
    validation: str | None = None
    quick: str | None = None
    types: dict[str, str]
    colours: dict[str, str]
    imputer: str | None = None


class StudyRecord(Record):
    id: str
    name: str
    tissue: str
    reference: str
    validation: str | None = None
    quick: str | None = None  # a region of the tissue, for first answers
    region_job: str | None = None  # the region of a quick look, in the making
    types: dict[str, str] = Field(default_factory=dict)  # dataset id -> "column" or the id of an annotation job
    colours: dict[str, str] = Field(default_factory=dict)  # type -> "#rrggbb", where the user chose one
    done: dict[str, str] = Field(default_factory=dict)  # step of the checklist -> data set it was settled for
    past: tuple[Snapshot, ...] = ()  # oldest first
    orthologues: str | None = None  # the name of a stored table; None: the one that comes with a dependency
    imputer: str | None = None  # the run whose imputed genes are shown where nobody chose another
    simulated: bool = False
    created: str = Field(default_factory=now)
    changed: str = Field(default_factory=now)
    archived: bool = False
    owner: str = "local"

    @property
    def parts(self) -> tuple[str, ...]:
        """The ids of its data sets, the tissue first."""
        return tuple(part for part in (self.tissue, self.reference, self.validation, self.quick) if part)

    @property
    def data(self) -> tuple[str, str, str | None, str | None]:
        """What its runs are made from."""
        return self.tissue, self.reference, self.validation, self.orthologues

    @property
    def quick_data(self) -> tuple[str, str, str | None, str | None]:
        """What its quick looks are made from: the region stands for the tissue."""
        return self.quick or self.tissue, self.reference, self.validation, self.orthologues


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
    split: str  # of contexts "validation" or "halves"; of imputations "genes" (unmeasured gene) or "blocks" (region)
    orthologues: str | None = None  # as the study's
    genes: tuple[str, ...] = ()  # of imputations: off the panel, and wanted even where not all can be imputed
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
