import os
import subprocess
import sys
import time

import pytest

from jumpduck.storage import rate_limit
from jumpduck.storage.rate_limit import MAX_GAP_SECONDS, RateLimit, retry_seconds


@pytest.fixture
def clock(monkeypatch):
    """A clock that only sleeping moves."""

    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

        def sleep(self, seconds):
            self.now += seconds

    clock = Clock()
    monkeypatch.setattr(rate_limit, "time", clock)
    return clock


def seconds_for(limit, clock, requests, size_bytes=1):
    begin = clock.now
    for _ in range(requests):
        limit.wait()
        limit.brought(size_bytes)
    return clock.now - begin


def test_without_a_limit_nothing_waits(clock):
    assert seconds_for(RateLimit(), clock, 1000, 10_000_000) == 0


def test_requests_are_at_most_as_many_a_second_as_allowed(clock):
    assert seconds_for(RateLimit(max_requests=10), clock, 101) == pytest.approx(10)


def test_bytes_are_at_most_as_many_a_second_as_allowed(clock):
    limit = RateLimit(max_mbps=8)
    assert seconds_for(limit, clock, 11, 500_000) == pytest.approx(5)


def test_many_requests_at_once_bring_no_more_bytes_than_allowed(clock):
    limit = RateLimit(max_mbps=8)
    seconds_for(limit, clock, 100, 500_000)
    for _ in range(3):
        begin = clock.now
        for _ in range(32):
            limit.wait()
        assert clock.now - begin == pytest.approx(16, rel=0.1)
        for _ in range(32):
            limit.brought(500_000)


def test_requests_that_bring_nothing_use_nothing_of_the_allowed_bytes(clock):
    limit = RateLimit(max_mbps=8)
    assert seconds_for(limit, clock, 100, 0) == pytest.approx(0)
    assert seconds_for(limit, clock, 11, 500_000) == pytest.approx(5)


@pytest.mark.parametrize("size_bytes", [0, 500_000])
def test_each_limit_holds_beside_the_other(size_bytes, clock):
    limit = RateLimit(max_requests=5, max_mbps=8)
    assert seconds_for(limit, clock, 51, size_bytes) == pytest.approx(max(10, size_bytes / 2e4))
    limit = RateLimit(max_mbps=1000)
    limit.slow_down()
    limit.wait()
    limit.brought(0, good=False)
    begin = clock.now
    limit.wait()
    assert clock.now - begin == pytest.approx(rate_limit.FIRST_GAP_SECONDS)


def test_refusals_lengthen_the_gap_and_good_answers_shorten_it_to_none(clock):
    limit = RateLimit()
    for _ in range(20):
        limit.slow_down()
        clock.now += 2
    limit.wait()
    begin = clock.now
    limit.wait()
    assert clock.now - begin == pytest.approx(MAX_GAP_SECONDS)
    seconds_for(limit, clock, 500)
    assert seconds_for(limit, clock, 100) == 0


def test_refusals_of_one_moment_count_once(clock):
    limit = RateLimit()
    for _ in range(20):
        limit.slow_down()
    limit.wait()
    begin = clock.now
    limit.wait()
    assert clock.now - begin == pytest.approx(rate_limit.FIRST_GAP_SECONDS)


def test_a_pause_holds_all_requests_back_once(clock):
    limit = RateLimit()
    limit.pause(30)
    limit.pause(10)
    assert seconds_for(limit, clock, 100) == pytest.approx(30)


def test_bytes_that_do_not_come_do_not_shorten_a_pause(clock):
    limit = RateLimit(max_mbps=1)
    limit.wait()
    limit.pause(2)
    limit.brought(0, good=False)
    assert seconds_for(limit, clock, 1) >= 2


def test_a_request_that_waits_for_its_turn_when_a_pause_begins_waits_for_its_end(clock):
    limit = RateLimit(max_requests=0.2)
    limit.wait()
    sleep, clock.sleep = clock.sleep, lambda seconds: (limit.pause(60), pause_once(seconds))

    def pause_once(seconds):
        clock.sleep = sleep
        sleep(seconds)

    begin = clock.now
    limit.wait()
    assert clock.now - begin >= 60


def test_the_wait_doubles_with_each_attempt():
    for attempt in range(1, 6):
        assert 0.5 <= retry_seconds(1.0, attempt) / 2 ** (attempt - 1) <= 1.5


IN_ANOTHER_PROCESS = """
import os, signal, sys
from jumpduck.storage.rate_limit import RateLimit
from jumpduck.storage.shared_numbers import SharedNumbers
numbers = SharedNumbers(int(sys.argv[1]))
RateLimit(None, None, numbers).pause(1.0)
numbers.__enter__()  # it has the lock when it is killed
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is downloaded there")
def test_no_request_of_any_process_comes_before_the_time_that_a_server_asked_for():
    limit = RateLimit()
    shared = limit.share()
    file = shared.file
    begun = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, str(shared.file)], pass_fds=[shared.file]
    )
    limit.wait()
    assert time.monotonic() - begun > 1
    del limit, shared
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(file)
