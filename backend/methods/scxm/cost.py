"""What a fit of SCXM takes: minutes and memory, as measured. No torch: pages ask before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from backend.methods.scxm.geneformer.layout import Layout
from backend.settings import load

if TYPE_CHECKING:
    from backend.methods.contract import Config
    from backend.methods.scxm.config import ScxmConfig

# Fixed draws of each reference cell that training reads through a backbone (backbone/pool.py). Median PCC on half of a
# real lung, 20 epochs, two seeds: one draw .196 and .205, two .208 and .215, four .212, eight .205, fresh ones .211.
POOL_DRAWS = 2
# Draws that are averaged when a reference cell is predicted through a backbone; each costs a reading.
BACKBONE_DRAWS = 4
# Genes of a reference cell after it was made as shallow as a tissue's (55 in a panel of 896, up to 200 in larger ones),
# and how many multiply-adds two cores do in a second.
TOKENS, SPEED = 100, 1.5e11


def batches_per_epoch(n_cells: int, batch_size: int) -> int:
    """One pass over the cells, but at least 50 batches and at most 200."""
    return min(200, max(50, -(-n_cells // batch_size)))


def estimate_minutes(n_tissue: int, n_reference: int, config: Config) -> float:
    """Training time of one fit (on one thread, with a backbone on two): steps x seconds per step, as measured at 900 to
    2,000 input genes."""
    config = cast("ScxmConfig", config)
    scale = config.batch_size / 64
    per_epoch = batches_per_epoch(n_reference, config.batch_size)
    width = config.hidden / 256
    critic_s = 0.0025 * scale
    read_s = 0.008 * scale * width
    before_s = 0.0
    if config.encoder == "transformer":
        read_s = 0.038 * scale * (config.layers / 2) * (config.max_tokens / 64) * (config.token_width / 64) ** 2
        before_s = config.pretrain_epochs * per_epoch * 1.5 * read_s
    elif config.backbone:
        block_s = TOKENS * _block(config.backbone) / SPEED  # one cell, one block
        blocks = config.resolved_trainable_blocks(n_reference)
        # Read once to train, and the whole of it once more to predict.
        layers = config.backbone.layers
        before_s = block_s * n_reference * (POOL_DRAWS * (layers - blocks) + BACKBONE_DRAWS * layers)
        read_s = 0.004 * scale * width + 3 * blocks * block_s * config.batch_size
    # Only the last of a step's critic updates reads with gradients: the others cost a third of it.
    step_s = read_s * (1 + (config.n_critic - 1) / 3) + critic_s * config.n_critic
    decoder_s = config.decoder_epochs * batches_per_epoch(n_tissue, config.batch_size) * 0.003 * scale * width
    return (config.epochs * per_epoch * step_s + decoder_s + before_s + 3.0) / 60


def estimate_memory_gb(n_tissue: int, n_reference: int, n_genes: int, config: Config) -> float:
    """Peak memory: the dense contexts, the sparse expression twice at a quarter filled, torch, and a backbone."""
    config = cast("ScxmConfig", config)
    contexts = 2 * n_tissue * min(n_genes, 1000) * 4
    expression = 2 * (n_tissue + n_reference) * n_genes * 0.25 * 8
    return 0.7 + (contexts + expression) / 1e9 + _backbone_gb(n_reference, n_genes, config)


def cached_gb(n_reference: int, n_genes: int, config: ScxmConfig) -> float:
    """What is kept of the frozen blocks' work: all activations of a prefix within the budget, or what is read of each
    draw where all is frozen. 0 without a backbone."""
    if config.backbone is None:
        return 0.0
    numbers = n_reference * POOL_DRAWS * config.backbone.hidden
    if not config.resolved_trainable_blocks(n_reference):
        return numbers * 4 / 1e9
    return min(load().cache_gb, numbers * min(TOKENS, n_genes) * 4 / 1e9)


def cache_words(n_reference: int, n_genes: int, config: Config) -> str:
    """What a preflight says of it."""
    config = cast("ScxmConfig", config)
    kept, layout = cached_gb(n_reference, n_genes, config), config.backbone
    if layout is None:
        return ""
    blocks = config.resolved_trainable_blocks(n_reference)
    if not blocks:
        how = "The whole backbone is frozen: it reads each cell once, and then training costs little more than without"
        return f"{how}. That takes {kept:.2g} GB of memory"
    how = f"The last {blocks} of {layout.layers} blocks learn; what the others make of each cell is kept in up to"
    short = kept == load().cache_gb
    return f"{how} {kept:.2g} GB of memory" + (", and computed again for cells that do not fit" if short else "")


def _backbone_gb(n_reference: int, n_genes: int, config: ScxmConfig) -> float:
    layout = config.backbone
    if layout is None:
        return 0.0
    blocks = config.resolved_trainable_blocks(n_reference)
    # A block's weights, their average, gradients, and Adam's two moments; then what 16,000 tokens hold until the way
    # back, 17 numbers per unit of width. Without trainable blocks some 4,000 tokens pass at once.
    learning = blocks * (4 * _block(layout) * 4 + 16_384 * 17 * layout.hidden * 4)
    passing = 4096 * 12 * layout.hidden * 4
    return (2 * 4 * layout.parameters + learning + passing) / 1e9 + cached_gb(n_reference, n_genes, config)


def _block(layout: Layout) -> int:
    """Weights of one block: as many multiply-adds per token."""
    return 4 * layout.hidden**2 + 2 * layout.hidden * layout.ffn
