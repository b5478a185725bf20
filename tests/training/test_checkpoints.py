from __future__ import annotations

from pathlib import Path

import torch

from backend.training import checkpoints


def _step(network: torch.nn.Module, optimiser: torch.optim.Optimizer) -> None:
    optimiser.zero_grad()
    network(torch.ones(2, 3)).square().sum().backward()
    optimiser.step()


def test_a_restored_optimiser_goes_on_bit_for_bit(tmp_path: Path) -> None:
    network = torch.nn.Linear(3, 2)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.1)
    for _ in range(3):
        _step(network, optimiser)
    tensors = checkpoints.module_tensors("n", network) | checkpoints.optimiser_tensors("o", optimiser)
    checkpoints.save_checkpoint(tmp_path, tensors, {"step": 3})

    other = torch.nn.Linear(3, 2)
    other_optimiser = torch.optim.Adam(other.parameters(), lr=0.1)
    found = checkpoints.load_checkpoint(tmp_path)
    assert found is not None
    assert found[1] == {"step": 3}
    checkpoints.restore_module("n", other, found[0])
    checkpoints.restore_optimiser("o", other_optimiser, found[0])
    _step(network, optimiser)
    _step(other, other_optimiser)
    assert torch.equal(network.weight, other.weight)


def test_a_checkpoint_is_replaced_whole(tmp_path: Path) -> None:
    assert checkpoints.load_checkpoint(tmp_path) is None
    for step in (1, 2):
        checkpoints.save_checkpoint(tmp_path, {"a": torch.full((2,), float(step))}, {"step": step})
    found = checkpoints.load_checkpoint(tmp_path)
    assert found is not None
    assert found[0]["a"].tolist() == [2.0, 2.0]
    assert [file.name for file in tmp_path.iterdir()] == [checkpoints.FILE]
