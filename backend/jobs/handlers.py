"""Which function does which kind of work. Names, not imports: asking for a name loads nothing."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Literal

from backend.errors import NotFound
from backend.settings import load
from backend.training.job import Job

Handler = Callable[[dict[str, Any], Job], dict[str, Any]]
Lane = Literal["train", "quick"]

TRAIN = {  # a run, by what its method predicts, whichever method it is
    "around the cell": "backend.evaluation.run:train",
    "in the cell": "backend.evaluation.imputed.run:train",
}
QUICK = {
    "inspect": "backend.datasets.add:inspect",
    "add": "backend.datasets.add:add",
    "annotate": "backend.datasets.naming.annotate:annotate",
    "version": "backend.datasets.versions.make:make",
    "match": "backend.analysis.match_job:match",
    "next-panel": "backend.analysis.imputation.next_panel_job:propose",
    "predict": "backend.evaluation.predict:predict",
    "niche": "backend.analysis.niche_job:find",
    "put-back": "backend.analysis.put_back.job:put_back",
    "enrich": "backend.analysis.enrichment_job:enrich",
    "attention-test": "backend.evaluation.attention_test:look",
    "demo": "backend.datasets.demo:make",
}


def target(kind: str) -> str:
    """The "module:function" of a kind. It is never taken from the index: a record cannot name code to run."""
    from backend.methods.registry import CARDS  # here, because it brings numpy, and a worker only launches

    runs = {name: TRAIN[card.where] for name, card in CARDS.items()}
    known = {**runs, **QUICK, **dict(load().handlers)}
    if kind not in known:
        raise NotFound(f"There is no kind of job called {kind!r}.", f"Known are {', '.join(sorted(known))}.")
    return known[kind]


def handler(kind: str) -> Handler:
    """Import the function that does this kind of work. Only a job's own process calls this."""
    module, _, function = target(kind).partition(":")
    return getattr(importlib.import_module(module), function)


def lane(kind: str) -> Lane:
    """Trainings queue behind trainings; short work does not wait for them."""
    return "quick" if kind in QUICK else "train"
