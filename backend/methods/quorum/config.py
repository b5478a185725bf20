"""Quorum's settings and card. Importing this costs nothing: pages, the command line and the docs read it."""

from __future__ import annotations

from backend.methods.contract import Config, MethodCard, setting

CELLS, GENES = "Cells", "Genes"


class QuorumConfig(Config):
    """The defaults were chosen on masked input genes of six real pairs (docs/imputation/quorum.md)."""

    trials: int = setting(
        5, "Masked trials", "How often a part of the input genes is hidden to choose what follows.", ge=2, le=10
    )
    components: int = setting(
        60, "Components", "How many directions of difference between tissue cells are kept.", group=CELLS, ge=2, le=500
    )
    neighbours: int = setting(
        30,
        "Alike cells",
        "Over how many tissue cells of similar expression a cell's own counts are steadied.",
        group=CELLS,
        ge=1,
        le=500,
    )
    pathways: bool = setting(
        True,
        "Use pathways",
        "Genes that share GO processes vouch for each other too, as far as masked genes show that this helps.",
        group=GENES,
    )


card = MethodCard(
    name="quorum",
    title="Quorum",
    paper="Resitu's own: kriging over genes (docs/imputation/quorum.md)",
    question="What would this tissue cell express of a gene that the panel lacks, going by the measured genes like it?",
    where="in the cell",
    needs=("a tissue with coordinates", "a reference that measured the panel's genes and those to be imputed"),
    gives=("the expression of every gene asked for, in every tissue cell",),
    version=1,
    config=QuorumConfig,
    presets={"Quick look": {"trials": 2}, "Standard": {}, "Thorough": {"trials": 10}},
    minutes=lambda cells, reference, config: 0.1 + 2.5e-5 * cells * (1 + config.model_dump()["trials"]) / 6,
    memory_gb=lambda cells, reference, genes, config: (
        0.6 + 4 * (6 * cells * min(genes, 20_000) + 5 * min(reference, 5000) * genes) / 1e9
    ),
    tracks=("unmeasured-gene", "unseen-region"),
)
