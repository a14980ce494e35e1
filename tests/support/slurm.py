"""A Slurm of one node, on loopback, started for tests and ended with them."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")

CORES = 8
"""Cores that the node says it has, so that several tasks run at once on any machine."""

START_SECONDS = 60
END_SECONDS = 30

CONFIG = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=1
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
ReturnToService=2
KillWait=5
MinJobAge=600
NodeName=localhost NodeHostname={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=20000
PartitionName=main Nodes=ALL Default=YES DefMemPerCPU=500
"""


def why_not() -> str | None:
    """Get why no Slurm can be started here."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"no Slurm: {', '.join(missing)} not installed (Debian: slurm-wlm munge)"
    return None if os.geteuid() == 0 else "no Slurm: only root can start slurmd"


def free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Slurm:
    """The commands of a user of that Slurm."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env = {"SLURM_CONF": str(folder / "slurm.conf")}

    def run(self, *words: object) -> str:
        done = subprocess.run(
            [str(word) for word in words],
            env={**os.environ, **self.env}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tasks(self, job: str) -> dict[int, dict[str, str]]:
        """Get what Slurm knows of each task of an array that has begun, by its number."""
        found = {}
        for line in self.run("scontrol", "show", "job", "--oneliner", job).splitlines():
            facts = dict(word.partition("=")[::2] for word in line.split() if "=" in word)
            if facts["ArrayTaskId"].isdecimal():
                found[int(facts["ArrayTaskId"])] = facts
        return found

    def wait(self, job: str, seconds: float = 240) -> dict[int, dict[str, str]]:
        """Return what became of the tasks when all of them have ended.

        Slurm waits for two minutes before a task begins again; here it does not.
        """
        until = time.monotonic() + seconds
        while queue := self.run("squeue", "--noheader", "--format=%i %r", "--job", job).strip():
            assert time.monotonic() < until, self.run("scontrol", "show", "job", job)
            for line in queue.splitlines():
                task, _, reason = line.partition(" ")
                if reason == "BeginTime":
                    self.run("scontrol", "update", f"JobId={task}", "StartTime=now")
            time.sleep(0.2)
        return self.tasks(job)

    def wait_until_empty(self) -> None:
        """Return when Slurm has no job any more."""
        until = time.monotonic() + END_SECONDS
        while queue := self.run("squeue", "--noheader").strip():
            assert time.monotonic() < until, queue
            time.sleep(0.1)


@contextlib.contextmanager
def slurm(folder: Path) -> Iterator[Slurm]:
    """Start a Slurm in a new folder; no process of it outlives the block."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    (folder / "key").write_bytes(os.urandom(1024))
    (folder / "key").chmod(0o600)
    host = socket.gethostname().partition(".")[0]
    config = CONFIG.format(folder=folder, ports=free_ports(2), host=host, cores=CORES)
    (folder / "slurm.conf").write_text(config)
    here = Slurm(folder)
    munge = [
        "munged", "--force", "--foreground", f"--socket={folder}/munge.socket",
        f"--key-file={folder}/key", f"--pid-file={folder}/munged.pid",
        f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed",
    ]  # fmt: skip
    with contextlib.ExitStack() as running:
        log = running.enter_context((folder / "log").open("w"))

        def start(*words: str) -> None:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *words],
                env={**os.environ, **here.env},
                stdout=log,
                stderr=log,
            )
            running.callback(_end, process)

        start(*munge)
        start("slurmctld", "-D")
        start("slurmd", "-D", "-N", "localhost")
        until = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(AssertionError):
                if "idle" in here.run("sinfo", "--noheader"):
                    break
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.1)
        try:
            yield here
        finally:
            here.run("scancel", "--user=root", "--signal=KILL", "--full")
            here.run("scancel", "--user=root")
            here.wait_until_empty()


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
