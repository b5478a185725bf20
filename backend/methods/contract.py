"""What every method promises (design: docs/methods.md). Types only; importing this costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from backend.errors import GeneMismatch

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float32]
Track = Literal["unmeasured-gene", "unseen-region"]


class Config(BaseModel):
    """A method's settings: frozen; each field carries its label (`title`), help (`description`), bounds, `group`, and a
    default that a scientist can leave alone. The form, the command line, the docs and the run's key derive from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def setting(default: Any, title: str, description: str, *, group: str = "Training", **bounds: Any) -> Any:
    """One field of a `Config`. `bounds` are pydantic's: ge, gt, le, lt."""
    return Field(default, title=title, description=description, json_schema_extra={"group": group}, **bounds)


@dataclass(frozen=True)
class MethodCard:
    """What a page shows of a method before anything is trained. Importing it must not import torch."""

    name: str
    title: str
    paper: str
    question: str  # what will be answered, in a sentence
    where: Literal["around the cell", "in the cell"]
    needs: tuple[str, ...]
    gives: tuple[str, ...]
    version: int  # raised whenever the numbers change
    config: type[Config]
    presets: Mapping[str, Mapping[str, Any]]  # "Quick look" -> values that differ from the defaults
    minutes: Callable[[int, int, Config], float]  # (tissue cells, reference cells, config) -> minutes on two cores
    memory_gb: Callable[[int, int, int, Config], float]  # (tissue cells, reference cells, genes, config)
    tracks: tuple[Track, ...] = ()  # what an imputation can do; the first is its usual one
    comparator: bool = False  # an honest simple method, or another's, rather than one of ours
    needs_counts: bool = False  # refuses a reference without counts
    extra: str | None = None  # the optional package that it needs
    # (config, input genes) -> what is told of them before a launch; raises UserError where it could not read them
    about_genes: Callable[[Config, Sequence[str]], tuple[str, ...]] | None = None
    # (reference cells, genes, config) -> what is kept in memory to save time, in words; "" where nothing is
    about_memory: Callable[[int, int, Config], str] | None = None


@dataclass(frozen=True)
class Cells:
    """Expression of some cells over named genes, as a method sees it: no obs, no layers, no embeddings.

    expression: n_cells x n_genes, CSR float32, in the scale named by `scale`.
    coordinates: n_cells x 2 in um, or None for dissociated cells. section: n_cells integers, or None.
    """

    expression: csr_matrix
    genes: tuple[str, ...]
    scale: Literal["counts", "log", "normalised"]
    coordinates: Floats | None = None
    section: NDArray[np.int32] | None = None

    @property
    def n_cells(self) -> int:
        return int(self.expression.shape[0])

    def of_rows(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Cells:
        """Some of the cells."""
        return replace(
            self,
            expression=self.expression[rows],
            coordinates=None if self.coordinates is None else self.coordinates[rows],
            section=None if self.section is None else self.section[rows],
        )

    def of_genes(self, genes: Sequence[str]) -> Cells:
        """The same cells over some of their genes, in the order asked. Raises `GeneMismatch`."""
        return replace(self, expression=self.expression_of(genes), genes=tuple(genes))

    def expression_of(self, genes: Sequence[str]) -> csr_matrix:
        """n_cells x the named genes, in the order asked; all must be there. Raises `GeneMismatch`."""
        if tuple(genes) == self.genes:
            return self.expression
        place = {gene: column for column, gene in enumerate(self.genes)}
        missing = [gene for gene in genes if gene not in place]
        if missing:
            raise GeneMismatch(
                f"{len(missing)} of {len(genes)} genes are missing, such as {missing[0]}.",
                "A model reads the genes it was trained on, no others.",
                "Use a data set that measured them.",
            )
        return self.expression[:, [place[gene] for gene in genes]]


@dataclass(frozen=True)
class PairedData:
    """What `fit` may read: training cells of the tissue and the reference, both over `input_genes` (sorted);
    `panel_genes`, a subset of them, are the genes whose context is learnt. `spots`: the tissue's units are spots."""

    tissue: Cells
    reference: Cells
    input_genes: tuple[str, ...]
    panel_genes: tuple[str, ...]
    spots: bool = False


@dataclass(frozen=True)
class Prediction:
    """values: n_cells x len(genes), float32. For a context, in [0, 1]."""

    values: Floats
    genes: tuple[str, ...]
    extras: dict[str, Any] = field(default_factory=dict)  # arrays or tables by name, e.g. "attention"


class RunContext(Protocol):
    """All that a method knows of the world. No job, no cluster, no page."""

    device: str
    seed: int
    threads: int
    folder: Path  # private to this fit; a checkpoint lives here

    def report(self, step: int, steps: int, **metrics: float) -> None: ...
    def should_stop(self) -> bool: ...  # True: finish early and keep; raises `Stopped` when cancelled
    def checkpoint_due(self) -> bool: ...


class Fitted(Protocol):
    stopped_at: int | None

    def predict(self, cells: Cells, run: RunContext) -> Prediction:
        """`cells` holds every input gene, in order; see `backend.datasets.paired.read_cells`."""
        ...

    def save(self, folder: Path) -> None:
        """`weights.safetensors` + `manifest.json`. Never pickle."""
        ...


class Method(Protocol):
    card: MethodCard

    def fit(self, data: PairedData, config: Config, run: RunContext) -> Fitted: ...
    def load(self, folder: Path) -> Fitted: ...
