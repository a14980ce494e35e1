"""Three jobs of a new user, each with all that is printed."""

import polars as pl
import pytest

from tests.support.pages import matches, run

pytestmark = pytest.mark.slow  # seconds of whole commands


@pytest.fixture
def says(gallery, tmp_path):
    """Run commands as in a terminal, and compare what they print; a line of dots is anything."""
    (tmp_path / "gallery").symlink_to(gallery.gallery)
    (tmp_path / "metadata").symlink_to(gallery.metadata)

    def check(command, printed, code=0):
        done = run(f"jumpduck {command}", tmp_path)
        assert done.code == code, done
        assert matches(printed, done.out), done.out

    return check


def test_a_gene_beside_its_controls(says, tmp_path):
    says(
        "get TP53 --controls-per-plate 1 --gallery gallery --metadata metadata -o tp53/",
        """
jumpduck catalog --perturbation TP53 --gallery gallery --metadata metadata --catalog tp53/catalog.duckdb
Metadata_Source  plates  sites
source_13             1     24
-> tp53/catalog.duckdb
jumpduck manifest --perturbation TP53 --controls-per-plate 1 --catalog tp53/catalog.duckdb --manifest tp53/manifest.parquet
Metadata_Source  plates  wells  sites  files  estimated_gb  estimated_gb_kept
source_13             1      2      9     45         0.125            0.00954
negcon: wells 1, sites 3
trt: wells 1, sites 6
45 files, about 0.125 GB to fetch (estimate) -> tp53/manifest.parquet
jumpduck download --manifest tp53/manifest.parquet --out tp53/images
status   files  fetched_mb  kept_mb
...
-> tp53/images, tp53/images/results.parquet, tp53/images/sites.parquet
""",  # noqa: E501
    )
    sites = pl.read_parquet(tmp_path / "tp53" / "images" / "sites.parquet")
    wells = sites.group_by("Metadata_pert_type", "Metadata_modality", "Metadata_Name").agg(
        pl.col("Metadata_Well").n_unique()
    )
    assert sorted(wells.rows()) == [
        ("negcon", "crispr", "non-targeting", 1), ("trt", "crispr", "TP53", 1),
    ]  # fmt: skip
    files = sites.select(pl.selectors.starts_with("path_")).unpivot()["value"]
    assert files.null_count() == 0
    assert all((tmp_path / "tp53" / "images" / file).is_file() for file in files)


def test_a_mirror_of_whole_plates(says, tmp_path):
    says("catalog --gallery gallery --metadata metadata --source 3 --quiet", "")
    says(
        "plates --source 3",
        """
Metadata_Source  Metadata_Batch  Metadata_Plate  Metadata_PlateType  wells  sites  brightfield  estimated_gb  known_issues
source_3         Demo_Phenix1    JD5876c3        TARGET2                 3     21  true                0.319
""",  # noqa: E501
    )
    says(
        "manifest --plate JD5876c3 --per-well all --brightfield --manifest mirror.csv",
        """
Metadata_Source  plates  wells  sites  files  estimated_gb  estimated_gb_kept
source_3              1      3     21    126         0.319             0.0267
negcon: wells 1, sites 7
poscon: wells 1, sites 7
trt: wells 1, sites 7
126 files, about 0.319 GB to fetch (estimate) -> mirror.csv
""",
    )
    says(
        "download --manifest mirror.csv --recipe raw -o mirror",
        """
status   files  fetched_mb  kept_mb
...
-> mirror, mirror/results.parquet, mirror/sites.parquet
""",
    )
    results = pl.read_parquet(tmp_path / "mirror" / "results.parquet")
    assert results.height == 126
    for path, url in results.select("path", "url").rows():
        published = tmp_path / url.replace("s3://cellpainting-gallery", "gallery")
        assert (tmp_path / "mirror" / path).read_bytes() == published.read_bytes()
    says("verify --out mirror --manifest mirror.csv", "126 right\n...")


def test_a_training_set_of_equal_parts_that_share_no_source(says, tmp_path):
    says("catalog --gallery gallery --metadata metadata --quiet", "")
    says(
        "manifest --per-source 10 --preset held-out-source",
        """
Metadata_Source  plates  wells  sites  files  estimated_gb  estimated_gb_kept
source_13             1      4     10     50         0.139             0.0106
source_2              1      4     10     50        0.0996             0.0106
source_3              1      3     10     50         0.127             0.0106
all                   3     11     30    150         0.365             0.0318
split  Metadata_pert_type  Metadata_modality  wells  sites
test   negcon              compound               1      2
test   poscon              compound               1      2
test   trt                 compound               2      6
train  negcon              compound               1      3
train  negcon              crispr                 1      2
train  poscon              compound               1      3
train  poscon              crispr                 1      3
train  trt                 compound               1      4
train  trt                 crispr                 2      5
negcon: wells 3, sites 7
poscon: wells 3, sites 8
trt: wells 5, sites 15
150 files, about 0.365 GB to fetch (estimate) -> manifest.parquet
6 sites left out because of the role: empty 6 (--per-well empty=1 takes one of each well)
""",
    )
    says(
        "download --recipe png8 --resize 64",
        """
status   files  fetched_mb  kept_mb
...
-> images, images/results.parquet, images/sites.parquet
""",
    )
    sites = pl.read_parquet(tmp_path / "images" / "sites.parquet")
    parts = sites.group_by("Metadata_Source", "split").len()
    assert sorted(parts.rows()) == [
        ("source_13", "train", 10), ("source_2", "test", 10), ("source_3", "train", 10),
    ]  # fmt: skip
