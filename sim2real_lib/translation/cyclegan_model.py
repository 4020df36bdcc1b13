"""CycleGAN's arithmetic, with the names of junyanz/pytorch-CycleGAN-and-pix2pix.

`G_A` translates domain A (source) into B (target) and `D_A` judges its results; `G_B` and `D_B`
go the other way. `cycle_A` compares A with its translation there and back; `idt_A` is how much
`G_A` changes what is in B already.
"""

import random
from collections.abc import Callable
from contextlib import ExitStack
from itertools import chain
from typing import Any, cast

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from sim2real_lib.translation.cyclegan_settings import Settings
from sim2real_lib.translation.device import choose_layout
from sim2real_lib.translation.networks import (
    PatchDiscriminator,
    ResnetGenerator,
    at_any_size,
    initialise,
)

LOSSES = ("D_A", "G_A", "cycle_A", "idt_A", "D_B", "G_B", "cycle_B", "idt_B")
BETAS = (0.5, 0.999)


class ImagePool:
    """The last translations, to show discriminators more than the newest (Shrivastava et al. 2017).

    Args:
        size: how many images to keep; 0: none, every query returns what it is given.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.images: list[Tensor] = []

    def query(self, images: Tensor, chance: random.Random) -> Tensor:
        """As many images as given, (N, 3, H, W): each the given one or, half of the time once the
        pool is full, an earlier one that the given one replaces."""
        if self.size == 0:
            return images
        chosen = []
        for image in images:
            if len(self.images) < self.size:
                self.images.append(image)
            elif chance.random() > 0.5:
                place = chance.randrange(self.size)
                image, self.images[place] = self.images[place], image
            chosen.append(image)
        return torch.stack(chosen)


class CycleGAN:
    """Four networks, two optimizers, two pools, and the published training step.

    Args:
        fabric: decides device and precision, and joins the gradients of several processes.
        settings: what to train.
        precision: what the fabric computes in; the memory layout follows from it.
    """

    def __init__(self, fabric: Fabric, settings: Settings, precision: str) -> None:
        self.fabric, self.settings = fabric, settings
        self.layout = choose_layout(precision, fabric.device)
        generator = torch.Generator().manual_seed(settings.seed)
        self.networks: dict[str, Any] = {}
        for name in ("G_A", "G_B", "D_A", "D_B"):
            network: nn.Module = (
                ResnetGenerator(settings.n_blocks, settings.ngf)
                if name.startswith("G")
                else PatchDiscriminator(settings.ndf)
            )
            initialise(network, generator)
            network.to(memory_format=self.layout)
            self.networks[name] = fabric.setup_module(network)
        self.optimizers: dict[str, Any] = {}
        for kind in ("G", "D"):
            of_kind = (self.networks[f"{kind}_{side}"].parameters() for side in "AB")
            adam = torch.optim.Adam(chain(*of_kind), lr=settings.lr, betas=BETAS, fused=True)
            self.optimizers[kind] = fabric.setup_optimizers(adam)
        self.pools = {"A": ImagePool(settings.pool), "B": ImagePool(settings.pool)}

    def step(self, real_a: Tensor, real_b: Tensor, step: int, rate: float) -> dict[str, float]:
        """Train on one batch of each domain, generators first.

        Args:
            real_a, real_b: (N, 3, H, W) in [-1, 1].
            step: the step's number, from which the pools draw.
            rate: the step's learning rate.

        Returns:
            The losses before the update, in the order of `LOSSES`, over all processes.
        """
        real_a, real_b = (x.contiguous(memory_format=self.layout) for x in (real_a, real_b))
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = rate

        with self._frozen_discriminators():
            losses, fake_b, fake_a = self.generator_losses(real_a, real_b)
            self._descend("G", torch.stack(list(losses.values())).sum())

        chance = random.Random(f"{self.settings.seed} {self.fabric.global_rank} {step}")
        fake_b = self.pools["A"].query(fake_b.detach(), chance)
        fake_a = self.pools["B"].query(fake_a.detach(), chance)
        losses["D_A"] = discriminator_loss(self.networks["D_A"], real_b, fake_b)
        losses["D_B"] = discriminator_loss(self.networks["D_B"], real_a, fake_a)
        self._descend("D", losses["D_A"] + losses["D_B"])

        values = torch.stack([losses[name].detach() for name in LOSSES])
        mean = cast(Tensor, self.fabric.all_reduce(values))
        return dict(zip(LOSSES, mean.tolist(), strict=True))

    def generator_losses(
        self, real_a: Tensor, real_b: Tensor
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """The generators' weighted losses by name, and the translations (fake B, fake A)."""
        g_a, g_b, d_a, d_b = (self.networks[name] for name in ("G_A", "G_B", "D_A", "D_B"))
        s, zero = self.settings, real_a.new_zeros(())
        if s.identity > 0:
            # One call for both inputs: instance normalisation keeps images apart.
            fake_b, same_b = g_a(torch.cat((real_a, real_b))).chunk(2)
            fake_a, same_a = g_b(torch.cat((real_b, real_a))).chunk(2)
            idt_a = F.l1_loss(same_b, real_b) * s.lambda_b * s.identity
            idt_b = F.l1_loss(same_a, real_a) * s.lambda_a * s.identity
        else:
            fake_b, fake_a, idt_a, idt_b = g_a(real_a), g_b(real_b), zero, zero
        losses = {
            "G_A": lsgan(d_a(fake_b), real=True),
            "G_B": lsgan(d_b(fake_a), real=True),
            "cycle_A": F.l1_loss(g_b(fake_b), real_a) * s.lambda_a,
            "cycle_B": F.l1_loss(g_a(fake_a), real_b) * s.lambda_b,
            "idt_A": idt_a,
            "idt_B": idt_b,
        }
        return losses, fake_b, fake_a

    def _descend(self, kind: str, loss: Tensor) -> None:
        self.optimizers[kind].zero_grad()
        self.fabric.backward(loss)
        self.optimizers[kind].step()

    def _frozen_discriminators(self) -> ExitStack:
        """While the generators learn, the discriminators only pass gradients on."""
        stack = ExitStack()
        for name in ("D_A", "D_B"):
            network = self.networks[name]
            network.requires_grad_(False)
            stack.callback(network.requires_grad_, True)
            stack.enter_context(self.fabric.no_backward_sync(network))
        return stack

    def translator(self, name: str) -> Callable[[Tensor], Tensor]:
        """Generator `name` as it is now, for images of any size; result on the CPU."""

        def translate(images: Tensor) -> Tensor:
            return at_any_size(self.networks[name], self.fabric.to_device(images)).cpu()

        return translate

    def state(self) -> dict[str, Any]:
        """Everything that training changes, for a checkpoint. All processes call it."""
        pools = {}
        for name, pool in self.pools.items():
            if pool.images:
                gathered = cast(Tensor, self.fabric.all_gather(torch.stack(pool.images)))
                shape = pool.images[0].shape
                pools[name] = gathered.reshape(self.fabric.world_size, -1, *shape)
        return {**self.modules_and_optimizers(), "pools": pools}

    def modules_and_optimizers(self) -> dict[str, Any]:
        """The parts of the state that restore themselves."""
        return {**self.networks, **{f"Adam_{k}": o for k, o in self.optimizers.items()}}

    def restore_pools(self, pools: dict[str, Tensor]) -> None:
        """Take this process's share of the saved pools."""
        for name, images in pools.items():
            self.pools[name].images = list(self.fabric.to_device(images[self.fabric.global_rank]))


def lsgan(judgement: Tensor, *, real: bool) -> Tensor:
    """Least-squares GAN loss (Mao et al. 2017): mean squared distance to 1 (real) or 0."""
    return F.mse_loss(judgement.float(), torch.full_like(judgement, float(real)).float())


def discriminator_loss(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Half the sum of the losses on real and on translated images, judged in one call."""
    on_real, on_fake = discriminator(torch.cat((real, fake))).chunk(2)
    return 0.5 * (lsgan(on_real, real=True) + lsgan(on_fake, real=False))
