"""One training on several GPUs: a process each, joined by ultralytics' own DDP.

Only its workers are used. Its launcher deletes the run's folder, needs one more package, switches
rectangular batches off without a word, and rebuilds a trainer without our arguments. So torchrun
starts this very file, and each worker builds the trainer that a single GPU would have.
"""

import codecs
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT, write_json, write_text

WORKER = ["-m", "sim2real_lib.detection.ddp"]  # what each process runs, before the job's path
JOB, LOG, REFUSAL = "job.json", "ddp.log", "refusal.txt"


def train(job: dict[str, Any], processes: int, folder: Path) -> None:
    """Run one training in as many processes; the first one's progress bar is shown here.

    Args:
        job: `ArmTrainer`'s arguments, as plain values.
        processes: as many as `job["overrides"]["device"]` names GPUs.
        folder: holds the job and `ddp.log`, what the processes had to say.

    Raises:
        InputError: what a worker refused.
        RuntimeError: when the training fails otherwise, with the end of the log; "out of memory"
            is in it wherever the log says so.
    """
    write_json(folder / JOB, job)
    (folder / REFUSAL).unlink(missing_ok=True)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    torchrun = [
        "-m", "torch.distributed.run", "--standalone", "--local-addr=127.0.0.1",
        f"--nproc-per-node={processes}",
    ]  # fmt: skip
    with (
        (folder / LOG).open("wb") as log,
        subprocess.Popen(
            [sys.executable, *torchrun, *WORKER, str(folder / JOB)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        try:
            _show(process)
        except BaseException:
            process.terminate()
            raise
    if (folder / REFUSAL).is_file():
        raise InputError((folder / REFUSAL).read_text(encoding="utf-8"))
    if process.returncode:
        lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
        memory = [line for line in lines[:-60] if "out of memory" in line.lower()][:1]
        said = [f"training on {processes} GPUs failed:", *memory, *lines[-60:]]
        raise RuntimeError("\n".join(said))


def work(job: Path) -> None:
    """One of the processes."""
    from sim2real_lib.detection import offline

    offline.prepare(job.parent)
    from sim2real_lib.detection.trainer import ArmTrainer

    try:
        trainer = ArmTrainer(**json.loads(job.read_text(encoding="utf-8")))
        with redirect_stderr(sys.stdout):  # where a batch run's progress goes; errors stay there
            trainer.train()
    except InputError as error:
        write_text(job.with_name(REFUSAL), str(error))
        raise


def _show(process: subprocess.Popen) -> None:
    """Pass on what the workers print, as it comes; a bar's line has no end."""
    assert process.stdout is not None
    shown = sys.stderr if os.environ.get("SIM2REAL_BATCH") else sys.stdout
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while piece := os.read(process.stdout.fileno(), 4096):
        shown.write(decoder.decode(piece))
        shown.flush()


if __name__ == "__main__":
    work(Path(sys.argv[1]))
