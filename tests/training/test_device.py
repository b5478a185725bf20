from __future__ import annotations

import torch

from backend.training.device import choose_device, repeatable


def test_the_cpu_is_always_to_be_had() -> None:
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in ("cpu", "cuda")


def test_inside_the_block_torch_repeats_and_afterwards_it_is_as_before() -> None:
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    draws = []
    for _ in range(2):
        with repeatable(7, 1):
            assert torch.get_num_threads() == 1
            draws.append(torch.rand(3))
    assert torch.equal(*draws)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)
