"""Fields of view that look like cells, for the demo and the tests."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DENSITY = 1.5e-4
"""Cells a pixel in an untreated field."""

PATCH = 56

Image = NDArray[np.floating]


@dataclass(frozen=True)
class Look:
    """What a treatment does to cells: factors of the untreated number, size and stains."""

    cells: float = 1.0
    nucleus: float = 1.0
    er: float = 1.0
    mito: float = 1.0


def draw_field(edge: int, look: Look, seed: int) -> dict[str, NDArray[np.uint16]]:
    """Draw a field of `edge` x `edge` pixels: five stains and brightfield, 16 bit.

    The same arguments give the same pixels.
    """
    rng = np.random.default_rng(seed)
    names = ("DNA", "RNA", "ER", "AGP", "Mito")
    canvas = {name: np.zeros((edge + 2 * PATCH, edge + 2 * PATCH), np.float32) for name in names}
    texture = _texture(rng, 4 * PATCH)
    number = rng.poisson(DENSITY * edge * edge * look.cells) if look.cells else 0
    for row, column in rng.integers(0, edge, (number, 2)):
        place = np.s_[row : row + 2 * PATCH, column : column + 2 * PATCH]
        for name, patch in _cell(rng, look, texture).items():
            np.maximum(canvas[name][place], patch, out=canvas[name][place])
    across = np.linspace(-1, 1, edge, dtype=np.float32) ** 2
    vignette = 1 - 0.15 * (across[:, None] + across[None, :])
    inner = np.s_[PATCH : PATCH + edge, PATCH : PATCH + edge]
    stains = {name: canvas[name][inner] * vignette for name in names}
    stains["Brightfield"] = 4 - 1.5 * stains["AGP"] + 0.5 * stains["RNA"]
    return {name: _camera(rng, plane) for name, plane in stains.items()}


def _cell(rng: np.random.Generator, look: Look, texture: Image) -> dict[str, Image]:
    """One cell in the middle of a patch; 1 is as bright as its stain gets in untreated cells."""
    y, x = np.mgrid[-PATCH:PATCH, -PATCH:PATCH].astype(np.float32)
    angle, squeeze = rng.uniform(0, np.pi), rng.uniform(0.7, 1.0)
    u = x * np.cos(angle) + y * np.sin(angle)
    v = (y * np.cos(angle) - x * np.sin(angle)) / squeeze
    far = np.hypot(u, v)
    nucleus = rng.uniform(11, 15) * look.nucleus
    body = nucleus + rng.uniform(13, 22)
    top, left = rng.integers(0, 2 * PATCH, 2)
    grain = texture[top : top + 2 * PATCH, left : left + 2 * PATCH]
    inside, cell = _edge(nucleus - far, 1.2), _edge(body - far + 6 * grain, 2.0)
    around = cell * (1 - 0.8 * inside)
    nucleoli = np.zeros_like(far)
    for _ in range(rng.integers(1, 4)):
        du, dv = rng.uniform(-0.4, 0.4, 2) * nucleus
        nucleoli = np.maximum(nucleoli, _edge(3 - np.hypot(u - du, v - dv), 0.8))
    bright = rng.uniform(0.7, 1.2)
    return {
        "DNA": bright * inside * (0.85 + 0.3 * grain),
        "RNA": bright * (0.35 * around + 0.25 * inside + 0.7 * nucleoli),
        "ER": bright * look.er * around * np.exp(-((far / body) ** 2)) * (0.8 + 0.4 * grain),
        "AGP": bright * (0.3 * around + 0.7 * np.exp(-(((far - body) / 3) ** 2)) * cell),
        "Mito": bright * look.mito * around * np.clip(grain, 0, None) ** 1.5,
    }


def _edge(depth: Image, softness: float) -> Image:
    return 1 / (1 + np.exp(np.clip(-depth / softness, -30, 30)))


def _texture(rng: np.random.Generator, edge: int) -> Image:
    """Smooth noise with a standard deviation of about 0.5, by blurring white noise."""
    spectrum = np.fft.rfft2(rng.standard_normal((edge, edge)))
    frequency = np.hypot(np.fft.fftfreq(edge)[:, None], np.fft.rfftfreq(edge)[None, :])
    noise = np.fft.irfft2(spectrum * np.exp(-((frequency / 0.08) ** 2)), (edge, edge))
    return (0.5 * noise / noise.std()).astype(np.float32)


def _camera(rng: np.random.Generator, light: Image) -> NDArray[np.uint16]:
    counts = 300 + 8000 * np.clip(light, 0, None)
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    return np.clip(counts + noise * np.sqrt(counts), 0, 65535).astype(np.uint16)
