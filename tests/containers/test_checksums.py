import base64
import hashlib
import random

import pytest

from jumpduck.containers import checksums
from jumpduck.containers.checksums import crc64nvme, sha256_chunked, wrong_checksum
from jumpduck.containers.image_reader import ImageReader
from jumpduck.errors import ImageError
from jumpduck.storage.object_reader import ObjectReader
from tests.support.places import DATA as REAL
from tests.support.range_server import RangeServer
from tests.support.s3_server import S3Server

DATA = random.Random(0).randbytes(40_000)


def chunked(data, size):
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    return base64.b64encode(hashlib.sha256(digests).digest()).decode()


def test_the_published_check_value_of_crc64_nvme_comes_out():
    assert base64.b64decode(crc64nvme(b"123456789")).hex() == "ae8b14860a799888"
    assert crc64nvme(b"") == "AAAAAAAAAAA="


def bit_by_bit(data):
    state = 2**64 - 1
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = (state >> 1) ^ (0x9A6C9329AC4BC9B5 if state & 1 else 0)
    return base64.b64encode((state ^ (2**64 - 1)).to_bytes(8, "big")).decode()


@pytest.mark.parametrize("size", [1, 8, 16_383, 16_384, 16_385, 40_000])
def test_crc64_nvme_of_any_size_is_that_of_its_definition(size):
    assert crc64nvme(DATA[:size]) == bit_by_bit(DATA[:size])


def test_files_of_many_chunks_have_larger_ones(monkeypatch):
    monkeypatch.setattr(checksums, "CHUNK_BYTES", 1000)
    assert sha256_chunked(DATA) == chunked(DATA, 1000)
    monkeypatch.setattr(checksums, "MAX_CHUNKS", 39)
    assert sha256_chunked(DATA) == chunked(DATA, 2000)
    assert sha256_chunked(b"") == base64.b64encode(hashlib.sha256().digest()).decode()


CHECKSUMS = (
    f"SHA256:{hashlib.sha256(DATA).hexdigest()}",
    f"SHA256:{hashlib.sha256(DATA).hexdigest().upper()}",
    f"sha2-256-chunked:{chunked(DATA, 8 * 2**20)}",
    f"CRC64NVME:{bit_by_bit(DATA)}",
)


@pytest.mark.parametrize("checksum", CHECKSUMS)
def test_a_file_is_compared_with_its_checksum_when_it_arrives(checksum, tmp_path):
    (tmp_path / "a").write_bytes(DATA)
    with RangeServer(tmp_path) as server:
        for root in (server.address, str(tmp_path)):
            url = f"{root}/a#checksum={checksum}"
            reader = ImageReader(ObjectReader(first_retry_seconds=0.001))
            server.fault = lambda path, n, data: data
            assert bytes(reader.read_if(url, lambda _: True).data) == DATA
        url = f"{server.address}/a#checksum={checksum}"
        server.clear()
        server.fault = lambda path, n, data: bytes([n]) + data[1:] if n < 3 else data
        assert reader.read_if(url, lambda _: True).attempts == 3
        server.clear()
        server.fault = lambda path, n, data: bytes([n]) + data[1:]
        with pytest.raises(ImageError, match=r"was published \(5 attempts\)"):
            reader.read_if(url, lambda _: True)
        server.clear()
        server.fault = lambda path, n, data: b"!" + data[1:]
        with pytest.raises(ImageError, match="was published") as found:
            reader.read_if(url, lambda _: True)
        assert len(server.requests) == 2, "because the same wrong bytes came twice"
        assert checksum.split(":")[1].lower() in str(found.value).lower()


def test_a_version_of_an_object_is_read_and_compared():
    with S3Server() as s3:
        s3.put("versioned", "key", b"none")
        s3._store.put_bucket_versioning("versioned", "Enabled")
        s3.put("versioned", "key", DATA)
        version = s3._store.get_object("versioned", "key").version_id
        s3.put("versioned", "key", b"new")
        reader = ImageReader(ObjectReader(s3.endpoint))
        url = f"s3://versioned/key#version={version}&checksum={CHECKSUMS[0]}"
        assert bytes(reader.read_if(url, lambda _: True).data) == DATA
        assert bytes(reader.read_if("s3://versioned/key", lambda _: True).data) == b"new"
        with pytest.raises(ImageError, match=r"key#checksum=SHA256:.* was published"):
            reader.read_if(f"s3://versioned/key#checksum={CHECKSUMS[0]}", lambda _: True)


@pytest.mark.real
def test_the_hashes_of_a_manifest_that_quilt_wrote_come_out():
    for name, value in (
        ("r01c01f01p01-ch1sk1fk1fl1.tiff", "r2ACksf7fYmhufdg0FekXamoalIxYnTasl4vF4gI8e8="),
        ("r01c01f01p01-ch5sk1fk1fl1.tiff", "PG8fR0DZRljIFWOviSxWB/tGk149Gf9HeHdbGuNkS7U="),
    ):
        data = (REAL / "images/pe2loaddata_v1" / name).read_bytes()
        assert wrong_checksum(f"sha2-256-chunked:{value}", data) is None
