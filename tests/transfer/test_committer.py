"""When files get their names."""

import threading
from queue import SimpleQueue

from jumpduck.storage.atomic_files import PartFiles, write_part
from jumpduck.transfer import committer as committer_module
from jumpduck.transfer.committer import Committer
from jumpduck.transfer.output_folder import OutputFolder
from jumpduck.transfer.worker import Outcome, Task


def test_a_file_that_the_disk_confirms_after_the_run_ended_gets_no_name(tmp_path, monkeypatch):
    confirmed, asked = threading.Event(), threading.Event()

    def sync_part(_file):
        asked.set()
        confirmed.wait()

    monkeypatch.setattr(committer_module, "sync_part", sync_part)
    target = tmp_path / "images" / "one.png"
    part = PartFiles().path_for(target)
    row = {"status": "fetched", "path": "images/one.png", "size": 6}
    task = Task(("s", "b", "p"), [row], {}, None)
    committed = SimpleQueue()
    committer = Committer(OutputFolder(tmp_path).plates, committed, lambda: False)
    committer.start()
    committer.put(Outcome(task, [row], write_part(target, part, b"pixels"), part, target))
    assert asked.wait(10)
    committer.close(0.01)
    confirmed.set()
    committer.join(10)
    assert not committer.is_alive()
    assert not list(target.parent.iterdir())
    assert committed.empty()
