"""A training's state in one file: tensors, and JSON in the safetensors header. Written whole, never pickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.store.keys import canonical_json
from backend.store.layout import write_bytes
from backend.training.device import to_cpu

if TYPE_CHECKING:
    import torch

FILE = "checkpoint.safetensors"


def save_checkpoint(folder: Path, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
    """Replace the folder's checkpoint in one rename: a kill at any moment leaves the old one or the new one."""
    from safetensors.torch import save

    write_bytes(folder / FILE, save(to_cpu(tensors), metadata={"state": canonical_json(state)}))


def load_checkpoint(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
    """(tensors, state), or None where there is no checkpoint."""
    from safetensors import safe_open

    if not (folder / FILE).exists():
        return None
    with safe_open(folder / FILE, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, json.loads(file.metadata()["state"])


def module_tensors(name: str, module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {f"{name}/{key}": value for key, value in module.state_dict().items()}


def restore_module(name: str, module: torch.nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    module.load_state_dict(below(name, tensors))


def optimiser_tensors(name: str, optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's memory, such as Adam's step and moments, per parameter. Empty before its first step."""
    state = optimiser.state_dict()["state"]
    return {f"{name}/{index}/{key}": value for index, slots in state.items() for key, value in slots.items()}


def restore_optimiser(name: str, optimiser: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Inverse of `optimiser_tensors`, for an optimiser built over the same parameters with the same settings."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for path, value in below(name, tensors).items():
        index, key = path.split("/")
        state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def below(name: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of one part, without its name."""
    return {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}
