"""Runs of several methods by names that tell them apart."""

from __future__ import annotations

from collections.abc import Sequence

from backend import api
from backend.records import RunRecord
from pages.components.choice import distinct
from pages.components.words import method_title

MOST_TOLD = 2


def rival_names(runs: Sequence[RunRecord]) -> dict[str, str]:
    """Run -> the method's title; where a method has several runs, with what sets each apart: seed and settings."""
    return distinct({run.id: _name(run, [other for other in runs if other.method == run.method]) for run in runs})


def _name(run: RunRecord, alike: Sequence[RunRecord]) -> str:
    fields = api.cards()[run.method].config.model_fields
    apart = [key for key in run.config if len({str(other.config.get(key)) for other in alike}) > 1]
    told = [f"{(fields[key].title or key).lower()} {run.config[key]}" for key in apart[:MOST_TOLD] if key in fields]
    if len({other.seed for other in alike}) > 1:
        told.append(f"seed {run.seed}")
    return ", ".join([method_title(run.method), *told])
