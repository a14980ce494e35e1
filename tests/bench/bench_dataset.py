"""How fast `jumpduck.dataset` feeds samples: from a folder of png8, and from an S3 server.

The folder is compared with the decoder alone, on the same bytes in memory and on as many threads
as there are cores; the server with `jumpduck download`. All run in turns, and the fastest of the
rounds counts. Processor time of a download is that of its main process alone.

Run it with `just bench dataset`; the server is nginx (Debian: nginx-light).
"""

import argparse
import os
import pickle
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import tifffile

import jumpduck
from jumpduck.cores import usable_cores
from jumpduck.imaging.readers import decode_image
from jumpduck.schema import MANIFEST
from jumpduck.synthetic.cells import STAINS, Phenotype, draw_site
from tests.support.slurm import free_ports

SITES = 48
EDGE = 1080
BUCKET = "bucket"

NGINX = """
daemon off; master_process off; pid {root}/nginx.pid; error_log {root}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; root {root}/www;
  client_body_temp_path {root}/tmp; proxy_temp_path {root}/tmp; fastcgi_temp_path {root}/tmp;
  uwsgi_temp_path {root}/tmp; scgi_temp_path {root}/tmp;
  server {{ listen 127.0.0.1:{port}; }}
}}
"""


@contextmanager
def served(root):
    """Address of a server of the files in a folder, which answers as S3 does."""
    (port,) = free_ports(1)
    text = NGINX.format(root=root, port=port)
    (root / "nginx.conf").write_text(f"user root;\n{text}" if os.geteuid() == 0 else text)
    with subprocess.Popen(["nginx", "-p", root, "-c", root / "nginx.conf"]) as process:
        time.sleep(1)
        assert process.poll() is None, "nginx did not start"
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def published(folder, sites):
    """A manifest of so many sites; four different ones are drawn, and the others are links."""
    folder.mkdir(parents=True)
    rows = []
    for site in range(sites):
        if site < 4:
            for channel, plane in draw_site(EDGE, Phenotype(), site).items():
                tifffile.imwrite(
                    folder / f"{site}-{channel}.tif", plane, compression="lzw", metadata=None
                )
        for channel in STAINS:
            name = f"{site}-{channel}.tif"
            if site >= 4:
                os.link(folder / f"{site % 4}-{channel}.tif", folder / name)
            url = f"s3://{BUCKET}/{folder.name}/{name}"
            rows.append(("x", "x", "x", "A01", site, channel, url, f"x/x/x/{site}__{channel}"))
    return pl.DataFrame(rows, schema=MANIFEST, orient="row")


def rates(rounds, images, **runs):
    """Print of each run the fastest round, its processor time, and how fast it is to the first."""
    found = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            begun, worked = time.perf_counter(), time.process_time()
            run()
            found[name].append((time.perf_counter() - begun, time.process_time() - worked))
    fastest = {name: [min(of) for of in zip(*times, strict=True)] for name, times in found.items()}
    first = next(iter(fastest.values()))
    for name, (seconds, worked) in fastest.items():
        print(
            f"{name:24} {images / seconds:8.1f} images/s {first[0] / seconds:6.2f}"
            f" {1e3 * worked / images:8.2f} ms of a core an image {first[1] / worked:6.2f}"
        )


def consume(samples):
    samples = pickle.loads(pickle.dumps(samples))  # which has no image in memory
    count = sum(1 for _ in samples.read_all(samples.order(0)))
    assert count == len(samples), samples.skipped


def of_folder(folder, rounds):
    """The dataset from local png8, beside the decoder alone."""
    samples = jumpduck.dataset(folder)
    paths = pl.read_parquet(folder / "results.parquet")["path"]
    files = [(folder / path).read_bytes() for path in paths]
    threads = usable_cores()

    def decoder():
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(decode_image, files):
                pass

    tiles = jumpduck.dataset(folder, unit="tile", size=256)
    print(f"local png8, {threads} threads")
    rates(
        rounds, len(files), decoder=decoder, dataset=lambda: consume(samples),
        tiles=lambda: consume(tiles),
    )  # fmt: skip


def of_server(manifest, endpoint, root, rounds):
    """The dataset from a server, beside downloads from it."""
    number = iter(range(1000))

    def download(recipe):
        out = root / f"out-{next(number)}"
        jumpduck.download(manifest, out, recipe=recipe, endpoint=endpoint)
        shutil.rmtree(out)

    def dataset(**options):
        cache = root / f"cache-{next(number)}"
        consume(jumpduck.dataset(manifest, endpoint=endpoint, cache=cache, **options))
        shutil.rmtree(cache, ignore_errors=True)

    print("server on loopback")
    rates(
        rounds, pl.read_parquet(manifest).height,
        **{"download png8": lambda: download("png8"), "download raw": lambda: download("raw")},
        dataset=dataset, **{"dataset without cache": lambda: dataset(cache_gb=0)},
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sites", type=int, default=SITES)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        root = Path(scratch)
        published(root / "www" / BUCKET / "images", asked.sites).write_parquet(root / "m.parquet")
        with served(root) as endpoint:
            jumpduck.download(root / "m.parquet", root / "images", endpoint=endpoint)
            of_folder(root / "images", asked.rounds)
            of_server(root / "m.parquet", endpoint, root, asked.rounds)


if __name__ == "__main__":
    main()
