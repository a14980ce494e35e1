"""`jumpduck download` against jump_download's pipeline, boto3, curl and its own pixels alone.

Needs nginx (Debian: nginx-light, with libnginx-mod-http-echo for the latency). All of a case run
one after the other, in turns; figures are medians of the rounds.

    just bench download [--files 720] [--rounds 3] [--case "1080 raw"]

With ``--against PATH`` it compares png8 and raw with those of another checkout instead.
"""

import argparse
import io
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import boto3
import numpy as np
import polars as pl
import tifffile
from botocore import UNSIGNED
from botocore.config import Config
from PIL import Image

import jumpduck
from jumpduck.recipes.base import Source
from jumpduck.recipes.registry import build
from jumpduck.schema import MANIFEST
from tests.support.checkouts import compare

PORT = 18231
SLOW_PORT = 18232
BUCKET = "bucket"
CORES = os.cpu_count() or 1
CASES = {"1080 raw": (1080, None), "1080 LZW": (1080, "lzw"), "2160 raw": (2160, None)}

NGINX = """
{modules}
daemon off; master_process off; pid {root}/nginx.pid; error_log {root}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; root {root}/www;
  client_body_temp_path {root}/tmp; proxy_temp_path {root}/tmp; fastcgi_temp_path {root}/tmp;
  uwsgi_temp_path {root}/tmp; scgi_temp_path {root}/tmp;
  server {{ listen 127.0.0.1:{port}; }}
  {slow}
}}
"""
SLOW = """
  server {{ listen 127.0.0.1:{port};
    location /bucket/ {{ echo_sleep 0.03; echo_exec /files$uri; }}
    location /files/ {{ internal; alias {root}/www/; }} }}
"""


def serve(root: Path) -> subprocess.Popen[bytes]:
    echo = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")
    text = NGINX.format(
        root=root,
        port=PORT,
        modules=f"load_module {echo};" if echo.exists() else "",
        slow=SLOW.format(port=SLOW_PORT, root=root) if echo.exists() else "",
    )
    (root / "nginx.conf").write_text(f"user root;\n{text}" if os.geteuid() == 0 else text)
    process = subprocess.Popen(["nginx", "-p", root, "-c", root / "nginx.conf"])
    time.sleep(1)
    assert process.poll() is None, "nginx did not start"
    return process


def objects(folder: Path, edge: int, compression: str | None, files: int) -> pl.DataFrame:
    """Twelve planes with the noise of a camera, under as many names as wanted."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    glow = 400 + 1500 * np.hypot(*np.meshgrid(*[np.linspace(-1, 1, edge)] * 2)) ** 2
    for number in range(12):
        plane = rng.poisson(glow).astype(np.uint16)
        tifffile.imwrite(folder / f"{number}.tif", plane, compression=compression, metadata=None)
    for number in range(12, files):
        os.link(folder / f"{number % 12}.tif", folder / f"{number}.tif")
    rows = {name: ["x" if kind == pl.String else None] * files for name, kind in MANIFEST.items()}
    rows["Metadata_Site"] = list(range(files))
    rows["Metadata_Channel"] = ["DNA"] * files
    rows["url"] = [f"s3://{BUCKET}/{folder.name}/{n}.tif" for n in range(files)]
    rows["path"] = [f"x/x/{n}__DNA" for n in range(files)]
    return pl.DataFrame(rows, schema=MANIFEST)


def client():
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{PORT}",
        region_name="us-east-1",
        config=Config(signature_version=UNSIGNED, s3={"addressing_style": "path"}),
    )


def jump_download_one(work: tuple[str, str]) -> None:
    """What its class does with a file: GET to memory, PIL, crop, percentiles, PNG."""
    key, target = work
    body = io.BytesIO()
    _client().download_fileobj(BUCKET, key, body)
    image = np.array(Image.open(body))
    rows, columns = (slice(edge // 2 - 384, edge // 2 + 384) for edge in image.shape)
    image = image[rows, columns].astype(np.float32)
    low, high = np.percentile(image, 1.0), np.percentile(image, 99.0)
    image = np.floor(255 * np.clip((image - low) / (high - low + 2.2e-16), 0, 1))
    Image.fromarray(image.astype(np.uint8)).save(target)


_CLIENTS = {}


def _client():
    return _CLIENTS.setdefault(os.getpid(), client())


def fetch_one(work: tuple[str, str]) -> None:
    key, target = work
    with Path(target).open("wb") as file:
        _client().download_fileobj(BUCKET, key, file)


def processes(task, rows: pl.DataFrame, out: Path) -> None:
    keys = rows["url"].str.strip_prefix(f"s3://{BUCKET}/")
    work = [(key, str(out / f"{number}.png")) for number, key in enumerate(keys)]
    with ProcessPoolExecutor(8) as pool:
        list(pool.map(task, work))


def ours(rows: pl.DataFrame, out: Path, port: int = PORT, recipe: str = "png8") -> None:
    results = jumpduck.download(rows, out, endpoint=f"http://127.0.0.1:{port}", recipe=recipe)
    assert set(results["status"]) == {"fetched"}, results["error"].unique()


def floor(rows: pl.DataFrame, www: Path) -> None:
    """The pixels alone, from memory, on as many threads."""
    bodies = [(www / url.removeprefix("s3://")).read_bytes() for url in rows["url"].head(12)]
    make = build("png8").make
    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(lambda n: make([Source(bodies[n % 12], {})], None), range(rows.height)))


def curl(rows: pl.DataFrame, out: Path) -> None:
    lines = [
        f'url = "http://127.0.0.1:{PORT}/{url.removeprefix("s3://")}"\noutput = "{out}/{n}.tif"'
        for n, url in enumerate(rows["url"])
    ]
    (out / "curl").write_text("\n".join(lines))
    subprocess.run(
        ["curl", "-sZ", "--parallel-max", "32", "-K", out / "curl"], check=True, capture_output=True
    )


def curl_and_promises(rows: pl.DataFrame, out: Path) -> None:
    """What `raw` promises beside the bytes, but for the look at them: on the disk, and hashed."""
    curl(rows, out)
    files = [out / f"{n}.tif" for n in range(rows.height)]
    subprocess.run(["sync", *files, out], check=True)
    subprocess.run(["sha256sum", *files], check=True, capture_output=True)


def rates(tasks, rounds: int, place: Path) -> dict[str, float]:
    """Files a second of each task: the median over rounds in which each runs once."""
    seen = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, (files, task) in tasks.items():
            out = place / "out"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            os.sync()  # one task's dirty pages are not the next one's burden
            started = time.perf_counter()
            task(out)
            seen[name].append(files / (time.perf_counter() - started))
    return {name: statistics.median(values) for name, values in seen.items()}


def against(other: str, rows: pl.DataFrame, out: Path, rounds: int) -> None:
    """Print how long a download takes, here and in another checkout."""
    place = {"urls": rows["url"].to_list(), "out": str(out), "endpoint": f"http://127.0.0.1:{PORT}"}
    tasks = {name: {"task": "download", "recipe": name, **place} for name in ("png8", "raw")}
    compare(other, tasks, rounds)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--files", type=int, default=720)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--case", default="")
    options.add_argument("--against", metavar="PATH")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        www = root / "www"
        server = serve(root)
        slow = "echo" in (root / "nginx.conf").read_text()
        try:
            for case, (edge, compression) in CASES.items():
                if asked.case not in case:
                    continue
                folder = www / BUCKET / case.replace(" ", "_")
                rows = objects(folder, edge, compression, asked.files)
                if asked.against:
                    print(case)
                    against(asked.against, rows, root / "out", asked.rounds)
                    continue
                few = rows.head(asked.files // 3)
                tasks = {
                    "jump_download": (
                        few.height,
                        lambda out, few=few: processes(jump_download_one, few, out),
                    ),
                    "jumpduck": (rows.height, lambda out, rows=rows: ours(rows, out)),
                    "floor": (rows.height, lambda _, rows=rows: floor(rows, www)),
                    "boto3": (rows.height, lambda out, rows=rows: processes(fetch_one, rows, out)),
                    "curl": (rows.height, lambda out, rows=rows: curl(rows, out)),
                    "curl + sync + sha256sum": (
                        rows.height,
                        lambda out, rows=rows: curl_and_promises(rows, out),
                    ),
                    "raw": (rows.height, lambda out, rows=rows: ours(rows, out, recipe="raw")),
                }
                if slow:
                    tasks["30 ms"] = (
                        rows.height,
                        lambda out, rows=rows: ours(rows, out, port=SLOW_PORT),
                    )
                found = rates(tasks, asked.rounds, root)
                print(case, {key: round(rate, 1) for key, rate in found.items()}, "files/s")
                for top, bottom in (
                    ("jumpduck", "jump_download"),
                    ("jumpduck", "floor"),
                    ("30 ms", "jumpduck"),
                    ("raw", "boto3"),
                    ("raw", "curl"),
                    ("raw", "curl + sync + sha256sum"),
                ):
                    if top in found:
                        ratio = found[top] / found[bottom]
                        print(f"  {top} / {bottom}: {ratio:.2f}", flush=True)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
