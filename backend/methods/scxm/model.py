"""SCXM's networks and losses, top to bottom. B cells, G input genes, P panel genes, T tokens, W token width.

Paper: "Single-Cell Cross-Modal Transfer by Adversarial Fine-Tuning of Foundation Models" (SCXM), §3 and §4.3. Sizes and
settings that its text lacks are those that worked on real data (docs/methods.md).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from backend.methods.scxm.inputs import FIRST_GENE, MASK, PAD

HEADS = 4


class MlpEncoder(nn.Module):
    """E: a cell's standardised log-expression -> its context. The fast choice."""

    def __init__(self, n_genes: int, n_panel: int, hidden: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_genes, hidden), nn.LayerNorm(hidden), nn.GELU())
        self.head = nn.Sequential(
            nn.Linear(hidden, hidden), nn.LayerNorm(hidden), nn.GELU(), nn.Linear(hidden, n_panel)
        )

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.body(x)  # (B, G) -> (B, H)
        return torch.sigmoid(self.head(hidden))  # (B, P), the range of a context (§4.3)


class TransformerEncoder(nn.Module):
    """E: a cell as ranked genes -> BERT-like blocks -> <cls> -> 2-layer MLP -> sigmoid (§4.3)."""

    def __init__(self, n_genes: int, n_panel: int, hidden: int, layers: int, width: int, max_tokens: int) -> None:
        super().__init__()
        self.genes = nn.Embedding(n_genes + FIRST_GENE, width, padding_idx=PAD)
        self.ranks = nn.Embedding(max_tokens + 1, width)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(layers))
        self.head = nn.Sequential(nn.Linear(width, hidden), nn.LayerNorm(hidden), nn.GELU(), nn.Linear(hidden, n_panel))
        for table in (self.genes, self.ranks):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        cls, _ = self.read(tokens)
        return torch.sigmoid(self.head(cls))  # (B, P)

    def read(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """tokens (B, T) -> <cls> after the last block (B, W), and its attention there (B, heads, T)."""
        x, visible = self.embed(tokens)
        for block in self.blocks[:-1]:
            x, _ = block(x, x, visible)  # (B, T, W)
        cls, attention = self.blocks[-1](x[:, :1], x, visible)  # only <cls> is read: only it asks
        return cls[:, 0], attention[:, :, 0]

    def attend(self, tokens: Tensor) -> Tensor:
        """tokens (B, T) -> what <cls> looks at in each block (layers, B, heads, T); a cell's weights sum to one."""
        x, visible = self.embed(tokens)
        found = []
        for block in self.blocks:
            x, weights = block(x, x, visible)
            found.append(weights[:, :, 0])
        return torch.stack(found)

    def read_all(self, tokens: Tensor) -> Tensor:
        """Every token after the last block, for masked-gene pretraining. (B, T) -> (B, T, W)."""
        x, visible = self.embed(tokens)
        for block in self.blocks:
            x, _ = block(x, x, visible)
        return x

    def embed(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        rank = torch.arange(tokens.shape[1], device=tokens.device)
        return self.norm(self.genes(tokens) + self.ranks(rank)), tokens != PAD  # (B, T, W), (B, T)


class Block(nn.Module):
    """Self-attention, then a feed-forward layer, each added and normalised (BERT's post-norm)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.after_attention, self.after_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, asking: Tensor, tokens: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """asking (B, Q, W) attends to tokens (B, T, W) where visible (B, T) -> (B, Q, W), weights (B, heads, Q, T)."""
        q, k, v = (
            _split(layer(x)) for layer, x in ((self.query, asking), (self.key, tokens), (self.value, tokens))
        )  # (B, heads, Q or T, W / heads)
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        weights = scores.masked_fill(~visible[:, None, None, :], float("-inf")).softmax(dim=-1)
        mixed = (weights @ v).transpose(1, 2).flatten(2)  # (B, Q, W)
        x = self.after_attention(asking + self.out(mixed))
        out: Tensor = self.after_feed(x + self.feed(x))
        return out, weights


def _split(x: Tensor) -> Tensor:
    batch, length, width = x.shape
    heads = x.reshape(batch, length, HEADS, width // HEADS)
    return torch.swapaxes(heads, 1, 2)  # (B, heads, length, width / heads)


class Decoder(nn.Module):
    """D: a cell's standardised context -> logits of the cell's own binary expression (§3.2, Eq. 3).

    logit_g = MLP(z)_g + a_g z_g. The diagonal skip says that a gene expressed around a cell is likelier in it; a plain
    MLP does not learn that from a thousand cells. Without `skip` a_g stays 0: for the strict null.
    """

    def __init__(self, n_panel: int, hidden: int, skip: bool = True) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            *(nn.Linear(n_panel, hidden), nn.GELU()),
            *(nn.Linear(hidden, hidden), nn.GELU()),
            *(nn.Linear(hidden, hidden), nn.GELU()),
            nn.Linear(hidden, n_panel),
        )
        self.skip = nn.Parameter(torch.zeros(n_panel), requires_grad=skip)

    def forward(self, z: Tensor) -> Tensor:
        logits: Tensor = self.mlp(z) + self.skip * z  # (B, P)
        return logits


class Critic(nn.Module):
    """C: a standardised context -> how real it looks. No norm layers: the gradient penalty is per cell (§3.2)."""

    def __init__(self, n_panel: int, width: int = 128) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            *(nn.Linear(n_panel, width), nn.LeakyReLU(0.2)),
            *(nn.Linear(width, width), nn.LeakyReLU(0.2)),
            *(nn.Linear(width, width), nn.LeakyReLU(0.2)),
            nn.Linear(width, 1),
        )

    def forward(self, z: Tensor) -> Tensor:
        score: Tensor = self.mlp(z).squeeze(-1)  # (B,)
        return score


def masked_gene_loss(encoder: TransformerEncoder, tokens: Tensor, hidden: Tensor) -> Tensor:
    """Guess the genes of the hidden places (B, T) from the others (Devlin et al. 2019); the token table is the head."""
    seen = encoder.read_all(tokens.masked_fill(hidden, MASK))[hidden]  # (places, W)
    total = F.cross_entropy(seen @ encoder.genes.weight.T, tokens[hidden], reduction="sum")
    return total / hidden.sum().clamp_min(1)


def decoder_loss(decoder: Decoder, z: Tensor, own: Tensor) -> Tensor:
    """Eq. 3 and, with the decoder frozen and z = E(y), Eq. 4: BCE(D(z), 1[x > 0]), the mean over cells and genes."""
    return F.binary_cross_entropy_with_logits(decoder(z), own)


def critic_loss(critic: Critic, real: Tensor, fake: Tensor, mix: Tensor, gradient_penalty: float) -> Tensor:
    """Eq. 1 and 2: E[C(fake)] - E[C(real)] + lambda_gp E[(|grad C(between)| - 1)^2]; mix (B, 1) in [0, 1]."""
    between = (mix * real + (1 - mix) * fake).requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    penalty = (slope.norm(dim=1) - 1).square().mean()
    loss: Tensor = critic(fake).mean() - critic(real).mean() + gradient_penalty * penalty
    return loss


def start_at_mean(encoder: nn.Module, mean_context: Tensor) -> None:
    """Set the last bias so that an untrained encoder predicts the tissue's mean context."""
    head = encoder.head
    assert isinstance(head, nn.Sequential)
    last = head[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.mul_(0.1)
        last.bias.copy_(torch.logit(mean_context.clamp(1e-4, 1 - 1e-4)))
