"""A folder served over HTTP on loopback, with ranges or without; counts what it sends."""

import http.server
import re
import socket
import threading
from pathlib import Path
from urllib.parse import unquote


class RangeServer:
    """Serve a folder.

    Attributes
    ----------
    ranges
        Whether parts of files are sent; else each answer is a whole file.
    sent
        Bytes of the bodies that were sent.
    requests
        Path and range (None for a whole file) of each request.
    fault
        Changes the bytes of an answer: gets path, the number of the request and the bytes.
    headers
        Sent in place of others of these names; None sends none.
    """

    def __init__(self, folder: Path, *, ranges: bool = True):
        self.folder, self.ranges = folder, ranges
        self.sent = 0
        self.requests: list[tuple[str, str | None]] = []
        self.fault = lambda path, number, data: data
        self.headers: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def __enter__(self):
        serve = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                serve.answer(self)

            def do_HEAD(self):
                serve.answer(self, body=False)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *args):
                pass  # a client that reads no body closes the connection

        self._server = Server(("127.0.0.1", 0), Handler)
        # Because the system takes megabytes of an answer that nobody reads, and they count as
        # sent: this is inherited by each connection.
        self._server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**16)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *error: object):
        self._server.shutdown()
        self._server.server_close()

    def clear(self) -> None:
        self.sent = 0
        self.requests.clear()

    def answer(self, handler, *, body: bool = True) -> None:
        path = unquote(handler.path.partition("?")[0]).lstrip("/")
        asked = handler.headers["Range"] if self.ranges else None
        with self._lock:
            self.requests.append((path, asked))
            number = sum(one == path for one, _ in self.requests)
        file = self.folder / path
        if not file.is_file():
            handler.send_error(404)
            return
        size, changed = file.stat().st_size, file.stat().st_mtime_ns
        first, last = _span(asked, size)
        if first > last:
            handler.send_response(416)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        with file.open("rb") as opened:
            opened.seek(first)
            data = self.fault(path, number, opened.read(last - first + 1))
        handler.send_response(206 if asked else 200)
        headers = {"Content-Length": str(last - first + 1), "ETag": f'"{changed}-{size}"'}
        if asked:
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        for name, value in (headers | self.headers).items():
            if value is not None:
                handler.send_header(name, value)
        handler.end_headers()
        if not body:
            return
        for start in range(0, len(data), 2**16):
            with self._lock:  # before the client has the last bytes, and looks
                self.sent += len(data[start : start + 2**16])
            try:
                handler.wfile.write(data[start : start + 2**16])
            except OSError:
                handler.close_connection = True
                return
        handler.close_connection |= len(data) != last - first + 1


def _span(asked: str | None, size: int) -> tuple[int, int]:
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", asked or "bytes=0-")
    if not match[1]:
        return max(0, size - int(match[2])), size - 1
    return int(match[1]), min(size - 1, int(match[2] or size))
