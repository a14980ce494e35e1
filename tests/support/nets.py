"""Modules of torch that reveal what they are given, or go wrong."""

import os
import signal
from pathlib import Path

import torch
from torch import nn


def linear(channels=5, dimensions=7, bias=True):
    """The mean of each channel, times weights."""
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(pooled, nn.Linear(channels, dimensions, bias=bias))


def convolution(channels=5, dimensions=6):
    first = nn.Conv2d(channels, 8, 3)
    pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(first, nn.ReLU(), nn.BatchNorm2d(8), pooled, nn.Linear(8, dimensions))


class Given(nn.Module):
    """The height, the width, and then of each channel its first pixel and its mean."""

    def __init__(self):
        super().__init__()
        self.one = nn.Parameter(torch.ones(1))

    def forward(self, images):
        size = torch.tensor(images.shape[2:], dtype=torch.float32).expand(len(images), 2)
        return torch.cat([size, images[:, :, 0, 0], images.mean((2, 3))], 1)


class Small(Given):
    """A device with memory for three images."""

    def forward(self, images):
        if len(images) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore.")
        return super().forward(images)


class Tiny(Given):
    """A device with memory for none."""

    def forward(self, images):
        raise torch.OutOfMemoryError("CUDA out of memory.")


class NotFinite(Given):
    """nan for images whose first pixel is above the middle level."""

    def forward(self, images):
        found = super().forward(images)
        return torch.where(images[:, :1, 0, 0] > 0.5, torch.nan, found)


class Complex(Given):
    """The values of a Fourier transform."""

    def forward(self, images):
        return torch.fft.fft(super().forward(images))


class Refusing(Given):
    """An error that a model raises by itself."""

    def forward(self, images):
        assert images.shape[1] == 4, "takes four channels"
        return images.mean((2, 3))


class First(Given):
    """An embedding of the first image alone."""

    def forward(self, images):
        return super().forward(images)[:1]


class Nothing(Given):
    """Embeddings without a value."""

    def forward(self, images):
        return super().forward(images)[:, :0]


class OfLight(Given):
    """Fewer values for images that are not empty."""

    def forward(self, images):
        return super().forward(images)[:, : 2 if images.any() else 3]


class Killed(Given):
    """Its process is killed at the third batch, unless a file is there."""

    batches = 0

    def forward(self, images):
        if images.any() and not Path("alive").exists():
            Killed.batches += 1
            if Killed.batches == 3:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(images)


class Interrupted(Given):
    """Somebody presses Ctrl-C while it computes, unless a file is there."""

    def forward(self, images):
        if images.any() and not Path("alive").exists():
            raise KeyboardInterrupt
        return super().forward(images)


class Tokens(nn.Module):
    """Four patch tokens behind one, by name."""

    def __init__(self):
        super().__init__()
        self.one = nn.Parameter(torch.ones(1))

    def forward(self, images):
        first = images.mean((1, 2, 3))[:, None, None]
        tokens = torch.cat([first * number for number in (10, 1, 2, 3, 4)], 1).repeat(1, 1, 2)
        return {"last_hidden_state": tokens, "pooler_output": tokens[:, 0] + 1}


def not_a_module():
    return "module"
