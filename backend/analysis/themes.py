"""The themes of SCXM's Table 1 as GO terms, so that a run on any tissue can be asked the paper's question.

The paper names its 25 sets and prints their sizes, not their genes. Each theme here is the union of the GO terms that
mean it best; KEGG's lung cancer pathway is left out, whose terms do not allow to ship it.
"""

from __future__ import annotations

from collections.abc import Mapping

TERMS: Mapping[str, tuple[str, ...]] = {
    "Lung lineage identity": ("GO:0030324", "GO:0060428", "GO:0043129", "GO:1903251"),
    "Angiogenesis": ("GO:0002040", "GO:0048010", "GO:0035924"),
    "T cell activation": ("GO:0042110",),
    "Myeloid innate immunity": ("GO:0042116", "GO:0042119", "GO:0002224", "GO:0006909"),
    "Interferon response": ("GO:0034341", "GO:0034340", "GO:0071357", "GO:0035455", "GO:0035456"),
    "Immune checkpoint": ("GO:0050868", "GO:0042130"),
    "Hedgehog signalling": ("GO:0007224",),
    "Notch signalling": ("GO:0007219",),
    "Integrin cell adhesion": ("GO:0007229", "GO:0033628"),
    "B cell activation": ("GO:0042113", "GO:0050853"),
    "Unfolded protein response": ("GO:0006986", "GO:0034620"),
    "Chemokine signalling": ("GO:0070098", "GO:1990869"),
    "PI3K/AKT/mTOR survival": ("GO:0014065", "GO:0043491", "GO:0031929"),
    "EMT": ("GO:0001837", "GO:0010717"),
    "Hypoxia response": ("GO:0071456",),
    "EGFR signalling": ("GO:0007173", "GO:0038127"),
    "FGF signalling": ("GO:0008543", "GO:0044344"),
    "Apoptosis": ("GO:0006915",),
    "NF-κB signalling": ("GO:0007249", "GO:0038061"),
    "Cell cycle / proliferation": ("GO:0044772", "GO:0044843", "GO:0044839"),
    "Hippo / YAP-TAZ": ("GO:0035329", "GO:0035330"),
    "Oxidative stress / NRF2": ("GO:0034599",),
    "TGF-β signalling": ("GO:0007179",),
    "WNT signalling": ("GO:0016055", "GO:0060070"),
}


def themes(sets: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """sets: GO terms, named "... (GO:0042110)". Theme -> the genes of its terms, each once."""
    by_id = {name.rpartition("(")[2].rstrip(")"): genes for name, genes in sets.items()}
    return {
        theme: tuple(dict.fromkeys(gene for term in terms for gene in by_id.get(term, ())))
        for theme, terms in TERMS.items()
    }
