"""CycleGAN (Zhu et al. 2017), with the names of junyanz/pytorch-CycleGAN-and-pix2pix.

`G_A` translates domain A (source) into B (target) and `D_A` judges its results; `G_B` and `D_B`
go the other way. `cycle_A` compares A with its translation there and back; `idt_A` is how much
`G_A` changes what is in B already.
"""

import random
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.translation import training
from sim2real_lib.translation.device import choose_layout
from sim2real_lib.translation.gan_losses import MODES, Mode, discriminator_loss, gan_loss
from sim2real_lib.translation.networks import (
    UNET_DOWNS,
    Discriminator,
    Generator,
    PatchDiscriminator,
    PixelDiscriminator,
    ResnetGenerator,
    UnetGenerator,
    at_any_size,
    initialise,
)

if TYPE_CHECKING:
    from lightning_fabric import Fabric

LOSSES = ("D_A", "G_A", "cycle_A", "idt_A", "D_B", "G_B", "cycle_B", "idt_B")
BETAS = (0.5, 0.999)


@dataclass(frozen=True)
class Settings(training.Settings):
    """What decides a CycleGAN; the defaults are the published ones. Further ones: see the base.

    Args:
        generator: "resnet" or "unet".
        n_blocks: residual blocks of a ResNet generator (published: 9 or 6).
        n_downs: halvings of a U-Net generator (published: 8 or 7); the crop is a multiple of 2 to
            their number.
        discriminator: "patch", or "pixel" by pixel.
        d_layers: of a patch discriminator; 3: patches of 70x70 pixels.
        ngf, ndf: channels of the generators' and discriminators' first layer.
        gan_mode: what the adversarial game costs, see `gan_loss`.
        lambda_a, lambda_b: weights of the cycle losses of domain A and B.
        identity: weight of the identity losses, as a share of the cycle losses'; 0: none.
        pool: earlier translations kept to show to the discriminators; 0: none.

    Raises:
        InputError: for values that no training can be made of.
    """

    generator: Literal["resnet", "unet"] = "resnet"
    n_blocks: int = 9
    n_downs: int = 8
    discriminator: Literal["patch", "pixel"] = "patch"
    d_layers: int = 3
    ngf: int = 64
    ndf: int = 64
    gan_mode: Mode = "lsgan"
    lambda_a: float = 10.0
    lambda_b: float = 10.0
    identity: float = 0.5
    pool: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("n_blocks", "d_layers", "ngf", "ndf"):
            if getattr(self, name) < 1:
                raise InputError("must be 1 or more", where=f"{name}={getattr(self, name)}")
        for name, known in (
            ("generator", ("resnet", "unet")),
            ("discriminator", ("patch", "pixel")),
            ("gan_mode", MODES),
        ):
            if getattr(self, name) not in known:
                raise InputError(f"must be {' or '.join(known)}", where=f"{name}")
        if self.generator == "unet":
            if self.n_downs < UNET_DOWNS:
                raise InputError(f"must be {UNET_DOWNS} or more", where=f"n_downs={self.n_downs}")
            if any(side % 2**self.n_downs for side in self.crop):
                what = f"the crop's sides must be multiples of {2**self.n_downs} for this U-Net"
                raise InputError(what, where=f"crop={self.crop}", remedy="Or lower n_downs")

    def build(self, fabric: "Fabric", precision: str) -> "CycleGAN":
        return CycleGAN(fabric, self, precision)

    def new_generator(self) -> Generator:
        """A generator without weights."""
        if self.generator == "unet":
            return UnetGenerator(self.n_downs, self.ngf)
        return ResnetGenerator(self.n_blocks, self.ngf)

    def new_discriminator(self) -> Discriminator:
        """A discriminator without weights."""
        if self.discriminator == "pixel":
            return PixelDiscriminator(self.ndf)
        return PatchDiscriminator(self.ndf, self.d_layers)


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
                self.images.append(image.clone())  # the batch's memory is not kept with it
            elif chance.random() > 0.5:
                place = chance.randrange(self.size)
                image, self.images[place] = self.images[place], image.clone()
            chosen.append(image)
        return torch.stack(chosen)


class CycleGAN:
    """Four networks, two optimizers, two pools, and the published training step.

    Args:
        fabric: decides device and precision, and joins the gradients of several processes.
        settings: what to train.
        precision: what the fabric computes in; the memory layout follows from it.
    """

    losses: tuple[str, ...] = LOSSES

    def __init__(self, fabric: "Fabric", settings: Settings, precision: str) -> None:
        self.fabric, self.settings = fabric, settings
        self.layout = choose_layout(precision, fabric.device)
        networks: dict[str, Any] = {
            name: settings.new_generator() if name.startswith("G") else settings.new_discriminator()
            for name in ("G_A", "G_B", "D_A", "D_B")
        }
        self.stride = networks["G_A"].stride
        chance = torch.Generator().manual_seed(settings.seed)
        for network in networks.values():
            initialise(network, chance)
        self.networks = training.setup_networks(fabric, networks, self.layout, settings.compile)
        self.optimizers: dict[str, Any] = {}
        for kind in ("G", "D"):
            of_kind = (self.networks[f"{kind}_{side}"].parameters() for side in "AB")
            adam = torch.optim.Adam(chain(*of_kind), lr=settings.lr, betas=BETAS, fused=True)
            self.optimizers[kind] = fabric.setup_optimizers(adam)
        self.pools = {"A": ImagePool(settings.pool), "B": ImagePool(settings.pool)}

    def step(self, real_a: Tensor, real_b: Tensor, step: int) -> dict[str, float]:
        """Train on one batch of each domain, generators first; see `training.Model`."""
        real_a, real_b = (x.contiguous(memory_format=self.layout) for x in (real_a, real_b))
        with training.frozen(self.fabric, self.networks["D_A"], self.networks["D_B"]):
            losses, fake_b, fake_a = self.generator_losses(real_a, real_b)
            self._descend("G", torch.stack(list(losses.values())).sum())

        draw = f"{self.settings.seed} {self.fabric.global_rank} {step}"
        pools_chance = random.Random(draw)
        fake_b = self.pools["A"].query(fake_b.detach(), pools_chance)
        fake_a = self.pools["B"].query(fake_a.detach(), pools_chance)
        chance = torch.Generator().manual_seed(pools_chance.getrandbits(63))
        mode = self.settings.gan_mode
        judged = {
            "D_A": discriminator_loss(mode, self.networks["D_A"], real_b, fake_b, chance),
            "D_B": discriminator_loss(mode, self.networks["D_B"], real_a, fake_a, chance),
        }
        self._descend("D", judged["D_A"] + judged["D_B"])

        values = torch.stack([{**losses, **judged}[name].detach() for name in LOSSES])
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
            "G_A": gan_loss(s.gan_mode, d_a(fake_b), real=True),
            "G_B": gan_loss(s.gan_mode, d_b(fake_a), real=True),
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

    def preview(self, real_a: Tensor, real_b: Tensor) -> list[list[Tensor]]:
        """Each frame, its translation, and the translation back; see `training.Model`."""
        rows = []
        for frame, there, back in ((real_a, "G_A", "G_B"), (real_b, "G_B", "G_A")):
            translated = self._translate(there, frame)
            rows.append([frame, translated, self._translate(back, translated)])
        return rows

    def _translate(self, name: str, images: Tensor) -> Tensor:
        frames = cast(Tensor, self.fabric.to_device(images))
        return at_any_size(self.networks[name], frames, self.stride).cpu()

    def extra_state(self) -> dict[str, Any]:
        """The pools of all processes, one row each."""
        pools = {}
        for name, pool in self.pools.items():
            if pool.images:
                gathered = cast(Tensor, self.fabric.all_gather(torch.stack(pool.images)))
                shape = pool.images[0].shape
                pools[name] = gathered.reshape(self.fabric.world_size, -1, *shape)
        return pools

    def restore_extra(self, extra: dict[str, Any]) -> None:
        """Take this process's share of the saved pools; new processes begin with another's."""
        for name, images in extra.items():
            share = images[self.fabric.global_rank % len(images)]
            own = cast(Tensor, self.fabric.to_device(share))
            self.pools[name].images = list(own)
