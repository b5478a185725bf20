"""Environs' settings and card. Importing this costs nothing: pages, the command line and the docs read it."""

from __future__ import annotations

from backend.methods.contract import Config, MethodCard, setting

DATA, NETWORKS, REFERENCE = "Cells and context", "Networks", "Reference cells"


class EnvironsConfig(Config):
    """The defaults were chosen on strips and by the ablations of docs/context/environs.md."""

    sigma_um: float | None = setting(
        None,
        "Neighbourhood radius (µm)",
        "Sigma of the Gaussian that weighs the neighbours of a cell; neighbours count up to three sigma. "
        "Empty: 50 µm for single cells, 100 µm for spots.",
        group=DATA,
        gt=0,
        le=1000,
    )
    wider: bool = setting(
        True,
        "Learn wider surroundings too",
        "Surroundings of one and a half and of two sigma are learnt beside those asked for: they hold less noise.",
        group=DATA,
    )
    networks: int = setting(
        8, "Networks", "How many are trained and averaged. 0: the linear map alone.", group=NETWORKS, ge=0, le=50
    )
    steps: int = setting(
        400, "Most steps", "How long a network may train; strips of the tissue say when to stop.", ge=12, le=20_000
    )
    linear: bool = setting(
        True,
        "Linear map beside them",
        "A ridge regression may have a third of the vote, where strips of the tissue show that it helps.",
    )
    masking: bool = setting(
        True,
        "Hide genes while training",
        "Most input genes are hidden at each step; strips of the tissue say how many. It keeps a network from learning "
        "its few cells by heart.",
        group=NETWORKS,
    )
    augmentation: float = setting(
        0.0,
        "Simulated platforms",
        "Training cells are shown as if measured at other depths and with other efficiencies per gene, this strongly.",
        group=NETWORKS,
        ge=0,
        le=1,
    )
    lambda_adv: float = setting(
        0.0,
        "Weight of the critic",
        "How strongly predictions for reference cells must look like real surroundings.",
        group=REFERENCE,
        ge=0,
        le=100,
    )
    lambda_agree: float = setting(
        0.0,
        "Weight of agreement",
        "How strongly predictions for a reference cell must agree, whichever of its genes are hidden.",
        group=REFERENCE,
        ge=0,
        le=100,
    )
    own_scale: bool = setting(
        True,
        "Watch for other platforms",
        "Cells whose genes differ on the mean far more than parts of the training tissue differ from each other are "
        "read relative to their own means: that is another platform, not another biology.",
        group=DATA,
    )

    def resolved_sigma_um(self, spots: bool) -> float:
        return self.sigma_um or (100.0 if spots else 50.0)


def estimate_minutes(n_tissue: int, n_reference: int, config: Config) -> float:
    """Of one fit. Choosing takes 20 short trainings; some 4 ms a step were measured at 900 genes on one thread, and
    the linear map's decomposition of a thousand genes takes some seconds."""
    assert isinstance(config, EnvironsConfig)
    trainings = config.networks + (20 if config.networks else 0)
    return (0.004 * config.steps * trainings + 4.0 + 2e-4 * n_tissue) / 60


def estimate_memory_gb(n_tissue: int, n_reference: int, n_genes: int, config: Config) -> float:
    """Dense inputs of the tissue and of the reference, contexts at three widths, and torch itself."""
    dense = 4 * (2 * n_tissue + n_reference) * n_genes + 3 * 4 * n_tissue * min(n_genes, 1000)
    return 0.7 + dense / 1e9


card = MethodCard(
    name="environs",
    title="Environs",
    paper="Resitu's own: learnt from tissue cells, whose surroundings are known (docs/context/environs.md)",
    question="For each dissociated cell: which share of the cells around it, in the tissue, expressed each panel gene?",
    where="around the cell",
    needs=(
        "a tissue with coordinates",
        "a reference of dissociated cells that shares genes with the tissue's panel",
        "better, but not needed: a second tissue section with more genes, to score the predictions",
    ),
    gives=(
        "the predicted surroundings (context) of every reference cell, for every panel gene",
        "a score per gene on tissue that was not trained on",
    ),
    version=3,
    config=EnvironsConfig,
    presets={"Quick look": {"networks": 3}, "Standard": {}, "Thorough": {"networks": 30, "steps": 800}},
    minutes=estimate_minutes,
    memory_gb=estimate_memory_gb,
)
