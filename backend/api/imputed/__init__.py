"""What a run that completes a tissue's panel left behind: verdicts, maps, intervals, attention, comparisons.

Tables and arrays in, figures elsewhere. A run is named by its id; names of genes are the tissue's.
"""

from backend.api.imputed._attention import attention, attention_by, attention_of_cell, centroids
from backend.api.imputed._bake_off import BakeOff, bake_off, use_imputer
from backend.api.imputed._genes import GeneCard, ask_genes, gene_card, genes, nearest_measured
from backend.api.imputed._layers import GeneLayers, gene_layers, run_cells
from backend.api.imputed._next_panel import NextPanel, find_next_panel, next_panel, start_next_panel
from backend.api.imputed._scores import export_imputed, imputation_scores, is_imputation, trust
from backend.api.imputed._signature import Signature, signature

__all__ = [
    "BakeOff",
    "GeneCard",
    "GeneLayers",
    "NextPanel",
    "Signature",
    "ask_genes",
    "attention",
    "attention_by",
    "attention_of_cell",
    "bake_off",
    "centroids",
    "export_imputed",
    "find_next_panel",
    "gene_card",
    "gene_layers",
    "genes",
    "imputation_scores",
    "is_imputation",
    "nearest_measured",
    "next_panel",
    "run_cells",
    "signature",
    "start_next_panel",
    "trust",
    "use_imputer",
]
