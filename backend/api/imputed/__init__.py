"""What a run that completes a tissue's panel left behind: verdicts, maps, intervals, attention, comparisons.

Tables and arrays in, figures elsewhere. A run is named by its id; names of genes are the tissue's.
"""

from backend.api.imputed._attention import attention, attention_by, attention_of_cell, centroids
from backend.api.imputed._bake_off import BakeOff, bake_off, use_imputer
from backend.api.imputed._genes import GeneCard, ask_genes, gene_card, genes, nearest_measured
from backend.api.imputed._layers import GeneLayers, gene_layers, run_cells
from backend.api.imputed._scores import export_imputed, imputation_scores, is_imputation, trust

__all__ = [
    "BakeOff",
    "GeneCard",
    "GeneLayers",
    "ask_genes",
    "attention",
    "attention_by",
    "attention_of_cell",
    "bake_off",
    "centroids",
    "export_imputed",
    "gene_card",
    "gene_layers",
    "genes",
    "imputation_scores",
    "is_imputation",
    "nearest_measured",
    "run_cells",
    "trust",
    "use_imputer",
]
