"""A real S3 server on loopback: moto in this process, readable without credentials."""

import logging
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer


class S3Server:
    def __enter__(self):
        # because a line a request would hide what a failing test prints
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        self._client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="writer",
            aws_secret_access_key="writer",
        )
        self._buckets: set[str] = set()
        return self

    def __exit__(self, *error: object):
        self._server.stop()

    def put(self, bucket: str, key: str, data: bytes) -> None:
        if bucket not in self._buckets:
            self._client.create_bucket(Bucket=bucket, ACL="public-read")
            self._buckets.add(bucket)
        self._client.put_object(Bucket=bucket, Key=key, Body=data, ACL="public-read")

    def put_folder(self, bucket: str, folder: Path) -> None:
        for file in folder.rglob("*"):
            if file.is_file():
                self.put(bucket, file.relative_to(folder).as_posix(), file.read_bytes())
