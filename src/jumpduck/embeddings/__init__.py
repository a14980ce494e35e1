"""Torch datasets, augmentations and models; the only package that knows torch."""
