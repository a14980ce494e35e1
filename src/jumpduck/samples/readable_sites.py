"""Sites whose images are read, and what is done with those that cannot be."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from jumpduck.errors import ImageError, StoreError
from jumpduck.samples.files import UNREADABLE
from jumpduck.samples.in_advance import in_advance
from jumpduck.samples.site_images import SiteImages
from jumpduck.samples.unread import Unread

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ReadableSites:
    """Sites by their numbers in `images`.

    Attributes
    ----------
    images
        The sites and their images.
    unread
        Gets a row for each site that cannot be read.
    missing
        skip (such a site is left out) or raise.
    """

    images: SiteImages
    unread: Unread
    missing: str

    @contextmanager
    def naming(self, site: int) -> Generator[None]:
        """Raise ImageError or StoreError with the name of the site if it cannot be read."""
        try:
            yield
        except UNREADABLE as error:
            kind = ImageError if isinstance(error, ImageError) else StoreError
            name = " ".join(map(str, self.images.key(site)))
            raise kind(f"site {name}: {error}") from error

    def attempt(self, site: int, work: Callable[[int], _T]) -> _T | None:
        """Get what `work` returns for a site, or None if it cannot be read and is skipped."""
        try:
            with self.naming(site):
                return work(site)
        except (ImageError, StoreError) as error:
            if self.missing == "raise":
                raise
            self.unread.note(self.images.key(site), error)
            return None

    def leave_out(self, site: int, error: Exception) -> None:
        """Note that a site cannot be read, or raise why if such sites are not skipped."""

        def fail(_: int) -> None:
            raise error

        self.attempt(site, fail)

    def each(self, work: Callable[[int], _T]) -> Iterator[_T]:
        """Get what `work` returns for each site that can be read, in their order; on threads."""
        found = in_advance(
            lambda site: self.attempt(site, work),
            range(self.images.sites.height),
            self.images.files.threads,
        )
        return (one for one in found if one is not None)
