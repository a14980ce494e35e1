"""A file comes from the host that its URL names, whatever the environment says of proxies."""

import contextlib
import http.server
import threading

import pytest

from jumpduck.errors import QueryError, StoreError
from jumpduck.storage.object_reader import ObjectReader


@contextlib.contextmanager
def server(answer):
    """Serve on loopback, and give the port and the lines that were asked for.

    `answer` gets such a line, and returns bytes or, for a redirect, text.
    """
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = answer(self.path)
            redirects = isinstance(body, str)
            self.send_response(302 if redirects else 200)
            if redirects:
                self.send_header("Location", body)
            self.send_header("Content-Length", "0" if redirects else str(len(body)))
            self.end_headers()
            if not redirects:
                self.wfile.write(body)

        do_CONNECT = do_GET  # noqa: N815

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        yield httpd.server_port, asked
        httpd.shutdown()


@pytest.fixture
def other():
    """Another host, which must not be asked."""
    with server(lambda _: b"stolen") as found:
        yield found


ENVIRONMENTS = (
    {},
    {"no_proxy": "*"},
    {"http_proxy": "http://127.0.0.1:1", "no_proxy": "127.0.0.1"},
    {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.0/8"},
    {"http_proxy": "http://127.0.0.1:1", "no_proxy": "localhost,127.0.0.1"},
    {"https_proxy": "http://127.0.0.1:1"},
    {"https_proxy": "http://127.0.0.1:1", "no_proxy": "localhost"},
    {"AWS_PROXY_EXCLUDES": "localhost", "AWS_ALLOW_HTTP": "true"},
)


@pytest.mark.parametrize("env", ENVIRONMENTS, ids=str)
@pytest.mark.parametrize("form", ["http", "s3"])
def test_a_redirect_to_another_host_is_refused_whatever_proxies_are_set(
    env, form, other, monkeypatch
):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with server(lambda _: f"http://localhost:{other[0]}/x") as (port, asked):
        endpoint = f"http://127.0.0.1:{port}"
        url = "s3://bucket/key" if form == "s3" else f"{endpoint}/key"
        with pytest.raises(StoreError, match="redirects to another host"):
            ObjectReader(endpoint, attempts=1).read(url)
    assert len(asked) == 1
    assert other[1] == []


@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy", "HTTP_PROXY"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("excluded", ["", "localhost", "localhost,elsewhere.org"])
def test_a_redirect_goes_through_the_users_proxy_and_nowhere_else(
    variable, scheme, excluded, other, monkeypatch
):
    place = f"{scheme}://localhost:{other[0]}/x"
    with server(lambda line: place if "first" in line else b"by the proxy") as (port, asked):
        monkeypatch.setenv(variable, f"127.0.0.1:{port}")
        monkeypatch.setenv("no_proxy", excluded)
        reader = ObjectReader(attempts=1)
        with contextlib.suppress(StoreError):  # that proxy has no TLS
            assert reader.read("http://archive.invalid/first").data == b"by the proxy"
    assert asked[0] == "http://archive.invalid/first"
    assert f"localhost:{other[0]}" in asked[1]
    assert other[1] == []


def test_buckets_are_those_of_aws_whatever_server_the_environment_names(other, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{other[0]}")
    monkeypatch.setenv("AWS_PROXY_URL", f"http://127.0.0.1:{other[0]}")
    with server(lambda _: b"") as (port, asked):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        with pytest.raises(StoreError):
            ObjectReader(attempts=1).read("s3://bucket/key")
    assert asked == ["s3.us-east-1.amazonaws.com:443"]
    assert other[1] == []


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://[::1", "http://", "x://y"])
def test_a_proxy_that_cannot_be_used_is_named(proxy, monkeypatch):
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(QueryError, match="http_proxy"):
        ObjectReader(attempts=1).read("http://127.0.0.1:2/x")
