"""SCXM's settings and card. Importing this costs nothing (no torch): pages, the command line and the docs read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from backend.methods.contract import Config, MethodCard, setting
from backend.methods.scxm.cost import cache_words, estimate_memory_gb, estimate_minutes
from backend.methods.scxm.geneformer.advice import about_genes
from backend.methods.scxm.geneformer.layout import LAYOUTS, Layout

NETWORK, ADVERSARY, DATA, BACKBONE = "Network", "Adversarial training", "Cells and context", "Backbone"
# The paper froze its backbone for the small one of its three references; it does not say how small that was.
FEW_CELLS, TRAINABLE_BLOCKS = 10_000, 4


class ScxmConfig(Config):
    """Defaults are those that worked on real data (docs/methods.md); the paper's text has lost its own values."""

    encoder: Literal["mlp", "transformer", "geneformer-v1-10m", "geneformer-v2-104m", "geneformer-v2-316m"] = setting(
        "mlp",
        "Encoder",
        "mlp: a plain network on log-normalised expression, fast. transformer: reads each cell as a list of genes "
        "ranked by expression, as in the paper; much slower without a GPU, and gives attention maps. geneformer-...: "
        "the paper's pretrained backbone, whose weights must be here (docs/methods.md).",
        group=NETWORK,
    )
    trainable_blocks: int | None = setting(
        None,
        "Trainable blocks",
        "Geneformer only: the last blocks that learn; 0: the backbone stays as it was published, and training costs "
        "little more than without it. Empty: 4, as in the paper; with fewer than 10,000 reference cells 0.",
        group=BACKBONE,
        ge=0,
        le=18,
    )
    epochs: int = setting(
        40,
        "Epochs",
        "Passes over the reference cells. A pass has at least 50 batches (small references), at most 200 (large ones).",
        ge=1,
        le=2000,
    )
    patience: int | None = setting(
        None,
        "Patience (epochs)",
        "Stop when the surroundings predicted for the training tissue's own cells have not become better for this many "
        "epochs, and keep the best. Cells that the run is scored on are never looked at. Empty: train to the end.",
        ge=1,
        le=1000,
    )
    sigma_um: float | None = setting(
        None,
        "Neighbourhood radius (µm)",
        "Sigma of the Gaussian that weighs the neighbours of a cell; neighbours count up to three sigma. "
        "Empty: 50 µm for single cells, 100 µm for spots.",
        group=DATA,
        gt=0,
        le=1000,
    )
    min_counts: int = setting(
        10,
        "Fewest counts of a cell",
        "Cells with fewer counts on the panel are not trained on (panels below 50 genes: relaxed in proportion).",
        group=DATA,
        ge=0,
        le=10_000,
    )
    min_genes: int = setting(
        5,
        "Fewest genes of a cell",
        "Cells with fewer panel genes detected are not trained on (panels below 50 genes: relaxed in proportion).",
        group=DATA,
        ge=1,
        le=1000,
    )
    thinning: bool = setting(
        True,
        "Match the tissue's depth",
        "Draw each reference cell afresh at every step as shallow as the tissue was measured, gene by gene "
        "(Poisson thinning). Without it the encoder sees cells that no tissue would show.",
        group=DATA,
    )
    cells_per_input: int | None = setting(
        None,
        "Reference cells per input",
        "How many reference cells are added up into one input. Empty: 1 for single cells, 8 for spots.",
        group=DATA,
        ge=1,
        le=100,
    )
    lambda_cons: float = setting(
        600.0,
        "Weight of consistency",
        "How strongly the predicted surroundings must explain the cell's own expression through the decoder. "
        "At 0 nothing ties a prediction to its cell. "
        "For a panel of 300 genes; other panels in proportion.",
        group=ADVERSARY,
        ge=0,
        le=10_000,
    )
    lambda_adv: float = setting(
        1.0,
        "Weight of the critic",
        "How strongly the predictions must look like real surroundings. At 0 there is no adversary.",
        group=ADVERSARY,
        ge=0,
        le=1000,
    )
    gradient_penalty: float = setting(
        10.0, "Gradient penalty", "WGAN-GP's penalty weight (lambda_gp).", group=ADVERSARY, ge=0, le=1000
    )
    n_critic: int = setting(1, "Critic steps", "Critic updates per encoder update.", group=ADVERSARY, ge=1, le=20)
    encoder_lr: float = setting(3e-4, "Learning rate, encoder", "Adam's step size for the encoder.", gt=0, le=0.1)
    critic_lr: float = setting(
        1e-4, "Learning rate, critic", "Adam's step size for the critic.", group=ADVERSARY, gt=0, le=0.1
    )
    decoder_lr: float = setting(
        1e-3, "Learning rate, decoder", "Adam's step size for the decoder, which is trained first.", gt=0, le=0.1
    )
    decoder_epochs: int = setting(
        12,
        "Decoder epochs",
        "Passes over the tissue's cells that teach the decoder what a neighbourhood says about its cell.",
        ge=1,
        le=1000,
    )
    decoder_skip: bool = setting(
        True,
        "Diagonal skip",
        "Let the decoder see at once that a gene expressed around a cell is likelier in it. Without it hardly anything "
        "is learnt from a thousand cells; it is switched off to see what a model reaches that has learnt nothing.",
    )
    pretrain_epochs: int = setting(
        0,
        "Pretraining epochs",
        "Transformer only: passes over the reference that learn to guess masked genes before the training itself. "
        "Off: it is not shown to help.",
        ge=0,
        le=1000,
    )
    batch_size: int = setting(64, "Batch size", "Cells per step.", ge=2, le=4096)
    hidden: int = setting(
        256, "Width", "Hidden units of the encoder's and the decoder's layers.", group=NETWORK, ge=8, le=4096
    )
    max_tokens: int = setting(
        128,
        "Genes read per cell",
        "Transformer only: the top-ranked genes of a cell that are read.",
        group=NETWORK,
        ge=8,
        le=2048,
    )
    layers: int = setting(2, "Layers", "Transformer only: self-attention layers.", group=NETWORK, ge=1, le=24)
    token_width: int = setting(
        64,
        "Token width",
        "Transformer only: numbers per gene token, a multiple of 4 (four heads).",
        group=NETWORK,
        ge=8,
        le=1024,
        multiple_of=4,
    )

    def resolved_sigma_um(self, spots: bool) -> float:
        return self.sigma_um or (100.0 if spots else 50.0)

    @property
    def backbone(self) -> Layout | None:
        """None: the encoder is trained from the beginning here."""
        return LAYOUTS.get(self.encoder)

    def resolved_trainable_blocks(self, n_reference: int) -> int:
        if self.backbone is None:
            return 0
        usual = 0 if n_reference < FEW_CELLS else TRAINABLE_BLOCKS
        return min(usual if self.trainable_blocks is None else self.trainable_blocks, self.backbone.layers)

    def resolved_cells_per_input(self, spots: bool) -> int:
        return self.cells_per_input or (8 if spots else 1)


def words_of_genes(config: Config, genes: Sequence[str]) -> tuple[str, ...]:
    """What a published backbone cannot read. Raises NotFound where it is not here, GeneMismatch."""
    assert isinstance(config, ScxmConfig)
    return about_genes(config.encoder, genes) if config.backbone else ()


card = MethodCard(
    name="scxm",
    title="SCXM",
    paper="Single-Cell Cross-Modal Transfer by Adversarial Fine-Tuning of Foundation Models (arXiv 2606.07676)",
    question="For each dissociated cell: which share of the cells around it, in the tissue, expressed each panel gene?",
    where="around the cell",
    needs=(
        "a tissue with coordinates",
        "a reference of dissociated cells that shares genes with the tissue's panel",
        "better, but not needed: a second tissue section with more genes, to score the predictions",
    ),
    gives=(
        "the predicted surroundings (context) of every reference cell, for every panel gene",
        "a score per gene on tissue that was not trained on",
        "with the transformer or Geneformer: which genes the model looked at",
    ),
    version=1,
    config=ScxmConfig,
    presets={
        "Quick look": {"epochs": 12},
        "Standard": {},
        "Thorough": {"encoder": "transformer", "epochs": 60, "patience": 10},
    },
    minutes=estimate_minutes,
    memory_gb=estimate_memory_gb,
    about_genes=words_of_genes,
    about_memory=cache_words,
)
