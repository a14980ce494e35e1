"""The decoded images of the sites that were read last, because tiles and cells share them."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from jumpduck.imaging.tiff_reader import Plane

MAX_BYTES = 256 << 20
"""Of the planes that a process keeps, where these are more sites than the least."""


class RecentSites:
    """Keeps the planes of some sites.

    Parameters
    ----------
    least
        Number of sites that are kept whatever they take, because their pieces come mixed: with
        fewer, an image would be decoded anew for nearly each of its pieces.
    most
        Number of sites that are kept if they take `MAX_BYTES` or less.
    """

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most
        self._sites: OrderedDict[int, Future[Sequence[Plane]]] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type["RecentSites"], tuple[int, int]]:
        return RecentSites, (self._least, self._most)

    def get(self, site: int, read: Callable[[int], Sequence[Plane]]) -> Sequence[Plane]:
        """Get the planes of a site; one thread reads them while the others that want them wait."""
        mine: Future[Sequence[Plane]] = Future()
        with self._lock:
            planes = self._sites.setdefault(site, mine)
            self._sites.move_to_end(site)
        if planes is mine:
            try:
                mine.set_result(read(site))
            except BaseException as error:
                with self._lock:
                    self._sites.pop(site, None)  # so that the next one tries again
                mine.set_exception(error)  # for the threads that wait for it
                raise
            self._make_space()
        return planes.result()

    def _make_space(self) -> None:
        with self._lock:
            sizes = [_size(one) for one in self._sites.values()]
            while len(sizes) > self._least and (len(sizes) > self._most or sum(sizes) > MAX_BYTES):
                self._sites.popitem(last=False)
                sizes.pop(0)


def _size(planes: Future[Sequence[Plane]]) -> int:
    """Get the bytes of a site; 0 while it is read."""
    if not planes.done() or planes.exception() is not None:
        return 0
    return sum(plane.nbytes for plane in planes.result())
