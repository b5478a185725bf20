from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from backend.methods.scxm.backbone.linear import linear, usable


def _case() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    x, weight, bias = torch.randn(37, 24), torch.randn(48, 24), torch.randn(48)
    return x, weight, bias, torch.randn(37, 48)


@pytest.mark.parametrize("relu", [False, True])
def test_results_and_all_gradients_are_those_of_torch(relu: bool) -> None:
    x, weight, bias, back = _case()
    found = []
    for how in ("ours", "torch"):
        leaves = [part.clone().requires_grad_(True) for part in (x, weight, bias)]
        out = linear(*leaves, relu=relu) if how == "ours" else F.linear(*leaves)
        out = F.relu(out) if relu and how == "torch" else out
        out.backward(back)
        found.append([out.detach(), *(leaf.grad for leaf in leaves)])
    for one, other in zip(*found, strict=True):
        assert one is not None
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-4)


def test_only_what_learns_gets_a_gradient() -> None:
    x, weight, bias, back = _case()
    learns = weight.clone().requires_grad_(True)
    linear(x, learns, bias).backward(back)
    assert x.grad is None
    assert bias.grad is None
    assert torch.allclose(learns.grad if learns.grad is not None else weight, back.T @ x, rtol=1e-5, atol=1e-4)


def test_other_numbers_than_single_precision_go_the_usual_way() -> None:
    x, weight, bias, _ = _case()
    assert usable(x)
    assert not usable(x.double())
    out = linear(x.double(), weight.double(), bias.double(), relu=True)
    assert torch.equal(out, F.relu(F.linear(x.double(), weight.double(), bias.double())))
