"""A run that ends after so many files."""

import itertools

from jumpduck.transfer.scheduler import Scheduler
from jumpduck.transfer.task_threads import TaskThreads


def interrupt(monkeypatch, after):
    """Interrupt the next run after so many files, as Ctrl-C does."""
    begun, taken = itertools.count(1), itertools.count(1)
    do, take = TaskThreads._do, Scheduler._take

    def do_some(self, task):
        if next(begun) <= after:
            do(self, task)

    def stop(self, outcome):
        take(self, outcome)
        if next(taken) == after:
            monkeypatch.undo()
            raise KeyboardInterrupt

    monkeypatch.setattr(TaskThreads, "_do", do_some)
    monkeypatch.setattr(Scheduler, "_take", stop)
