"""A real S3 server on loopback: moto in this process, readable without credentials."""

import logging
from pathlib import Path

from moto import backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import get_canned_acl, s3_backends
from moto.server import ThreadedMotoServer

MODULES = tuple(backends.list_of_moto_modules())


class S3Server:
    def __enter__(self):
        # because a line a request would hide what a failing test prints
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        # because moto lists the folders of its package for each request, which is half of its time
        backends.list_of_moto_modules = lambda: MODULES
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        self._store = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        return self

    def __exit__(self, *error: object):
        self._server.stop()

    def put(self, bucket: str, key: str, data: bytes) -> None:
        # into what the server serves, because 250 requests with credentials take 5 seconds
        if bucket not in self._store.buckets:
            self._store.create_bucket(bucket, "us-east-1")
            self._store.put_bucket_acl(bucket, get_canned_acl("public-read"))
        self._store.put_object(bucket, key, data)
        self._store.put_object_acl(bucket, key, get_canned_acl("public-read"))

    def put_folder(self, bucket: str, folder: Path) -> None:
        for file in folder.rglob("*"):
            if file.is_file():
                self.put(bucket, file.relative_to(folder).as_posix(), file.read_bytes())
