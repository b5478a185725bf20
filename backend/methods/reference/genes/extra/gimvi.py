"""Adapter to gimVI (Lopez et al. 2019), package scvi-tools. Trained from scratch on raw counts of both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from backend.errors import DataError
from backend.methods.contract import Floats, RunContext
from backend.methods.imputation import FoldView, Imputed
from backend.methods.reference.genes.adapter import Comparator, Learned, Task
from backend.methods.reference.genes.cards import GIMVI, GimviConfig
from backend.methods.reference.genes.extra.package import numpy_seed, open_package
from backend.training.device import choose_device, repeatable


def learn(task: Task) -> Learned:
    """Raises `DataError` without counts."""
    view, config = task.view, task.config
    assert isinstance(config, GimviConfig)
    _need_counts(view)
    open_package(GIMVI, "scvi")
    epochs = task.last_step or config.epochs
    with repeatable(task.seed, task.run.threads), numpy_seed(task.seed):
        values, genes, done = _train(view, config, epochs, task)
    if not np.isfinite(values).all():
        raise DataError(
            "gimVI diverged on these data.",
            "Its predictions are not finite, and it keeps no earlier state.",
            "Take fewer epochs, or another method.",
        )
    place = {gene: column for column, gene in enumerate(genes)}
    return Learned(
        lambda asked: Imputed(np.log1p(values[:, [place[gene] for gene in asked]]), asked),
        stopped_at=done if done < epochs else task.last_step,
    )


def _need_counts(view: FoldView) -> None:
    for cells, name in ((view.reference, "reference"), (view.tissue, "tissue")):
        if cells.scale != "counts":
            raise DataError(
                f"gimVI cannot read this {name}.",
                f"It models counts, and the {name} holds {cells.scale} values.",
                f"Choose a {name} with raw counts, or a method that reads any scale, such as SpaGE.",
            )


def _train(view: FoldView, config: GimviConfig, epochs: int, task: Task) -> tuple[Floats, tuple[str, ...], int]:
    """(expected counts of all its genes in each tissue cell, those genes, epochs done)."""
    from scvi import settings
    from scvi.external import GIMVI as Model

    settings.seed = task.seed
    reference, tissue = _sides(view)
    Model.setup_anndata(reference)
    Model.setup_anndata(tissue)
    model = Model(reference, tissue, n_latent=config.latent)
    watch = _watch(task.run, epochs)
    model.train(
        max_epochs=epochs,
        accelerator="gpu" if choose_device(task.run.device) == "cuda" else "cpu",
        devices=1,
        batch_size=config.batch_size,
        callbacks=[watch],
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    _, imputed = model.get_imputed_values(normalized=False)
    return np.asarray(imputed, dtype=np.float32), tuple(reference.var_names), int(watch.done)


def _sides(view: FoldView) -> tuple[Any, Any]:
    """The reference over input and target genes, without cells that have no count of the inputs; the tissue."""
    import anndata
    import pandas as pd

    genes = tuple(sorted({*view.input_genes, *view.target_genes}))
    place = {gene: column for column, gene in enumerate(view.reference.genes)}
    counts = csr_matrix(view.reference.expression[:, [place[gene] for gene in genes]])
    seen = counts[:, np.flatnonzero(np.isin(genes, view.input_genes))].sum(axis=1)
    kept = counts[np.flatnonzero(np.asarray(seen).ravel() > 0)]
    if kept.shape[0] < 2:
        raise DataError(
            "gimVI has nothing to learn from.",
            "Fewer than two reference cells express any of the input genes.",
            "Choose a reference of the same tissue.",
        )
    return (
        anndata.AnnData(kept, var=pd.DataFrame(index=list(genes))),
        anndata.AnnData(csr_matrix(view.tissue.expression), var=pd.DataFrame(index=list(view.input_genes))),
    )


def _watch(run: RunContext, epochs: int) -> Any:
    """Reports each epoch, and finishes early when asked to."""
    from lightning.pytorch.callbacks import Callback

    class Watch(Callback):  # type: ignore[misc]
        done = 0

        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
            self.done += 1
            run.report(self.done, epochs)
            trainer.should_stop = run.should_stop()

    return Watch()


METHOD = Comparator(GIMVI, learn)
