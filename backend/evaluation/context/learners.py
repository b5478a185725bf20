"""Everything that can be asked for a context, in one form: learn from a training half, answer for cells.

A learner is given a `Lesson` and nothing else. The cells that are asked about come without their places: those are the
answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
from scipy.sparse import csr_matrix, vstack

from backend.errors import NotFound, UserError
from backend.evaluation.context_track import COMPARATORS, THREADS, make_task
from backend.evaluation.genes.bench.alone import AloneContext
from backend.methods import registry
from backend.methods.contract import Cells, Config, Floats, MethodCard, PairedData, RunContext
from backend.methods.reference.task import ContextTask
from backend.training.device import repeatable

EVERY = COMPARATORS | {"scact": "backend.methods.reference.scact"}
"""Beyond those that every run is compared with, the published one that learns without pairs: minutes, not seconds."""
ALIASES = {"best": "environs"}
"""Names that stand for another method, where it is there."""


@dataclass(frozen=True)
class Lesson:
    """train: cells of the training half, over the genes that are read. reference: dissociated cells; None: the
    training half's own are taken for them. asked: cells to answer for, each set over the same genes."""

    train: Cells
    reference: Cells | None
    asked: Mapping[str, Cells]
    panel: tuple[str, ...]
    sigma_um: float
    spots: bool
    seed: int
    threads: int

    @property
    def unpaired(self) -> Cells:
        return self.reference or replace(self.train, coordinates=None, section=None)

    @cached_property
    def queries(self) -> dict[str, Cells]:
        """What is asked, without its places."""
        return {name: _somewhere(cells) for name, cells in self.asked.items()}

    @cached_property
    def task(self) -> ContextTask:
        """What the comparators share; all that is asked one below the other, since they read each cell on its own."""
        parts = list(self.queries.values())
        stacked = _somewhere(replace(parts[0], expression=csr_matrix(vstack([part.expression for part in parts]))))
        return make_task(self.train, stacked, self.panel, self.sigma_um, self.seed, self.unpaired)

    def split(self, values: Floats) -> dict[str, Floats]:
        """Answers to the task by the name of what was asked."""
        ends = np.cumsum([cells.n_cells for cells in self.asked.values()])
        return dict(zip(self.asked, np.split(values, ends[:-1]), strict=True))


def _somewhere(cells: Cells) -> Cells:
    """A place tells a method that a cell is the tissue's own; where it is, is the answer."""
    n = cells.n_cells
    return replace(cells, coordinates=np.full((n, 2), np.nan, dtype=np.float32), section=np.zeros(n, dtype=np.int32))


@dataclass(frozen=True)
class Learner:
    """title: in words. answer: by the name of what was asked, cells x panel. config: None where there is none."""

    title: str
    answer: Callable[[Lesson], dict[str, Floats]]
    config: Mapping[str, Any] | None = None


def names() -> tuple[str, ...]:
    """All that can be asked for."""
    methods = [name for name, card in registry.cards().items() if card.where == "around the cell"]
    return (*methods, *(alias for alias, name in ALIASES.items() if name in methods), *EVERY)


def learners(asked: Sequence[str], given: Mapping[str, Mapping[str, Any]], sigma_um: float) -> dict[str, Learner]:
    """By the name asked. given: settings per name. Raises `UserError` for names and settings that cannot be used."""
    known = names()
    found: dict[str, Learner] = {}
    real = [ALIASES.get(name, name) for name in asked]
    for name in asked:
        if name not in known:
            raise NotFound(f"There is no method {name!r} of contexts.", mend=f"Choose from {', '.join(known)}.")
        if real.count(ALIASES.get(name, name)) > 1:
            raise UserError(f"{name} was given twice: {', '.join(asked)}.", mend="Name each method once.")
        settings = given.get(name, {})
        found[name] = _comparator(name, settings) if name in EVERY else _method(name, settings, sigma_um)
    if not found:
        raise UserError("No method was named.", mend=f"Choose from {', '.join(known)}.")
    return found


def _comparator(name: str, settings: Mapping[str, Any]) -> Learner:
    if settings:
        raise UserError(f"{name} has nothing to set.", f"{', '.join(settings)} was given.", "Leave --set out.")
    module = import_module(EVERY[name])

    def answer(lesson: Lesson) -> dict[str, Floats]:
        with repeatable(lesson.seed, THREADS):
            return lesson.split(module.predict_context(lesson.task))

    return Learner(name, answer)


def _method(name: str, settings: Mapping[str, Any], sigma_um: float) -> Learner:
    if "sigma_um" in settings:
        raise UserError("The radius of contexts is the same for all methods.", mend="Give it once, with --sigma.")
    card = registry.card(ALIASES.get(name, name))
    config = registry.config_from(card.name, {**settings, "sigma_um": sigma_um})
    return Learner(card.title, lambda lesson: _fitted(card, config, lesson), config.model_dump(mode="json"))


def _fitted(card: MethodCard, config: Config, lesson: Lesson) -> dict[str, Floats]:
    data = PairedData(lesson.train, lesson.unpaired, lesson.train.genes, lesson.panel, lesson.spots)
    with TemporaryDirectory(prefix="resitu-context-") as folder:
        run = cast(RunContext, AloneContext(lesson.seed, lesson.threads, Path(folder)))
        fitted = registry.method(card.name).fit(data, config, run)
        return {name: fitted.predict(cells, run).values for name, cells in lesson.queries.items()}
