"""A published backbone that lies under the data root, opened for SCXM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.errors import NotFound
from backend.methods.scxm.geneformer.layout import Layout
from backend.methods.scxm.geneformer.shelf import backbone, open_backbone
from backend.methods.scxm.geneformer.vocabulary import Vocabulary
from backend.methods.scxm.geneformer.weights import load_bert

if TYPE_CHECKING:
    from transformers import BertModel


@dataclass(frozen=True)
class Source:
    """fingerprint: of the file of weights."""

    bert: BertModel
    layout: Layout
    vocabulary: Vocabulary
    fingerprint: str


def open_source(name: str, fingerprint: str | None = None) -> Source:
    """Raises NotFound, which says how to bring a backbone that is not here, or that what is here is not the one that a
    saved model was trained on (`fingerprint`)."""
    folder, layout, vocabulary = open_backbone(name)
    here = backbone(name).weights
    if fingerprint is not None and here != fingerprint:
        raise NotFound(
            f"This model was trained on other weights of {name}.",
            f"It holds only what it learnt itself, and needs the weights {fingerprint}; those here are {here}.",
            f"Put the weights it was trained on back into {folder}, or train it again.",
        )
    return Source(load_bert(folder, layout), layout, vocabulary, here)
