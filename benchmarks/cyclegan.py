"""One CycleGAN training step: the published arithmetic against ours, in one run.

Published: float32, NCHW, eager, nn.InstanceNorm2d, one call of a network for each image,
resnet_9blocks, ngf 64, ndf 64, 256x256, batch 1. Each row runs in a process of its own, for its
peak memory, on the same weights and crops. `--quick`: half of the channels and of the sides.

    python benchmarks/cyclegan.py [--quick] [--steps 4] [--rows published auto]
"""

import argparse
import itertools
import json
import platform
import random
import resource
import subprocess
import sys
import time
from datetime import date

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from sim2real_lib.translation.cyclegan import BETAS, CycleGAN, ImagePool, Settings
from sim2real_lib.translation.device import choose_device, choose_precision
from sim2real_lib.translation.networks import InstanceNorm, initialise

ROWS = {  # name -> precision and whether compiled; None: the published arithmetic
    "published": None,
    "float32": ("32-true", False),
    "float32, compiled": ("32-true", True),
    "bfloat16": ("bf16-mixed", False),
    "bfloat16, compiled": ("bf16-mixed", True),
}
SEED = 0


class Published:
    """The published step, as junyanz/pytorch-CycleGAN-and-pix2pix computes it."""

    def __init__(self, settings: Settings, device: torch.device) -> None:
        chance = torch.Generator().manual_seed(settings.seed)
        self.settings, self.device, self.networks = settings, device, {}
        for name in ("G_A", "G_B", "D_A", "D_B"):
            network: nn.Module = (
                settings.new_generator() if name[0] == "G" else settings.new_discriminator()
            )
            initialise(network, chance)
            for parent in list(network.modules()):
                for key, child in list(parent.named_children()):
                    if isinstance(child, InstanceNorm):
                        setattr(parent, key, nn.InstanceNorm2d(1))
            self.networks[name] = network.to(device)
        self.optimizers = {
            kind: torch.optim.Adam(
                itertools.chain(*(self.networks[f"{kind}_{side}"].parameters() for side in "AB")),
                lr=settings.lr,
                betas=BETAS,
            )
            for kind in "GD"
        }
        self.pools = {"A": ImagePool(settings.pool), "B": ImagePool(settings.pool)}

    def step(self, a: Tensor, b: Tensor, step: int) -> dict[str, float]:
        """One step; the losses before it."""
        s = self.settings
        g_a, g_b, d_a, d_b = (self.networks[n] for n in ("G_A", "G_B", "D_A", "D_B"))
        fake_b = g_a(a)
        rec_a = g_b(fake_b)
        fake_a = g_b(b)
        rec_b = g_a(fake_a)
        for network in (d_a, d_b):
            network.requires_grad_(False)
        self.optimizers["G"].zero_grad()
        losses = {
            "idt_A": F.l1_loss(g_a(b), b) * s.lambda_b * s.identity,
            "idt_B": F.l1_loss(g_b(a), a) * s.lambda_a * s.identity,
            "G_A": self._game(d_a(fake_b), 1.0),
            "G_B": self._game(d_b(fake_a), 1.0),
            "cycle_A": F.l1_loss(rec_a, a) * s.lambda_a,
            "cycle_B": F.l1_loss(rec_b, b) * s.lambda_b,
        }
        sum(losses.values()).backward()
        self.optimizers["G"].step()
        for network in (d_a, d_b):
            network.requires_grad_(True)
        self.optimizers["D"].zero_grad()
        chance = random.Random(f"{s.seed} 0 {step}")
        pooled = [
            self.pools[side].query(fake.detach(), chance)
            for side, fake in (("A", fake_b), ("B", fake_a))
        ]
        for name, network, real, fake in (("D_A", d_a, b, pooled[0]), ("D_B", d_b, a, pooled[1])):
            loss = (self._game(network(real), 1.0) + self._game(network(fake), 0.0)) * 0.5
            loss.backward()
            losses[name] = loss
        self.optimizers["D"].step()
        return {name: loss.item() for name, loss in losses.items()}

    @staticmethod
    def _game(judgement: Tensor, wanted: float) -> Tensor:
        return F.mse_loss(judgement, torch.full_like(judgement, wanted))


def measure(row: str, steps: int, quick: bool) -> None:
    """Train `steps` steps beside a first one that does not count; print what was seen as JSON."""
    side, channels = (128, 32) if quick else (256, 64)
    settings = Settings(ngf=channels, ndf=channels, crop=(side, side), seed=SEED)
    device = choose_device()
    model: Published | CycleGAN
    if (chosen := ROWS[row]) is None:
        model = Published(settings, device)
    else:
        precision, compiled = chosen
        settings = Settings(
            ngf=channels, ndf=channels, crop=(side, side), seed=SEED, compile=compiled
        )
        accelerator = "cuda" if device.type == "cuda" else "cpu"
        fabric = Fabric(accelerator=accelerator, devices=1, precision=precision)
        model = CycleGAN(fabric, settings, precision)
    crops = [crop.to(device) for crop in smooth_crops(2 * (steps + 1), side)]
    seconds, losses = [], {}
    for step in range(steps + 1):
        started = time.perf_counter()
        losses = model.step(crops[2 * step], crops[2 * step + 1], step)
        seconds.append(time.perf_counter() - started)
    peak = (
        torch.cuda.max_memory_allocated() / 2**20
        if device.type == "cuda"
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    )
    # The first step compiles and warms up; the least of the others is least disturbed.
    print(
        json.dumps({"first": seconds[0], "step": min(seconds[1:]), "mib": peak, "losses": losses})
    )


def smooth_crops(count: int, side: int) -> list[Tensor]:
    """(1, 3, side, side) in [-1, 1]: coloured blotches, the same in every process."""
    drawn = np.random.default_rng(SEED).uniform(-1, 1, (count, 3, 8, 8))
    small = torch.from_numpy(drawn.astype(np.float32))
    return list(F.interpolate(small, size=(side, side), mode="bicubic").clamp(-1, 1).split(1))


def main() -> None:
    """Measure every row and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rows", nargs="*", default=[])
    parser.add_argument("--measure", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.measure, asked.steps, asked.quick)
        return
    device = choose_device()
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or "CPU"
    own = choose_precision()
    print(f"{date.today()}, {name}, {torch.get_num_threads()} threads, torch {torch.__version__}; "
          f"`precision: auto` is {own} here")  # fmt: skip
    print(f"{'':20} {'s a step':>9} {'steps/s':>8} {'faster':>7} {'MiB':>7} {'first s':>8}  losses")
    reference: dict = {}
    for row in asked.rows or ROWS:
        if "bfloat16" in row and own == "32-true" and not asked.rows:
            print(f"{row:20} not measured: this hardware only emulates bfloat16")
            continue
        command = [sys.executable, __file__, "--measure", row, "--steps", str(asked.steps)]
        ended = subprocess.run(
            [*command, *["--quick"] * asked.quick], capture_output=True, text=True, check=True
        )
        seen = json.loads(ended.stdout.splitlines()[-1])
        reference = reference or seen
        apart = max(
            abs(seen["losses"][n] - loss) / abs(loss) for n, loss in reference["losses"].items()
        )
        print(f"{row:20} {seen['step']:9.3f} {1 / seen['step']:8.2f} "
              f"{reference['step'] / seen['step']:6.2f}x {seen['mib']:7.0f} {seen['first']:8.1f}  "
              f"within {apart:.2%}")  # fmt: skip


if __name__ == "__main__":
    main()
