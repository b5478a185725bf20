"""Quorum: the measured genes vote on one that was not measured, each as far as it is like it.

1. Cells: the directions in which tissue cells differ, steadied over alike and near cells (`cells.py`).
2. Genes: how alike each measured gene and the missing one are, in the reference (`likeness.py`) and by pathways
   (`pathways.py`).
3. Votes: the missing gene's profile along the directions, by kriging over genes (`kriging.py`).
4. What little is to choose is chosen on masked input genes (`trials.py`), and the scale is calibrated there
   (`units.py`).

For a gene that was measured in part of the tissue, `region.py` learns from those cells instead.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from backend.errors import GeneMismatch
from backend.methods.contract import Config, Floats, MethodCard, RunContext
from backend.methods.imputation import Attention, FittedImputer, FoldView, Imputed
from backend.methods.quorum import config as settings
from backend.methods.quorum import units
from backend.methods.quorum.cells import directions
from backend.methods.quorum.config import QuorumConfig
from backend.methods.quorum.kriging import Votes, hear
from backend.methods.quorum.likeness import Likeness
from backend.methods.quorum.means import ExpectedMeans
from backend.methods.quorum.pathways import Pathways
from backend.methods.quorum.region import impute_region
from backend.methods.quorum.trials import Choice, choose
from backend.methods.reference.genes.adapter import Comparator, Learned, Task
from backend.store.layout import read_json, write_json

WEIGHTS, MANIFEST = "weights.safetensors", "manifest.json"
OWN = 1.0  # a gene's likeness to itself
MOST_VOTERS = 3_000


@dataclass
class FittedQuorum:
    """basis: n cells x r. votes: what the measured genes say. choice: what the masked trials decided. means: what a
    gene's level in the reference says of its level here."""

    view: FoldView
    likeness: Likeness
    pathways: Pathways
    basis: Floats
    votes: Votes
    choice: Choice
    means: ExpectedMeans
    seed: int
    stopped_at: int | None = None

    def impute(self, genes: tuple[str, ...], run: RunContext) -> Imputed:
        """In log1p of counts at the tissue's median depth. doubt: the kriging deviation over how much the votes say."""
        level = self.likeness.columns.read(genes)
        likeness = self.likeness.to(level)
        if self.choice.pathways:
            likeness = likeness + self.choice.pathways * self.pathways.to(genes)
        said = self.basis @ self.votes.of(likeness)
        values = units.expression(units.standard_scores(said), self.choice.shape, self.means.of(level))
        doubt = self.votes.doubt(likeness, OWN + self.choice.pathways) / np.maximum(said.std(axis=0), 1e-6)
        return Imputed(values, genes, doubt, "tissue")

    def attention(self) -> Attention | None:
        return None

    def save(self, folder: Path) -> None:
        from safetensors.numpy import save_file

        tensors = {"basis": self.basis, "composition": self.likeness.weights, **asdict(self.votes)}
        save_file({name: np.ascontiguousarray(values) for name, values in tensors.items()}, folder / WEIGHTS)
        about = {"method": settings.card.name, "version": settings.card.version, "choice": asdict(self.choice)}
        write_json(folder / MANIFEST, about | {"input_genes": self.view.input_genes, "seed": self.seed})


class Quorum:
    card: MethodCard = settings.card

    def fit(self, view: FoldView, config: Config, run: RunContext) -> FittedImputer:
        if view.known is not None:
            return REGION.fit(view, config, run)
        assert isinstance(config, QuorumConfig)
        view = with_voters(view)
        likeness = Likeness.of(view, run.seed)
        pathways = Pathways.of(view.input_genes, config.pathways)
        among, shared = likeness.to(likeness.level), pathways.to(view.input_genes)
        choice = choose(view.tissue, among, shared, config, run)
        seen = directions(view.tissue, choice.scale, config.components, config.neighbours)
        votes = hear(seen.measured, among + choice.pathways * shared, choice.noise)
        run.report(1, 1)
        means = ExpectedMeans.learn(view.tissue, likeness.level)
        return FittedQuorum(view, likeness, pathways, seen.basis, votes, choice, means, run.seed)

    def load(self, folder: Path, view: FoldView) -> FittedImputer:
        """Raises `GeneMismatch` where the view's input genes are not the saved ones."""
        if view.known is not None:
            return REGION.load(folder, view)
        view = with_voters(view)
        from safetensors.numpy import load_file

        about, tensors = cast(dict[str, Any], read_json(folder / MANIFEST)), load_file(folder / WEIGHTS)
        if tuple(about["input_genes"]) != view.input_genes:
            raise GeneMismatch("This model was fitted on other genes.", mend="Train it again on this data.")
        told = dict(about["choice"])
        choice = Choice(**told | {"shape": units.Shape(**told["shape"])})
        likeness = Likeness.of(view, about["seed"], tensors.pop("composition"))
        pathways = Pathways.of(view.input_genes, choice.pathways > 0)
        means = ExpectedMeans.learn(view.tissue, likeness.level)
        return FittedQuorum(
            view, likeness, pathways, tensors.pop("basis"), Votes(**tensors), choice, means, about["seed"]
        )


def with_voters(view: FoldView) -> FoldView:
    """The view with at most `MOST_VOTERS` input genes, those that most tissue cells show: a matrix of voters x voters
    is solved some eighty times."""
    seen = view.tissue.expression.getnnz(axis=0)
    if len(seen) <= MOST_VOTERS:
        return view
    kept = np.sort(np.argsort(-seen, kind="stable")[:MOST_VOTERS])
    return replace(view, tissue=view.tissue.of_genes([view.input_genes[column] for column in kept]))


def _learn_region(task: Task) -> Learned:
    found = impute_region(task.view, task.run)
    place = {gene: column for column, gene in enumerate(found.genes)}

    def answer(genes: tuple[str, ...]) -> Imputed:
        return Imputed(found.values[:, [place[gene] for gene in genes]], genes, units=found.units)

    return Learned(answer)


REGION = Comparator(settings.card, _learn_region)
METHOD = Quorum()
