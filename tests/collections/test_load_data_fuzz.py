"""Whatever the bytes of a load_data file, its plate has sites, or one line that says why not."""

import gzip
import io
import resource
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from random import Random

import duckdb
import polars as pl
import pytest

import jumpduck
from jumpduck.collections import load_data
from jumpduck.collections.load_data import WantedPlate, fetch_load_data
from jumpduck.collections.text_tables import UnreadableError
from jumpduck.database.connection import frame, open_catalog
from jumpduck.storage.object_reader import ObjectReader

WIDE = (
    "Metadata_Well,Metadata_Site,URL_OrigDNA,URL_OrigER,Metadata_Filter\n"
    + "".join(
        f'A{well:02d},{site},s3://b/{well} {site} d.tif,s3://b/{well}-{site}-e.tif,"405, 570"\n'
        for well in range(1, 5)
        for site in range(3)
    )
).encode()
TABLE = pl.read_csv(WIDE, infer_schema=False)
INTERESTING = (b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"nan", b"-1", b"9" * 30)


def packed(compression):
    file = io.BytesIO()
    TABLE.write_parquet(file, compression=compression)
    return file.getvalue()


UNIT_BYTES = 1024 if sys.platform == "linux" else 1
"""Of the memory that the system says a process has had."""

TABLES = tuple(map(packed, ("uncompressed", "snappy", "zstd")))


def mutated(data, random):
    """Change `data` in one to four places."""
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(data) + 1)
        before, middle, after = data[:place], data[place : place + 32], data[place + 32 :]
        match random.randrange(6):
            case 0:
                middle = b""
            case 1:
                middle += middle
            case 2:
                middle = random.choice(INTERESTING) + middle
            case 3:
                middle = random.randbytes(len(middle))
            case 4 if middle:
                middle = bytes([middle[0] ^ (1 << random.randrange(8))]) + middle[1:]
            case _ if random.random() < 0.2:
                after = b""
        data = before + middle + after
    return data


def flipped(data, random):
    """Change one to four bits of `data`: what has offsets in it stays readable for longer."""
    data = bytearray(data)
    for _ in range(random.randint(1, 4)):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


MUTANTS = (
    ("load_data.csv", lambda random: mutated(WIDE, random)),
    ("load_data.csv", lambda random: mutated(WIDE, random)),
    ("load_data.csv.gz", lambda random: gzip.compress(mutated(WIDE, random), 1)),
    ("load_data.csv.gz", lambda random: mutated(gzip.compress(WIDE, 1), random)),
    ("load_data.parquet", lambda random: mutated(random.choice(TABLES), random)),
    ("load_data.parquet", lambda random: flipped(random.choice(TABLES), random)),
)


def write(root, plates, seed):
    """Write a mutated file into the folder of each plate."""
    random = Random(seed)
    for plate in plates:
        name, make = random.choice(MUTANTS)
        place = root / f"cpg0016-jump/source_4/workspace/load_data_csv/B1/{plate}"
        place.mkdir(parents=True)
        (place / name).write_bytes(make(random))


def check_catalog(root, gallery, folder, plates):
    """Build a catalog of the plates: each has sites, or a reason of one line."""
    metadata = folder / "metadata"
    shutil.copytree(gallery.metadata, metadata)
    lines = ["Metadata_Source,Metadata_Batch,Metadata_Plate,Metadata_PlateType"]
    lines += [f"source_4,B1,{plate},ORF" for plate in plates]
    (metadata / "plate.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    (metadata / "well.csv.gz").write_bytes(
        gzip.compress(b"Metadata_Source,Metadata_Plate,Metadata_Well,Metadata_JCP2022\n")
    )
    path = folder / "c.duckdb"
    jumpduck.catalog(path, gallery=str(root), metadata=str(metadata))
    with open_catalog(path) as con:
        said = frame(con, "SELECT Metadata_Plate, reason FROM jump.problems")
        seen = frame(con, "SELECT DISTINCT Metadata_Plate FROM jump.sites")
    assert set(said["Metadata_Plate"]) | set(seen["Metadata_Plate"]) == set(plates)
    assert said["reason"].str.len_chars().is_between(5, 300).all()
    assert not said["reason"].str.contains(r"\pC").any()


@pytest.mark.slow
def test_mutated_files_give_sites_or_a_reason(gallery, tmp_path):
    plates = [f"{number:03d}" for number in range(60)]
    write(tmp_path / "gallery", plates, seed=1)
    check_catalog(tmp_path / "gallery", gallery, tmp_path, plates)


@pytest.mark.slow
def test_thousands_of_mutated_files_are_read_or_give_a_reason_in_little_memory(tmp_path):
    """One file after the other in two threads, without the folders of as many plates."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    reasons = []

    def some(seed):
        random, target = Random(seed), tmp_path / f"{seed}.parquet"
        with con.cursor() as own:
            for _ in range(250):
                name, make = random.choice(MUTANTS)
                try:
                    load_data._convert(name, make(random), target, own, load_data.OF_JUMP)
                except UnreadableError as reason:
                    reasons.append(str(reason))
                else:
                    table = pl.read_parquet(target)
                    assert set(table.dtypes) == {pl.String}
                    assert table.height <= 100

    with duckdb.connect(config={"threads": 1}) as con, ThreadPoolExecutor(2) as pool:
        list(pool.map(some, range(10)))
    assert len(reasons) > 250
    assert all(reason.isprintable() for reason in reasons)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * UNIT_BYTES
    assert grown < 1e9


@pytest.mark.slow
def test_a_small_file_with_a_long_text_in_each_line_is_refused_in_little_memory(tmp_path):
    text = pl.Series(["x" * 8000]).new_from_index(0, 2000)
    table = pl.DataFrame({f"URL_Orig{stain}": text for stain in ("DNA", "ER", "RNA")})
    place = tmp_path / "g/source_4/workspace/load_data_csv/B1/P"
    place.mkdir(parents=True)
    file = place / "load_data.parquet"
    pl.concat([table] * 50).lazy().sink_parquet(file, row_group_size=2000)
    assert file.stat().st_size < 1e6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wanted = [WantedPlate("source_4", "B1", "P", ("B1",))]
    found = fetch_load_data(
        wanted, str(tmp_path / "g"), tmp_path / "copy", ObjectReader(), lambda *_: None
    )
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * UNIT_BYTES
    assert [one["reason"] for one in found.unread] == [
        "load_data.parquet: more than 268,435,456 bytes of text"
    ]
    assert grown < 1e9


@pytest.mark.slow
def test_a_file_that_claims_to_be_huge_is_refused(tmp_path):
    place = tmp_path / "g/source_4/workspace/load_data_csv/B1"
    line = pl.DataFrame({"Metadata_Well": ["A01"], "URL_OrigDNA": ["x" * 300]})
    files = {
        "many/load_data.parquet": lambda file: (
            pl.concat([line] * 1).select(pl.all().repeat_by(200_000).explode()).write_parquet(file)
        ),
        "long/load_data.csv.gz": lambda file: file.write_bytes(gzip.compress(bytes(300 << 20), 1)),
    }
    for name, make in files.items():
        (place / name).parent.mkdir(parents=True)
        make(place / name)
    wanted = [WantedPlate("source_4", "B1", name, ("B1",)) for name in ("long", "many")]
    found = fetch_load_data(
        wanted, str(tmp_path / "g"), tmp_path / "copy", ObjectReader(), lambda *_: None
    )
    assert [one["reason"] for one in found.unread] == [
        "load_data.csv.gz: more than 268,435,456 bytes of text",
        "load_data.parquet: 200,000 lines, at most 100,000 are read",
    ]
