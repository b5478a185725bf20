"""Versions of a data set: quality control, sections, regions, balanced samples. Each is a data set of its own."""
