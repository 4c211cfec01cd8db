"""Assay: real-time risk decisions whose evidence is a by-product and whose gate refuses."""

__version__ = "0.1.0"
