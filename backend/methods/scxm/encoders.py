"""Which encoder a configuration asks for, and how fast its parts learn."""

from __future__ import annotations

from typing import Any

from backend.methods.scxm.backbone.encoder import BackboneEncoder
from backend.methods.scxm.backbone.source import Source
from backend.methods.scxm.config import ScxmConfig
from backend.methods.scxm.model import MlpEncoder, TransformerEncoder

# A published backbone's blocks are tuned more gently than the new head, at Geneformer's own 5e-5 (docs/methods.md).
BACKBONE_LR_SHARE = 1 / 6

Encoder = MlpEncoder | TransformerEncoder | BackboneEncoder


def build_encoder(
    config: ScxmConfig, n_genes: int, n_panel: int, source: Source | None = None, trainable_blocks: int = 0
) -> Encoder:
    if source:
        has_cls = source.layout.has_cls
        return BackboneEncoder(source.bert, n_panel, config.hidden, trainable_blocks, has_cls=has_cls)
    if config.encoder == "mlp":
        return MlpEncoder(n_genes, n_panel, config.hidden)
    return TransformerEncoder(n_genes, n_panel, config.hidden, config.layers, config.token_width, config.max_tokens)


def groups(encoder: Encoder, lr: float) -> list[dict[str, Any]]:
    """What learns, and how fast."""
    if not isinstance(encoder, BackboneEncoder) or not encoder.blocks:
        return [{"params": list(encoder.parameters())}]
    blocks = {"params": list(encoder.blocks.parameters()), "lr": lr * BACKBONE_LR_SHARE}
    return [{"params": list(encoder.head.parameters())}, blocks]
