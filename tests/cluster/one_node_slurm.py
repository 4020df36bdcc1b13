"""A real Slurm of one node on loopback, for tests and to try things by hand.

`python tests/cluster/one_node_slurm.py` starts one, says how to reach it, and stops it at Ctrl-C.
Everything it writes lies in one temporary folder: keys, configuration, state, logs.
"""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "setpriv")

# Memory and GPUs are declared, not there: jobs ask for them as on a cluster, and nothing checks.
CONF = """\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={home}/munge.socket
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=2
KillWait=5
MinJobAge=86400
JobCompType=jobcomp/filetxt
JobCompLoc={home}/jobs.log
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=256000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


@dataclass(frozen=True)
class Slurm:
    """One that runs.

    Attributes:
        home: its folder; `jobs.log` in it has a line for each job that has ended.
        env: the environment in which Slurm's commands find it.
        node: its only node's name.
    """

    home: Path
    env: dict[str, str]
    node: str

    def ask(self, *command: str) -> str:
        """What a Slurm command prints, such as `ask("squeue")`."""
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=True)
        return done.stdout


def lacking() -> str:
    """Why no Slurm can be started here, "" where one can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=search_path()) is None]
    if absent:
        return f"{', '.join(absent)} not found: apt-get install slurm-wlm munge"
    return "" if os.geteuid() == 0 else "Slurm's daemons want root"


def search_path() -> str:
    """PATH with the folders of daemons, which a user's lacks."""
    return f"{os.environ['PATH']}:/usr/sbin:/sbin"


@contextmanager
def running() -> Iterator[Slurm]:
    """Start a Slurm, and stop it with all of its jobs.

    Raises:
        TimeoutError: when it does not get ready; its logs are in the message.
    """
    with ExitStack() as stack:
        # Not below pytest's folder: the path of a socket has at most 107 characters.
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        slurm = write(home)
        socket_file = f"--socket={home}/munge.socket"
        for command in (
            ("munged", "--foreground", "--force", socket_file, f"--key-file={home}/munge.key",
             f"--pid-file={home}/munged.pid", f"--log-file={home}/munged.log",
             f"--seed-file={home}/munged.seed"),
            ("slurmctld", "-D", "-f", f"{home}/slurm.conf"),
            ("slurmd", "-D", "-f", f"{home}/slurm.conf", "-N", slurm.node),
        ):  # fmt: skip
            stack.enter_context(daemon(command, slurm))
            if command[0] == "munged":
                wait(slurm, "munge", "--no-input", socket_file)
        wait(slurm, "sh", "-c", "sinfo --noheader --states=idle | grep .")
        stack.callback(slurm.ask, "scancel", "--full", "--user=root")
        yield slurm


def write(home: Path) -> Slurm:
    """Write keys and configuration below `home`."""
    for name in ("state", "spool", "bin"):
        (home / name).mkdir()
    key = home / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    host = socket.gethostname().split(".")[0]
    cpus = os.cpu_count()
    one, two = free_ports()
    conf = CONF.format(home=home, host=host, cpus=cpus, controller_port=one, node_port=two)
    (home / "slurm.conf").write_text(conf)
    (home / "gres.conf").write_text("Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n")
    # Snakemake's plugin takes the environment's SLURM_… from srun, SLURM_CONF with them.
    srun = home / "bin" / "srun"
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={home}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    srun.chmod(0o755)
    env = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    env |= {"SLURM_CONF": f"{home}/slurm.conf", "PATH": f"{home}/bin:{search_path()}"}
    return Slurm(home, env, host)


def free_ports() -> tuple[int, int]:
    """Two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


@contextmanager
def daemon(command: tuple[str, ...], slurm: Slurm) -> Iterator[None]:
    """Run a daemon in the foreground of its own process, its words in `<name>.out`."""
    with (slurm.home / f"{command[0]}.out").open("w") as out:
        process = subprocess.Popen(
            # It ends with whoever started it, killed or not.
            ["setpriv", "--pdeathsig", "TERM", *command],
            env=slurm.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def wait(slurm: Slurm, *command: str, seconds: float = 30) -> None:
    """Wait until a command succeeds."""
    end = time.monotonic() + seconds
    while subprocess.run(command, env=slurm.env, capture_output=True, check=False).returncode:
        if time.monotonic() > end:
            logs = "\n".join(p.read_text()[-2000:] for p in sorted(slurm.home.glob("*.out")))
            raise TimeoutError(f"{command[0]} did not succeed in {seconds:.0f} s\n{logs}")
        time.sleep(0.2)


if __name__ == "__main__":
    with running() as slurm:
        print(f"export SLURM_CONF={slurm.home}/slurm.conf PATH={slurm.home}/bin:$PATH")
        print("Ctrl-C stops it.", flush=True)
        with suppress(KeyboardInterrupt):
            time.sleep(1e9)
