"""Images inside of zips on a server against the same images as files there.

Needs nginx (Debian: nginx-light). A plate's images are downloaded in turns as plain files and as
members of a zip that have the same size: raw files and stored members, and deflated TIFFs and
deflated members. Figures are medians of the rounds.

    just bench members [--files 720] [--rounds 3] [--recipe png8-plate]
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import tifffile

import jumpduck
from jumpduck.containers.places import join_place
from jumpduck.schema import MANIFEST

PORT = 18233
EDGES = (1024, 1280)
"""Pixels of an image of BBBC021."""

NGINX = """
daemon off; master_process off; pid {root}/nginx.pid; error_log {root}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000;
  client_body_temp_path {root}/tmp; proxy_temp_path {root}/tmp; fastcgi_temp_path {root}/tmp;
  uwsgi_temp_path {root}/tmp; scgi_temp_path {root}/tmp;
  server {{ listen 127.0.0.1:{port}; root {root}/www; }}
}}
"""


def serve(root: Path) -> subprocess.Popen[bytes]:
    text = NGINX.format(root=root, port=PORT)
    (root / "nginx.conf").write_text(f"user root;\n{text}" if os.geteuid() == 0 else text)
    process = subprocess.Popen(["nginx", "-p", root, "-c", root / "nginx.conf"])
    time.sleep(1)
    assert process.poll() is None, "nginx did not start"
    return process


def write(www: Path, files: int) -> dict[str, pl.DataFrame]:
    """Twelve planes with the noise of a camera under as many names as wanted, and zips of them."""
    www.mkdir()
    rng = np.random.default_rng(0)
    glow = 400 + 1500 * np.hypot(*np.meshgrid(*[np.linspace(-1, 1, edge) for edge in EDGES])).T ** 2
    for number in range(12):
        plane = rng.poisson(glow).astype(np.uint16)
        tifffile.imwrite(www / f"{number}.tif", plane, metadata=None)
        tifffile.imwrite(www / f"z{number}.tif", plane, compression="zlib", metadata=None)
    for number in range(12, files):
        for kind in ("", "z"):
            os.link(www / f"{kind}{number % 12}.tif", www / f"{kind}{number}.tif")
    root = f"http://127.0.0.1:{PORT}"
    urls = {
        "raw files": [f"{root}/{n}.tif" for n in range(files)],
        "stored members": [],
        "deflated files": [f"{root}/z{n}.tif" for n in range(files)],
        "deflated members": [],
    }
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(www / f"{name}.zip", "w", method, compresslevel=6) as opened:
            for number in range(files):
                opened.write(www / f"{number}.tif", f"plate/{number}.tif")
        urls[f"{name} members"] = [
            join_place(f"{root}/{name}.zip", {"member": f"plate/{n}.tif"}) for n in range(files)
        ]
    rows = {name: ["x" if kind == pl.String else None] * files for name, kind in MANIFEST.items()}
    rows["Metadata_Site"] = list(range(files))
    rows["Metadata_Channel"] = ["DNA"] * files
    rows["path"] = [f"x/x/{n}__DNA" for n in range(files)]
    frame = pl.DataFrame(rows, schema=MANIFEST)
    return {name: frame.with_columns(url=pl.Series(some)) for name, some in urls.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=720)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recipe", default="png8-plate")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        cases = write(root / "www", options.files)
        nginx = serve(root)
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
        try:
            for turn in range(options.rounds):
                for name, rows in cases.items():
                    before, start = os.times(), time.perf_counter()
                    out = root / f"{name}{turn}"
                    results = jumpduck.download(rows, out, recipe=options.recipe)
                    assert set(results["status"]) == {"fetched"}, results["error"].unique()
                    after = os.times()
                    cpu = sum(after[:4]) - sum(before[:4])
                    seconds[name].append((time.perf_counter() - start, cpu))
        finally:
            nginx.terminate()
            nginx.wait()
        plain = 1.0
        for name, times in seconds.items():
            wall = statistics.median(wall for wall, _ in times)
            cpu = statistics.median(cpu for _, cpu in times)
            plain = wall if name.endswith("files") else plain
            print(
                f"{name:16} {options.files / wall:7.1f} images a second, "
                f"{plain / wall:5.2f} of files, {cpu / options.files * 1e3:5.1f} ms of "
                "processor time an image"
            )


if __name__ == "__main__":
    main()
