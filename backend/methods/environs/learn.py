"""From `PairedData` to a fitted model: what is read and learnt, the choices on strips, then the networks one by one.

A checkpoint holds what is finished: the choices, and the networks that are trained. One network takes seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from backend.analysis.agreement import median_pearson
from backend.analysis.strips import strips
from backend.errors import DataError, UserError
from backend.methods.contract import Cells, Floats, PairedData, RunContext
from backend.methods.environs.config import EnvironsConfig
from backend.methods.environs.goals import fit_goals, measured
from backend.methods.environs.linear import PENALTIES, Linear, fit_linear
from backend.methods.environs.model import Reader
from backend.methods.environs.reading import Reading, fit_reading
from backend.methods.environs.train import Choice, Lesson, Strip, best, predict, shares_to_try, train, try_out
from backend.methods.thinning import Depth, draw_thinned, linear_shares, match_depth
from backend.training import checkpoints
from backend.training.batches import stream

FEWEST_CELLS = 20


@dataclass(frozen=True)
class Problem:
    """genes: the input genes that are read. lesson: the training cells that have neighbours. truth: their contexts at
    sigma, n x P. strips: of their rows. penalty: of the linear map."""

    genes: tuple[str, ...]
    lesson: Lesson
    truth: Floats
    strips: tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]
    reading: Reading
    depth: Depth
    penalty: float


@dataclass
class Progress:
    """What is finished. tried: hidden share, as text -> per strip what `try_out` found."""

    tried: dict[str, list[list[list[float]]]] = field(default_factory=dict)
    networks: list[Reader] = field(default_factory=list)


def build(data: PairedData, config: EnvironsConfig, seed: int) -> Problem:
    """Only genes that a training cell shows are read: where a validation tissue measured more than the tissue did, the
    others would lower the shares of these. Raises DataError where too few tissue cells have neighbours, GeneMismatch
    where genes are missing."""
    tissue = data.tissue.of_genes(data.input_genes)
    sigma_um = config.resolved_sigma_um(data.spots)
    contexts, kept = measured(tissue.of_genes(data.panel_genes), sigma_um, config.wider)
    kept &= np.asarray(tissue.expression.sum(axis=1)).ravel() > 0
    if kept.sum() < FEWEST_CELLS:
        raise DataError(
            f"Only {int(kept.sum())} cells of the tissue have neighbours within {3 * sigma_um:g} µm.",
            "The others have no surroundings to learn from.",
            "Widen the neighbourhood radius, or bring more cells.",
        )
    shown = np.asarray((tissue.expression[kept] > 0).sum(axis=0)).ravel() > 0
    genes = tuple(gene for gene, one in zip(tissue.genes, shown, strict=True) if one)
    known = tissue.of_rows(kept).of_genes(genes)
    assert known.coordinates is not None
    cut = strips(known.coordinates, known.section, sigma_um)
    reading, inputs = fit_reading(known, [check for _, check in cut] if config.own_scale else [])
    shares = linear_shares(data.reference.of_genes(genes))
    depth = match_depth(shares, known.expression, np.arange(len(genes)), counts=known.scale == "counts")
    goals = fit_goals(contexts[kept], len(data.panel_genes), seed)
    reference = None
    if config.lambda_adv or config.lambda_agree:
        drawn = draw_thinned(shares, depth, stream(seed, "environs/reference"))
        reference = reading.read(linear_shares(Cells(drawn, genes, "counts")))
    truth, lesson = contexts[kept, : len(data.panel_genes)], Lesson(inputs, goals, reference)
    return Problem(genes, lesson, truth, cut, reading, depth, choose_penalty(lesson, truth, cut))


def learn(
    problem: Problem, config: EnvironsConfig, run: RunContext, key: dict[str, Any]
) -> tuple[tuple[Reader, ...], Choice, int | None]:
    """The networks, what was chosen, and the step at which it was told to stop (None: it was not)."""
    if not config.networks:
        return (), Choice(0.0, 0, vote=1.0), None
    progress = _resume(problem, run, key)
    shares = shares_to_try(problem.lesson.inputs.shape[1], config)
    checks = [_strip(problem, *rows) for rows in problem.strips]
    steps = len(shares) * len(checks) + config.networks
    done = len(progress.networks) + sum(map(len, progress.tried.values()))
    for share in shares:
        scores = progress.tried.setdefault(str(share), [])
        for strip in checks[len(scores) :]:
            _stop_or_save(progress, run, key, done)
            scores.append(try_out(problem.lesson, strip, problem.truth, share, config, run.seed))
            done += 1
            run.report(done, steps, strip_score=float(np.max(scores[-1])))
    choice = best({float(share): scores for share, scores in progress.tried.items()}, config)
    everything = np.arange(len(problem.lesson.inputs))
    while len(progress.networks) < config.networks:
        if _stop_or_save(progress, run, key, done):
            return tuple(progress.networks), choice, done
        number = len(progress.networks)
        (net,) = deque(train(problem.lesson, everything, choice, config, run.seed + 7919 * number), maxlen=1)
        progress.networks.append(net)
        done += 1
        run.report(done, steps, networks=float(len(progress.networks)))
    return tuple(progress.networks), choice, None


def _strip(problem: Problem, rows: NDArray[np.intp], check: NDArray[np.intp]) -> Strip:
    lesson = problem.lesson
    (linear,) = fit_linear(lesson.inputs[rows], lesson.goals.values[rows], (problem.penalty,))
    return Strip(rows, check, linear.predict(lesson.inputs[check]))


def choose_penalty(lesson: Lesson, truth: Floats, cut: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]) -> float:
    """Of the linear map: the one that is best on strips."""
    tried = [
        [median_pearson(truth[check], lesson.goals.context(linear.predict(lesson.inputs[check])))
         for linear in fit_linear(lesson.inputs[rows], lesson.goals.values[rows], PENALTIES)]
        for rows, check in cut
    ]  # fmt: skip
    return PENALTIES[int(np.argmax(np.mean(tried, axis=0)))] if tried else PENALTIES[len(PENALTIES) // 2]


def learn_linear(problem: Problem, networks: tuple[Reader, ...]) -> Linear:
    """The map on all training cells, as loud as the networks are."""
    lesson = problem.lesson
    (linear,) = fit_linear(lesson.inputs, lesson.goals.values, (problem.penalty,))
    if not networks:
        return linear
    loud = np.mean([predict(net, lesson.inputs) for net in networks], axis=0).std()
    return linear.louder(float(loud / max(linear.predict(lesson.inputs).std(), 1e-9)))


def _stop_or_save(progress: Progress, run: RunContext, key: dict[str, Any], done: int) -> bool:
    """Whether to finish early with the networks that there are. Raises UserError where there is none yet."""
    if run.checkpoint_due():
        tensors: dict[str, Tensor] = {}
        for number, net in enumerate(progress.networks):
            tensors |= checkpoints.module_tensors(f"network/{number}", net)
        state = {"key": key, "tried": progress.tried, "networks": len(progress.networks)}
        checkpoints.save_checkpoint(run.folder, tensors, state)
    if not run.should_stop():
        return False
    if not progress.networks:
        raise UserError(
            "The run was stopped before a network was trained.",
            "The first steps choose how to train; there is nothing to keep yet.",
            "Resume the run.",
        )
    return True


def _resume(problem: Problem, run: RunContext, key: dict[str, Any]) -> Progress:
    found = checkpoints.load_checkpoint(run.folder)
    if found is None or found[1]["key"] != key:
        return Progress()
    tensors, state = found
    progress = Progress(tried=state["tried"])
    for number in range(state["networks"]):
        net = Reader(problem.lesson.inputs.shape[1], problem.lesson.goals.values.shape[1])
        checkpoints.restore_module(f"network/{number}", net, tensors)
        progress.networks.append(net)
    return progress
