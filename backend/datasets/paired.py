"""From data sets on disk to what a method may read: expression over shared genes, and coordinates. Nothing else of a
file (labels, totals, embeddings) gets through, since it can carry what is held out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.datasets.orthologues import kept, one_to_one
from backend.errors import GeneMismatch
from backend.methods.contract import Cells, PairedData
from backend.records import DatasetRecord
from backend.store import matrix

FEWEST_GENES = 5
EXAMPLES = 4


@dataclass(frozen=True)
class GenePlan:
    """Which genes a run reads (`input_genes`) and whose context it learns (`panel_genes`, a subset), both sorted.

    measured: data set id -> the names of its genes in the tissue's naming, None where there is no such name."""

    input_genes: tuple[str, ...]
    panel_genes: tuple[str, ...]
    measured: Mapping[str, tuple[str | None, ...]]


@dataclass(frozen=True)
class Pair:
    """data: what a fit on everything may read. validation: scored, never trained on; over the input genes."""

    data: PairedData
    validation: Cells | None


def plan_genes(
    tissue: DatasetRecord,
    reference: DatasetRecord,
    validation: DatasetRecord | None,
    orthologues: str | None = None,
) -> GenePlan:
    """Read gene tables only. Inputs: what the reference shares with the validation tissue, or with the tissue where
    there is none. Panel: what the tissue shares with the inputs. Raises `GeneMismatch` below five panel genes."""
    parts = [tissue, reference, *([validation] if validation else [])]
    measured = {part.id: names_as_in(tissue, part, orthologues) for part in parts}
    known = [{name for name in measured[part.id] if name} for part in parts]
    inputs = known[1] & known[-1] if validation else known[1] & known[0]
    panel = inputs & known[0]
    if len(panel) < FEWEST_GENES:
        raise _too_few(len(panel), parts)
    return GenePlan(tuple(sorted(inputs)), tuple(sorted(panel)), measured)


def names_as_in(tissue: DatasetRecord, part: DatasetRecord, orthologues: str | None = None) -> tuple[str | None, ...]:
    """Each gene of `part` by the name it has, or would have, in the tissue: orthologues where the species differ (of
    the stored table `orthologues`, if one is named), and the Ensembl id where a symbol changed between annotations. No
    name occurs twice."""
    table = matrix.var(part.id)
    names = [str(name) for name in table.index]
    if part.id == tissue.id:
        return tuple(names)
    if part.species != tissue.species:
        partner = one_to_one(part.species, tissue.species, kept(orthologues))
        return tuple(partner.get(name) for name in names)
    if "ensembl" not in table:
        return tuple(names)
    return _rename_by_id(names, table["ensembl"], _names_by_id(tissue.id))


def _rename_by_id(names: list[str], ids: Iterable[object], known: Mapping[str, str]) -> tuple[str, ...]:
    taken = set(names)
    renamed = []
    for name, gene_id in zip(names, ids):
        other = known.get(gene_id, name) if isinstance(gene_id, str) else name
        renamed.append(name if other in taken else other)
        taken.add(other)
    return tuple(renamed)


def _names_by_id(dataset_id: str) -> dict[str, str]:
    table = matrix.var(dataset_id)
    if "ensembl" not in table:
        return {}
    known = table["ensembl"].dropna()
    known = known[~known.duplicated(keep=False)]
    return {str(gene_id): str(name) for name, gene_id in known.items()}


def read_pair(
    plan: GenePlan, tissue: DatasetRecord, reference: DatasetRecord, validation: DatasetRecord | None
) -> Pair:
    """Read the matrices. An input gene that the tissue lacks is an empty column of its cells: only panel genes of the
    tissue carry anything."""
    inputs = plan.input_genes
    data = PairedData(
        tissue=read_cells(tissue, inputs, plan.measured[tissue.id]),
        reference=read_cells(reference, inputs, plan.measured[reference.id]),
        input_genes=inputs,
        panel_genes=plan.panel_genes,
        spots=tissue.spots,
    )
    return Pair(data, read_cells(validation, inputs, plan.measured[validation.id]) if validation else None)


def read_cells(record: DatasetRecord, genes: tuple[str, ...], names: Sequence[str | None]) -> Cells:
    """All cells of a data set over `genes`, in that order; `names` are its own genes in the naming of `genes`. A gene
    that it lacks is an empty column."""
    from scipy.sparse import csr_matrix

    values, _ = matrix.load_csr(record.id)
    place = {gene: column for column, gene in enumerate(genes)}
    wanted = [(row, place[name]) for row, name in enumerate(names) if name in place]
    rows, columns = np.array(wanted, dtype=np.int64).reshape(-1, 2).T
    pick = csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(names), len(genes)))
    expression = csr_matrix(values @ pick, dtype=np.float32)
    expression.sort_indices()
    table = matrix.obs(record.id, ["x_um", "y_um", "section"])
    if record.role == "reference" or "x_um" not in table:
        return Cells(expression, genes, record.scale)
    coordinates = table[["x_um", "y_um"]].to_numpy(dtype=np.float32)
    return Cells(expression, genes, record.scale, coordinates, section_codes(table.get("section"), len(table)))


def section_codes(column: object, n_cells: int) -> np.ndarray:
    """Sections as integers in the order of their names; one section where none is named."""
    if column is None:
        return np.zeros(n_cells, dtype=np.int32)
    return np.unique(np.asarray(column, dtype=str), return_inverse=True)[1].astype(np.int32)


def _too_few(shared: int, parts: Sequence[DatasetRecord]) -> GeneMismatch:
    examples = "; ".join(
        f"{part.name} ({part.species}): {', '.join(map(str, matrix.var(part.id).index[:EXAMPLES]))}" for part in parts
    )
    return GeneMismatch(
        f"These data sets share {shared} gene{'' if shared == 1 else 's'}; at least {FEWEST_GENES} are needed.",
        f"Their names look like this. {examples}.",
        "Check that species and kind of gene names (symbols or Ensembl ids) were read rightly when the files were "
        "added, and that each holds gene names rather than numbers.",
    )
