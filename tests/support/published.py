"""Images of a manifest as they were published in a folder, read by tifffile."""

import numpy as np
import polars as pl
import tifffile

from jumpduck.rows import SITE_KEY


def published_site(manifest, key, channels):
    """The planes of a site as one array, read from the URLs of a manifest in this order."""
    rows = manifest.filter([pl.col(name) == key[name] for name in SITE_KEY])
    urls = dict(rows.select("Metadata_Channel", "url").iter_rows())
    return np.stack([tifffile.imread(urls[name]) for name in channels])
