"""Training with Lightning, and going on from a checkpoint in the middle of an epoch."""

import hashlib

import lightning.pytorch as lightning
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

import jumpduck
from jumpduck.embeddings.augmentations import Flip
from jumpduck.embeddings.data_module import DataModule
from jumpduck.samples.options import SampleOptions

pytestmark = pytest.mark.torch


class Recorder(lightning.LightningModule):
    """A model of one number, which keeps what it was shown."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.shown, self.validated = [], []

    def training_step(self, batch, _):
        images, metadata = batch
        self.shown.append((tuple(metadata["index"]), hashlib.sha256(images.numpy()).hexdigest()))
        return (self.weight - images.mean()) ** 2

    def validation_step(self, batch, _):
        self.validated += batch[1]["index"]

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer(folder, **options):
    return lightning.Trainer(
        default_root_dir=folder, accelerator="cpu", logger=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, max_epochs=2, **options,
    )  # fmt: skip


def data(folder):
    options = SampleOptions(place=folder, standardise=True)
    return DataModule(options, 4, num_workers=2, augmentation=Flip())


@pytest.mark.filterwarnings("ignore")
def test_training_goes_on_in_the_middle_of_an_epoch(folder, tmp_path):
    whole, rest = Recorder(), Recorder()
    kept = ModelCheckpoint(tmp_path, "{step}", every_n_train_steps=8, save_top_k=-1)
    trainer(tmp_path, callbacks=[kept]).fit(whole, data(folder))
    assert len(whole.shown) == 2 * 6  # three full batches of each of two workers, of 29 samples
    trainer(tmp_path).fit(rest, data(folder), ckpt_path=tmp_path / "step=8.ckpt")
    assert rest.shown == whole.shown[8:]
    assert torch.equal(rest.weight, whole.weight)
    assert sorted(whole.validated) == sorted([*range(20)] * 2)


def test_all_splits_are_standardised_by_the_training_split(folder):
    module = data(folder)
    module.prepare_data()
    found = jumpduck.dataset(folder, split="train").statistics()
    plain = jumpduck.dataset(folder, split="val")
    for images, metadata in module.val_dataloader():
        for image, index in zip(images, metadata["index"], strict=True):
            expected = (plain[index].image - found.mean[:, None, None]) / found.sd[:, None, None]
            assert np.allclose(image, expected, atol=1e-5)
