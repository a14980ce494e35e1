"""An order of rows and features that does not depend on that of the table."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from hashlib import blake2b

import numpy as np
import polars as pl
import polars.selectors as cs

from jumpduck.errors import ProfileError
from jumpduck.profile_tables.profiles import Profiles


def ordered(profiles: Profiles, keys: Collection[str]) -> Profiles:
    """Get the rows in the order of a hash of their features, and features in that of their names.

    So neither labels nor other columns change what is drawn of the rows. Rows with the same
    features come in the order of a hash of their keys, too, and of a number where these are equal.

    Parameters
    ----------
    keys
        Columns that metrics look at; those that the table lacks do not count.

    Raises
    ------
    ProfileError
        Two rows are the same in all columns: each would be the other's nearest neighbour.
    """
    by_name = sorted(range(len(profiles.names)), key=profiles.names.__getitem__)
    features = np.ascontiguousarray(profiles.features[:, by_name])
    features += 0.0  # because -0.0 and 0.0 are one value
    everything = _texts(profiles, profiles.metadata.columns)
    of_keys = _texts(profiles, sorted({*keys}.intersection(profiles.metadata.columns)))
    hashes = [(b"", b"")] * len(features)
    equal: defaultdict[bytes, int] = defaultdict(int)
    earlier: dict[bytes, int] = {}
    for row in sorted(range(len(features)), key=everything.__getitem__):
        own = _hash(features[row].tobytes())
        same = earlier.setdefault(_hash(own + everything[row].encode()), row)
        if same != row:
            first, second = sorted((same + 1, row + 1))
            raise ProfileError(
                f"rows {first} and {second} are the same in all columns, so that each would be the "
                "other's nearest neighbour; remove one of them"
            )
        with_keys = _hash(own + of_keys[row].encode())
        equal[with_keys] += 1
        hashes[row] = own, _hash(with_keys + equal[with_keys].to_bytes(8))
    order = np.array(sorted(range(len(hashes)), key=hashes.__getitem__), np.intp)
    names = [profiles.names[at] for at in by_name]
    return profiles.with_features(features, names).select(order)


def _texts(profiles: Profiles, columns: Sequence[str]) -> list[str]:
    """Get a text of those of the columns that can be text, for each row."""
    no_text = cs.nested() | cs.object() | cs.binary() | cs.duration()
    of = profiles.metadata.select(columns).select(~no_text)
    if not of.width:
        return [""] * len(profiles)
    texts = pl.all().cast(pl.String).fill_null("\0")
    return of.select(pl.concat_str(texts, separator="\x1f")).to_series().to_list()


def _hash(text: bytes) -> bytes:
    return blake2b(text, digest_size=16).digest()
