"""`python -m backend evaluate --track context`: methods and comparators on the same halves of a tissue (Track C).

The tissue is cut in two along x with a buffer. Each half in turn is learnt from, and the contexts of the other half's
cells, measured among these alone, are the truth. Nothing else of a test cell than its expression reaches a method.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backend import settings
from backend.errors import UserError
from backend.evaluation.context.disturbed import moved, scrambled, shifted
from backend.evaluation.context.files import Opened, Source, open_source
from backend.evaluation.context.learners import Learner, Lesson, learners
from backend.evaluation.context.report import document
from backend.evaluation.context.scored import MEASURED, SHIFTED, Answered, Half, cut_halves
from backend.evaluation.genes.bench.evaluate import check_places
from backend.evaluation.genes.bench.report import plain
from backend.methods.contract import Floats
from backend.store.layout import write_json

NULLS = {"cells": moved, "genes": scrambled}
"""What is done to the training half, by the name that the report uses."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """methods: as asked. sigmas: in um; the first is reported in full, the others are the sweep. nulls: train every
    method on tissues without anything to learn as well. shift: ask it also about test cells as another platform would
    have measured them. save: a folder for the predictions."""

    methods: tuple[str, ...]
    source: Source
    out: Path
    sigmas: tuple[float, ...] = (50.0,)
    panel: int = 300
    seed: int = 0
    nulls: bool = False
    shift: bool = False
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    save: Path | None = None


def evaluate(request: Request, say: Say = lambda text: None) -> dict[str, Any]:
    """Do what was asked, write `request.out` and return the same. `say` hears how far it is.

    Raises `UserError` for names, files and radii that cannot be used, and where no method could be scored."""
    check_places(request.out, request.save)
    asked = {sigma: learners(request.methods, request.given, sigma) for sigma in request.sigmas}
    say("reading the files")
    loaded = settings.load()
    opened = open_source(request.source, request.panel, request.seed, loaded.max_upload_mb)
    cuts = {sigma: cut_halves(opened, sigma) for sigma in request.sigmas}
    answers = {sigma: _examine(request, opened, cuts[sigma], found, say) for sigma, found in asked.items()}
    first = answers[request.sigmas[0]]
    failed = [found.error for found in first.values() if found.error]
    if len(failed) == len(first):
        raise failed[0]
    made = plain(document(opened, cuts, answers, request.seed))
    about = {"tissue_file": request.source.tissue.name, "first_cells": request.source.first, "threads": loaded.threads}
    about["reference_file"] = request.source.reference.name if request.source.reference else None
    made |= about
    write_json(request.out, made)
    return dict(made)


def _examine(
    request: Request, opened: Opened, cut: tuple[Half, ...], asked: Mapping[str, Learner], say: Say
) -> dict[str, Answered]:
    """What every learner answers for every half, scored. One that fails is asked no more."""
    found = {name: Answered(learner.title, learner.config) for name, learner in asked.items()}
    for half in cut:
        for kind, lesson in _lessons(request, opened, half):
            for name, learner in asked.items():
                if found[name].error:
                    continue
                say(f"{name}, σ {half.sigma_um:g} µm, {half.words}" + ("" if kind == MEASURED else f", null: {kind}"))
                begun = time.perf_counter()
                try:
                    values = learner.answer(lesson)
                    _check(values, lesson, learner.title)
                except UserError as error:
                    say(f"{name}: {error.what}")
                    found[name].error = error
                    continue
                found[name].add(half, kind, values, time.perf_counter() - begun, request.seed)
                if request.save and kind == MEASURED and half.sigma_um == request.sigmas[0]:
                    _save(request.save / name, half, values[MEASURED])
    return found


def _lessons(request: Request, opened: Opened, half: Half) -> Iterator[tuple[str, Lesson]]:
    headline = half.sigma_um == request.sigmas[0]
    asked = {MEASURED: half.test}
    if request.shift and headline:
        asked[SHIFTED] = shifted(half.test, request.seed)
    threads = settings.load().threads
    given = (opened.panel, half.sigma_um, opened.spots, request.seed, threads)
    yield MEASURED, Lesson(half.train, opened.reference, asked, *given)
    if request.nulls and headline:
        for name, change in NULLS.items():
            yield name, Lesson(change(half.train, request.seed), opened.reference, {MEASURED: half.test}, *given)


def _check(values: Mapping[str, Floats], lesson: Lesson, title: str) -> None:
    for name, cells in lesson.asked.items():
        expected = (cells.n_cells, len(lesson.panel))
        if values[name].shape != expected:
            raise ValueError(f"{title} gave {values[name].shape} for {expected}")
        if not np.isfinite(values[name]).all():
            raise UserError(
                f"{title} gave contexts that are no numbers.",
                "Its training diverged.",
                "Lower its learning rate, or leave the method out.",
            )


def _save(folder: Path, half: Half, values: Floats) -> None:
    """`NAME.npz` of each half: values (test cells x panel), rows (of the tissue read), genes."""
    folder.mkdir(parents=True, exist_ok=True)
    genes = np.array(half.panel, dtype=str)
    np.savez(folder / f"{half.name}.npz", allow_pickle=False, values=values, rows=half.rows, genes=genes)
