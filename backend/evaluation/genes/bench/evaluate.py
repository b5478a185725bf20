"""`python -m backend evaluate`: several methods on the same hidden genes of two files, in numbers that can be trusted.

The files are opened once for each fold by whoever may look at its input genes only (`files`); every method runs in a
process of its own that holds views and nothing else (`alone`); what it predicts is scored here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from backend import settings
from backend.errors import NotFound, UserError
from backend.evaluation.genes import compare
from backend.evaluation.genes.bench.alone import Task, run_alone
from backend.evaluation.genes.bench.files import PairFiles, open_files
from backend.evaluation.genes.bench.handed import REFERENCE, read_imputed, write_cells, write_imputed, write_view
from backend.evaluation.genes.bench.report import document, plain
from backend.evaluation.genes.folds import GeneFold, gene_folds
from backend.evaluation.genes.levels import Level
from backend.evaluation.genes.metrics import scale_of
from backend.evaluation.genes.regions import tiles
from backend.evaluation.genes.tracks import Plan, Trial, check_imputed, make_trial, score_trial, trial_levels
from backend.methods import registry
from backend.methods.contract import MethodCard, Track
from backend.methods.imputation import Imputed
from backend.records import Answers
from backend.store.layout import write_json

ALIASES = {"best": "quorum"}
"""Names that stand for another method."""


@dataclass(frozen=True)
class Request:
    """methods: as asked; `best` stands for our own. tissue, reference: files. only: numbers of folds, from 0; empty:
    all. cells: only so many of the tissue's first. given: settings per method asked. save: a folder for predictions."""

    methods: tuple[str, ...]
    tissue: Path
    reference: Path
    out: Path
    track: Track = "unmeasured-gene"
    folds: int = 5
    only: tuple[int, ...] = ()
    seed: int = 0
    cells: int | None = None
    plan: Plan = field(default_factory=Plan)
    answers: Answers = field(default_factory=Answers)
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    save: Path | None = None


@dataclass(frozen=True)
class Bench:
    """What all methods share: the trials, their levels and blocks, and what the doctor said."""

    request: Request
    files: PairFiles
    trials: tuple[Trial, ...]
    levels: Mapping[int, tuple[Level, ...]]
    warnings: tuple[str, ...]
    threads: int


@dataclass(frozen=True)
class Scored:
    """scores: a row per gene and level. draws: per draw of blocks, the sum of PCC over genes and their number."""

    facts: Mapping[str, Any]
    scores: pd.DataFrame
    draws: tuple[np.ndarray, int]


def evaluate(request: Request, say: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Do what was asked, write `request.out` and return the same. `say` hears how far it is.

    Raises `UserError` for names, files and folds that cannot be used, and where no method could be scored."""
    cards = check_methods(request)
    check_places(request.out, request.save)
    with tempfile.TemporaryDirectory(prefix="resitu-evaluate-") as name:
        folder = Path(name)
        bench = _open(request, folder, say)
        _check_counts(cards, bench)
        done: dict[str, Scored | UserError] = {}
        for asked, card in cards.items():
            say(f"{asked}: starting")
            try:
                done[asked] = _score(bench, asked, card, folder, say)
            except UserError as error:
                say(f"{asked}: {error.what}")
                done[asked] = error
    failed = [outcome for outcome in done.values() if isinstance(outcome, UserError)]
    if len(failed) == len(done):
        raise failed[0]
    made = plain(document(bench, {asked: card.title for asked, card in cards.items()}, done))
    write_json(request.out, made)
    return dict(made)


def imputers() -> dict[str, MethodCard]:
    """The methods that complete a panel, and the names that stand for one."""
    found = {name: card for name, card in registry.cards().items() if card.where == "in the cell"}
    return found | {alias: found[name] for alias, name in ALIASES.items() if name in found}


def check_methods(request: Request) -> dict[str, MethodCard]:
    """Name asked -> card. Raises `UserError` for one that is unknown, given twice, or cannot do the track."""
    known = imputers()
    chosen: dict[str, MethodCard] = {}
    for asked in request.methods:
        if asked not in known:
            raise NotFound(f"There is no method {asked!r} that imputes.", mend=f"Choose from {', '.join(known)}.")
        if known[asked].name in {card.name for card in chosen.values()}:
            raise UserError(
                f"{known[asked].title} was given twice: {', '.join(request.methods)}.",
                mend=f"Name each method once. There are {', '.join(known)}.",
            )
        if request.track not in known[asked].tracks:
            able = [name for name, card in known.items() if request.track in card.tracks]
            raise UserError(
                f"{known[asked].title} cannot be evaluated on the track {request.track}.",
                f"It does {', '.join(known[asked].tracks)}.",
                f"On {request.track} there are {', '.join(able)}.",
            )
        registry.config_from(known[asked].name, request.given.get(asked, {}))
        chosen[asked] = known[asked]
    if not chosen:
        raise UserError("No method was named.", mend=f"Choose from {', '.join(known)}.")
    return chosen


def check_places(out: Path, save: Path | None) -> None:
    """Raises `UserError` where nothing could be written: before hours of work, not after."""
    for path in (out.parent, *([save.parent] if save else [])):
        if not path.is_dir():
            raise UserError(f"There is no folder {str(path)!r}.", mend="Make it first, or name another place.")
    if out.is_dir():
        raise UserError(f"{str(out)!r} is a folder.", mend="Name a file, such as OUT.json.")


def _check_counts(cards: Mapping[str, MethodCard], bench: Bench) -> None:
    scale = bench.files.reference.scale
    refused = [card.title for card in cards.values() if card.needs_counts]
    if refused and scale != "counts":
        raise UserError(
            f"{' and '.join(refused)} cannot use this reference.",
            f"A method that models counts was asked for, and {bench.request.reference.name} holds {scale} values.",
            "Bring a reference with raw counts, or leave the method out.",
        )


def _open(request: Request, folder: Path, say: Callable[[str], None]) -> Bench:
    say("reading the files")
    loaded = settings.load()
    files = open_files(request.tissue, request.reference, loaded.max_upload_mb, request.answers, request.cells)
    folds = gene_folds(files.shared, request.folds)
    trials, warnings = [], list(_warnings_of(files))
    for number in request.only or range(len(folds)):
        trial, said = _trial(request, files, _fold(folds, number), number)
        warnings += said
        write_view(folder / f"view-{number}.npz", trial.view)
        trials.append(trial)
    write_cells(folder / REFERENCE, files.reference)
    levels = {trial.number: trial_levels(trial) for trial in trials}
    return Bench(request, files, tuple(trials), levels, tuple(dict.fromkeys(warnings)), loaded.threads)


def _fold(folds: Sequence[GeneFold], number: int) -> GeneFold:
    if not 0 <= number < len(folds):
        raise UserError(f"There is no fold {number}.", mend=f"Folds are numbered 0 to {len(folds) - 1}.")
    return folds[number]


def _trial(request: Request, files: PairFiles, fold: GeneFold, number: int) -> tuple[Trial, list[str]]:
    opened = files.open(fold.inputs)
    said = [f"{finding.what} {finding.why}".strip() for finding in opened.said if finding.grade in ("mended", "noted")]
    scale = opened.pair.tissue.scale
    if scale != "counts":
        said.insert(
            0,
            f"The tissue arrived as {scale} values, not counts: whatever normalised it may have read the hidden genes, "
            "so these scores may be too good.",
        )
    hidden = opened.pair.tissue.of_genes(fold.targets).expression
    broken = np.unique(hidden.indices[~(np.isfinite(hidden.data) & (hidden.data >= 0))])
    if len(broken):
        said.append(f"{len(broken)} hidden genes hold values that are no expression (below zero or not finite).")
    return make_trial(request.track, opened.pair, number, fold, request.plan), said


def _warnings_of(files: PairFiles) -> list[str]:
    said = [f"Reference: {finding.what} {finding.why}".strip() for finding in files.said if finding.grade == "noted"]
    if files.reference.scale != "counts":
        said.append(f"The reference holds {files.reference.scale} values, not counts.")
    return said


def _score(bench: Bench, asked: str, card: MethodCard, folder: Path, say: Callable[[str], None]) -> Scored:
    request = bench.request
    task = Task(
        card.name,
        request.given.get(asked, {}),
        request.seed,
        bench.threads,
        tuple(trial.number for trial in bench.trials),
    )
    facts = run_alone(task, folder, lambda text: say(f"{asked}: {text}"))
    tables, total, counted = [], np.zeros(compare.DRAWS), 0
    for trial in bench.trials:
        path = folder / f"{card.name}-{trial.number}.npz"
        imputed = read_imputed(path)
        check_imputed(imputed, trial, card.title)
        tables.append(score_trial(trial, imputed, bench.levels[trial.number]))
        draws = _draws(trial, imputed, request.seed)
        total, counted = total + draws.sum(axis=1), counted + draws.shape[1]
        facts["folds"][str(trial.number)]["scale_factor"] = scale_of(imputed, trial.view).factor
        if request.save:
            _save(request.save / asked, trial, imputed, facts)
        path.unlink()
    return Scored(facts, pd.concat(tables, ignore_index=True), (total, counted))


def _draws(trial: Trial, imputed: Imputed, seed: int) -> np.ndarray:
    """Draws x genes that have a score, blocks being the 25 tiles of each section; none without coordinates."""
    places = trial.view.tissue.coordinates
    if places is None:
        return np.zeros((compare.DRAWS, 0))
    block = tiles(
        places[trial.rows], None if trial.view.tissue.section is None else trial.view.tissue.section[trial.rows]
    )
    found = compare.block_draws(trial.truth.values[trial.rows], imputed.values[trial.rows], block, seed)
    return found[:, np.isfinite(found).all(axis=0)]


def _save(folder: Path, trial: Trial, imputed: Imputed, facts: Mapping[str, Any]) -> None:
    """`fold-K.npz`: values, genes, units (and doubt); `facts.json`: what each fold reported, without the clock's."""
    folder.mkdir(parents=True, exist_ok=True)
    write_imputed(folder / f"fold-{trial.number}.npz", imputed)
    told = {
        number: {name: value for name, value in fold.items() if name != "seconds"}
        for number, fold in facts["folds"].items()
    }
    write_json(folder / "facts.json", {"folds": told, "config": facts["config"]})
