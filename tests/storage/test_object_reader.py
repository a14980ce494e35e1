import functools
import http.server
import threading
import time

import pytest

from jumpduck.errors import QueryError, StoreError
from jumpduck.storage.object_reader import ObjectReader, in_threads, root_of, scheme_of


class Flaky(http.server.SimpleHTTPRequestHandler):
    failures = 0
    requests = 0

    def do_GET(self):
        type(self).requests += 1
        if type(self).failures:
            type(self).failures -= 1
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    class Handler(Flaky):
        pass

    handler = functools.partial(Handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        httpd.handler = Handler
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield httpd
        httpd.shutdown()


def test_a_key_with_spaces_and_plus_is_read_over_http(server, tmp_path):
    (tmp_path / "Measurement 1+").mkdir()
    (tmp_path / "Measurement 1+" / "a b.tif").write_bytes(b"pixels")
    url = f"http://127.0.0.1:{server.server_port}/Measurement%201%2B/a%20b.tif"
    assert ObjectReader().read(url).data == b"pixels"


def test_a_busy_server_is_asked_again_and_the_attempts_are_counted(server, tmp_path):
    (tmp_path / "a").write_bytes(b"pixels")
    server.handler.failures = 2
    body = ObjectReader(first_retry_seconds=0.001).read(f"http://127.0.0.1:{server.server_port}/a")
    assert (body.data, body.attempts) == (b"pixels", 3)


def test_a_server_that_stays_busy_is_an_error_after_the_last_attempt(server):
    server.handler.failures = 100
    with pytest.raises(StoreError, match="4 attempts"):
        ObjectReader(first_retry_seconds=0.001, attempts=4).read(
            f"http://127.0.0.1:{server.server_port}/a"
        )
    assert server.handler.requests == 4


def test_a_missing_file_is_asked_for_once(server):
    with pytest.raises(FileNotFoundError, match="/nothing"):
        ObjectReader().read(f"http://127.0.0.1:{server.server_port}/nothing")
    assert server.handler.requests == 1


def test_a_missing_local_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        ObjectReader().read(str(tmp_path / "nothing"))


def test_other_schemes_are_refused():
    with pytest.raises(QueryError, match="ftp://"):
        scheme_of("ftp://host/a")


def test_an_endpoint_that_is_not_an_address_is_refused():
    with pytest.raises(QueryError, match="http://HOST:PORT"):
        ObjectReader("127.0.0.1:9000")


def test_roots_lose_their_end_slash_and_folders_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert root_of("s3://bucket/prefix/") == "s3://bucket/prefix"
    assert root_of("mirror/") == str(tmp_path / "mirror")


def test_work_in_threads_stops_at_the_first_error():
    worked = []

    def work(item):
        worked.append(item)
        time.sleep(0.001)
        if item == 3:
            raise ValueError(item)

    with pytest.raises(ValueError, match="3"):
        list(in_threads(work, range(10_000), 2))
    assert len(worked) < 10_000
