"""Comparator *own-expression*: the cell's own binary expression as its context. What it scores, with a self-loop in the
truth, is no spatial signal at all."""

from __future__ import annotations

from backend.methods.contract import Floats
from backend.methods.reference.task import ContextTask


def predict_context(task: ContextTask) -> Floats:
    """n_queries x panel, 0 or 1."""
    return task.own
