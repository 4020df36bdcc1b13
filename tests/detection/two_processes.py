"""`ddp.work` on a machine without GPUs: two processes on its CPU, joined by gloo in NCCL's place.

Everything else is what runs on GPUs: torchrun, ultralytics' samplers, DDP, our trainer. The first
process kills itself before the step that DIE_AT names.
"""

import json
import os
import signal
import sys
from pathlib import Path

import torch
from torch import distributed, nn

from sim2real_lib.detection import ddp, offline

job = Path(sys.argv[1])
offline.prepare(job.parent)
torch.set_num_threads(1)

from ultralytics.data.augment import Mosaic  # noqa: E402
from ultralytics.engine import trainer as engine  # noqa: E402

from sim2real_lib.detection import trainer  # noqa: E402
from sim2real_lib.detection.trainer import ArmTrainer  # noqa: E402

construct, on_gpus = ArmTrainer.__init__, nn.parallel.DistributedDataParallel
count, mix = ArmTrainer._count, Mosaic.get_params
composed = set()  # iterations with mosaics


def on_cpus(self, *args, **kwargs):
    construct(self, *args, **kwargs)
    self.world_size = int(os.environ["WORLD_SIZE"])  # which ultralytics counts on GPUs alone


def count_or_die(self):
    if os.environ["RANK"] == "0" and str(self.done) == os.environ.get("DIE_AT"):
        os.kill(os.getpid(), signal.SIGKILL)
    count(self)


def run(self):
    def record(mosaic, labels):
        composed.add(self.done)
        return mix(mosaic, labels)

    Mosaic.get_params = record
    engine.BaseTrainer.train(self)
    weights = torch.cat([p.detach().flatten() for p in self.model.parameters()])
    facts = {
        "steps": self.done,
        "resumed_at": self.resumed_at,
        "composed": sorted(composed),
        "images": self.train_loader.batch_size,
        "batches": len(self.train_loader),
        "weights": float(weights.double().sum()),
        "learning_rate": self.optimizer.param_groups[0]["lr"],
    }
    job.with_name(f"rank{os.environ['RANK']}.json").write_text(json.dumps(facts))


engine.select_device = lambda *_, **__: torch.device("cpu")
trainer.CHECKPOINT_SECONDS = 0
ArmTrainer.__init__, ArmTrainer.train, ArmTrainer._count = on_cpus, run, count_or_die
ArmTrainer._setup_ddp = lambda self: distributed.init_process_group("gloo")
nn.parallel.DistributedDataParallel = lambda model, device_ids, **kw: on_gpus(model, **kw)
ddp.work(job)
