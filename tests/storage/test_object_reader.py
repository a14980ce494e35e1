import contextlib
import functools
import http.server
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jumpduck.errors import JumpduckError, QueryError, StoreError
from jumpduck.storage.object_reader import ObjectReader, root_of, scheme_of
from tests.support.examples import examples


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
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
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


def test_roots_lose_their_end_slash_and_folders_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert root_of("s3://bucket/prefix/") == "s3://bucket/prefix"
    assert root_of("mirror/") == str(tmp_path / "mirror")


ODD_URLS = (
    "http://host:port/x", "http:///x", "http://", "http://[::1/x", "http://[::1]:x/x", "s3://[/x",
    "http://127.0.0.1:99999/x", "http://127.0.0.1:-1/x",
    "http://127.0.0.1.2:2/x", "http://999.0.0.1/x", "http://a\u2100b/x", "http://\u00e9/x",
    "s3://", "s3:///x", "s3://a b/x", "s3://b?x/y", "s3://b/../x", "s3://b/\n", "s3://b/\0",
    "http://127.0.0.1:2/" + "x" * 70_000, "http://127.0.0.1:2/\udcff", "ftp://host/x", "a" * 5000,
    "/dev/null", "/", "", "\udcff", "\0",
)  # fmt: skip


def read_without_network(url):
    """Read a URL where no request leaves this machine, whatever host it names."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy"):
            patch.setenv(name, "http://127.0.0.1:1")
        ObjectReader("http://127.0.0.1:2", attempts=1).read(url)


@pytest.mark.parametrize("url", ODD_URLS, ids=range(len(ODD_URLS)))
def test_an_odd_url_is_an_error_of_our_own_that_names_it(url):
    with pytest.raises((JumpduckError, FileNotFoundError)) as found:
        read_without_network(url)
    assert url[:20] in str(found.value) or repr(url[:20])[1:-1] in str(found.value)
    assert "redirects" not in str(found.value)


@examples(50)
@given(st.data())
def test_any_text_as_a_url_is_bytes_or_an_error_of_our_own(data):
    """Odd characters are put into a good URL."""
    url = data.draw(st.sampled_from(("s3://b/k", "http://127.0.0.1:2/k", "/tmp/k")))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(url)))
        odd = data.draw(st.one_of(st.characters(), st.sampled_from("/:@[]?#%\\.\0\n ")))
        url = url[:place] + odd + url[place + data.draw(st.integers(0, 1)) :]
    with contextlib.suppress(JumpduckError, FileNotFoundError, PermissionError):
        read_without_network(url)


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:9000", "http://", "http://host:port", "http://[::1", "http://h:99999"]
)
def test_an_endpoint_that_is_not_an_address_is_refused(endpoint):
    with pytest.raises(QueryError, match="http://HOST:PORT"):
        ObjectReader(endpoint)


@pytest.fixture
def asked(server):
    """The paths that were asked of the server, as they came."""
    paths = []

    def answer(self):
        paths.append(self.requestline.split()[1])  # because `path` lacks slashes
        self.send_error(404)

    server.handler.do_GET = answer
    return paths


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("/x?sig=a%2Fb&y=1", None),
        ("/a%2Fb", None),
        ("//b", None),
        ("/a//b", None),
        ("/a/", None),
        ("/a%2Bb%20c+d", None),
        ("/a%3Fb", None),
        ("/a\\b#c", "/a%5Cb%23c"),
        ("/Measurement 1/\u00e4.tif", "/Measurement%201/%C3%A4.tif"),
    ],
)
def test_a_url_is_asked_for_as_it_is_written(server, asked, url, sent):
    for scheme in ("http", "HTTP"):
        with pytest.raises(FileNotFoundError):
            ObjectReader().read(f"{scheme}://127.0.0.1:{server.server_port}{url}")
    assert asked == [sent or url] * 2


@pytest.mark.parametrize(
    "url", ["s3://b//x", "s3://b/x/", "s3://b/a/../x", "http:/a/../b", "http:/%2e/b"]
)
def test_a_file_that_cannot_be_asked_for_by_its_name_is_not_asked_for_by_another(
    server, asked, url
):
    address = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(StoreError, match="cannot be asked for as it is"):
        ObjectReader(address).read(url.replace("http:", address, 1))
    assert not asked


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no name there")
def test_only_plain_files_are_read(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero", tmp_path):
        with pytest.raises(StoreError, match="is not a plain file"):
            ObjectReader().read(str(path))
    monkeypatch.setattr(Path, "is_file", lambda _: True)  # a pipe that gets the name meanwhile
    with pytest.raises(StoreError, match="is not a plain file"):
        ObjectReader().read(str(tmp_path / "pipe"))
