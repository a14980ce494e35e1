"""Why images have no file: errors without the name of the file that each is about."""

import polars as pl


def reason() -> pl.Expr:
    """Get the reason of each row of the results, from its ``error``, ``url`` and ``path``."""
    found = pl.col("error").fill_null("")
    url = pl.col("url").fill_null("")
    for file in (url, url.str.replace("#.*$", ""), pl.col("path").fill_null("")):
        found = found.str.strip_prefix(file).str.strip_suffix(file)
    return found.str.strip_chars(": ").alias("reason")
