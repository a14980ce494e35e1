import pytest

from tests.support.pages import run


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder that `jumpduck demo` fills, and what it printed."""
    folder = tmp_path_factory.mktemp("pages")
    done = run("jumpduck demo", folder)
    assert done.code == 0, done.err
    return folder / "jumpduck-demo", done.out
