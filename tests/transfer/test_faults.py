"""Whatever the network does: the matrix of faults, each with the exact results."""

import time

import polars as pl
import pytest

import jumpduck
from jumpduck.rows import DONE
from jumpduck.storage import outage, repeated_requests, stores
from jumpduck.storage.object_reader import ObjectReader
from jumpduck.storage.rate_limit import RateLimit
from tests.support.command_line import END_SECONDS
from tests.support.examples import first_quick
from tests.support.fault_proxy import Faults, always, at_random, once
from tests.support.folders import same

PASSING = ("503", "reset", "short", "hang", "stall", "half", "corrupt", "zero")
VICTIM = "p01-ch3sk"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(stores, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(repeated_requests, "FIRST_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(outage, "FIRST_PROBE_SECONDS", 0.02)


@pytest.fixture(scope="module")
def rows(choice_of_plate, gallery):
    """A plate, over S3."""
    rows = choice_of_plate
    return rows.with_columns(
        pl.col("url").str.replace(str(gallery.gallery), "s3://cellpainting-gallery", literal=True)
    )


@pytest.fixture(scope="module")
def few(rows):
    """Two of its sites; the file of one channel of one of them is the victim."""
    few = rows.filter(pl.col("Metadata_Well") == "A01").head(10)
    is_victim = pl.col("url").str.contains(VICTIM, literal=True)
    return few.filter(~is_victim | is_victim.is_first_distinct())


@pytest.fixture(scope="module")
def clean(rows, s3, tmp_path_factory):
    out = tmp_path_factory.mktemp("clean")
    results = jumpduck.download(rows, out, endpoint=s3.endpoint)
    assert set(results["status"]) == {"fetched"}
    return out


@first_quick(2,
    "fault",
    [
        "503", "short", "corrupt", "long",
        *(
            pytest.param(one, marks=pytest.mark.slow)
            for one in ("reset", "hang", "stall", "half", "zero", "slow")
        ),
    ],
)  # fmt: skip
def test_a_fault_that_comes_once_costs_a_request_and_nothing_else(fault, few, s3, clean, tmp_path):
    with Faults(s3.endpoint, once(fault)) as proxy:
        results = jumpduck.download(few, tmp_path, endpoint=proxy.endpoint)
    requests = 1 if fault in ("slow", "long") else 2
    assert set(results["attempts"]) == {requests}
    assert set(proxy.asked.values()) == {requests}
    same(tmp_path, clean)


@first_quick(
    4,
    ("fault", "status", "requests", "reason"),
    [
        ("503", "failed", 5, "503"),
        ("reset", "failed", 5, "5 attempts"),
        pytest.param("short", "failed", 5, "5 attempts", marks=pytest.mark.slow),
        pytest.param("hang", "failed", 5, "no answer in time", marks=pytest.mark.slow),
        pytest.param("stall", "failed", 5, "no answer in time", marks=pytest.mark.slow),
        ("corrupt", "corrupt", 5, "not those of the ETag"),
        ("broken", "corrupt", 4, "not a readable TIFF"),
        pytest.param("half", "corrupt", 4, "not a readable TIFF", marks=pytest.mark.slow),
        ("zero", "corrupt", 4, "zero-filled"),
        ("404", "missing", 1, "no such file"),
        ("403", "failed", 1, "not allowed"),
        ("elsewhere", "failed", 1, "another host"),
    ],
)
def test_a_fault_that_stays_is_the_row_of_one_file(
    fault, status, requests, reason, few, s3, clean, tmp_path, monkeypatch
):
    if fault in ("hang", "stall"):  # each of the five attempts takes that long
        monkeypatch.setattr(stores, "IDLE_SECONDS", 0.2)
    with Faults(s3.endpoint, always(fault, VICTIM)) as proxy:
        results = jumpduck.download(few, tmp_path, endpoint=proxy.endpoint)
    (row,) = results.filter(~pl.col("status").is_in(DONE)).rows(named=True)
    assert VICTIM in row["url"]
    assert (row["status"], row["attempts"]) == (status, requests)
    assert reason in row["error"]
    assert proxy.elsewhere == 0
    assert {n for path, n in proxy.asked.items() if VICTIM in path} == {requests}
    assert not (tmp_path / row["path"]).exists()
    # and the next run needs that one file only
    with Faults(s3.endpoint) as proxy:
        jumpduck.download(few, tmp_path, endpoint=proxy.endpoint)
    assert proxy.requests == 1
    same(tmp_path, clean)


def test_a_url_that_is_no_address_is_the_row_of_one_file(few, s3, clean, tmp_path):
    odd = ("http://host:port/x", "http:///x", "http://[::1/x", "s3://a b/x", "/")
    rows = few.with_columns(url=pl.Series([*odd, *few["url"][len(odd) :]]))
    results = jumpduck.download(rows, tmp_path, endpoint=s3.endpoint)
    bad = results.filter(~pl.col("status").is_in(DONE))
    assert set(bad["url"]) == set(odd)
    assert set(bad["status"]) == {"failed"}


def test_faults_in_one_request_of_ten_change_nothing(rows, s3, clean, tmp_path):
    with Faults(s3.endpoint, at_random((*PASSING, "slow", "long"), 0.1, seed=7)) as proxy:
        results = jumpduck.download(rows, tmp_path, endpoint=proxy.endpoint)
    assert proxy.requests > rows.height
    assert set(results["status"]) == {"fetched"}
    same(tmp_path, clean)


class Gone:
    """Takes a server away after some requests, and brings it back when the run waits for it."""

    def __init__(self, proxy, fault):
        self.proxy, self.fault, self.back = proxy, fault, False
        self.events = []
        proxy.rule = lambda *_: fault if proxy.requests > 40 and not self.back else None

    def __call__(self, event):
        if event["event"] in ("paused", "resumed"):
            self.events.append(event["event"])
        if event["event"] == "paused":
            self.back = True
            if self.fault == "gone":
                self.proxy.come_back()


@first_quick(
    1,
    ("fault", "connections"),
    [
        ("gone", 32),
        ("503", 1),
        *(
            pytest.param(fault, connections, marks=pytest.mark.slow)
            for fault, connections in (
                ("gone", 1),
                ("reset", 1),
                ("hang", 1),
                ("hang", 32),
                ("503", 32),
            )
        ),
    ],
)
def test_a_run_waits_while_the_network_is_gone_and_goes_on_when_it_is_back(
    fault, connections, rows, s3, clean, tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(stores, "IDLE_SECONDS", 0.5)
    with Faults(s3.endpoint) as proxy:
        gone = Gone(proxy, fault)
        results = jumpduck.download(
            rows.head(55), tmp_path, endpoint=proxy.endpoint, connections=connections, progress=gone
        )
    assert not set(results["error"].drop_nulls())
    assert gone.events == ["paused", "resumed"]
    assert set(results["status"]) == {"fetched"}
    assert "no answer from s3://cellpainting-gallery" in caplog.text
    assert "answers come again after" in caplog.text
    same(tmp_path, clean)


def test_a_run_that_waits_for_the_network_ends_at_once_when_it_is_interrupted(rows, s3, tmp_path):
    paused = []

    def interrupt(event):
        if event["event"] == "paused":
            paused.append(time.monotonic())
            raise KeyboardInterrupt

    with Faults(s3.endpoint) as proxy:
        Gone(proxy, "gone")
        with pytest.raises(KeyboardInterrupt):
            jumpduck.download(rows, tmp_path, endpoint=proxy.endpoint, progress=interrupt)
        ended = time.monotonic()
    assert ended - paused[0] < END_SECONDS


@pytest.mark.parametrize("fault", ["reset", "hang", "503"])
def test_one_file_that_fails_is_not_taken_for_a_network_that_is_gone(
    fault, few, s3, tmp_path, monkeypatch
):
    events = []
    monkeypatch.setattr(stores, "IDLE_SECONDS", 0.1)
    with Faults(s3.endpoint, always(fault, VICTIM)) as proxy:
        in_turn = few.sort(pl.col("url").str.contains(VICTIM, literal=True))
        results = jumpduck.download(
            in_turn, tmp_path, endpoint=proxy.endpoint, connections=1,
            progress=lambda event: events.append(event["event"]),
        )  # fmt: skip
    assert results["status"].to_list() == ["fetched"] * (few.height - 1) + ["failed"]
    assert results["attempts"][-1] == 5
    assert "paused" not in events


def test_a_server_that_never_answered_is_not_waited_for(few, s3, tmp_path):
    events = []
    never = pl.when(pl.row_index() > 6).then(pl.lit("http://127.0.0.1:2/x")).otherwise("url")
    results = jumpduck.download(
        few.with_columns(url=never), tmp_path, endpoint=s3.endpoint, connections=1,
        progress=lambda event: events.append(event["event"]),
    )  # fmt: skip
    assert set(results["error"].drop_nulls()) == {
        "http://127.0.0.1:2/x: no connection (5 attempts)"
    }
    assert "paused" not in events


def test_503_slows_the_whole_run_down(few, s3, tmp_path):
    with Faults(s3.endpoint, always("503", VICTIM)) as proxy:
        rows = pl.concat([few.filter(pl.col("url").str.contains(VICTIM)), few]).unique(
            "path", maintain_order=True
        )
        jumpduck.download(rows, tmp_path / "slow", endpoint=proxy.endpoint, connections=1)
    slow = proxy.times[-1] - proxy.times[-11]
    with Faults(s3.endpoint) as proxy:
        jumpduck.download(few, tmp_path / "free", endpoint=proxy.endpoint, connections=32)
    assert slow > 10 * 0.01, "50 requests a second after the first refusal, sooner bit by bit"
    assert proxy.times[-1] - proxy.times[0] < slow * len(few)


def test_a_run_stays_below_the_pace_it_was_given(few, s3, tmp_path):
    started = time.monotonic()
    jumpduck.download(few, tmp_path / "requests", endpoint=s3.endpoint, max_requests=20)
    assert time.monotonic() - started > (few.height - 1) / 20
    started = time.monotonic()
    results = jumpduck.download(
        few, tmp_path / "bits", endpoint=s3.endpoint, max_mbps=2, connections=1
    )
    megabits = (results["bytes"].sum() - results["bytes"].max()) * 8 / 1e6
    assert megabits > 0.5
    assert time.monotonic() - started > megabits / 2


def test_an_answer_that_is_cut_off_counts_as_its_bytes(few, s3, monkeypatch):
    url = few["url"][0]
    whole = len(ObjectReader(s3.endpoint).read(url).data)
    brought = []
    limit = RateLimit(max_mbps=1000)
    monkeypatch.setattr(limit, "brought", lambda size, *, good: brought.append((size, good)))
    with Faults(s3.endpoint, once("short")) as proxy:
        ObjectReader(proxy.endpoint, rate_limit=limit).read(url)
    assert brought == [(whole, False), (whole, True)]


def test_questions_whether_the_network_is_back_keep_to_the_pace(few, s3, tmp_path, monkeypatch):
    with Faults(s3.endpoint) as proxy:
        proxy.rule = lambda *_: "503" if 5 <= proxy.requests < 12 else None
        jumpduck.download(few, tmp_path, endpoint=proxy.endpoint, connections=1, max_requests=20)
    assert proxy.times[-1] - proxy.times[0] > 0.9 * (len(proxy.times) - 1) / 20


@pytest.mark.slow
def test_an_image_of_another_shape_than_its_plate_is_corrupt(rows, catalog, s3, tmp_path):
    other = jumpduck.manifest(catalog, sources=["source_2"])["url"][0]
    odd = rows["path"][3]
    mixed = rows.with_columns(
        url=pl.when(pl.col("path") == odd).then(pl.lit(other)).otherwise("url")
    )
    results = jumpduck.download(mixed, tmp_path, endpoint=s3.endpoint)
    (row,) = results.filter(~pl.col("status").is_in(DONE)).rows(named=True)
    assert (row["path"], row["status"]) == (f"{odd}.png", "corrupt")
    assert "96 x 96 pixels where the others of its plate are 128 x 128" in row["error"]
    assert not (tmp_path / f"{odd}.png").exists()


@pytest.mark.parametrize("inside", ["", "source_3", "source_3/Demo_Phenix1", ".jumpduck"])
def test_a_link_inside_the_folder_is_refused(inside, few, s3, tmp_path):
    out, victim = tmp_path / "images", tmp_path / "victim"
    victim.mkdir()
    (out / inside).parent.mkdir(parents=True, exist_ok=True)
    (out / inside).symlink_to(victim, target_is_directory=True)
    if inside:
        with pytest.raises(jumpduck.errors.StoreError, match="is a link"):
            jumpduck.download(few, out, endpoint=s3.endpoint)
        assert list(victim.iterdir()) == []
    else:  # the folder itself may be one: the user says so
        assert set(jumpduck.download(few, out, endpoint=s3.endpoint)["status"]) == {"fetched"}
