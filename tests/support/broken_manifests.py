"""Read many broken manifests, in a process of its own because a reader may end the process."""

import io
import json
import resource
import sys
import time
from pathlib import Path

import polars as pl

from jumpduck.errors import ManifestError, QueryError
from jumpduck.transfer.manifest_reader import Manifest
from tests.support.mutations import mutations

MAX_ADDRESS_BYTES = 8 * 2**30


def manifests() -> list[bytes]:
    """Parquet files of a few rows, written in several ways."""
    number = pl.int_range(12)
    rows = pl.select(
        Metadata_Source=pl.lit("source_1"),
        Metadata_Batch=pl.lit("b"),
        Metadata_Plate=pl.format("p{}", number // 6),
        Metadata_Well=pl.format("A0{}", number % 6),
        Metadata_Site=pl.lit(1, pl.Int32),
        Metadata_Channel=pl.lit("DNA"),
        url=pl.format("s3://bucket/{}.tif", number),
        path=pl.format("source_1/b/p{}/{}__DNA", number // 6, number),
    )
    ways = ({}, {"compression": "uncompressed"}, {"row_group_size": 5, "compression": "snappy"})
    written = []
    for way in ways:
        buffer = io.BytesIO()
        rows.write_parquet(buffer, metadata={"jumpduck.catalog": '{"endpoint": null}'}, **way)
        written.append(buffer.getvalue())
    return written


def read_all(count: int, seed: int, file: Path) -> dict[str, object]:
    """Read so many, and get how many could be read, the reasons of the others, and the bounds."""
    read, reasons, longest = 0, set(), 0.0
    for data in mutations(manifests(), count, seed):
        file.write_bytes(data)
        begun = time.perf_counter()
        try:
            for plate in Manifest.open(file).plates():
                plate.rows()
            read += 1
        except (ManifestError, QueryError) as error:  # any other error is a fault
            reasons.add(str(error))
        longest = max(longest, time.perf_counter() - begun)
    # not ru_maxrss, which begins with what the process had that started this one
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak_kb = int(status.partition("VmHWM:")[2].split()[0])
    return {"read": read, "reasons": sorted(reasons), "seconds": longest, "peak_kb": peak_kb}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_BYTES, MAX_ADDRESS_BYTES))
    print(json.dumps(read_all(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))))
