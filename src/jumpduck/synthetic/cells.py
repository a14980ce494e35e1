"""Images of sites that look like cells, for the demo and the tests."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STAINS = ("DNA", "RNA", "ER", "AGP", "Mito")

CELLS_PER_PIXEL = 1.5e-4
"""Of an untreated site."""

HALF_PATCH_PIXELS = 56
"""Half of the edge of the square that one cell is drawn in."""

BACKGROUND_LEVEL = 300
STAIN_LEVELS = 8000
"""Grey levels between the background and the brightness 1."""

Image = NDArray[np.floating]


@dataclass(frozen=True)
class Phenotype:
    """What a treatment does to cells, as factors of untreated cells."""

    cells: float = 1.0
    """Number of cells."""
    nucleus: float = 1.0
    """Radius of the nucleus."""
    er: float = 1.0
    """Brightness of the endoplasmic reticulum."""
    mito: float = 1.0
    """Brightness of the mitochondria."""


def draw_site(edge: int, phenotype: Phenotype, seed: int) -> dict[str, NDArray[np.uint16]]:
    """Draw the images of a site: five stains and brightfield, by channel.

    The same arguments give the same pixels.

    Parameters
    ----------
    edge
        Height and width in pixels.
    """
    rng = np.random.default_rng(seed)
    patch = 2 * HALF_PATCH_PIXELS
    canvas = {name: np.zeros((edge + patch, edge + patch), np.float32) for name in STAINS}
    texture = _texture(rng, 2 * patch)
    expected = CELLS_PER_PIXEL * edge * edge * phenotype.cells
    cells = rng.poisson(expected) if phenotype.cells else 0
    for row, column in rng.integers(0, edge, (cells, 2)):
        place = np.s_[row : row + patch, column : column + patch]
        for name, cell in _draw_cell(rng, phenotype, texture).items():
            np.maximum(canvas[name][place], cell, out=canvas[name][place])
    from_middle = np.linspace(-1, 1, edge, dtype=np.float32) ** 2
    vignette = 1 - 0.15 * (from_middle[:, None] + from_middle[None, :])
    inner = slice(HALF_PATCH_PIXELS, HALF_PATCH_PIXELS + edge)
    light = {name: canvas[name][inner, inner] * vignette for name in STAINS}
    light["Brightfield"] = 4 - 1.5 * light["AGP"] + 0.5 * light["RNA"]
    return {name: _camera(rng, plane) for name, plane in light.items()}


def _draw_cell(rng: np.random.Generator, phenotype: Phenotype, texture: Image) -> dict[str, Image]:
    """One cell in the middle of a patch, by stain; 1 is the brightest of untreated cells."""
    half = HALF_PATCH_PIXELS
    y, x = np.mgrid[-half:half, -half:half].astype(np.float32)
    angle, squeeze = rng.uniform(0, np.pi), rng.uniform(0.7, 1.0)
    u = x * np.cos(angle) + y * np.sin(angle)
    v = (y * np.cos(angle) - x * np.sin(angle)) / squeeze
    radius = np.hypot(u, v)
    nucleus_radius = rng.uniform(11, 15) * phenotype.nucleus
    cell_radius = nucleus_radius + rng.uniform(13, 22)
    top, left = rng.integers(0, 2 * half, 2)
    grain = texture[top : top + 2 * half, left : left + 2 * half]
    nucleus = _inside(nucleus_radius - radius, 1.2)
    cell = _inside(cell_radius - radius + 6 * grain, 2.0)
    cytoplasm = cell * (1 - 0.8 * nucleus)
    nucleoli = np.zeros_like(radius)
    for _ in range(rng.integers(1, 4)):
        du, dv = rng.uniform(-0.4, 0.4, 2) * nucleus_radius
        nucleoli = np.maximum(nucleoli, _inside(3 - np.hypot(u - du, v - dv), 0.8))
    membrane = np.exp(-(((radius - cell_radius) / 3) ** 2)) * cell
    around_nucleus = cytoplasm * np.exp(-((radius / cell_radius) ** 2))
    brightness = rng.uniform(0.7, 1.2)
    return {
        "DNA": brightness * nucleus * (0.85 + 0.3 * grain),
        "RNA": brightness * (0.35 * cytoplasm + 0.25 * nucleus + 0.7 * nucleoli),
        "ER": brightness * phenotype.er * around_nucleus * (0.8 + 0.4 * grain),
        "AGP": brightness * (0.3 * cytoplasm + 0.7 * membrane),
        "Mito": brightness * phenotype.mito * cytoplasm * np.clip(grain, 0, None) ** 1.5,
    }


def _inside(depth: Image, softness: float) -> Image:
    """1 inside a border, 0 outside, from the distance to the border in pixels."""
    return 1 / (1 + np.exp(np.clip(-depth / softness, -30, 30)))


def _texture(rng: np.random.Generator, edge: int) -> Image:
    """Smooth noise with a standard deviation of about 0.5, by blurring white noise."""
    spectrum = np.fft.rfft2(rng.standard_normal((edge, edge)))
    frequency = np.hypot(np.fft.fftfreq(edge)[:, None], np.fft.rfftfreq(edge)[None, :])
    noise = np.fft.irfft2(spectrum * np.exp(-((frequency / 0.08) ** 2)), (edge, edge))
    return (0.5 * noise / noise.std()).astype(np.float32)


def _camera(rng: np.random.Generator, light: Image) -> NDArray[np.uint16]:
    """Grey levels of 16 bit with the noise of a camera."""
    counts = BACKGROUND_LEVEL + STAIN_LEVELS * np.clip(light, 0, None)
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    return np.clip(counts + noise * np.sqrt(counts), 0, 65535).astype(np.uint16)
