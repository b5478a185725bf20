"""SpaGene's networks (methods.md §2.2). B cells, G genes, L latents."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from backend.methods.spagene.config import SpageneConfig, sizes

SLOPE = 0.2
ENCODER_DROPOUT, TRANSLATOR_DROPOUT = 0.2, 0.1


class Stack(nn.Sequential):
    """[Linear - BatchNorm - LeakyReLU 0.2 - Dropout] x widths, then Linear; `latent`: and BatchNorm - LeakyReLU."""

    def __init__(self, n_in: int, widths: Sequence[int], n_out: int, dropout: float, latent: bool) -> None:
        layers: list[nn.Module] = []
        for width in widths:
            layers += [nn.Linear(n_in, width), nn.BatchNorm1d(width), nn.LeakyReLU(SLOPE), nn.Dropout(dropout)]
            n_in = width
        layers.append(nn.Linear(n_in, n_out))
        if latent:
            layers += [nn.BatchNorm1d(n_out), nn.LeakyReLU(SLOPE)]
        super().__init__(*layers)

    def hidden(self, x: Tensor) -> Tensor:
        """What the last layer reads: (B, n_in) -> (B, widths[-1])."""
        for layer in list(self)[:-1]:
            x = layer(x)
        return x


class Critic(nn.Sequential):
    """A latent -> how real it looks (B, 1). No BatchNorm and no dropout: the gradient penalty is of one cell alone."""

    def __init__(self, n_latent: int, widths: Sequence[int]) -> None:
        layers: list[nn.Module] = []
        for width in widths:
            layers += [nn.Linear(n_latent, width), nn.LeakyReLU(SLOPE)]
            n_latent = width
        super().__init__(*layers, nn.Linear(n_latent, 1))


class Networks(nn.Module):
    """The eight networks of the paper's Figure 1. n_tissue: input genes; n_reference: the core genes."""

    def __init__(self, n_tissue: int, n_reference: int, config: SpageneConfig) -> None:
        super().__init__()
        size = sizes(n_tissue, config)
        here, there = size.latent_tissue, size.latent_reference
        self.encode_tissue = Stack(n_tissue, size.encoder, here, ENCODER_DROPOUT, latent=True)
        self.decode_tissue = Stack(here, size.encoder[::-1], n_tissue, ENCODER_DROPOUT, latent=False)
        self.encode_reference = Stack(n_reference, size.encoder, there, ENCODER_DROPOUT, latent=True)
        self.decode_reference = Stack(there, size.encoder[::-1], n_reference, ENCODER_DROPOUT, latent=False)
        self.to_reference = Stack(here, size.to_reference, there, TRANSLATOR_DROPOUT, latent=True)
        self.to_tissue = Stack(there, size.to_tissue, here, TRANSLATOR_DROPOUT, latent=True)
        self.judge_tissue = Critic(here, size.critic)
        self.judge_reference = Critic(there, size.critic)

    def decoder_hidden(self, tissue: Tensor) -> Tensor:
        """Inference up to the decoder's last layer: (B, n_tissue) -> (B, H)."""
        return self.decode_reference.hidden(self.to_reference(self.encode_tissue(tissue)))

    def reference_hidden(self, reference: Tensor) -> Tensor:
        """The same place of the decoder, for the reference's own cells: (B, n_reference) -> (B, H)."""
        return self.decode_reference.hidden(self.encode_reference(reference))

    def freeze_autoencoders(self) -> None:
        """Weights fixed and BatchNorm in eval mode, as the paper says; the released code lets its statistics drift."""
        for network in (self.encode_tissue, self.decode_tissue, self.encode_reference, self.decode_reference):
            network.eval().requires_grad_(False)


def critic_parameters(networks: Networks) -> list[nn.Parameter]:
    return [*networks.judge_tissue.parameters(), *networks.judge_reference.parameters()]


def translator_parameters(networks: Networks) -> list[nn.Parameter]:
    return [*networks.to_reference.parameters(), *networks.to_tissue.parameters()]
