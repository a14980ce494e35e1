"""The catalog against the best plain query, jump_download's merge, and other ways to read S3.

    just bench catalog [--plates 100 500 2378] [--rounds 1] [--only manifest choices pandas http]

Made from the real plate list and site counts (../shared/data or $JUMPDUCK_REAL_DATA). Every two
things compared run one after the other in the same round, each in a process of its own; ratios and
peak memory are printed. Absolute times mean nothing.
"""

import argparse
import asyncio
import gzip
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path

import duckdb
import polars as pl

import jumpduck
from jumpduck.collections.load_data import fetch_load_data
from jumpduck.selection.criteria import Selection
from jumpduck.stages.manifest import write_manifest
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.synthetic.gallery import write_tables
from tests.support.places import DATA

STAINS = {"DNA": 5, "RNA": 3, "ER": 4, "AGP": 2, "Mito": 1}
LATENCY = 0.03

REPLICA = """
CREATE TABLE plates AS
SELECT p.*, n_sites::INT AS n_sites, n_wells::INT AS n_wells
FROM read_csv('{data}/jump_metadata/plate.csv.gz', all_varchar = TRUE) p
JOIN read_csv('{data}/jump_metadata/stats/cpg0016_site_count.csv', all_varchar = TRUE)
    USING (Metadata_Source, Metadata_Plate)
JOIN read_csv('{data}/jump_metadata/stats/cpg0016_well_count.csv', all_varchar = TRUE)
    USING (Metadata_Source, Metadata_Plate)
ORDER BY md5(Metadata_Plate) LIMIT {plates};
CREATE TABLE wells AS
SELECT
    plates.*,
    i,
    CASE WHEN n_wells > 384 THEN
        CASE WHEN i // 48 < 26 THEN chr((65 + i // 48)::INT)
        ELSE 'A' || chr((39 + i // 48)::INT) END
        || lpad((i % 48 + 1)::VARCHAR, 2, '0')
    ELSE chr((65 + i // 24)::INT) || lpad((i % 24 + 1)::VARCHAR, 2, '0') END AS Metadata_Well
FROM plates, range(0, 1536) t(i) WHERE i < n_wells;
COPY (
    SELECT
        Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well,
        j::VARCHAR AS Metadata_Site, {urls}
    FROM wells, range(1, 11) t(j) WHERE j <= n_sites // n_wells
    ORDER BY 1, 2, 3, 4, j
) TO '{folder}/index.parquet' (COMPRESSION zstd);
COPY (SELECT COLUMNS('Metadata_.*') FROM plates)
TO '{folder}/metadata/plate.csv.gz';
COPY (
    SELECT
        Metadata_Source, Metadata_Plate, Metadata_Well,
        CASE WHEN i % 24 < 2 THEN 'JCP2022_033924'
        ELSE 'JCP2022_' || lpad((hash(Metadata_Plate, i) % 115000 + 1)::VARCHAR, 6, '0') END
        AS Metadata_JCP2022
    FROM wells
) TO '{folder}/metadata/well.csv.gz';
COPY (
    SELECT 'JCP2022_' || lpad(i::VARCHAR, 6, '0') AS Metadata_JCP2022, '' AS Metadata_InChIKey,
    '' AS Metadata_InChI, '' AS Metadata_SMILES FROM range(1, 115001) t(i)
) TO '{folder}/metadata/compound.csv.gz';
"""

# the best we could write: sampled on the narrow keys, joined once, sorted as sites
PLAIN = """
COPY (
    WITH controls AS (
        FROM read_csv('{m}/perturbation_control.csv', all_varchar = TRUE)
    ),
    known AS (
        SELECT Metadata_JCP2022, 'compound' AS modality, Metadata_InChIKey, Metadata_SMILES
        FROM read_csv('{m}/compound.csv.gz', all_varchar = TRUE)
        UNION ALL BY NAME
        SELECT Metadata_JCP2022, 'orf' AS modality, Metadata_Symbol,
            NULL AS Metadata_Transcript, NULL AS Metadata_Vector, NULL AS Metadata_Prot_Match
        FROM read_csv('{m}/orf.csv.gz', all_varchar = TRUE)
        UNION ALL BY NAME
        SELECT Metadata_JCP2022, 'crispr' AS modality, Metadata_Symbol
        FROM read_csv('{m}/crispr.csv.gz', all_varchar = TRUE)
    ),
    roles AS (
        SELECT w.*, coalesce(c.Metadata_pert_type, 'trt') AS Metadata_pert_type, c.Metadata_Name
        FROM read_csv('{m}/well.csv.gz', all_varchar = TRUE) w
        LEFT JOIN controls c USING (Metadata_JCP2022)
    ),
    keys AS (
        SELECT
            file_row_number AS n, Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well,
            Metadata_Source || '__' || Metadata_Batch || '__' || Metadata_Plate || '__'
            || Metadata_Well || '__' || Metadata_Site AS site_key
        FROM read_parquet('{f}/index.parquet', file_row_number = TRUE)
    ),
    ranked AS (
        SELECT n, site_key, r.Metadata_JCP2022, r.Metadata_pert_type, r.Metadata_Name,
            row_number() OVER (
                PARTITION BY k.Metadata_Source, k.Metadata_Batch, k.Metadata_Plate, k.Metadata_Well
                ORDER BY md5('0/' || site_key)
            ) AS turn
        FROM keys k JOIN roles r USING (Metadata_Source, Metadata_Plate, Metadata_Well)
        QUALIFY turn <= CASE r.Metadata_pert_type
            WHEN 'trt' THEN 6 WHEN 'poscon' THEN 4 WHEN 'negcon' THEN 3 ELSE 0 END
    ),
    chosen AS (
        SELECT i.*, ranked.* EXCLUDE (n, turn), p.Metadata_PlateType,
            microscopes.Metadata_Pixel_Size_Microns::DOUBLE AS um,
            known.* EXCLUDE (Metadata_JCP2022)
        FROM read_parquet('{f}/index.parquet', file_row_number = TRUE) i
        JOIN ranked ON i.file_row_number = ranked.n
        JOIN read_csv('{m}/plate.csv.gz', all_varchar = TRUE) p
            USING (Metadata_Source, Metadata_Batch, Metadata_Plate)
        LEFT JOIN read_csv('{m}/microscope_config.csv', all_varchar = TRUE) microscopes
            USING (Metadata_Source)
        LEFT JOIN known ON ranked.Metadata_JCP2022 = known.Metadata_JCP2022
        ORDER BY i.Metadata_Source, i.Metadata_Batch, i.Metadata_Plate, i.Metadata_Well,
            i.Metadata_Site::INT
    ),
    files AS (SELECT *, unnest(['DNA', 'RNA', 'ER', 'AGP', 'Mito']) AS channel FROM chosen)
    SELECT
        Metadata_Source, Metadata_Batch, Metadata_Plate, Metadata_Well, Metadata_Site,
        channel AS Metadata_Channel, Metadata_JCP2022, Metadata_Name, Metadata_pert_type,
        modality, Metadata_Symbol, Metadata_InChIKey, Metadata_SMILES,
        CASE WHEN modality <> 'compound' THEN NULL WHEN Metadata_pert_type = 'poscon' THEN 5.0
        WHEN Metadata_pert_type = 'trt' THEN CASE WHEN starts_with(Metadata_PlateType, 'TARGET')
        THEN 5.0 WHEN Metadata_Source = 'source_7' THEN 0.625 ELSE 10.0 END END AS micromolar,
        Metadata_Transcript, Metadata_Vector, Metadata_Prot_Match, NULL AS arm,
        CASE len(Metadata_Well) WHEN 3 THEN ascii(Metadata_Well) - 64
        ELSE ascii(Metadata_Well[2:]) - 38 END AS well_row, Metadata_Well[-2:]::INT AS well_column,
        Metadata_PlateType, um AS Metadata_Pixel_Size_Microns, 'image' AS kind,
        CASE channel WHEN 'DNA' THEN URL_OrigDNA WHEN 'RNA' THEN URL_OrigRNA
        WHEN 'ER' THEN URL_OrigER WHEN 'AGP' THEN URL_OrigAGP ELSE URL_OrigMito END AS url,
        NULL AS url_illum,
        Metadata_Source || '/' || Metadata_Batch || '/' || Metadata_Plate || '/' || site_key
        || '__' || channel AS path,
        NULL AS known_issue
    FROM files
) TO '{f}/plain.parquet' (COMPRESSION zstd)
"""


def replica(folder: Path, plates: int) -> None:
    write_tables(folder / "metadata")
    urls = ", ".join(
        f"'s3://cellpainting-gallery/cpg0016-jump/' || Metadata_Source || '/images/'"
        f" || Metadata_Batch || '/images/' || Metadata_Plate"
        f" || '__2021-05-02T16_02_51-Measurement1/Images/r' || lpad((i // 24 + 1)::VARCHAR, 2, '0')"
        f" || 'c' || lpad((i % 24 + 1)::VARCHAR, 2, '0') || 'f' || lpad(j::VARCHAR, 2, '0')"
        f" || 'p01-ch{number}sk1fk1fl1.tiff' AS URL_Orig{stain}"
        for stain, number in STAINS.items()
    )
    with duckdb.connect() as con:
        con.execute("SET memory_limit = '3GB'")
        con.execute(REPLICA.format(data=DATA, folder=folder, plates=plates, urls=urls))


def plain(folder: Path) -> None:
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = FALSE")
        con.execute("SET memory_limit = '6GB'")
        con.execute(f"SET temp_directory = '{folder}/spill'")
        con.execute(PLAIN.format(f=folder, m=folder / "metadata"))


def catalog(folder: Path) -> None:
    index, metadata = str(folder / "index.parquet"), str(folder / "metadata")
    jumpduck.catalog(folder / "c.duckdb", index=index, metadata=metadata)


def manifest(folder: Path) -> None:
    """The rows of the plain query, which knows of no known issues."""
    write_manifest(folder / "c.duckdb", folder / "ours.parquet", Selection(keep_known_bad=True))


def max_sites(folder: Path) -> None:
    """A budget, and the count of what is left out, as the command line asks for them."""
    selection = Selection(max_sites=100_000)
    write_manifest(folder / "c.duckdb", folder / "budget.parquet", selection, left_out=True)


def left_out(folder: Path) -> None:
    write_manifest(folder / "c.duckdb", folder / "ours.parquet", Selection(), left_out=True)


def balanced(folder: Path) -> None:
    selection = Selection(per_source=300_000)
    write_manifest(folder / "c.duckdb", folder / "balanced.parquet", selection)


def balanced_perturbations(folder: Path) -> None:
    selection = Selection(per_perturbation=40)
    write_manifest(folder / "c.duckdb", folder / "perturbations.parquet", selection)


def split(folder: Path) -> None:
    parts = {"train": 0.8, "val": 0.1, "test": 0.1}
    selection = Selection(split=parts, split_by="perturbation", keep_known_bad=True)
    write_manifest(folder / "c.duckdb", folder / "split.parquet", selection)


def merged_with_pandas(folder: Path) -> None:
    """jump_download's merge and sampling, as its specification has it."""
    import pandas as pd

    load_data = pd.DataFrame(pl.read_parquet(folder / "index.parquet").to_dict(as_series=False))
    meta = folder / "metadata"
    plates = pd.read_csv(meta / "plate.csv.gz", dtype=str)
    wells = pd.read_csv(meta / "well.csv.gz", dtype=str)
    compounds = pd.read_csv(meta / "compound.csv.gz", dtype=str)
    controls = pd.read_csv(meta / "perturbation_control.csv", dtype=str)
    complete = plates.merge(wells, on=["Metadata_Source", "Metadata_Plate"], how="outer")
    complete = complete.merge(compounds, on="Metadata_JCP2022", how="left")
    keys = ["Metadata_Source", "Metadata_Batch", "Metadata_Plate", "Metadata_Well"]
    rows = load_data.merge(complete, on=keys, how="left", indicator=True)
    roles = dict(zip(controls["Metadata_JCP2022"], controls["Metadata_pert_type"], strict=True))
    count = {"negcon": 3, "poscon": 4, "empty": 0}

    def draw(well):
        n = count.get(roles.get(well["Metadata_JCP2022"].iloc[0]), 6)
        return well.sample(min(n, len(well)), replace=False)

    rows.groupby(keys, group_keys=False)[list(rows.columns)].apply(draw).to_pickle(
        folder / "pandas.pickle"
    )


def sample(folder: Path) -> None:
    """The sites chosen, with their columns: all that the pandas way makes."""
    with duckdb.connect(str(folder / "c.duckdb"), read_only=True) as con:
        con.execute(f"COPY (FROM sample_sites(jump.sites)) TO '{folder}/sample.parquet'")


def ours(folder: Path) -> None:
    """From the files: catalog, then manifest."""
    catalog(folder)
    manifest(folder)


# --- many small files over a slow network


async def _serve(folder: Path, port: int) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                while (await reader.readline()).strip():
                    pass
                await asyncio.sleep(LATENCY)
                method, path, _ = line.decode().split()
                file = folder / path.lstrip("/")
                found = file.is_file()
                body = file.read_bytes() if found else b""
                state = "200 OK" if found else "404 Not Found"
                head = f'HTTP/1.1 {state}\r\nContent-Length: {len(body)}\r\nETag: "1"\r\n\r\n'
                writer.write(head.encode() + (body if method == "GET" else b""))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port) as server:
        await server.serve_forever()


def serve(folder: Path, port: int) -> None:
    asyncio.run(_serve(folder, port))


def small_files(folder: Path) -> pl.DataFrame:
    """Write the load_data of each plate of the index as csv.gz, and get the plates."""
    rows = pl.read_parquet(folder / "index.parquet")
    keys = ["Metadata_Source", "Metadata_Batch", "Metadata_Plate"]
    for (source, batch, plate), part in rows.partition_by(keys, as_dict=True).items():
        place = folder / f"cpg0016-jump/{source}/workspace/load_data_csv/{batch}/{plate}"
        place.mkdir(parents=True)
        data = gzip.compress(part.write_csv().encode(), 6)
        (place / "load_data_with_illum.csv.gz").write_bytes(data)
    return rows.select(keys).unique(maintain_order=True)


PORT = 9377
ROOT = f"http://127.0.0.1:{PORT}/cpg0016-jump"


def _urls(plates: pl.DataFrame) -> list[str]:
    return [
        f"{ROOT}/{source}/workspace/load_data_csv/{batch}/{plate}/load_data_with_illum.csv.gz"
        for source, batch, plate in plates.rows()
    ]


def http_ours(folder: Path, then: Callable[[list[str]], None] = lambda _: None) -> None:
    plates = pl.read_parquet(folder / "plates.parquet")
    with tempfile.TemporaryDirectory() as scratch:
        found = fetch_load_data(
            plates, ROOT, Path(scratch), ObjectReader(), lambda _done, _all: None
        )
        assert len(found.files) == plates.height
        then(found.files)


def http_ours_table(folder: Path) -> None:
    def table(files: list[str]) -> None:
        with duckdb.connect() as con:
            con.execute("SET enable_progress_bar = FALSE")
            con.execute(
                "CREATE TABLE t AS FROM "
                "read_parquet($files, union_by_name = TRUE, filename = TRUE)",
                {"files": files},
            )

    http_ours(folder, table)


def http_duckdb(folder: Path) -> None:
    plates = pl.read_parquet(folder / "plates.parquet")
    extension = next(Path(str(files("duckdb_extension_httpfs"))).rglob("httpfs.duckdb_extension"))
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = FALSE")
        con.execute(f"LOAD '{extension}'")
        con.execute(
            "CREATE TABLE t AS FROM read_csv($urls, all_varchar = TRUE, union_by_name = TRUE)",
            {"urls": _urls(plates)},
        )


def http_polars(folder: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    plates = pl.read_parquet(folder / "plates.parquet")
    stores = ObjectReader()
    with ThreadPoolExecutor(64) as network, ThreadPoolExecutor(2) as cores:

        def parse(data: bytes) -> pl.DataFrame:
            return pl.read_csv(gzip.decompress(data), infer_schema=False)

        bodies = network.map(lambda url: stores.read(url).data, _urls(plates))
        assert pl.concat(cores.map(parse, bodies)).height


# --- running


def _child(work: Callable[[Path], None], folder: Path, answer) -> None:
    if work is not merged_with_pandas:
        # jumpduck does not bring pandas; where it is, DuckDB takes a second to import it
        sys.modules["pandas"] = None
    started = time.perf_counter()
    work(folder)
    # not of getrusage: that begins with the peak of the process that started this one
    status = Path("/proc/self/status").read_text()
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1e6
    answer.put((time.perf_counter() - started, peak))


def measure(work: Callable[[Path], None], folder: Path) -> tuple[float, float]:
    """Seconds and peak gigabytes of `work` in a process of its own."""
    context = get_context("spawn")
    answer = context.SimpleQueue()
    child = context.Process(target=_child, args=(work, folder, answer))
    child.start()
    child.join()
    if child.exitcode:
        sys.exit(f"{work.__name__} failed")
    return answer.get()


def compare(
    folder: Path, rounds: int, *works: Callable[[Path], None]
) -> dict[str, tuple[float, float]]:
    seen: dict[str, list[tuple[float, float]]] = {work.__name__: [] for work in works}
    for _ in range(rounds):
        for work in works:
            seen[work.__name__].append(measure(work, folder))
    return {
        name: (statistics.median(t for t, _ in runs), max(m for _, m in runs))
        for name, runs in seen.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plates", type=int, nargs="*", default=[100, 500, 2378])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=["manifest", "choices", "pandas", "http"])
    options = parser.parse_args()
    os.environ.setdefault("JUMPDUCK_CACHE", tempfile.mkdtemp())
    if "manifest" in options.only:
        for plates in options.plates:
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch)
                replica(folder, plates)
                seen = compare(folder, options.rounds, catalog, manifest, plain)
                mine, other = (
                    pl.scan_parquet(folder / f"{name}.parquet").select("path", "url")
                    for name in ("ours", "plain")
                )
                same = mine.select(pl.len()).collect().item()
                assert mine.head(10**6).collect().equals(other.head(10**6).collect())
                assert mine.tail(10**6).collect().equals(other.tail(10**6).collect())
                assert same == other.select(pl.len()).collect().item()
                ratio = seen["manifest"][0] / seen["plain"][0]
                both = (seen["catalog"][0] + seen["manifest"][0]) / seen["plain"][0]
                print(
                    f"{plates} plates, {same:,} files: manifest / plain query {ratio:.2f}, with the"
                    f" catalog {both:.2f}; seconds "
                    + ", ".join(f"{n} {t:.1f} ({m:.1f} GB)" for n, (t, m) in seen.items()),
                    flush=True,
                )
    if "choices" in options.only:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            replica(folder, options.plates[-1])
            catalog(folder)
            works = (manifest, left_out, max_sites, balanced, balanced_perturbations, split)
            seen = compare(folder, options.rounds, *works)
            alone = seen["manifest"][0]
            print(
                f"{options.plates[-1]} plates, as many times as long as the manifest: "
                + ", ".join(
                    f"{n} {t / alone:.2f} ({t:.1f} s, {m:.1f} GB)" for n, (t, m) in seen.items()
                ),
                flush=True,
            )
    if "pandas" in options.only:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            replica(folder, 100)
            catalog(folder)
            works = (ours, manifest, sample, merged_with_pandas)
            seen = {name: t for name, (t, _) in compare(folder, 1, *works).items()}
            slow = seen.pop("merged_with_pandas")
            print(
                f"100 plates: pandas {slow:.0f} s; as many times as long as "
                + ", ".join(f"{name} {slow / t:.0f}" for name, t in seen.items()),
                flush=True,
            )
    if "http" in options.only:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            replica(folder, 300)
            small_files(folder).write_parquet(folder / "plates.parquet")
            server = get_context("spawn").Process(target=serve, args=(folder, PORT), daemon=True)
            server.start()
            time.sleep(1)
            works = (http_ours, http_polars, http_ours_table, http_duckdb)
            seen = {n: t for n, (t, _) in compare(folder, options.rounds, *works).items()}
            server.terminate()
            print(
                f"300 csv.gz, {LATENCY * 1000:.0f} ms to the first byte: DuckDB's default / ours, "
                f"both to a table, {seen['http_duckdb'] / seen['http_ours_table']:.1f}; "
                f"ours / obstore and Polars {seen['http_ours'] / seen['http_polars']:.2f}"
            )


if __name__ == "__main__":
    main()
