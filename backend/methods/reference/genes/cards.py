"""Cards and settings of the comparators of imputation. Importing this costs nothing: no scipy, no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backend.methods.contract import Config, MethodCard, Track, setting

NEIGHBOURS, NETWORK = "Neighbours", "Network"
UNMEASURED: tuple[Track, ...] = ("unmeasured-gene",)
BOTH: tuple[Track, ...] = ("unmeasured-gene", "unseen-region")
Minutes = Callable[[int, int, Config], float]


class NoSettings(Config):
    """A comparator without settings."""


class CentroidConfig(Config):
    resolution: float = setting(
        1.0, "Leiden resolution", "Higher: more and smaller clusters of reference cells.", gt=0, le=10
    )


class KnnConfig(Config):
    neighbours: int = setting(
        50, "Neighbours", "How many of the most similar cells are averaged.", group=NEIGHBOURS, ge=1, le=1000
    )


class SpageConfig(Config):
    vectors: int | None = setting(
        None,
        "Principal vectors",
        "How many principal components of each side are compared. Empty: half of the input genes, at most 100.",
        group=NEIGHBOURS,
        ge=1,
        le=1000,
    )
    neighbours: int = setting(
        50, "Neighbours", "How many of the most similar reference cells are averaged.", group=NEIGHBOURS, ge=1, le=1000
    )


class MlpConfig(Config):
    steps: int = setting(
        400,
        "Most training steps",
        "Of 256 cells each. How many are taken is chosen without the genes imputed.",
        ge=1,
        le=100_000,
    )
    hidden: int = setting(256, "Width", "Hidden units.", group=NETWORK, ge=8, le=4096)
    masked: float = setting(
        0.5, "Inputs hidden", "Share of a cell's input genes set to their mean in each step.", group=NETWORK, ge=0, lt=1
    )


class TangramConfig(Config):
    epochs: int = setting(1000, "Epochs", "Steps of Adam on the whole mapping.", ge=1, le=100_000)


class GimviConfig(Config):
    epochs: int = setting(200, "Epochs", "Passes over both data sets.", ge=1, le=10_000)
    latent: int = setting(10, "Latent dimensions", "Numbers that describe a cell.", group=NETWORK, ge=2, le=200)
    batch_size: int = setting(128, "Batch size", "Cells per step, of each side.", ge=2, le=4096)


def _memory_gb(n_tissue: int, n_reference: int, n_genes: int, config: Config) -> float:
    """Both sides' input genes dense, twice in double precision; the reference sparse at a tenth filled, twice."""
    dense = (n_tissue + n_reference) * min(n_genes, 1000) * (4 + 16)
    return 0.5 + (dense + 2 * n_reference * n_genes * 0.1 * 8) / 1e9


def _compared_minutes(n_tissue: int, n_reference: int, config: Config) -> float:
    """Every tissue cell with every reference cell, as measured with 900 input genes."""
    return (2.0 + 4e-8 * n_tissue * n_reference + 3e-4 * (n_tissue + n_reference)) / 60


def _plain_minutes(n_tissue: int, n_reference: int, config: Config) -> float:
    return (0.2 + 1e-4 * (n_tissue + n_reference)) / 60


def _clustered_minutes(n_tissue: int, n_reference: int, config: Config) -> float:
    return (4.0 + 1e-8 * n_reference**2 + 1e-3 * (n_tissue + n_reference)) / 60


def _ridge_minutes(n_tissue: int, n_reference: int, config: Config) -> float:
    """Two decompositions of 900 x 900 at most, and the products with them."""
    return (3.0 + 1e-3 * (n_tissue + n_reference)) / 60


def _mlp_minutes(n_tissue: int, n_reference: int, config: Config) -> float:
    assert isinstance(config, MlpConfig)
    return (3.0 + 2 * config.steps * 0.006 * config.hidden / 256 + 1e-3 * (n_tissue + n_reference)) / 60


def _tangram_minutes(n_tissue: int, n_reference: int, config: Config) -> float:
    assert isinstance(config, TangramConfig)
    return (2.0 + config.epochs * 1.2e-7 * n_tissue * n_reference) / 60


def _tangram_memory_gb(n_tissue: int, n_reference: int, n_genes: int, config: Config) -> float:
    """The mapping of every reference cell to every tissue cell, its gradient, Adam's two moments, and what softmax
    and the products keep."""
    return _memory_gb(n_tissue, n_reference, n_genes, config) + 10 * 4 * n_tissue * n_reference / 1e9


def _gimvi_minutes(n_tissue: int, n_reference: int, config: Config) -> float:
    assert isinstance(config, GimviConfig)
    return (5.0 + config.epochs * 2.5e-4 * 2 * max(n_tissue, n_reference)) / 60


def _comparator(
    name: str, title: str, paper: str, question: str, config: type[Config], minutes: Minutes, tracks: tuple[Track, ...]
) -> MethodCard:
    return MethodCard(
        name=name,
        title=title,
        paper=paper,
        question=question,
        where="in the cell",
        needs=("a tissue", "a reference of dissociated cells that shares genes with the tissue's panel"),
        gives=("expression of genes in every tissue cell",),
        version=1,
        config=config,
        presets={"Standard": {}},
        minutes=minutes,
        memory_gb=_memory_gb,
        tracks=tracks,
        comparator=True,
    )


GENE_MEAN = _comparator(
    "gene-mean",
    "Gene mean",
    "A comparator: the same number in every cell",
    "How good is each gene's mean, given to every cell?",
    NoSettings,
    _plain_minutes,
    BOTH,
)
OWN_TOTAL = _comparator(
    "own-total",
    "Own total",
    "A comparator: a cell's depth, whatever the gene",
    "How much of a score does a cell's own depth reach, the same for every gene?",
    NoSettings,
    _plain_minutes,
    UNMEASURED,
)
CENTROID = _comparator(
    "centroid",
    "Cluster centroid",
    "A comparator: Leiden clusters of the reference, carried over by correlation",
    "What would each cell express if it were the mean of the reference cluster most like it?",
    CentroidConfig,
    _clustered_minutes,
    UNMEASURED,
)
KNN = _comparator(
    "knn",
    "Nearest cells",
    "A comparator: the 50 nearest cells by cosine on z-scored genes",
    "What do the cells most like each tissue cell express?",
    KnnConfig,
    _compared_minutes,
    BOTH,
)
SPAGE = _comparator(
    "spage",
    "SpaGE",
    "SpaGE: predict whole-transcriptome expressions of spatial genes (Nucleic Acids Research 2020), re-implemented",
    "What do the reference cells most like each tissue cell express, compared in what both have in common?",
    SpageConfig,
    _compared_minutes,
    UNMEASURED,
)
RIDGE = _comparator(
    "ridge",
    "Ridge",
    "A comparator: a linear map from the input genes, its penalty chosen without the genes imputed",
    "What does a linear map from the measured genes say?",
    NoSettings,
    _ridge_minutes,
    BOTH,
)
MLP = _comparator(
    "mlp",
    "Small network",
    "A comparator: one hidden layer from the input genes, its length of training chosen without the genes imputed",
    "What does a small network, from the measured genes, say?",
    MlpConfig,
    _mlp_minutes,
    BOTH,
)
TANGRAM = replace(
    _comparator(
        "tangram",
        "Tangram",
        "Tangram: alignment of spatially resolved single-cell transcriptomes (Biancalani et al., Nature Methods 2021)",
        "Where does each reference cell lie, and what do those that lie in a tissue cell express?",
        TangramConfig,
        _tangram_minutes,
        UNMEASURED,
    ),
    memory_gb=_tangram_memory_gb,
    extra="tangram-sc",
)
GIMVI = replace(
    _comparator(
        "gimvi",
        "gimVI",
        "gimVI: a joint model of unpaired sequencing and spatial data (Lopez et al. 2019, arXiv 1905.02269)",
        "What would sequencing have counted in each tissue cell, by a model of both kinds of counts?",
        GimviConfig,
        _gimvi_minutes,
        UNMEASURED,
    ),
    needs=("a tissue with raw counts", "a reference of dissociated cells, with raw counts, that shares genes with it"),
    needs_counts=True,
    extra="scvi-tools",
)
PLAIN = (GENE_MEAN, OWN_TOTAL, CENTROID, KNN, RIDGE, MLP, SPAGE)
OPTIONAL = (TANGRAM, GIMVI)
CARDS = (*PLAIN, *OPTIONAL)
_HERE = "backend.methods.reference.genes"
PLACES = {card.name: f"{_HERE}.{card.name.replace('-', '_')}:METHOD" for card in PLAIN} | {
    card.name: f"{_HERE}.extra.{card.name}:METHOD" for card in OPTIONAL
}
