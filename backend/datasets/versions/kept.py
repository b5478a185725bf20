"""Which cells a recipe keeps, and why it drops the others."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

FEWEST_CELLS = 10  # of a version


@dataclass
class Kept:
    """reason: per cell the place in `rules` of the first that dropped it; -1: kept. names: the cells' sections,
    samples and so on after the recipe. notes: what else was done, in sentences."""

    reason: NDArray[np.int16]
    names: dict[str, NDArray[np.object_]]
    rules: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def mask(self) -> NDArray[np.bool_]:
        return self.reason < 0

    @property
    def n(self) -> int:
        return int(np.count_nonzero(self.reason < 0))

    @property
    def dropped_by(self) -> dict[str, int]:
        """Rule -> how many cells it dropped that none before it had dropped."""
        counts = np.bincount(self.reason[self.reason >= 0], minlength=len(self.rules))
        return {rule: int(number) for rule, number in zip(self.rules, counts)}

    def by(self, names: ArrayLike) -> pd.DataFrame:
        """Per name: name, cells, kept, share. names: one per cell, such as its section or its type."""
        codes, found = pd.factorize(np.asarray(names), sort=True)
        cells = np.bincount(codes, minlength=len(found))
        kept = np.bincount(codes[self.mask], minlength=len(found))
        columns = {"name": found.astype(str), "cells": cells, "kept": kept, "share": kept / np.maximum(cells, 1)}
        return pd.DataFrame(columns)

    @property
    def section(self) -> NDArray[np.object_]:
        return self.names["section"]

    @property
    def sections(self) -> pd.DataFrame:
        return self.by(self.section)

    def drop(self, bad: NDArray[np.bool_], rule: str) -> None:
        """Cells that a rule before has dropped already keep that reason."""
        self.reason[bad & (self.reason < 0)] = len(self.rules)
        self.rules.append(rule)
