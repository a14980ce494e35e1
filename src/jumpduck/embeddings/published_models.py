"""Models that others published: names, licences and origins; nothing is fetched."""

from pathlib import Path

import polars as pl

TABLE = Path(__file__).with_name("models.csv")


def published_models() -> pl.DataFrame:
    """Get the published models that are known here.

    Returns
    -------
    pl.DataFrame
        By ``name``: what the model ``takes``, its ``licence``, its ``origin``, the ``file`` to take
        from there, the ``sha256`` of that file, and the ``options`` of the description or the
        command line that go with it. What is not known for sure is null.
    """
    return pl.read_csv(TABLE, infer_schema=False)
