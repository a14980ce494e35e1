"""When files get their names."""

import threading
from queue import SimpleQueue

from jumpduck.storage.atomic_files import part_path, write_part
from jumpduck.transfer import outcome_batches
from jumpduck.transfer.committer import Committer
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.tasks import Outcome, Task


def test_a_file_that_the_disk_confirms_after_the_run_ended_gets_no_name(tmp_path, monkeypatch):
    confirmed, asked = threading.Event(), threading.Event()

    def sync_part(_file):
        asked.set()
        confirmed.wait()

    monkeypatch.setattr(outcome_batches, "sync_part", sync_part)
    target = tmp_path / "images" / "one.png"
    part = part_path("0" * 16, target, 1)
    row = {"status": "fetched", "path": "images/one.png", "size": 6}
    task = Task(1, ("s", "b", "p"), [row], {}, None)
    committed = SimpleQueue()
    committer = Committer(OutputFolder(tmp_path).plates, committed, lambda _plate: False)
    committer.start()
    committer.put(Outcome(task, [row], part, target, write_part(target, part, b"pixels")))
    assert asked.wait(10)
    committer.close(0.01)
    confirmed.set()
    committer.join(10)
    assert not committer.is_alive()
    assert not list(target.parent.iterdir())
    assert committed.empty()
