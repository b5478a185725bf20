"""From `PairedData` to what the networks see: filtered cells, contexts, the reference as shares, fresh draws of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.analysis.context import surroundings
from backend.errors import DataError
from backend.methods.contract import Cells, Floats, PairedData
from backend.methods.scxm.backbone.reader import Sentences
from backend.methods.scxm.config import ScxmConfig
from backend.methods.scxm.geneformer.vocabulary import Vocabulary
from backend.methods.scxm.inputs import LogInput, RankInput
from backend.methods.thinning import Depth, draw_thinned, linear_shares, match_depth
from backend.training.batches import stream

FEWEST_CELLS = 20
Reader = LogInput | RankInput | Sentences


@dataclass(frozen=True)
class Problem:
    """contexts, own: (tissue cells, P), of cells that have neighbours and enough counts. tissue: their shares as an
    encoder reads them, (tissue cells, G); None where the tissue lacks input genes. reference: shares, (reference cells,
    G). panel: the columns of G that are panel genes. depth: None without thinning."""

    contexts: Floats
    own: csr_matrix
    tissue: csr_matrix | None
    reference: csr_matrix
    panel: NDArray[np.int64]
    depth: Depth | None
    cells_per_input: int
    read: Reader

    @property
    def n_reference(self) -> int:
        return int(self.reference.shape[0])

    def draw(self, rows: NDArray[np.int64], random: np.random.Generator) -> csr_matrix:
        """Inputs of one step, (B, G): each row alone or added to random others, thinned to the tissue's depth."""
        return draw(self.reference[self.partners(rows, random)], self.depth, self.cells_per_input, random)

    def partners(self, rows: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
        others = random.integers(self.n_reference, size=(len(rows), self.cells_per_input - 1))
        return np.column_stack([rows, others]).ravel()


def draw(shares: csr_matrix, depth: Depth | None, together: int, random: np.random.Generator) -> csr_matrix:
    """Average each `together` consecutive rows, then thin. (B . together, G) -> (B, G)."""
    if together > 1:
        n = shares.shape[0] // together
        add = csr_matrix(
            (
                np.full(n * together, 1 / together, dtype=np.float32),
                np.arange(n * together),
                np.arange(0, n * together + 1, together),
            )
        )
        shares = csr_matrix(add @ shares)
    return draw_thinned(shares, depth, random) if depth else shares


def build_problem(data: PairedData, config: ScxmConfig, seed: int, vocabulary: Vocabulary | None = None) -> Problem:
    """Contexts are measured over all tissue cells; the filter then decides which of them are trained on. `vocabulary`:
    the backbone's, if there is one. Raises DataError, GeneMismatch."""
    inputs = {gene: place for place, gene in enumerate(data.input_genes)}
    panel = np.array([inputs[gene] for gene in data.panel_genes], dtype=np.int64)
    tissue_panel = data.tissue.expression_of(data.panel_genes)
    coordinates = data.tissue.coordinates
    if coordinates is None:
        raise DataError("The tissue has no coordinates.", mend="Add a tissue whose cells have a place.")
    sigma_um = config.resolved_sigma_um(data.spots)
    contexts, known = surroundings(coordinates, data.tissue.section, sigma_um, tissue_panel)
    kept = known & rich_cells(tissue_panel, config, data.tissue.scale)
    reference = data.reference.expression_of(data.input_genes)
    rich = rich_cells(reference[:, panel], config, data.reference.scale)
    for what, n in (("tissue", int(kept.sum())), ("reference", int(rich.sum()))):
        if n < FEWEST_CELLS:
            raise DataError(
                f"Only {n} cells of the {what} can be trained on.",
                "The others have too few counts on the shared panel, or no neighbours.",
                "Lower 'Fewest counts of a cell', widen the neighbourhood radius, or bring more cells.",
            )
    shares = linear_shares(Cells(csr_matrix(reference[rich]), data.input_genes, data.reference.scale))
    depth = _match(data, shares) if config.thinning else None
    together = config.resolved_cells_per_input(data.spots)
    return Problem(
        contexts=contexts[kept],
        own=csr_matrix(tissue_panel[kept] > 0, dtype=np.float32),
        tissue=_as_read(data, kept),
        reference=shares,
        panel=panel,
        depth=depth,
        cells_per_input=together,
        read=_reader(shares, depth, together, config, seed)
        if vocabulary is None
        else Sentences.of(vocabulary, data.input_genes),
    )


def _as_read(data: PairedData, kept: NDArray[np.bool_]) -> csr_matrix | None:
    if len(_measured(data)) < len(data.input_genes):
        return None
    expression = csr_matrix(data.tissue.expression_of(data.input_genes)[kept])
    return linear_shares(Cells(expression, data.input_genes, data.tissue.scale))


def _measured(data: PairedData) -> tuple[str, ...]:
    """The input genes that the tissue tells of: its panel, and others that a cell shows. What only a validation tissue
    measured is missing, or padded with zeros."""
    seen = np.asarray(data.tissue.expression.sum(axis=0)).ravel() > 0
    known = {gene for gene, one in zip(data.tissue.genes, seen, strict=True) if one} | set(data.panel_genes)
    return tuple(gene for gene in data.input_genes if gene in known)


def rich_cells(panel: csr_matrix, config: ScxmConfig, scale: str) -> NDArray[np.bool_]:
    """Enough counts and genes on the panel. On a panel of fewer than 50 genes both limits shrink in proportion, and
    without counts only the genes are judged."""
    ease = min(1.0, panel.shape[1] / 50)
    rich = np.asarray((panel > 0).sum(axis=1)).ravel() >= max(1.0, config.min_genes * ease)
    if scale == "counts":
        rich &= np.asarray(panel.sum(axis=1)).ravel() >= config.min_counts * ease
    return np.asarray(rich)


def _match(data: PairedData, shares: csr_matrix) -> Depth:
    genes = _measured(data)
    place = {gene: index for index, gene in enumerate(data.input_genes)}
    where = np.array([place[gene] for gene in genes], dtype=np.int64)
    return match_depth(shares, data.tissue.expression_of(genes), where, counts=data.tissue.scale == "counts")


def _reader(
    shares: csr_matrix, depth: Depth | None, together: int, config: ScxmConfig, seed: int
) -> LogInput | RankInput:
    if config.encoder == "transformer":
        return RankInput.fit(shares, config.max_tokens)
    random = stream(seed, "scxm/input statistics")
    rows = random.integers(shares.shape[0], size=together * min(shares.shape[0], 5000))
    return LogInput.fit(draw(shares[rows], depth, together, random))
