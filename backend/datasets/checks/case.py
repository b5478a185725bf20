"""What the checks hand from one to the next: the file, the answers so far, and everything seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.raw import Raw
from backend.records import Answers, Finding, GeneIds, Role, Scale, Species


@dataclass
class Case:
    """One file under examination. The checks fill in the fields below `findings`, in the order of the doctor."""

    raw: Raw
    role: Role
    answers: Answers
    obs: pd.DataFrame
    coordinates: NDArray[np.float64] | None  # in the file's unit until `places` has judged it
    rows: NDArray[np.int64]  # of the file, that are still in
    findings: list[Finding] = field(default_factory=list)
    values: csr_matrix = field(default_factory=lambda: csr_matrix((0, 0), dtype=np.float32))
    features: pd.DataFrame = field(default_factory=pd.DataFrame)
    genes: pd.DataFrame = field(default_factory=pd.DataFrame)
    excluded: pd.DataFrame = field(default_factory=pd.DataFrame)
    controls: NDArray[np.float64] | None = None  # counts of control probes per cell, where any were measured
    measures: pd.DataFrame = field(default_factory=pd.DataFrame)
    columns: dict[str, str] = field(default_factory=dict)
    judged: dict[str, tuple[str, str]] = field(default_factory=dict)  # matrix -> its scale, and the evidence
    counts_from: str = "X"
    scale: Scale = "counts"
    species: Species = "human"
    gene_ids: GeneIds = "symbol"
    um_per_unit: float | None = None
    spots: bool = False
    neighbour_um: float | None = None

    @classmethod
    def open(cls, raw: Raw, role: Role, answers: Answers) -> Case:
        first = next(iter(raw.coordinates.values()), None) if role != "reference" else None
        places = None if first is None else np.asarray(first, dtype=np.float64)[:, :2]
        return cls(raw, role, answers, raw.obs.copy(), places, np.arange(len(raw.obs)))

    def say(self, grade: Any, code: str, what: str, why: str = "", mend: str = "") -> None:
        self.findings.append(Finding(grade=grade, code=code, what=what, why=why, mend=mend))

    def refuse(self, code: str, what: str, why: str = "", mend: str = "") -> None:
        self.say("refused", code, what, why, mend)

    @property
    def refused(self) -> bool:
        return any(finding.grade == "refused" for finding in self.findings)

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Go on with these cells only."""
        self.rows, self.obs = self.rows[mask], self.obs[mask]
        if self.coordinates is not None:
            self.coordinates = self.coordinates[mask]
        if self.controls is not None:
            self.controls = self.controls[mask]
        if self.values.shape[0] == len(mask):
            self.values = self.values[mask]

    def settle(self, name: str, guess: Any, why: str) -> tuple[Any, str]:
        """The value of one of `Answers` and the reason for it: the user's word, else the format's, else our guess."""
        said = getattr(self.answers, name)
        if said is not None:
            return said, "As you said."
        hinted = getattr(self.raw.hints, name)
        if hinted is not None:
            return hinted, self.raw.reasons.get(name, "The format of the file says so.")
        return guess, why

    def ask(self, name: str, value: Any, what: str, why: str, options: Sequence[str] = ()) -> None:
        """Show what was decided for one of `Answers`, and how to decide otherwise."""
        flag = f"--{name.replace('_', '-')}"
        text = {True: "yes", False: "no", None: ""}.get(value, value) if isinstance(value, bool | None) else value
        choice = "|".join(options) if 0 < len(options) <= 4 and "" not in options else "COLUMN"
        self.findings.append(
            Finding(
                grade="asked",
                code=name.replace("_", "-"),
                what=what,
                why=why,
                mend=f"If not: {flag} {choice}.",
                field=name,
                guess=str(text),
                options=tuple(options),
                flag=flag,
            )
        )


def count(number: int | float, noun: str, plural: str = "") -> str:
    """ "1 cell", "1,234 cells"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
