"""A run of an imputation with everything that it names: data sets, genes, settings; and the matrices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from backend.datasets.expression import log_normalise
from backend.datasets.paired import names_as_in, section_codes
from backend.errors import UserError
from backend.evaluation.genes.source import GenePair
from backend.methods import registry
from backend.methods.contract import Cells, Config, MethodCard, Track
from backend.records import DatasetRecord, RunRecord
from backend.store import index, matrix

TRACKS: Mapping[str, Track] = MappingProxyType({"genes": "unmeasured-gene", "blocks": "unseen-region"})
MOST_VALUES = 200_000_000  # tissue cells x genes off the panel
FEWEST_REFERENCE_CELLS = 10  # that show a gene off the panel


@dataclass(frozen=True)
class OpenedImputation:
    run: RunRecord
    card: MethodCard
    config: Config
    tissue: DatasetRecord
    reference: DatasetRecord

    @property
    def track(self) -> Track:
        return TRACKS[self.run.split]

    def read(self) -> GenePair:
        """Both matrices whole, the reference's genes by their names in the tissue."""
        values, genes = matrix.load_csr(self.tissue.id)
        table = matrix.obs(self.tissue.id, ["x_um", "y_um", "section"])
        places = table[["x_um", "y_um"]].to_numpy(dtype=np.float32)
        tissue = Cells(values, genes, self.tissue.scale, places, section_codes(table.get("section"), len(table)))
        expression, _ = matrix.load_csr(self.reference.id)
        names = names_as_in(self.tissue, self.reference, self.run.orthologues)
        known = np.array([column for column, name in enumerate(names) if name is not None], dtype=np.intp)
        kept = tuple(name for name in names if name is not None)
        return GenePair(tissue, Cells(csr_matrix(expression[:, known]), kept, self.reference.scale))

    def types(self) -> NDArray[np.object_] | None:
        """The tissue's own names of types; None where its file has none."""
        if not self.tissue.has_types:
            return None
        return matrix.obs(self.tissue.id, ["type"])["type"].astype(str).to_numpy(dtype=object)


def open_imputation(run: RunRecord) -> OpenedImputation:
    """Reads records only. Raises `UserError` where the run was made for another version of its method."""
    card = registry.card(run.method)
    if run.version != card.version:
        raise UserError(
            f"This run is of {card.title} version {run.version}; version {card.version} is installed.",
            "Its numbers would not be the ones it is named after.",
            "Start it again from the study: it becomes a run of its own.",
        )
    tissue, reference = index.get(DatasetRecord, run.tissue), index.get(DatasetRecord, run.reference)
    return OpenedImputation(run, card, registry.config_from(run.method, run.config), tissue, reference)


def off_panel(pair: GenePair, asked: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The reference's genes that the panel lacks, sorted: those that ten of its cells show, and of these, where they
    are too many, those that were asked for and then those that vary most (log1p at 10,000 a cell)."""
    reference = pair.reference
    panel = set(pair.tissue.genes)
    shown = (reference.expression > 0).sum(axis=0).A1 >= FEWEST_REFERENCE_CELLS
    wanted = [column for column, gene in enumerate(reference.genes) if shown[column] and gene not in panel]
    most = MOST_VALUES // max(1, pair.tissue.n_cells)
    if len(wanted) > most:
        spread = _spread(reference)
        first = set(asked)
        wanted.sort(key=lambda column: (reference.genes[column] not in first, -spread[column]))
    return tuple(sorted(reference.genes[column] for column in wanted[:most]))


def _spread(reference: Cells) -> NDArray[np.float64]:
    """Per gene: the variance of its logs."""
    logs = log_normalise(reference.expression, reference.scale)
    mean, square = (np.asarray(part.mean(axis=0), dtype=np.float64).ravel() for part in (logs, logs.multiply(logs)))
    return np.asarray(square - mean**2)
