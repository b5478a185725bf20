"""A pair straight from two files, opened so that nothing measured of a hidden gene decides anything.

The doctor would look at the whole tissue: it drops cells without a count and genes never seen, and tells the scale by
all values. Here it looks at the genes that a fold may read, and at no column of the cells that nobody named; hidden
genes are read beside them, for the scorer alone. The reference is not held out: the doctor sees all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, identity

from backend.datasets import doctor
from backend.datasets.canonical import Canonical
from backend.datasets.checks import cells, columns, features, places, values
from backend.datasets.checks.case import Case
from backend.datasets.expression import linear
from backend.datasets.orthologues import map_species
from backend.datasets.paired import section_codes
from backend.datasets.raw import Matrix, Raw
from backend.datasets.readers import read
from backend.errors import DataError, UserError
from backend.evaluation.genes.source import GenePair
from backend.methods.contract import Cells
from backend.records import Answers, Finding, Species
from backend.store.matrix import NOT_SEEN

NEIGHBOUR_UM = 10.0  # usual distance between neighbouring cells


@dataclass(frozen=True)
class OpenedTissue:
    """cells: whole, their scale told by the genes that were looked at. said: what the doctor noted of these."""

    cells: Cells
    spots: bool
    said: tuple[Finding, ...]


@dataclass(frozen=True)
class Opened:
    """pair: whole, the scale of its tissue told by one fold's input genes. said: what the doctor noted of these."""

    pair: GenePair
    said: tuple[Finding, ...]


@dataclass(frozen=True)
class TissueFile:
    """A tissue's file with the names of its genes. gather: features of the file x genes."""

    raw: Raw
    answers: Answers
    genes: pd.DataFrame
    gather: csr_matrix
    species: Species

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(map(str, self.genes.index))

    def open(self, inputs: tuple[str, ...]) -> OpenedTissue:
        """The tissue as the doctor finds it who may look at `inputs` only. Raises `DataError` with all it refuses."""
        place = {gene: column for column, gene in enumerate(self.names)}
        read = csr_matrix(self.gather[:, [place[gene] for gene in inputs]]).sum(axis=1)
        case = _examine(_only(self.raw, np.flatnonzero(np.asarray(read).ravel() > 0)), self.answers)
        assert case.coordinates is not None
        whole = csr_matrix(self.raw.matrices[case.counts_from].values[case.rows], dtype=np.float32)
        summed = csr_matrix(linear(whole, case.scale) @ self.gather, dtype=np.float32)
        cells = Cells(
            csr_matrix(summed.log1p() if case.scale == "log" else summed),
            self.names,
            case.scale,
            case.coordinates.astype(np.float32),
            section_codes(case.obs["section"], len(case.obs)),
        )
        return OpenedTissue(cells, case.spots, tuple(case.findings))


@dataclass(frozen=True)
class PairFiles:
    """A tissue's file and a reference. said: what the doctor noted of the reference."""

    tissue: TissueFile
    reference: Cells
    said: tuple[Finding, ...]

    @property
    def shared(self) -> tuple[str, ...]:
        return tuple(sorted(set(self.tissue.names) & set(self.reference.genes)))

    def open(self, inputs: tuple[str, ...]) -> Opened:
        """Both, as the doctor finds the tissue who may look at `inputs` only."""
        opened = self.tissue.open(inputs)
        return Opened(GenePair(opened.cells, self.reference), opened.said)


def open_files(
    tissue: Path, reference: Path, max_mb: int, answers: Answers | None = None, first: int | None = None
) -> PairFiles:
    """Read both. answers: about the tissue. first: only that many cells of the tissue's file.

    Raises `DataError` for files that cannot be used."""
    file = open_tissue(tissue, max_mb, answers, first)
    return PairFiles(file, *open_reference(reference, max_mb, file))


def open_tissue(path: Path, max_mb: int, answers: Answers | None = None, first: int | None = None) -> TissueFile:
    """Raises `DataError` for a file that cannot be used."""
    said = answers or Answers()
    raw = _first(_stripped(read([path], max_mb), said), first)
    return TissueFile(raw, said, *_name(raw, said))


def open_reference(path: Path, max_mb: int, tissue: TissueFile) -> tuple[Cells, tuple[Finding, ...]]:
    """The reference by the tissue's names of genes, and what the doctor noted of it."""
    diagnosis = doctor.examine(read([path], max_mb), "reference")
    return _reference(diagnosis, tissue.genes, tissue.species), diagnosis.findings


def _stripped(raw: Raw, answers: Answers) -> Raw:
    """Cells named by their row, with no column but those that the user named; the matrices whose genes are the widest's
    (a part of the genes elsewhere in the file would make it a matter of values which genes there are)."""
    named = [name for name in (answers.section_column, answers.sample_column, *answers.keep) if name]
    obs = raw.obs[[name for name in dict.fromkeys(named) if name in raw.obs]]
    if not raw.matrices:
        raise DataError("The tissue's file holds no expression matrix.", mend="Choose the file that holds the counts.")
    chosen = answers.counts_from or max(raw.matrices, key=lambda name: raw.matrices[name].values.shape[1])
    if chosen not in raw.matrices:
        mend = f"--counts-from {'|'.join(raw.matrices)}"
        raise DataError(f"The tissue's file has no matrix {chosen!r}.", f"It has {', '.join(raw.matrices)}.", mend)
    widest = raw.matrices[chosen].features.index
    matrices = {name: part for name, part in raw.matrices.items() if part.features.index.equals(widest)}
    return replace(
        raw,
        matrices=matrices,
        obs=obs.set_axis(pd.RangeIndex(len(obs)).astype(str), axis=0),
        excluded={},
        controls=None,
    )


def _first(raw: Raw, number: int | None) -> Raw:
    if number is None:
        return raw
    matrices = {name: Matrix(csr_matrix(part.values[:number]), part.features) for name, part in raw.matrices.items()}
    coordinates = {name: found[:number] for name, found in raw.coordinates.items()}
    return replace(raw, matrices=matrices, coordinates=coordinates, obs=raw.obs.iloc[:number])


def _name(raw: Raw, answers: Answers) -> tuple[pd.DataFrame, csr_matrix, Species]:
    """The genes of the file by names alone. The doctor is shown a file in which every feature is seen once, in a cell
    of its own: what it makes of that is also the sum of columns that it would take."""
    table = next(iter(raw.matrices.values())).features
    once = csr_matrix(identity(len(table), dtype=np.float32))
    blank = Raw(raw.source, {"X": Matrix(once, table)}, pd.DataFrame(index=pd.RangeIndex(len(table))))
    case = Case.open(blank, "tissue", answers)
    case.values, case.features = once, table
    features.read_features(case)
    return case.genes, csr_matrix(case.values), case.species


def _only(raw: Raw, kept: np.ndarray) -> Raw:
    matrices = {
        name: Matrix(csr_matrix(part.values[:, kept]), part.features.iloc[kept]) for name, part in raw.matrices.items()
    }
    return replace(raw, matrices=matrices)


def _examine(raw: Raw, answers: Answers) -> Case:
    """What the doctor does, except that cells without a count stay: a fold leaves those out that it sees nothing of."""
    case = Case.open(raw, "tissue", answers)
    cells.keep_asked(case)
    values.choose_matrix(case)
    columns.read_columns(case)
    places.read_places(case)
    if answers.um_per_px is None and any(finding.code == "no-scale" for finding in case.findings):
        return _with_likely_pixel(raw, answers, case)
    if case.refused:
        doctor.Diagnosis(tuple(case.findings), {}, None).require()
    return case


def _with_likely_pixel(raw: Raw, answers: Answers, case: Case) -> Case:
    """Where data are added the size of a pixel must be given, since contexts hang on it. Here it decides how wide bins
    and borders are, and a likely one, with a warning, is enough."""
    assert case.coordinates is not None
    size = NEIGHBOUR_UM / places.measure(case.coordinates, case.obs["section"].to_numpy()).median
    taken = _examine(raw, answers.model_copy(update={"unit": "px", "um_per_px": size}))
    what = f"The size of a pixel is not known; {size:.2g} µm is taken, so that cells are {NEIGHBOUR_UM:.0f} µm apart."
    taken.say("noted", "no-scale", what, "Every distance hangs on it. Give it with --um-per-px.")
    return taken


def _reference(diagnosis: doctor.Diagnosis, tissue: pd.DataFrame, species: Species) -> Cells:
    """All genes of the reference by their names, or by their orthologues' where the species differ. One of the panel's
    that it never saw is an empty column."""
    try:
        data = diagnosis.require()
    except UserError as error:
        raise DataError(f"The reference cannot be used. {error.what}", error.why, error.mend) from None
    partner = map_species([*map(str, data.genes.index), *_unseen(data)], data.species, species)
    names = [partner.get(str(name)) for name in data.genes.index]
    known = np.array([column for column, name in enumerate(names) if name is not None], dtype=np.intp)
    seen = tuple(name for name in names if name is not None)
    lacking = sorted((set(partner.values()) - set(seen)) & set(map(str, tissue.index)))
    expression = csr_matrix(data.values[:, known])
    expression.resize((expression.shape[0], len(seen) + len(lacking)))
    return Cells(expression, (*seen, *lacking), data.scale)


def _unseen(data: Canonical) -> list[str]:
    return [str(name) for name in data.excluded.loc[data.excluded["kind"] == NOT_SEEN, "name"]]
