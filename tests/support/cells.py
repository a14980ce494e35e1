"""A field of cells that touch, with their nuclei and cytoplasms, made from a seed."""

import numpy as np


def cells(edge, across, channels, seed=0):
    """Planes by channel, and label images by kind of object; cells are numbered by row.

    The field has ``across`` x ``across`` cells and ``edge`` x ``edge`` pixels.
    """
    from scipy import ndimage

    random = np.random.default_rng(seed)
    step = edge / across
    rows, columns = np.mgrid[:edge, :edge]
    nuclei = np.zeros((edge, edge), np.int32)
    for number in range(across**2):
        row, column = (np.array(divmod(number, across)) + 0.5) * step
        row, column = (row, column) + random.uniform(-0.1, 0.1, 2) * step
        long, short = random.uniform(0.14, 0.24, 2) * step
        angle = random.uniform(0, np.pi)
        down, right = rows - row, columns - column
        along = down * np.cos(angle) + right * np.sin(angle)
        beside = right * np.cos(angle) - down * np.sin(angle)
        nuclei[((along / long) ** 2 + (beside / short) ** 2 < 1) & (nuclei == 0)] = number + 1
    far, nearest = ndimage.distance_transform_edt(nuclei == 0, return_indices=True)
    whole = np.where(far < 0.3 * step, nuclei[tuple(nearest)], 0).astype(np.int32)
    planes = {}
    for number in range(channels):
        grain = ndimage.gaussian_filter(random.normal(size=(edge, edge)), 2.5)
        fine = random.normal(size=(edge, edge))
        cell, nucleus = (ndimage.gaussian_filter((one > 0) * 1.0, 3) for one in (whole, nuclei))
        light = 1500 * (number + 1) * cell * (1 + 3 * grain + 0.1 * fine)
        light += (9000, 1000, 4000, 500, 0)[number % 5] * nucleus * (1 + 0.1 * fine)
        noise = random.normal(400, 30, (edge, edge))
        planes[f"ch{number + 1}"] = np.clip(light + noise, 0, 65535).astype(np.uint16)
    cytoplasm = np.where(nuclei > 0, 0, whole).astype(np.int32)
    return planes, {"Nuclei": nuclei, "Cells": whole, "Cytoplasm": cytoplasm}
