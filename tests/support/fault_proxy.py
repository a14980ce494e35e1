"""A proxy in front of a real server. It damages answers as a test asks, and counts requests."""

import asyncio
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable

Rule = Callable[[str, int], str | None]
"""(path, number of the request for it, from 1) -> the name of a fault, or None."""

STATUS = {"503": b"503 Slow Down", "404": b"404 Not Found", "403": b"403 Forbidden"}


def once(fault: str) -> Rule:
    """Damage the first answer for each file."""
    return lambda path, n: fault if n == 1 else None


def always(fault: str, part: str) -> Rule:
    """Damage every answer for the files whose path has `part`."""
    return lambda path, n: fault if part in path else None


def at_random(faults: tuple[str, ...], share: float, seed: int) -> Rule:
    """Damage a share of all answers. Path, count and seed alone decide which ones."""

    def rule(path: str, n: int) -> str | None:
        rng = random.Random(f"{seed} {path} {n}")
        return rng.choice(faults) if rng.random() < share else None

    return rule


_answers: dict[tuple[object, ...], tuple[bytes, bytes]] = {}


class Faults:
    """Serve what `upstream` serves, with the faults that `rule` names.

    Faults: 503, 404, 403, reset (no answer), short (half of the announced bytes), long (more than
    announced), half (half of the bytes, announced so), hang (no answer), stall (half, then
    nothing), slow (in pieces), corrupt (other bytes each time), broken (the same wrong bytes each
    time), zero, elsewhere (a redirect to another host), gone (no connection for anybody until
    `come_back`).
    """

    def __init__(self, upstream: str, rule: Rule = lambda path, n: None, delay: float = 0.0):
        self.upstream = re.fullmatch(r"http://(.+):(\d+)", upstream).groups()
        self.rule = rule
        self.delay = delay
        self.asked: Counter[str] = Counter()
        self.times: list[float] = []
        self.elsewhere = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: set[asyncio.StreamWriter] = set()

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        started = threading.Event()

        async def serve():
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
            self._other = await asyncio.start_server(self._other_host, "127.0.0.1", 0)
            started.set()

        self._loop.create_task(serve())
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        assert started.wait(10)
        self.endpoint = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *error: object):
        async def stop():
            await self._close(self._server, self._other)
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for writer in self._writers:
                writer.transport.abort()
            await asyncio.sleep(0.05)  # because transports close in the next rounds of the loop

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def come_back(self) -> None:
        """Serve at the same address again, after the fault "gone"."""

        async def serve():
            await self._close(self._server)
            port = int(self.endpoint.rpartition(":")[2])
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)

        asyncio.run_coroutine_threadsafe(serve(), self._loop).result(10)

    async def _close(self, *servers: asyncio.Server) -> None:
        """Close servers when the connections that they accepted have begun.

        Python 3.11 loses a connection, and leaves it open, whose server is closed before.
        """
        for server in servers:
            for socket in server.sockets:
                self._loop.remove_reader(socket.fileno())
        await asyncio.sleep(0.01)
        for server in servers:
            server.close()

    @property
    def requests(self) -> int:
        return len(self.times)

    def _other_host(self, reader, writer):
        self.elsewhere += 1
        writer.close()

    def _connected(self, reader, writer):
        """Start to answer; no coroutine, because one cancelled before it begins closes nothing."""
        self._writers.add(writer)
        self._clients.add(writer)
        self._tasks.add(self._loop.create_task(self._answer(reader, writer)))

    async def _answer(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode()
                if not head.startswith(b"HEAD "):
                    self.asked[path] += 1
                    self.times.append(time.monotonic())
                await asyncio.sleep(self.delay)
                if not await self._one(head, self.rule(path, self.asked[path]), writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, head: bytes, fault: str | None, writer) -> bool:
        """Answer one request, and return True if the connection can be used again."""
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault == "gone":
            for one in self._clients:
                one.transport.abort()
            await self._close(self._server)
            return False
        if fault == "reset":
            writer.transport.abort()
            return False
        if fault in STATUS:
            writer.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % STATUS[fault])
            await writer.drain()
            return True
        if fault == "elsewhere":
            port = self._other.sockets[0].getsockname()[1]
            writer.write(
                b"HTTP/1.1 302 Found\r\nLocation: http://localhost:%d/x\r\n"
                b"Content-Length: 0\r\n\r\n" % port
            )
            await writer.drain()
            return True
        status, body = await self._fetch(head)
        announced = len(body)
        if fault in ("short", "stall"):
            body = body[: announced // 2]
        elif fault == "half":
            body = body[: announced // 2]
            announced = len(body)
        elif fault == "long":
            body += b"and more"
        elif fault == "zero":
            body = bytes(announced)
        elif fault in ("corrupt", "broken"):
            rng = random.Random(None if fault == "corrupt" else 0)
            body = body[:8] + rng.randbytes(announced - 8)
        status = re.sub(rb"(?im)^(content-length|connection):.*\r\n", b"", status)
        status = status[:-2] + b"Content-Length: %d\r\n\r\n" % announced
        writer.write(status)
        if fault == "slow":
            for start in range(0, len(body), 1 + len(body) // 5):
                writer.write(body[start : start + 1 + len(body) // 5])
                await writer.drain()
                await asyncio.sleep(0.05)
        else:
            writer.write(body)
        await writer.drain()
        if fault == "stall":
            await asyncio.sleep(3600)
        return fault not in ("short", "long") and b"\r\nconnection: close\r\n" not in head.lower()

    async def _fetch(self, head: bytes) -> tuple[bytes, bytes]:
        """Return the upstream's answer, and keep it, because the files do not change."""
        known = self.upstream, head.partition(b"\r\n")[0], *re.findall(rb"(?im)^range:.*", head)
        if known not in _answers:
            _answers[known] = await self._ask(head)
        return _answers[known]

    async def _ask(self, head: bytes) -> tuple[bytes, bytes]:
        reader, writer = await asyncio.open_connection(*self.upstream)
        self._writers.add(writer)
        head = re.sub(rb"(?im)^connection:.*\r\n", b"", head)
        writer.write(head[:-2] + b"Connection: close\r\n\r\n")
        try:
            status = await reader.readuntil(b"\r\n\r\n")
            return status, await reader.read()
        finally:
            writer.close()
