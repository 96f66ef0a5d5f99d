"""Analyses of a model, one file each: what it gets wrong, how calibrated it is."""
