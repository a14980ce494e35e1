"""One run at a time fills a folder."""

import json
import os
import socket

import pytest

from jumpduck.errors import StoreError
from jumpduck.storage.run_lock import locked


@pytest.mark.parametrize(("host", "free"), [(socket.gethostname(), True), ("elsewhere", False)])
def test_a_lock_left_behind_is_taken_over_only_from_a_process_of_this_host(host, free, tmp_path):
    lock = tmp_path / "lock"
    lock.write_text(json.dumps({"pid": 1, "host": host}))
    if free:
        with locked(tmp_path):
            assert json.loads(lock.read_text())["pid"] == os.getpid()
        assert lock.read_text() == ""
    else:
        with pytest.raises(StoreError, match=f"process 1 on elsewhere.* remove {lock}"):
            locked(tmp_path).__enter__()
