"""Croissant: what a dataset is made of, for programs (https://docs.mlcommons.org/croissant)."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from jumpduck.descriptions.cited import Cited
from jumpduck.schema import RESULTS_FILE, SITES_FILE
from jumpduck.transfer.filled_folder import FilledFolder

CROISSANT_FILE = "croissant.json"

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"

CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification prescribes."""

MEDIA_TYPES: Mapping[str, str] = {
    ".png": "image/png", ".tiff": "image/tiff", ".tif": "image/tiff", ".jxl": "image/jxl",
}  # fmt: skip

LICENCE_URLS: Mapping[str, str] = {
    "CC0 1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
}


def croissant(folder: FilledFolder, name: str, description: str, cited: Cited) -> dict[str, Any]:
    """Get the description of a folder as JSON-LD.

    It names the two tables with their SHA-256, the images by their suffixes, and each column of the
    tables with its type.

    Parameters
    ----------
    name, description
        What the dataset is called, and what it is.
    """
    suffixes = (
        folder.results.select(
            pl.col("path").str.extract(r"(\.[^./]+)$").unique().sort().drop_nulls()
        )
        .collect(engine="streaming")["path"]
        .to_list()
    )
    licences = dict.fromkeys(one.licence for one in cited.datasets if one.licence)
    description_of: dict[str, Any] = {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": name,
        "description": description,
        "distribution": [
            *(_table(folder.path / file) for file in (RESULTS_FILE, SITES_FILE)),
            *(_images(suffix) for suffix in suffixes),
        ],
        "recordSet": [
            _records("images", RESULTS_FILE, folder.results.collect_schema()),
            _records("sites", SITES_FILE, folder.sites.collect_schema()),
        ],
    }
    changed = (folder.path / RESULTS_FILE).stat().st_mtime
    description_of["datePublished"] = datetime.fromtimestamp(changed, UTC).date().isoformat()
    if licences:
        description_of["license"] = [LICENCE_URLS.get(one, one) for one in licences]
    if cited.references:
        description_of["citeAs"] = cited.bibtex
    return description_of


def _table(file: Path) -> Mapping[str, Any]:
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return {
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "contentUrl": file.name,
        "contentSize": f"{file.stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": digest,
    }


def _images(suffix: str) -> Mapping[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"images{suffix}",
        "name": f"images{suffix}",
        "encodingFormat": MEDIA_TYPES.get(suffix, "application/octet-stream"),
        "includes": f"*/**/*{suffix}",
    }


def _records(name: str, file: str, columns: Mapping[str, pl.DataType]) -> Mapping[str, Any]:
    fields: Sequence[Mapping[str, Any]] = [
        {
            "@type": "cr:Field",
            # quoted, because an @id is a part of a URL, and one with a blank is refused
            "@id": f"{name}/{quote(column, safe='')}",
            "name": column,
            "dataType": _data_type(dtype),
            "source": {"fileObject": {"@id": file}, "extract": {"column": column}},
        }
        for column, dtype in columns.items()
    ]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _data_type(dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "sc:Integer"
    if dtype.is_float():
        return "sc:Float"
    return "sc:Boolean" if dtype == pl.Boolean else "sc:Text"
