"""What makes an imputer of a comparator: one function that learns from a view and answers for any of its genes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from backend.errors import DataError
from backend.methods.contract import Config, MethodCard, RunContext
from backend.methods.imputation import Attention, FoldView, Imputed
from backend.store.keys import digest
from backend.store.layout import read_json, write_json

FORMAT = 1
Answer = Callable[[tuple[str, ...]], Imputed]


@dataclass(frozen=True)
class Task:
    """What a comparator is given. last_step: a training that was finished early is repeated just so far."""

    view: FoldView
    config: Config
    seed: int
    run: RunContext
    last_step: int | None = None


@dataclass(frozen=True)
class Learned:
    """answer: asked in portions of genes, so that whatever does not depend on the gene was computed before."""

    answer: Answer
    stopped_at: int | None = None


Learn = Callable[[Task], Learned]


@dataclass
class ComparatorFitted:
    """A comparator is a function of its view, its settings and its seed: that is all it saves, and what is opened
    again learns again, the first time it is asked."""

    card: MethodCard
    learn: Learn
    view: FoldView
    config: Config
    seed: int
    stopped_at: int | None = None
    learned: Learned | None = field(default=None, repr=False)

    def impute(self, genes: tuple[str, ...], run: RunContext) -> Imputed:
        """Raises `ValueError` where a gene is none of the view's targets."""
        if unknown := sorted(set(genes) - set(self.view.target_genes)):
            raise ValueError(f"no target genes: {unknown[:5]}")
        if self.learned is None:
            self.learned = self.learn(Task(self.view, self.config, self.seed, run, self.stopped_at))
        return self.learned.answer(genes)

    def attention(self) -> Attention | None:
        return None

    def save(self, folder: Path) -> None:
        manifest = {
            "format": FORMAT,
            "method": self.card.name,
            "version": self.card.version,
            "config": self.config.model_dump(),
            "seed": self.seed,
            "stopped_at": self.stopped_at,
            "view": _view_key(self.view),
        }
        write_json(folder / "manifest.json", manifest)


@dataclass(frozen=True)
class Comparator:
    """`Imputer` of a card and its learning function."""

    card: MethodCard
    learn: Learn

    def fit(self, view: FoldView, config: Config, run: RunContext) -> ComparatorFitted:
        learned = self.learn(Task(view, config, run.seed, run))
        return ComparatorFitted(self.card, self.learn, view, config, run.seed, learned.stopped_at, learned)

    def load(self, folder: Path, view: FoldView) -> ComparatorFitted:
        """Raises `DataError` where the folder holds another method, or one fitted on another view."""
        manifest = read_json(folder / "manifest.json")
        wanted = (FORMAT, self.card.name, self.card.version, _view_key(view))
        if (manifest["format"], manifest["method"], manifest["version"], manifest["view"]) != wanted:
            raise DataError(f"{folder.name} is no {self.card.title} of this version and these data.", mend="Fit again.")
        config = self.card.config.model_validate(manifest["config"])
        return ComparatorFitted(self.card, self.learn, view, config, manifest["seed"], manifest["stopped_at"])


def _view_key(view: FoldView) -> str:
    known = None if view.known is None else [int(row) for row in view.known.rows]
    return digest([view.input_genes, view.target_genes, view.tissue.n_cells, view.reference.n_cells, known])
