"""One holder at a time, on one machine or many, with and without `flock`."""

import errno
import fcntl
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from jumpduck.errors import StoreError
from jumpduck.storage import heartbeat_lock
from jumpduck.storage.heartbeat_lock import HeartbeatLock, is_held

STALE_SECONDS = 0.2


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(heartbeat_lock, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(heartbeat_lock, "STALE_SECONDS", STALE_SECONDS)
    monkeypatch.setattr(heartbeat_lock, "POLL_SECONDS", 0.005)
    monkeypatch.setattr(heartbeat_lock, "SAY_SECONDS", 0.1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


def refused(number):
    def flock(file, how):
        raise OSError(number, os.strerror(number))

    return flock


def leave_behind(path, how, monkeypatch):
    """Make the lock of a process that was killed."""
    with monkeypatch.context() as patch:
        if how == "another machine":
            patch.setattr(heartbeat_lock, "_kernel", lambda: "another kernel")
        elif how.startswith("no flock"):
            patch.setattr(fcntl, "flock", refused(getattr(errno, how.split()[-1])))
        lock = HeartbeatLock(path, "images")
        assert lock.make()
        lock.close()  # as the kernel does when a process ends
    if how == "another mount":
        path.write_text(json.dumps({**json.loads(path.read_text()), "device": -1}))
    elif how == "killed while it wrote":
        path.write_text("")
    return lock


def test_a_lock_left_by_a_killed_process_of_this_machine_is_taken_over_at_once(path, monkeypatch):
    leave_behind(path, "this machine", monkeypatch)
    assert not is_held(path)
    assert HeartbeatLock(path, "images").acquire()
    assert json.loads(path.read_text())["pid"] == os.getpid()
    assert is_held(path)


@pytest.mark.parametrize(
    "how",
    [
        "another machine",
        "another mount",
        "no flock: ENOSYS",
        "no flock: ENOLCK",
        "killed while it wrote",
    ],
)
def test_a_lock_that_shows_no_sign_is_taken_over_and_the_wait_is_explained(
    how, path, monkeypatch, caplog
):
    leave_behind(path, how, monkeypatch)
    assert is_held(path), "nobody can know"
    started = time.monotonic()
    with HeartbeatLock(path, "images"):
        assert time.monotonic() - started >= STALE_SECONDS
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert list(path.parent.iterdir()) == []
    who = "process ? on ?" if how == "killed while it wrote" else f"process {os.getpid()} on "
    assert caplog.messages[0].startswith(who)
    assert (
        "which holds images, has shown no sign for 0 s; if it shows none until"
        in (caplog.messages[0])
    )


def test_a_lock_is_taken_over_although_the_process_that_took_it_over_was_killed_too(
    path, monkeypatch
):
    """It was killed after it made its claim and before that became the lock."""
    dead = leave_behind(path, "another machine", monkeypatch)
    leave_behind(dead._claim_on(dead._record).path, "another machine", monkeypatch)
    with HeartbeatLock(path, "images"):
        pass
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("skew_seconds", [0, -3600, 3600])
@pytest.mark.parametrize("where", ["here", "on another machine", "without flock"])
def test_a_holder_that_lives_is_waited_for_whatever_its_clock_says(
    where, skew_seconds, path, monkeypatch, caplog
):
    kernels = itertools.cycle(["one", "two"])
    if where == "on another machine":
        monkeypatch.setattr(heartbeat_lock, "_kernel", lambda: next(kernels))
    elif where == "without flock":
        monkeypatch.setattr(fcntl, "flock", refused(errno.ENOLCK))
    utime = os.utime
    monkeypatch.setattr(os, "utime", lambda path: utime(path, (time.time() + skew_seconds,) * 2))
    begun, other = threading.Event(), HeartbeatLock(path, "images")

    def wait_for_it():
        with other:
            begun.set()

    with HeartbeatLock(path, "images"):
        thread = threading.Thread(target=wait_for_it)
        thread.start()
        assert not begun.wait(2 * STALE_SECONDS)
        assert other.holder == f"process {os.getpid()} on {socket.gethostname()}"
    assert begun.wait(10)
    thread.join(10)
    assert caplog.messages[0].startswith(f"process {os.getpid()} on {socket.gethostname()}")
    assert not path.exists()
    assert not is_held(path)


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(20))])
def test_of_many_that_take_a_lock_over_one_wins(seed, path, monkeypatch):
    """Each step is delayed at random; winners give the lock back, or end as if killed."""
    monkeypatch.setattr(heartbeat_lock, "STALE_SECONDS", 0.05)
    rng = random.Random(seed)
    leave_behind(path, "another machine", monkeypatch)
    for name in ("open", "unlink", "replace", "close"):
        real = getattr(os, name)

        def delayed(*args, _real=real, **options):
            if rng.random() < 0.3:
                time.sleep(rng.uniform(0, 0.003))
            return _real(*args, **options)

        monkeypatch.setattr(os, name, delayed)
    monkeypatch.setattr(heartbeat_lock, "_kernel", lambda: str(threading.get_ident()))
    begun, together, won = {}, [], []

    def signed(lock):
        """Whether a holder that the system did not let run may not be dead yet."""
        return time.monotonic() - begun[lock] < heartbeat_lock.STALE_SECONDS

    def take():
        lock = HeartbeatLock(path, "images")
        until = time.monotonic() + 0.4
        while time.monotonic() < until or len(won) < 3:
            started = time.monotonic()
            if lock.acquire():
                together.extend(other for other in list(begun) if signed(other))
                begun[lock] = started
                time.sleep(rng.uniform(0, 0.01))
                lost = lock.is_lost()
                together.extend([lock] if lost and signed(lock) else [])
                del begun[lock]
                won.append(lock)
                if not lost and rng.random() < 0.5:
                    lock.release()
                else:
                    lock._stop.set()
                    lock.close()
                    return
            time.sleep(rng.uniform(0, 0.002))

    threads = [threading.Thread(target=take) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == []
    assert len(won) > 2


def test_a_holder_that_was_stopped_finds_its_lock_taken_over_and_leaves_it(path, monkeypatch):
    stopped = HeartbeatLock(path, "images")
    monkeypatch.setattr(fcntl, "flock", refused(errno.ENOSYS))
    with monkeypatch.context() as patch:
        patch.setattr(heartbeat_lock, "BEAT_SECONDS", 10)
        assert stopped.acquire()
    with HeartbeatLock(path, "images") as other:
        assert stopped.is_lost()
        with pytest.raises(StoreError, match=r"images was taken over by process .* no sign"):
            stopped.check()
        stopped.release()
        other.check()
    with pytest.raises(StoreError, match="is gone"):
        stopped.check()


def test_an_observer_that_was_stopped_has_seen_no_silence(path, monkeypatch):
    """The folder could not be reached for an hour; afterwards the first look proves nothing."""
    leave_behind(path, "another machine", monkeypatch)
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    lock = HeartbeatLock(path, "images")
    looks = 0
    while not lock.acquire():
        looks += 1
        now[0] += 3600
    assert looks >= heartbeat_lock.MIN_LOOKS
    lock.release()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_lock_that_cannot_be_written_is_one_line_and_leaves_nothing(number, path, monkeypatch):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(StoreError, match=f"cannot lock images: {os.strerror(number)}"):
        HeartbeatLock(path, "images").__enter__()
    assert not path.exists()


def test_a_fork_of_a_killed_holder_does_not_hold_the_lock(path):
    """As the workers of multiprocessing and of data loaders are forks."""
    script = """
import os, sys, time
from pathlib import Path
from jumpduck.storage.heartbeat_lock import HeartbeatLock
HeartbeatLock(Path(sys.argv[1]), "images").__enter__()
if not os.fork():
    print(os.getpid(), flush=True)
time.sleep(600)
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", script, path], stdout=subprocess.PIPE, text=True
    )
    child = int(holder.stdout.readline())
    try:
        assert is_held(path)
        holder.kill()
        holder.wait()
        with HeartbeatLock(path, "images"):
            os.kill(child, 0)  # it lives
    finally:
        os.kill(child, signal.SIGKILL)
        holder.stdout.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_lock_is_given_back_on_a_disk_that_takes_no_further_file(number, path, monkeypatch):
    lock = HeartbeatLock(path, "images")
    assert lock.acquire()
    real = os.open

    def full(file, flags, *more):
        if flags & os.O_CREAT:
            raise OSError(number, os.strerror(number))
        return real(file, flags, *more)

    monkeypatch.setattr(os, "open", full)
    lock.release()
    assert list(path.parent.iterdir()) == []
