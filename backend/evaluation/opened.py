"""A run's record with everything that it names: data sets, genes, settings."""

from __future__ import annotations

from dataclasses import dataclass

from backend.datasets.paired import GenePlan, Pair, plan_genes, read_pair
from backend.errors import UserError
from backend.evaluation.context_track import sigma_of
from backend.methods import registry
from backend.methods.contract import Config, MethodCard
from backend.records import DatasetRecord, RunRecord
from backend.store import index


@dataclass(frozen=True)
class OpenedRun:
    run: RunRecord
    card: MethodCard
    config: Config
    tissue: DatasetRecord
    reference: DatasetRecord
    validation: DatasetRecord | None
    plan: GenePlan

    @property
    def sigma_um(self) -> float:
        return sigma_of(self.config, self.tissue.spots)

    def read(self) -> Pair:
        """The matrices, over shared genes."""
        return read_pair(self.plan, self.tissue, self.reference, self.validation)


def open_run(run: RunRecord) -> OpenedRun:
    """Reads records and gene tables only. Raises `UserError` where the run was made for another version of its method,
    or its data do not fit together."""
    card = registry.card(run.method)
    if run.version != card.version:
        raise UserError(
            f"This run is of {card.title} version {run.version}; version {card.version} is installed.",
            "Its numbers would not be the ones it is named after.",
            "Start it again from the study: it becomes a run of its own.",
        )
    tissue, reference = index.get(DatasetRecord, run.tissue), index.get(DatasetRecord, run.reference)
    validation = index.get(DatasetRecord, run.validation) if run.validation else None
    config = registry.config_from(run.method, run.config)
    plan = plan_genes(tissue, reference, validation, run.orthologues)
    return OpenedRun(run, card, config, tissue, reference, validation, plan)
