"""What the simulated tumour is made of: types, their markers, where they live, and what their neighbours do to them.

Gene symbols are real; strengths are invented. These tables were frozen before any method was tuned on the demo.
"""

from __future__ import annotations

# Marker genes of each type, strongest first.
MARKERS: dict[str, tuple[str, ...]] = {
    "Tumour": tuple("EPCAM KRT8 KRT18 KRT19 KRT7 CDH1 MUC1 CLDN4 CEACAM6 ELF3 TACSTD2 SOX4 AGR2 CD24".split()),
    "Fibroblast": tuple("COL1A1 COL1A2 COL3A1 DCN LUM PDGFRA FBLN1 MMP2 SFRP2 DPT C7 CFD".split()),
    "Myofibroblast": tuple("ACTA2 TAGLN MYL9 POSTN COL11A1 FAP TPM2 CTHRC1 COL10A1 INHBA THY1 SULF1".split()),
    "Endothelial": tuple("PECAM1 VWF CDH5 CLDN5 KDR FLT1 ERG EMCN PLVAP ESAM EGFL7 TIE1".split()),
    "Pericyte": tuple("RGS5 PDGFRB NOTCH3 CSPG4 MCAM HIGD1B COX4I2 KCNJ8 ABCC9 NDUFA4L2".split()),
    "Macrophage": tuple("CD68 CD163 C1QA C1QB C1QC MRC1 MSR1 CSF1R APOE LYZ FCGR3A MARCO SPI1".split()),
    "Dendritic cell": tuple("CLEC9A CD1C FCER1A LAMP3 CCR7 CLEC10A XCR1 BATF3 IRF8 FLT3 CCL22 CCL17".split()),
    "CD8 T cell": tuple("CD8A CD8B GZMK GZMA GZMB PRF1 NKG7 CCL5 CD3D CD3E CD2 TRAC EOMES".split()),
    "CD4 T cell": tuple("CD4 IL7R CD40LG LTB TCF7 CD3G MAL LEF1 SELL CD5 CD28 ICOS".split()),
    "B cell": tuple("MS4A1 CD79A CD79B CD19 BANK1 PAX5 CD22 BLK FCRL1 TNFRSF13C VPREB3 LTA".split()),
    "Plasma cell": tuple("MZB1 JCHAIN XBP1 SDC1 DERL3 TNFRSF17 PRDM1 IGHG1 IGKC IGHA1 FKBP11 SSR4".split()),
    "Mast cell": tuple("TPSAB1 TPSB2 CPA3 KIT MS4A2 HPGDS GATA2 HDC SLC18A2 CTSG".split()),
}
TYPES = tuple(MARKERS)

NICHES = ("Tumour nest", "Interface", "Stroma", "Immune aggregate", "Vessel")

# Share of each type in each niche (rows: niches, columns: TYPES); rows are scaled to one.
COMPOSITION: dict[str, tuple[float, ...]] = {
    "Tumour nest": (88, 1, 1, 1, 0.5, 3, 0.3, 3, 1, 0.2, 0.3, 0.2),
    "Interface": (30, 8, 24, 3, 2, 14, 1.5, 9, 5, 1.5, 2, 1),
    "Stroma": (3, 42, 10, 6, 4, 12, 1, 5, 6, 2, 5, 4),
    "Immune aggregate": (1, 4, 1, 3, 1, 6, 6, 12, 26, 34, 6, 0.5),
    "Vessel": (2, 14, 4, 40, 22, 6, 1, 4, 4, 1, 1, 1),
}

# What a neighbourhood does to a cell: genes that rise with an exposure, and in which types ("*": in all).
# Exposures are computed from the neighbours alone (see `simulated.exposures`).
PROGRAMS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "hypoxia": (
        "deep in nest",
        ("Tumour", "Macrophage", "Myofibroblast"),
        tuple("CA9 VEGFA SLC2A1 LDHA PGK1 ENO1 ADM NDRG1 BNIP3 P4HA1 EGLN3 ANKRD37 PDK1 HK2 ALDOA".split()),
    ),
    "proliferation": (
        "near tumour",
        ("Tumour",),
        tuple("MKI67 TOP2A CCNB1 CDK1 BIRC5 PCNA TYMS UBE2C CENPF TPX2 AURKA MCM2 STMN1 HMGB2".split()),
    ),
    "epithelial-mesenchymal transition": (
        "near fibroblasts",
        ("Tumour",),
        tuple("VIM FN1 SNAI2 ZEB1 MMP7 LAMC2 ITGB6 TGFBI SPARC MMP14 CDH2 ITGA5 SERPINE1 PLAUR".split()),
    ),
    "interferon response": (
        "near T cells",
        ("*",),
        tuple("CXCL9 CXCL10 CXCL11 STAT1 IRF1 GBP1 IFI6 ISG15 IFIT1 IFIT3 MX1 HLA-DRA HLA-E PSMB9 TAP1 CD274".split()),
    ),
    "germinal centre": (
        "near B cells",
        ("B cell", "CD4 T cell", "Dendritic cell"),
        tuple("CXCR4 POU2AF1 CXCR5 CXCL13 BCL6 AICDA CD83 CCL19 CCL21 LTB RGS13 MEF2B CD40 TCL1A".split()),
    ),
    "exhaustion": (
        "near tumour",
        ("CD8 T cell", "CD4 T cell"),
        tuple("PDCD1 HAVCR2 LAG3 TIGIT CTLA4 TOX ENTPD1 LAYN TNFRSF9 CXCR6 ITGAE TNFRSF18".split()),
    ),
    "matrix remodelling": (
        "near tumour",
        ("Fibroblast", "Myofibroblast", "Pericyte", "Endothelial"),
        tuple("MMP11 MMP1 MMP3 LOX LOXL2 COL5A1 COL5A2 COL8A1 TNC ADAM12 GREM1 WNT5A IL11 BGN".split()),
    ),
    "lipid-laden macrophage": (
        "near tumour",
        ("Macrophage",),
        tuple("SPP1 TREM2 GPNMB FABP5 CD9 LGALS3 CTSD CTSL PLIN2 LPL FN1 MMP9 CHI3L1".split()),
    ),
    "perivascular": (
        "near vessels",
        ("*",),
        tuple("CXCL12 ANGPT1 ANGPT2 NOTCH4 JAG1 DLL4 VCAM1 SELE ICAM2 COL4A1 COL4A2 LAMA4 NID1 AQP1".split()),
    ),
}
HOUSEKEEPING = tuple(
    "ACTB GAPDH B2M TPT1 EEF1A1 FTL FTH1 TMSB4X RPLP0 RPLP1 RPL13 RPL10 RPL32 RPS27 RPS18 RPS6 UBC PTMA CFL1".split()
)

# Share of each type that survives dissociation: epithelium and stroma stick, lymphocytes come off easily.
DISSOCIATION: dict[str, float] = {
    "Tumour": 0.5, "Fibroblast": 0.4, "Myofibroblast": 0.35, "Endothelial": 0.7, "Pericyte": 0.5, "Macrophage": 1.0,
    "Dendritic cell": 1.6, "CD8 T cell": 1.4, "CD4 T cell": 1.4, "B cell": 1.4, "Plasma cell": 0.9, "Mast cell": 1.2,
}  # fmt: skip
