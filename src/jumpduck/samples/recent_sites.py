"""The decoded images of the sites that were read last, because tiles and cells share them."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from jumpduck.imaging.tiff_reader import Plane


class RecentSites:
    """Keeps the planes of some sites.

    Parameters
    ----------
    most
        Number of sites that are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sites: OrderedDict[int, Future[Sequence[Plane]]] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type["RecentSites"], tuple[int]]:
        return RecentSites, (self._most,)

    def get(self, site: int, read: Callable[[int], Sequence[Plane]]) -> Sequence[Plane]:
        """Get the planes of a site; one thread reads them while the others that want them wait."""
        mine: Future[Sequence[Plane]] = Future()
        with self._lock:
            planes = self._sites.setdefault(site, mine)
            self._sites.move_to_end(site)
            if len(self._sites) > self._most:
                self._sites.popitem(last=False)
        if planes is mine:
            try:
                mine.set_result(read(site))
            except BaseException as error:  # noqa: BLE001 - whoever waits gets it, too
                mine.set_exception(error)
                with self._lock:
                    self._sites.pop(site, None)  # so that the next one tries again
        return planes.result()
