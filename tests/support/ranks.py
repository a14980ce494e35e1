"""What each of several processes takes that share an epoch, as a script.

Usage: ranks.py FOLDER RANKS BATCH_SIZE WORKERS DROP_LAST OUT
"""

import json
import sys
from pathlib import Path

import torch.distributed
import torch.multiprocessing

import jumpduck
from jumpduck.embeddings.sample_loader import SampleLoader


def take(rank, folder, ranks, size, workers, drop_last, out):
    """Write the indices of the batches of two epochs, and the length of the loader."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{out}/meeting", rank=rank, world_size=ranks
    )
    dataset = jumpduck.dataset(folder, library="torch", kind="iterable")
    loader = SampleLoader(dataset, size, num_workers=workers, drop_last=drop_last)
    epochs = [[metadata["index"] for _, metadata in loader] for _ in range(2)]
    found = {"length": len(loader), "epochs": epochs}
    Path(out, f"{rank}.json").write_text(json.dumps(found), encoding="utf-8")
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    folder, ranks, size, workers, drop_last, out = sys.argv[1:]
    args = (folder, int(ranks), int(size), int(workers), drop_last == "yes", out)
    # forked, because the import of torch takes seconds for each
    torch.multiprocessing.start_processes(take, args, nprocs=int(ranks), start_method="fork")
