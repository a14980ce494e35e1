import time

import pytest

from jumpduck.daemon_pool import in_threads


def test_work_in_threads_stops_at_the_first_error():
    worked = []

    def work(item):
        worked.append(item)
        time.sleep(0.001)
        if item == 3:
            raise ValueError(item)

    with pytest.raises(ValueError, match="3"):
        list(in_threads(work, range(1_000), 2))
    assert len(worked) < 1_000
