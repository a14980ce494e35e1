"""The splits of a folder or manifest, as Lightning takes them."""

from dataclasses import replace
from functools import partial

from lightning.pytorch import LightningDataModule

from jumpduck.embeddings.augmentations import Augmentation, Chain, Standardise
from jumpduck.embeddings.sample_loader import SampleLoader
from jumpduck.embeddings.torch_dataset import IterableDataset
from jumpduck.samples.opening import open_samples
from jumpduck.samples.options import SampleOptions
from jumpduck.samples.samples import Samples


class DataModule(LightningDataModule):
    """Loaders of the training, validation and test splits.

    A checkpoint in the middle of an epoch has its place, and training goes on there.

    Parameters
    ----------
    options
        What samples are taken of. With `standardise`, those of all splits are standardised by the
        statistics of the training split, after the augmentation.
    batch_size
        Number of samples of a batch of one process.
    num_workers
        Number of worker processes of each loader.
    augmentation
        What is done to the images of the training split.
    train, validate, test
        Values of the column ``split``.
    pin_memory
        Put batches into memory from which a GPU copies fast.
    """

    def __init__(
        self,
        options: SampleOptions,
        batch_size: int = 1,
        *,
        num_workers: int = 0,
        augmentation: Augmentation | None = None,
        train: str = "train",
        validate: str = "val",
        test: str = "test",
        pin_memory: bool = False,
    ) -> None:
        super().__init__()
        self.options = options
        self.augmentation = augmentation
        self.splits = {"train": train, "validate": validate, "test": test}
        self._load = partial(
            SampleLoader, batch_size=batch_size, num_workers=num_workers, pin_memory=pin_memory
        )

    def samples(self, split: str) -> Samples:
        """Get the samples of train, validate or test, with values from 0 to 1."""
        return open_samples(replace(self.options, split=self.splits[split], standardise=False))

    def prepare_data(self) -> None:
        """Compute the statistics of the training split, in one process alone."""
        if self.options.standardise:
            self.samples("train").statistics()

    def train_dataloader(self) -> SampleLoader:
        """Get full batches of the training split, as many for each process."""
        return self._loader("train", self.augmentation, drop_last=True)

    def val_dataloader(self) -> SampleLoader:
        """Get the validation split, without augmentation."""
        return self._loader("validate")

    def test_dataloader(self) -> SampleLoader:
        """Get the test split, without augmentation."""
        return self._loader("test")

    def _loader(
        self, split: str, augmentation: Augmentation | None = None, *, drop_last: bool = False
    ) -> SampleLoader:
        steps = [augmentation] if augmentation else []
        if self.options.standardise:
            found = self.samples("train").statistics()
            steps.append(Standardise(found.mean.tolist(), found.sd.tolist()))
        dataset = IterableDataset(self.samples(split), Chain(steps) if steps else None)
        return self._load(dataset, drop_last=drop_last)
