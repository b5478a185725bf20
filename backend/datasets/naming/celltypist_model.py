"""Cell types by a CellTypist model (Dominguez Conde et al., Science 2022), read from a table: no pickle is opened
(docs/decisions/0010-celltypist.md).

The table has a row per gene and one called `intercept`, a column per type, and the columns scaler_mean, scaler_scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from backend.datasets.naming.found import UNSURE, Found
from backend.datasets.naming.labels import MOST_TYPES, clean, fault
from backend.datasets.naming.marker_lists import spellings
from backend.errors import DataError
from backend.records import DatasetRecord
from backend.store import matrix

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from backend.training.job import Job

READABLE = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
CONVERT = """import celltypist, pandas as pd
m = celltypist.models.Model.load("Immune_All_Low.pkl")
t = pd.DataFrame(m.classifier.coef_.T, index=m.features, columns=m.cell_types)
t["scaler_mean"], t["scaler_scale"] = m.scaler.mean_, m.scaler.scale_
t.loc["intercept"] = [*m.classifier.intercept_, 0, 1]
t.to_csv("model.csv")"""
SURE_FROM = 0.5
AGREED = 0.5  # of a group's cells, for the group to take the commonest type
MOST_MB = 512
_MOST_COLUMNS = 2_000
_MEAN, _SCALE, _INTERCEPT = "scaler_mean", "scaler_scale", "intercept"
_CLIP = 10.0
_BLOCK = 2_000


@dataclass(frozen=True)
class Model:
    """coefficients: genes x types; mean, scale: per gene; intercept: per type. All float64."""

    genes: tuple[str, ...]
    types: tuple[str, ...]
    coefficients: NDArray[np.float64]
    intercept: NDArray[np.float64]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]


def by_model(record: DatasetRecord, params: dict[str, Any], job: Job) -> Found:
    """params: path, and a stamp of the file; vote, whether groups of similar expression take their commonest type."""
    from backend.datasets.expression import log_normalise  # here, because it brings scipy
    from backend.datasets.naming.clusters import cluster_types

    path = Path(params["path"])
    job.stage(f"reading {path.name}")
    model = read_model(path)
    values, genes = matrix.load_csr(record.id)
    places = shared_places(model, record, genes)
    job.stage(f"applying {path.name}")
    score = probabilities(model, log_normalise(values, record.scale), places)
    best = score.argmax(axis=1)
    if params.get("vote"):
        job.stage("grouping cells by expression")
        types, chosen = vote(best, cluster_types(values, record.scale), model.types)
        probability = score[np.arange(len(score)), chosen].astype(np.float32)
    else:
        probability = score.max(axis=1).astype(np.float32)
        types = np.where(probability >= SURE_FROM, np.array(model.types, dtype=object)[best], UNSURE)
    number = len(set(types) - {UNSURE})
    if number > MOST_TYPES:
        raise DataError(
            f"The model finds {number:,} types here; {MOST_TYPES} are the most that figures can show.",
            mend="Use a model of fewer types, or let groups of similar cells vote.",
        )
    how = "majority of each group of similar expression" if params.get("vote") else "best match of each cell"
    source = (
        f"Predicted by the CellTypist model {path.name} ({how}) from {len(places):,} of its {len(model.genes):,} "
        f"genes: predictions, not annotations; {np.mean(types == UNSURE):.0%} unsure. Its probabilities are "
        "the model's own, not calibrated on your data."
    )
    facts = {"types": number, "shared_genes": len(places), "model_genes": len(model.genes), "sure_from": SURE_FROM}
    return Found(types, probability, source, facts)


def read_model(path: Path) -> Model:
    """Raises `DataError` with everything that is wrong with the table."""
    from backend.datasets.readers.text_tables import read_text_table
    from backend.datasets.safety.parquet import read_parquet  # here, because they bring pyarrow and scipy

    table = read_parquet(path, MOST_MB) if path.suffix == ".parquet" else read_text_table(path, MOST_MB)
    texts = [column for column in table if not pd.api.types.is_numeric_dtype(table[column])]
    if len(texts) != 1:
        why = f"It has {len(texts)} columns of text: {', '.join(map(str, texts[:5])) or 'none'}."
        raise DataError(f"{path.name} is no table of a model.", why, "It needs one column of genes, and numbers.")
    table = table.set_index(texts[0])
    table.index = table.index.astype(str)
    types = [str(column) for column in table if column not in (_MEAN, _SCALE)]
    faults = _faults(table, types)
    if faults:
        raise DataError(f"{path.name} cannot be used as a model.", " ".join(faults), "Convert the model again.")
    rows = table.drop(index=_INTERCEPT)
    scaler = rows.assign(**{name: value for name, value in ((_MEAN, 0.0), (_SCALE, 1.0)) if name not in rows})
    return Model(
        tuple(rows.index), tuple(clean(name) for name in types), rows[types].to_numpy(np.float64),
        table.loc[_INTERCEPT, types].to_numpy(np.float64),
        np.asarray(scaler[_MEAN], dtype=np.float64), np.asarray(scaler[_SCALE], dtype=np.float64),
    )  # fmt: skip


def _faults(table: pd.DataFrame, types: list[str]) -> list[str]:
    faults = [told for name in types[:_MOST_COLUMNS] if (told := fault(clean(name)))]
    if not 2 <= len(types) <= _MOST_COLUMNS:
        faults.append(f"It has {len(types):,} columns of types; 2 to {_MOST_COLUMNS:,} are read.")
    if (table.index == _INTERCEPT).sum() != 1:
        faults.append(f"One row must be called {_INTERCEPT!r}.")
    twice = table.index[table.index.duplicated()].unique()
    if len(twice):
        faults.append(f"{len(twice):,} genes stand there twice, such as {twice[0]!r}.")
    genes = table.drop(index=_INTERCEPT, errors="ignore")
    if not all(np.isfinite(part.to_numpy(np.float64)).all() for part in (genes, table[types])):
        faults.append("Some numbers are missing or not finite.")
    if (_MEAN in table) != (_SCALE in table):
        faults.append(f"Of {_MEAN} and {_SCALE}, both or none must be there.")
    elif _SCALE in table and (table[_SCALE] <= 0).any():
        faults.append(f"{_SCALE} must be above 0.")
    return faults


def shared_places(model: Model, record: DatasetRecord, genes: tuple[str, ...]) -> list[tuple[int, int]]:
    """(place in the model, place in the data) of the genes that both know. Raises `DataError` where there is none."""
    known, column = spellings(record.id), {gene: place for place, gene in enumerate(genes)}
    here = {known[gene.casefold()]: place for place, gene in enumerate(model.genes) if gene.casefold() in known}
    if not here:
        raise DataError(
            "The model and the data share no gene.",
            f"The model's look like {', '.join(model.genes[:4])}; those of the data like {', '.join(genes[:4])}.",
            "Use a model of the same species, with genes named by symbol.",
        )
    return sorted((place, column[gene]) for gene, place in here.items())


def probabilities(model: Model, logged: csr_matrix, places: list[tuple[int, int]]) -> NDArray[np.float64]:
    """n cells x types: the sigmoid of each one-versus-rest regression, over the shared genes alone, as CellTypist
    1.7.1 does it: scaled by the model's mean and spread, clipped above 10. logged: log1p of expression per 10,000."""
    theirs, ours = (list(side) for side in zip(*places))
    mean, scale, weights = model.mean[theirs], model.scale[theirs], model.coefficients[theirs]
    blocks = []
    for start in range(0, logged.shape[0], _BLOCK):
        block = (logged[start : start + _BLOCK][:, ours].toarray() - mean) / scale
        decision = np.minimum(block, _CLIP) @ weights + model.intercept
        blocks.append(1 / (1 + np.exp(-np.clip(decision, -700, 700))))
    return np.concatenate(blocks)


def vote(
    best: NDArray[np.intp], clusters: NDArray[np.object_], types: tuple[str, ...]
) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """Each cluster takes the commonest type of its cells; "unsure" where fewer than half agree. Returns n names, and
    the place of the voted type among `types` for each cell."""
    names, codes = np.unique(clusters.astype(str), return_inverse=True)
    counts = np.zeros((len(names), len(types)), dtype=np.int64)
    np.add.at(counts, (codes, best), 1)
    winner = counts.argmax(axis=1)
    agreed = counts.max(axis=1) / counts.sum(axis=1) >= AGREED
    label = np.where(agreed, np.array(types, dtype=object)[winner], UNSURE)
    return np.asarray(label[codes], dtype=object), winner[codes]
