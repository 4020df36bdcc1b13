"""CUT and FastCUT (Park et al. 2020): one generator, held to its source patch by patch.

`G` translates domain A (source) into B (target), `D` judges its results, and `F` projects what the
first half of `G` sees of an image: a patch of the translation must resemble the same patch of the
source more than any other one (`NCE`), also where the source is a target image already
(`NCE_idt`). There is no way back, hence one generator and one discriminator.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.translation import training
from sim2real_lib.translation.cut_model import (
    Projection,
    TappedGenerator,
    draw_places,
    patch_nce,
    patches_at,
)
from sim2real_lib.translation.device import choose_layout
from sim2real_lib.translation.gan_losses import MODES, Mode, discriminator_loss, gan_loss
from sim2real_lib.translation.networks import PatchDiscriminator, at_any_size, initialise

if TYPE_CHECKING:
    from lightning_fabric import Fabric

LOSSES = ("D", "G", "NCE", "NCE_idt")
BETAS = (0.5, 0.999)


@dataclass(frozen=True)
class Settings(training.Settings):
    """What decides a CUT training's result, beside what every training has (published defaults).

    Args:
        n_blocks: residual blocks of the generator.
        ngf, ndf: channels of the generator's and the discriminator's first layer.
        gan_mode: the adversarial loss, see `gan_losses`.
        lambda_gan: weight of the generator's adversarial loss.
        lambda_nce: weight of PatchNCE. With `nce_identity` either half has half of it.
        nce_identity: whether target images, too, are translated and compared.
        flip_equivariance: whether every other translation is made of the mirrored source, and
            compared with the source as it is.
        temperature: what similarities are divided by; lower: near misses cost more.
        patches: places of each tapped layer that are compared in a step.
        projection: channels of the space in which they are compared.

    Raises:
        InputError: for values that no training can be made of.
    """

    constant: int = 200
    decay: int = 200
    n_blocks: int = 9
    ngf: int = 64
    ndf: int = 64
    gan_mode: Mode = "lsgan"
    lambda_gan: float = 1.0
    lambda_nce: float = 1.0
    nce_identity: bool = True
    flip_equivariance: bool = False
    temperature: float = 0.07
    patches: int = 256
    projection: int = 256

    @classmethod
    def cut(cls, **changes: Any) -> Self:
        """CUT as published, but for `changes`."""
        return cls(**changes)

    @classmethod
    def fast_cut(cls, **changes: Any) -> Self:
        """FastCUT as published, but for `changes`: in place of the identity half, mirrored
        sources and a tenfold weight; half of the epochs."""
        published = {
            "constant": 150,
            "decay": 50,
            "lambda_nce": 10.0,
            "nce_identity": False,
            "flip_equivariance": True,
        }
        return cls(**{**published, **changes})

    def __post_init__(self) -> None:
        super().__post_init__()
        # One patch alone has nothing to be told from.
        least = {"n_blocks": 1, "ngf": 1, "ndf": 1, "patches": 2, "projection": 1}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise InputError(f"must be {bound} or more", where=f"{name}={getattr(self, name)}")
        for name in ("lambda_gan", "lambda_nce", "temperature"):
            if not getattr(self, name) > 0:
                raise InputError("must be above 0", where=f"{name}={getattr(self, name)}")
        if self.gan_mode not in MODES:
            what = f"must be one of {', '.join(MODES)}"
            raise InputError(what, where=f"gan_mode={self.gan_mode!r}")

    def build(self, fabric: "Fabric", precision: str) -> "CUT":
        return CUT(fabric, self, precision)


class CUT:
    """Three networks, an optimizer for each, and the published training step.

    Args:
        fabric: decides device and precision, and joins the gradients of several processes.
        settings: what to train.
        precision: what the fabric computes in; the memory layout follows from it.
    """

    losses: tuple[str, ...] = LOSSES

    def __init__(self, fabric: "Fabric", settings: Settings, precision: str) -> None:
        self.fabric, self.settings = fabric, settings
        self.layout = choose_layout(precision, fabric.device)
        chance = torch.Generator().manual_seed(settings.seed)
        generator = TappedGenerator(settings.n_blocks, settings.ngf)
        discriminator = PatchDiscriminator(settings.ndf)
        initialise(generator, chance)
        initialise(discriminator, chance)
        projection = Projection(generator.widths, settings.projection, chance)
        networks = {"G": generator, "F": projection, "D": discriminator}
        self.networks = training.setup_networks(fabric, networks, self.layout, settings.compile)
        self.optimizers: dict[str, Any] = {}
        for name, network in self.networks.items():
            adam = torch.optim.Adam(network.parameters(), lr=settings.lr, betas=BETAS, fused=True)
            self.optimizers[name] = fabric.setup_optimizers(adam)

    def step(self, real_a: Tensor, real_b: Tensor, step: int) -> dict[str, float]:
        """Train on one batch of each domain, the discriminator first; see `training.Model`.

        The losses are weighted: the generator descends the sum of "G", "NCE" and "NCE_idt".
        """
        s, judge = self.settings, self.networks["D"]
        seed = random.Random(f"{s.seed} {self.fabric.global_rank} {step}").getrandbits(32)
        chance = torch.Generator().manual_seed(seed)
        mirrored = s.flip_equivariance and bool(torch.rand((), generator=chance) < 0.5)
        real = torch.cat((real_a, real_b)) if s.nce_identity else real_a
        real, real_b = (x.contiguous(memory_format=self.layout) for x in (real, real_b))

        made, sources = self.translate(real, mirrored)
        fake = made[: len(real_a)]
        loss_d = discriminator_loss(s.gan_mode, judge, real_b, fake.detach(), chance)
        self._descend(loss_d, "D")

        with training.frozen(self.fabric, judge):
            adversarial = gan_loss(s.gan_mode, judge(fake), real=True) * s.lambda_gan
            nce, nce_idt = self.contrasts(made, sources, mirrored, chance)
            self._descend(adversarial + nce + nce_idt, "G", "F")

        values = torch.stack([loss_d, adversarial, nce, nce_idt]).detach()
        mean = cast(Tensor, self.fabric.all_reduce(values))
        return dict(zip(LOSSES, mean.tolist(), strict=True))

    def translate(self, real: Tensor, mirrored: bool) -> tuple[Tensor, list[Tensor]]:
        """The translations of `real`, mirrored or not, and the features of `real` itself.

        The features carry no gradient: the translation is to follow its source, not the other way
        round. So they are what the encoder made on the way to the translation, save where that
        began with the mirrored image.
        """
        generator = self.networks["G"]
        if not mirrored:
            made, features = generator(real, "both")
            return made, [layer.detach() for layer in features]
        with torch.no_grad():
            features = generator(real, "features")
        return generator(real.flip(3)), features

    def contrasts(
        self, made: Tensor, sources: Sequence[Tensor], mirrored: bool, chance: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The weighted NCE and NCE_idt: means over images, tapped layers and places.

        Args:
            made: the translations, (N, 3, H, W), or (2 N, 3, H, W) with `nce_identity`.
            sources: features of what they were made from, (N or 2 N, width, h, w) each.
            mirrored: whether they were made from the mirror images.
            chance: what the places are drawn from.
        """
        s, project = self.settings, self.networks["F"]
        places = draw_places(sources, s.patches, chance)
        with torch.no_grad():
            keys = project(patches_at(sources, places))
        features = self.networks["G"](made, "features")
        if mirrored:
            features = [layer.flip(3) for layer in features]
        queries = project(patches_at(features, places))

        pairs = zip(queries, keys, strict=True)
        each = torch.stack([patch_nce(q, k, s.temperature) for q, k in pairs]).mean(0)
        if not s.nce_identity:
            return each.mean() * s.lambda_nce, each.new_zeros(())
        translated, same = each.chunk(2)
        return translated.mean() * s.lambda_nce / 2, same.mean() * s.lambda_nce / 2

    def _descend(self, loss: Tensor, *names: str) -> None:
        for name in names:
            self.optimizers[name].zero_grad()
        self.fabric.backward(loss)
        for name in names:
            self.optimizers[name].step()

    def preview(self, real_a: Tensor, real_b: Tensor) -> list[list[Tensor]]:
        """[source, translated] and [target, its own translation]; see `training.Model`."""
        generator, to_device = self.networks["G"], self.fabric.to_device
        return [[x, at_any_size(generator, to_device(x)).cpu()] for x in (real_a, real_b)]

    def extra_state(self) -> dict[str, Any]:
        return {}

    def restore_extra(self, extra: dict[str, Any]) -> None:
        pass
