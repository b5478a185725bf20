"""Optional packages: opened when a fit asks for them, and missed in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import numpy as np

from backend.errors import UserError
from backend.methods.contract import MethodCard

INSTALL = ".venv/bin/python -m pip install -r requirements-extra.txt -c constraints.txt"


def open_package(card: MethodCard, module: str) -> ModuleType:
    """Raises `UserError`, with the command that installs it, where the package is not there or cannot be opened."""
    try:
        return import_module(module)
    except ImportError as error:
        raise UserError(
            f"{card.title} needs the package {card.extra}, which cannot be opened here.",
            f"Python says: {error}.",
            f"Install it with: {INSTALL}",
        ) from error


@contextlib.contextmanager
def numpy_seed(seed: int) -> Iterator[None]:
    """These packages draw from numpy's global state: seeded inside the block, put back afterwards."""
    before = np.random.get_state()
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        np.random.set_state(before)
