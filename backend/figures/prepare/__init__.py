"""Figures of the steps before a model: quality control, names of cells, and how the atlas matches."""
