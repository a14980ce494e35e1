"""A server that says how long it refuses is left alone for so long."""

import email.utils
import http.server
import threading
import time
from typing import ClassVar

import pytest

from jumpduck.errors import StoreError
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.storage.rate_limit import RateLimit
from jumpduck.storage.retry_after import ask_retry_after, seconds_of


def date_in(seconds):
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


class Pauses(RateLimit):
    """Keeps the pauses that were asked for instead of waiting."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def slow_down(self):
        super().slow_down()
        return True

    def pause(self, seconds):
        self.seconds.append(seconds)


@pytest.fixture
def refusing():
    """A server that refuses its first requests; `retry_after` is the header that it sends."""

    class Handler(http.server.BaseHTTPRequestHandler):
        retry_after, code, refusals, location = "7", 503, 1, None
        asked: ClassVar[list[tuple[str, str]]] = []

        def answer(self):
            self.asked.append((self.command, self.path))
            refuses = self.refusals > 0
            if self.command == "GET":
                type(self).refusals -= 1
            # the question for the header comes when the refusal has been counted
            if refuses or (self.command == "HEAD" and self.refusals >= 0):
                self.send_response(302 if self.location else self.code)
                if self.location:
                    self.send_header("Location", self.location)
                if self.retry_after is not None:
                    self.send_header("Retry-After", self.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.send_response(200)
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"pixels")

        do_GET = do_HEAD = answer  # noqa: N815

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        Handler.asked = []
        httpd.handler, httpd.address = Handler, f"http://127.0.0.1:{httpd.server_port}"
        threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
        yield httpd
        httpd.shutdown()


@pytest.mark.parametrize("code", [503, 429])
@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("url", ["s3://bucket/a b%c", "{}/a%20b"])
def test_retry_after_is_honoured_as_seconds_and_as_a_date(refusing, code, form, url):
    refusing.handler.code = code
    refusing.handler.retry_after = "7" if form == "seconds" else date_in(7)
    pauses = Pauses()
    reader = ObjectReader(refusing.address, first_retry_seconds=0.001, rate_limit=pauses)
    assert reader.read(url.format(refusing.address)).data == b"pixels"
    assert pauses.seconds == [pytest.approx(7, abs=1.5)]
    assert [command for command, _ in refusing.handler.asked] == ["GET", "HEAD", "GET"]
    assert len({path for _, path in refusing.handler.asked}) == 1


def test_a_server_that_does_not_say_is_asked_once(refusing):
    refusing.handler.retry_after, refusing.handler.refusals = None, 100
    reader = ObjectReader(first_retry_seconds=0.001, rate_limit=Pauses())
    for _ in range(2):
        with pytest.raises(StoreError, match="503"):
            reader.read(f"{refusing.address}/a")
    assert [command for command, _ in refusing.handler.asked].count("HEAD") == 1


@pytest.mark.slow
def test_no_request_comes_before_the_time_that_a_server_asked_for(refusing):
    refusing.handler.retry_after = "1"
    begun = time.monotonic()
    ObjectReader(first_retry_seconds=0.001).read(f"{refusing.address}/a")
    assert time.monotonic() - begun > 1


def test_the_question_goes_to_no_other_host(refusing):
    refusing.handler.location = "http://localhost:2/x"
    assert ask_retry_after(f"{refusing.address}/a") == 0
    assert ask_retry_after("http://127.0.0.1:2/a b") == 0
    assert len(refusing.handler.asked) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0), ("120", 120), ("99999", 300), ("9" * 400, 300), ("", None), (None, None),
        ("soon", None), ("-5", None), ("1.5", None), ("Fri, 99 Foo 2026 00:00:00 GMT", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("Wed, 21 Oct 9999 07:28:00 GMT", 300),
        ("\u0663", 3),
    ],
)  # fmt: skip
def test_the_header_is_read_in_both_forms_and_bounded(text, seconds):
    assert seconds_of(text) == seconds
