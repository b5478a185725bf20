"""Several genes at once: a mosaic, mixed colours, gates, signatures."""

from __future__ import annotations

from backend.records import RunRecord, StudyRecord
from pages.components import session
from pages.components.choice import segments
from pages.imputed.many import gates, mixed, mosaic, signatures

WAYS = {
    "mosaic": ("Mosaic", mosaic.show),
    "mixed": ("Mixed colours", mixed.show),
    "gates": ("Gates", gates.show),
    "signature": ("Signature", signatures.show),
}


def show(study: StudyRecord, run: RunRecord) -> None:
    chosen = session.one_of("shown", list(WAYS)) or ""
    names = {key: name for key, (name, _) in WAYS.items()}
    segments("Shown as", names, "shown", chosen, label_visibility="collapsed")
    WAYS[chosen][1](study, run)
