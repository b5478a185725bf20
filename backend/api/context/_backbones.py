"""Foundation models that SCXM can build on: which are here, and how they come here."""

from __future__ import annotations

from pathlib import Path

from backend.methods.scxm.geneformer import shelf
from backend.methods.scxm.geneformer.shelf import Backbone

__all__ = ["Backbone", "add_backbone", "backbones", "fetch_backbone"]


def backbones() -> list[Backbone]:
    """All that SCXM can use, the smallest first; `here` says which can be used now."""
    return shelf.backbones()


def add_backbone(folder: Path, dictionaries: Path | None = None) -> Backbone:
    """Check a published folder of Geneformer and its dictionaries, and keep them. Raises UserError with all that is
    wrong."""
    return shelf.add(folder, dictionaries)


def fetch_backbone(name: str) -> Backbone:
    """The same from the internet; minutes. Raises UserError, which says how to do it by hand."""
    return shelf.fetch(name)
