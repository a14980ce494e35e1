from importlib.util import find_spec

import pytest

import jumpduck
from jumpduck.errors import QueryError


def test_an_option_for_torch_is_refused_before_anything_is_read():
    for options, text in (
        ({"library": "jax"}, "library 'jax' is not one of numpy, torch"),
        ({"library": "torch", "kind": "list"}, "kind 'list' is not one of map, iterable"),
        ({"kind": "map"}, "kind 'map' has no effect with `library` 'numpy'"),
    ):
        with pytest.raises(QueryError, match=text):
            jumpduck.dataset("no such folder", **options)


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
def test_where_torch_is_absent_its_extra_is_named():
    with pytest.raises(QueryError) as raised:
        jumpduck.dataset("no such folder", library="torch")
    assert str(raised.value) == (
        "library 'torch' needs torch; install the extra: pip install 'jumpduck[torch]'"
    )
