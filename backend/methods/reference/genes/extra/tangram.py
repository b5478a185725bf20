"""Adapter to Tangram (Biancalani et al., Nature Methods 2021), package tangram-sc, mode *cells*.

Both sides are given log-normalised: on osmFISH with Zeisel (one fold, 100 epochs) that served it better than counts.
"""

from __future__ import annotations

import logging

import numpy as np
from scipy.sparse import csr_matrix

from backend.errors import DataError
from backend.methods.contract import Floats
from backend.methods.imputation import FoldView, Imputed, log_tissue
from backend.methods.reference.genes.adapter import Comparator, Learned, Task
from backend.methods.reference.genes.cards import TANGRAM, TangramConfig
from backend.methods.reference.genes.extra.package import numpy_seed, open_package
from backend.methods.reference.genes.scaled import LogColumns, reference_columns
from backend.training.device import choose_device, repeatable


def learn(task: Task) -> Learned:
    """The package offers no way to look in or to stop on the way: it stops before or after the mapping."""
    package = open_package(TANGRAM, "tangram")
    task.run.should_stop()
    columns = reference_columns(task.view)
    logger = logging.getLogger()
    level = logger.level  # the package speaks through the root logger, and sets it to INFO
    logger.setLevel(logging.WARNING)
    try:
        mapping = _map(package, task, columns)
    finally:
        logger.setLevel(level)
    task.run.report(1, 1)
    return Learned(lambda genes: Imputed(mapping @ columns.read(genes), genes))


def _map(package: object, task: Task, columns: LogColumns) -> Floats:
    """tissue cells x reference cells: the share of each reference cell that lies in each tissue cell."""
    assert isinstance(task.config, TangramConfig)
    reference, tissue = _sides(task.view, columns)
    seed = task.seed + 1  # the package takes 0 for no seed
    with repeatable(seed, task.run.threads), numpy_seed(seed):
        package.pp_adatas(reference, tissue, gene_to_lowercase=False)  # type: ignore[attr-defined]
        found = package.map_cells_to_space(  # type: ignore[attr-defined]
            reference,
            tissue,
            cv_train_genes=sorted(reference.uns["training_genes"]),  # a set's order changes between processes
            mode="cells",
            device=choose_device(task.run.device),
            num_epochs=task.config.epochs,
            random_state=seed,
            verbose=False,
        )
    return np.ascontiguousarray(np.asarray(found.X, dtype=np.float32).T)


def _sides(view: FoldView, columns: LogColumns):  # type: ignore[no-untyped-def]  # lazy anndata
    """Reference and tissue over the input genes that somebody expresses on both sides. Raises `DataError`."""
    import anndata
    import pandas as pd

    there, here = columns.read(view.input_genes), log_tissue(view.tissue)
    used = np.flatnonzero((there > 0).any(axis=0) & (here > 0).any(axis=0))
    if len(used) == 0:
        raise DataError(
            "Tangram has nothing to compare.",
            "No input gene is expressed both in the tissue and in the reference.",
            "Choose a reference of the same tissue.",
        )
    names = pd.DataFrame(index=[view.input_genes[column] for column in used])
    return tuple(anndata.AnnData(csr_matrix(values[:, used]), var=names.copy()) for values in (there, here))


METHOD = Comparator(TANGRAM, learn)
