"""A shard carries all that its job needs: only the server of the images is reached."""

import http.server
import os
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import polars as pl
import pytest

import jumpduck
from tests.support.folders import same

pytestmark = pytest.mark.slow  # seconds of whole commands


@pytest.fixture
def no_way_out():
    """A proxy that is asked for every host but this one, and refuses; and what it was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(403)

        do_CONNECT = do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{proxy.server_port}", asked
        proxy.shutdown()


def test_a_job_needs_its_shard_and_the_server_of_the_images(
    gallery, s3, tmp_path, tmp_path_factory, no_way_out
):
    before = tmp_path_factory.mktemp("node with internet")
    metadata = shutil.copytree(gallery.metadata, before / "metadata")
    jumpduck.catalog(
        before / "catalog.duckdb",
        gallery="s3://cellpainting-gallery",
        metadata=str(metadata),
        endpoint=s3.endpoint,
        sources=["source_3"],
    )
    manifest = before / "manifest.parquet"
    rows = jumpduck.manifest(before / "catalog.duckdb", path=manifest, per_well={"trt": 1})
    jumpduck.split(manifest, tmp_path / "shards", into=1)
    jumpduck.download(manifest, tmp_path / "whole")
    shutil.rmtree(before)

    node = tmp_path / "node"
    node.mkdir()
    shutil.move(tmp_path / "shards/0001.parquet", node / "shard.parquet")
    proxy, asked = no_way_out
    # nothing of the environment of this process, nor a home, nor a cache
    bare = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "none"),
        "JUMPDUCK_CACHE": str(tmp_path / "none"),
        "no_proxy": "127.0.0.1",
        **{f"{scheme}_proxy": proxy for scheme in ("http", "https", "all")},
    }
    for verb in (("download", "--manifest", "shard.parquet"), ("status",), ("verify", "--deep")):
        done = subprocess.run(
            [sys.executable, "-m", "jumpduck", *verb],
            cwd=node,
            env=bare,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    assert asked == []
    same(node / "images", tmp_path / "whole")
    assert pl.read_parquet(node / "images/results.parquet").height == rows.height
    through = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
    with pytest.raises(urllib.error.HTTPError):
        through.open("http://example.org")
    assert asked  # as it would be if a job asked anyone else
