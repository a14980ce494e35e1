"""What each of several processes takes that share an epoch, as a script.

Usage: ranks.py FOLDER RANKS BATCH_SIZE WORKERS OUT
"""

import json
import sys
from pathlib import Path

import torch.distributed
import torch.multiprocessing

import jumpduck
from jumpduck.embeddings.sample_loader import SampleLoader


def take(rank, folder, ranks, size, workers, out):
    """Write the indices of the batches of two epochs: of all batches, then of full ones."""
    datasets = [jumpduck.dataset(folder, library="torch", kind="iterable") for _ in range(2)]
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{out}/meeting", rank=rank, world_size=ranks
    )
    found = []
    for dataset, drop_last in zip(datasets, (False, True), strict=True):
        loader = SampleLoader(dataset, size, num_workers=workers, drop_last=drop_last)
        assert loader.state_dict()["ranks"] == ranks
        epochs = [[metadata["index"] for _, metadata in loader] for _ in range(2)]
        assert [len(epoch) for epoch in epochs] == [len(loader)] * 2
        found.append(epochs)
    Path(out, f"{rank}.json").write_text(json.dumps(found), encoding="utf-8")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    folder, ranks, size, workers, out = sys.argv[1:]
    args = (folder, int(ranks), int(size), int(workers), out)
    # forked, because the import of torch takes seconds for each
    torch.multiprocessing.start_processes(take, args, nprocs=int(ranks), start_method="fork")
