"""Why images have no file: errors without the name of the file that each is about."""

import polars as pl

CHANNEL = "Metadata_Channel"


def reason() -> pl.Expr:
    """Get the reason of each row of the results, from its ``error``, ``url`` and ``path``."""
    found = pl.col("error").fill_null("")
    url = pl.col("url").fill_null("")
    # before an error about one image of a site's file
    channel = pl.concat_str(pl.lit("channel "), CHANNEL, pl.lit(": "))
    is_named = found.str.starts_with(channel).fill_null(value=False)
    found = pl.when(is_named).then(found.str.strip_prefix(channel)).otherwise(found)
    for file in (url, url.str.replace("#.*$", ""), pl.col("path").fill_null("")):
        found = found.str.strip_prefix(file).str.strip_suffix(file)
    found = found.str.strip_chars(": ")
    return pl.when(is_named).then(channel + found).otherwise(found).alias("reason")


def reason_of_file() -> pl.Expr:
    """Get the `reason` of the file of each row: the same for all images of a site's file.

    Each of them has the same error. It is shortest where the image is the one that it is about,
    because its name is left out there.
    """
    found = reason()
    return found.sort_by(found.str.len_chars()).first().over("path").alias("reason")
