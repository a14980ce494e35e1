import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jumpduck.containers.recent_files import RecentFiles
from jumpduck.storage.repeated_requests import FetchedFile


def fetcher(fetched, name, size=10, error=None):
    def fetch():
        fetched.append(name)
        if error is not None:
            raise error
        return FetchedFile(bytes(size), None, 1)

    return fetch


def test_many_threads_fetch_a_file_once_and_who_comes_again_fetches_it_anew():
    recent, fetched, together = RecentFiles(10**6), [], threading.Barrier(8)

    def ask(number):
        together.wait()
        return recent.get("a", str(number), fetcher(fetched, "a"))

    with ThreadPoolExecutor(8) as pool:
        files = list(pool.map(ask, range(8)))
    assert fetched == ["a"]
    assert len({id(file) for file in files}) == 1
    assert recent.has("a", "new")
    assert not recent.has("a", "3")
    assert recent.get("a", "3", fetcher(fetched, "a")) is not files[0]
    assert fetched == ["a", "a"]


def test_the_files_used_last_are_kept_up_to_a_number_of_bytes():
    recent, fetched = RecentFiles(30_000), []
    for image, name in enumerate("abcacda"):
        recent.get(name, str(image), fetcher(fetched, name, 9000))
    assert fetched == ["a", "b", "c", "d"]
    recent.get("b", "again", fetcher(fetched, "b", 9000))
    assert fetched[-1] == "b"
    recent.get("large", "0", fetcher(fetched, "large", 50_000))
    assert not recent.has("large", "1")


def test_a_file_that_could_not_be_had_is_asked_for_again():
    recent, fetched = RecentFiles(10**6), []
    with pytest.raises(FileNotFoundError):
        recent.get("a", "0", fetcher(fetched, "a", error=FileNotFoundError()))
    recent.get("a", "0", fetcher(fetched, "a"))
    assert fetched == ["a", "a"]
