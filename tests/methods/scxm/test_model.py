from __future__ import annotations

import numpy as np
import torch

from backend.methods.scxm.attention import attention_table, by_gene, keep_top
from backend.methods.scxm.inputs import CLS, FIRST_GENE, PAD
from backend.methods.scxm.model import Critic, Decoder, MlpEncoder, TransformerEncoder, critic_loss, start_at_mean

GENES, PANEL = 12, 5


def _transformer() -> TransformerEncoder:
    torch.manual_seed(0)
    return TransformerEncoder(GENES, PANEL, hidden=16, layers=2, width=8, max_tokens=6)


def test_an_untrained_encoder_predicts_about_the_mean_context() -> None:
    mean = torch.linspace(0.05, 0.6, PANEL)
    for encoder, x in ((MlpEncoder(GENES, PANEL, 16), torch.randn(7, GENES)), (_transformer(), torch.full((7, 3), 4))):
        start_at_mean(encoder, mean)
        assert torch.allclose(encoder(x).mean(dim=0), mean, atol=0.05)


def test_padding_changes_nothing_and_is_not_looked_at() -> None:
    encoder = _transformer()
    short = torch.tensor([[CLS, 3, 5]])
    padded = torch.tensor([[CLS, 3, 5, PAD, PAD]])
    assert torch.allclose(encoder(short), encoder(padded), atol=1e-6)
    _, attention = encoder.read(padded)
    assert torch.all(attention[..., 3:] == 0)
    assert torch.allclose(attention.sum(dim=-1), torch.ones(1, attention.shape[1]), atol=1e-6)


def test_the_order_of_genes_matters() -> None:
    encoder = _transformer()
    assert not torch.allclose(
        encoder.read(torch.tensor([[CLS, 3, 5]]))[0], encoder.read(torch.tensor([[CLS, 5, 3]]))[0]
    )


def test_the_gradient_penalty_of_a_linear_critic_is_known() -> None:
    critic = Critic(PANEL)
    critic.mlp = torch.nn.Linear(PANEL, 1, bias=False)
    with torch.no_grad():
        critic.mlp.weight.copy_(torch.tensor([[3.0, 0, 0, 0, 0]]))
    real, fake = torch.zeros(4, PANEL), torch.zeros(4, PANEL)
    real[:, 0] = 1.0
    loss = critic_loss(critic, real, fake, torch.rand(4, 1), gradient_penalty=10.0)
    assert torch.isclose(loss, torch.tensor(-3.0 + 10.0 * (3.0 - 1.0) ** 2))


def test_the_decoders_skip_passes_a_gene_to_itself() -> None:
    decoder = Decoder(PANEL, 16)
    with torch.no_grad():
        decoder.skip.fill_(2.0)
        for parameter in decoder.mlp.parameters():
            parameter.zero_()
    z = torch.randn(3, PANEL)
    assert torch.allclose(decoder(z), 2.0 * z)


def test_attention_by_gene_leaves_out_the_token_itself_and_sums_to_one() -> None:
    tokens = np.array([[CLS, 2 + FIRST_GENE, 0 + FIRST_GENE], [CLS, 1 + FIRST_GENE, PAD]])
    weights = np.float32([[0.5, 0.1, 0.4], [0.9, 0.1, 0.0]])
    found = by_gene(weights, tokens, 4).toarray()
    assert np.allclose(found, [[0.8, 0, 0.2, 0], [0, 1, 0, 0]])
    assert np.allclose(keep_top(by_gene(weights, tokens, 4), 1).toarray(), [[0.8, 0, 0, 0], [0, 1, 0, 0]])


def test_the_attention_table_has_types_first_then_cells_strongest_first() -> None:
    tokens = np.array([[CLS, 2 + FIRST_GENE, 0 + FIRST_GENE], [CLS, 1 + FIRST_GENE, PAD]])
    weights = np.float32([[0.5, 0.1, 0.4], [0.9, 0.1, 0.0]])
    table = attention_table(by_gene(weights, tokens, 3), ("A", "B", "C"), np.array(["c1", "c2"]), np.array(["T", "T"]))
    assert table[table["cell"] == ""]["gene"].tolist() == ["B", "A", "C"]
    assert table[table["cell"] == "c1"]["gene"].tolist() == ["A", "C"]
    assert np.isclose(table[table["cell"] == ""]["weight"].sum(), 1.0)
