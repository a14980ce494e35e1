import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jumpduck.containers.places import (
    DOUBTFUL_FRAGMENT,
    KEYS,
    PLAIN_FRAGMENT,
    WHOLE,
    check_place,
    join_place,
    split_place,
)
from jumpduck.errors import ManifestError, QueryError
from jumpduck.transfer.manifest_paths import check_rows
from tests.support.examples import examples

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
places = st.dictionaries(st.sampled_from(KEYS), text | st.text("#%&=/+, é.", max_size=8))
addresses = st.builds(
    str.__add__,
    st.sampled_from(("s3://bucket/", "https://host/", "/folder/")),
    text | st.text("#%&=/+page version", max_size=20),
)
FRAGMENTS = (
    "member=a/b.tif", "member=M%C3%A4rz/a%23b%26c%25.tif&page=3", "page=0", "pages=3-7",
    "pages=2-", "pages=2-/3", "version=3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY", "version=null&page=1",
    "checksum=SHA256:" + "0aF" * 21 + "1", "dataset=/sample/0/plate&index=0,1,2-5",
    "version=x&checksum=sha2-256-chunked:r2ACksf7fYmhufdg0FekXamoalIxYnTasl4vF4gI8e8=&page=2",
    "checksum=CRC64NVME:3bYoXS1EWSo=", "dataset=a", "array=&index=0,0", "array=0/1&index=3",
    "page=0&range=-1.5e-3,+2", "dataset=x&index=1&range=0,1", "array=a&range=0,1",
    "member=a.tif&range=.5,1.", "page=1&member=a.tif", "", "plate 1/a.tif", "member", "Page=x",
)  # fmt: skip
WRONG = (
    "member=", "member=/etc/passwd", "member=../a", "member=a/../../b", "member=a/./b",
    "member=a//b", "member=a/", "member=a%5Cb", "member=%2e%2e/a", "member=..%2Fa", "member=a%00",
    "member=a%0Ab", "member=a%7F", "member=a&member=b", "member=" + "a" * 5000,
    "dataset=", "dataset=a/../b", "dataset=//a", "dataset=a&index=-1", "dataset=a&index=",
    "dataset=a&index=1,,2", "dataset=a&index=99999999999", "dataset=a&index=" + "0," * 99 + "0",
    "dataset=a&index=1-", "dataset=a&index=1.5", "dataset=a&index=١", "index=1", "page=1&index=1",
    "array=/a", "array=../a", "array=a&version=x", "array=a&checksum=CRC64NVME:3bYoXS1EWSo=",
    "array=a&member=b", "dataset=a&member=b", "dataset=a&page=1", "member=a&index=1",
    "page=-1", "page=", "page=1e3", "page=1&pages=1-2", "pages=3", "page=100000",
    "pages=0-100000", "pages=2-1", "pages=3-/0", "pages=-/2", "pages=3-7/2", "page=1/y.tif",
    "array=&index=0,7-3",
    "range=1", "range=0,nan", "range=0,1,2", "range=inf,1", "range=,",
    "checksum=MD5:abc", "checksum=SHA256:abc", "checksum=SHA256:" + "g" * 64, "checksum=",
    "member=a&checksum=CRC64NVME:3bYoXS1EWSo=", "version=", "version=a b", "version=a%26b",
)  # fmt: skip


@examples(80)
@given(addresses, places)
def test_what_is_joined_is_split_again(address, place):
    assert split_place(join_place(address, place)) == (address, place)


@pytest.mark.parametrize(
    ("url", "address", "place"),
    [
        ("s3://b/plate#1/a.tif", "s3://b/plate#1/a.tif", {}),
        ("s3://b/plate#1/a.zip#member=x.tif", "s3://b/plate#1/a.zip", {"member": "x.tif"}),
        ("/a#page=1#", "/a#page=1", {}),
        ("/a#page=1", "/a", {"page": "1"}),
        ("/a#page=1&x", "/a#page=1&x", {}),
        ("/a.zip#member=%23%26%25%C3%A4%20b=c.tif", "/a.zip", {"member": "#&%ä b=c.tif"}),
    ],
)
def test_a_mark_in_a_name_is_told_from_a_fragment(url, address, place):
    assert split_place(url) == (address, place)
    assert split_place(join_place(address, place)) == (address, place)


def refused(url):
    try:
        check_place(url)
    except QueryError:
        return True
    return False


def test_fragments_that_say_something_sensible_pass():
    urls = [f"s3://bucket/key#{one}" for one in FRAGMENTS]
    assert [url for url in urls if refused(url)] == []
    check_rows(pl.DataFrame({"url": urls}))


@pytest.mark.parametrize("fragment", WRONG)
def test_a_fragment_that_no_file_has_is_refused_before_a_byte_is_fetched(fragment):
    url = f"s3://bucket/key#{fragment}"
    with pytest.raises(ManifestError, match="url 's3://bucket/key") as found:
        check_rows(pl.DataFrame({"url": ["s3://bucket/key", url]}))
    assert "one more # at its end" in str(found.value)


def test_a_version_is_for_s3_only():
    for address in ("https://host/a", "/folder/a"):
        with pytest.raises(ManifestError, match="s3:// only"):
            check_rows(pl.DataFrame({"url": [f"{address}#version=x"]}))


@examples(120)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(KEYS),
            st.text("a0.-,/%2eE5cfF=:&#+ ", max_size=12)
            | st.sampled_from(FRAGMENTS).map(lambda one: one.partition("=")[2]),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_the_quick_look_lets_nothing_pass_that_the_close_one_refuses(pairs):
    url = "s3://bucket/key#" + "&".join(f"{key}={value}" for key, value in pairs)
    rows = pl.Series([url])
    quick = rows.str.contains(PLAIN_FRAGMENT)[0] and not rows.str.contains(DOUBTFUL_FRAGMENT)[0]
    assert not (quick and refused(url))


def test_the_quick_look_takes_most_fragments():
    usual = pl.Series([f"s3://bucket/key#{one}" for one in FRAGMENTS[:13]])
    has_span = usual.str.contains("=[0-9,]+-[0-9]")  # of which an expression cannot tell the order
    assert usual.filter(~has_span).str.contains(PLAIN_FRAGMENT).sum() == 11
    assert not usual.str.contains(DOUBTFUL_FRAGMENT).any()
    assert re.compile(PLAIN_FRAGMENT)


def test_an_address_without_a_fragment_is_the_whole_file():
    assert split_place("s3://bucket/a b.tif") == ("s3://bucket/a b.tif", WHOLE)
