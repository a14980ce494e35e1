"""How fast images become embeddings, beside the model alone.

    just bench embed [--fields 8] [--rounds 3]     # in .venv-torch, see `just setup-torch`

A vision transformer (ViT-S/16 of five channels) computes the tiles of 224 pixels of so many kept
fields of five channels: once with all tiles in memory, ready for the model (the floor), and once by
`jumpduck.embed` from the files, without the start, in which it loads the model. Wanted: 90 % of the
floor's speed.
Where all cores compute the model, the processor seconds say it better than those of the clock.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import save_file

import jumpduck
from jumpduck.embeddings.inputs import inputs_of
from jumpduck.embeddings.models import Model, load_model
from tests.support.generated_fields import write_images

BATCH_TILES = 32

VIT = {
    "model_type": "vit", "hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 6,
    "intermediate_size": 1536, "image_size": 224, "patch_size": 16, "num_channels": 5,
}  # fmt: skip


def write_model(folder: Path) -> tuple[Path, Path]:
    """Write a transformer whose weights are random, and its description."""
    module = transformers.AutoModel.from_config(transformers.AutoConfig.for_model(**VIT))
    module.pooler = None
    save_file(module.state_dict(), folder / "vit.safetensors")
    said = {"transformers": VIT, "output": "cls", "mean": 0.1, "sd": 0.2}
    (folder / "vit.json").write_text(json.dumps(said))
    return folder / "vit.safetensors", folder / "vit.json"


Seconds = tuple[float, float]
"""Of the clock, and of the processor."""


def now() -> Seconds:
    return time.perf_counter(), time.process_time()


def since(start: Seconds) -> Seconds:
    wall, used = now()
    return wall - start[0], used - start[1]


def alone(model: Model, batches: list[np.ndarray]) -> Seconds:
    """Get what the model takes for batches in memory."""
    start = now()
    for batch in batches:
        model.network(batch)
    return since(start)


def whole(place: Path, path: Path, weights: Path, description: Path) -> Seconds:
    """Get what `jumpduck.embed` takes for the tiles of a folder."""
    starts: list[Seconds] = []

    def see(event: dict) -> None:
        if event["event"] == "plan":
            starts.append(now())

    jumpduck.embed(
        place, model=weights, description=description, unit="tile", batch=BATCH_TILES, path=path,
        progress=see,
    )  # fmt: skip
    return since(starts[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fields", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder, asked.fields)
        weights, description = write_model(folder)
        model = load_model(weights, description)
        samples = jumpduck.dataset(folder / "images", unit="tile", size=224)
        inputs = inputs_of(model.description)
        tiles = [one.image for one in samples.read_all(range(len(samples)))]
        batches = [
            inputs.prepared(tiles[start : start + BATCH_TILES])
            for start in range(0, len(tiles), BATCH_TILES)
        ]
        alone(model, batches[:1])
        floors, takes = [], []
        for number in range(asked.rounds):
            floors.append(alone(model, batches))
            path = folder / f"{number}.parquet"
            takes.append(whole(folder / "images", path, weights, description))
        for at, kind in enumerate(("clock", "processor")):
            floor, took = (statistics.median(one[at] for one in some) for some in (floors, takes))
            print(
                f"{kind}: model alone {len(tiles) / floor:.1f} tiles/s, embed "
                f"{len(tiles) / took:.1f} tiles/s, {floor / took:.0%} ({torch.get_num_threads()} "
                f"threads, {model.network.device})"
            )


if __name__ == "__main__":
    main()
