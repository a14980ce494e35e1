"""A picture is drawn in a terminal that says that it can."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

import pytest

import jumpduck

SIXEL = b"\x1b[?62;4c"
"""What a terminal with sixels answers to the question what it can."""

DRAWING = b"\x1bP"
"""Begins a picture in sixels."""


@pytest.fixture(scope="module")
def images(catalog, tmp_path_factory):
    out = tmp_path_factory.mktemp("images")
    jumpduck.download(jumpduck.manifest(catalog, genes="TP53", channels="DNA"), out)
    return out


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "is_drawn"), [(SIXEL, True), (b"\x1b[?62c", False)])
def test_a_terminal_that_can_show_pictures_shows_it_and_any_the_path(
    images, tmp_path, answer, is_drawn
):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 1000, 800))
    os.write(ours, answer)  # it waits there until it is asked for, so that no time limit matters
    words = ("show", "TP53", "--sites", "1", "--out", str(images))
    with subprocess.Popen(
        [sys.executable, "-m", "jumpduck", *words], stdin=theirs, stdout=theirs, cwd=tmp_path
    ) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                said += os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                break
    os.close(ours)
    assert process.returncode == 0
    assert b"-> show.png" in said
    assert (DRAWING in said) == is_drawn
