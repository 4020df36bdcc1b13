"""What AdaIN and WCT2 share beyond their networks: settings, training step and translating."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.files import sha256
from sim2real_lib.images import read_rgb
from sim2real_lib.translation import training
from sim2real_lib.translation.detail import keep_detail, resize, work_size
from sim2real_lib.translation.device import choose_device, choose_layout
from sim2real_lib.translation.vgg import Network
from sim2real_lib.translation.vgg_decoder import (
    DEPTHS,
    Decoder,
    Pool,
    Unpool,
    load_encoder,
    load_pair,
)

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SMALLEST_SIDE = 32  # pixels of a working image


@dataclass(frozen=True)
class Settings(training.Settings):
    """What decides a decoder's training; the defaults learn in a minute or two on one core.

    Args:
        network: "vgg16" or "vgg19" (the papers').
        vgg_weights: see `load_features`; None as there.
        layer: the first convolution of a block, where the decoder begins. The deeper, the coarser
            what a style changes, and the longer the training: "block4_conv1" in the papers, with
            pretrained weights and some 100,000 steps.
        seed: also of VGG's weights, where they are random.

    Raises:
        InputError: for values that no training can be made of.
    """

    crop: tuple[int, int] = (64, 112)
    unit: Literal["epochs", "steps"] = "steps"
    constant: int = 150
    decay: int = 150
    lr: float = 3e-4
    network: Network = "vgg16"
    vgg_weights: str | None = None
    layer: str = "block2_conv1"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.layer not in DEPTHS:
            raise InputError(f"must be {', '.join(DEPTHS)}", where=f"layer={self.layer!r}")
        stride = 2 ** (DEPTHS[self.layer] - 1)
        if any(side % stride for side in self.crop):
            what = f"the crop's sides must be multiples of {stride} for {self.layer}"
            raise InputError(what, where=f"crop={self.crop}")


class Model:
    """A frozen encoder and a decoder that learns; each method has its own losses.

    Args:
        fabric: decides device and precision, and joins the gradients of several processes.
        settings: what to train.
        precision: what the fabric computes in; the memory layout follows from it.
        pool, unpool: between the blocks of encoder and decoder.
    """

    losses: tuple[str, ...]

    def __init__(
        self, fabric: "Fabric", settings: Settings, precision: str, pool: Pool, unpool: Unpool
    ) -> None:
        s, self.fabric, self.layout = settings, fabric, choose_layout(precision, fabric.device)
        encoder, _ = load_encoder(s.network, s.vgg_weights, s.layer, pool=pool, seed=s.seed)
        networks = {"decoder": Decoder(encoder, unpool)}
        self.encoder = encoder.to(fabric.device, memory_format=self.layout)  # type: ignore[call-overload]
        self.networks = training.setup_networks(fabric, networks, self.layout, s.compile)
        learnt = [p for p in self.networks["decoder"].parameters() if p.requires_grad]
        adam = torch.optim.Adam(learnt, lr=s.lr, fused=True)
        self.optimizers: dict[str, Any] = {"decoder": fabric.setup_optimizers(adam)}

    def weighted_losses(self, real_a: Tensor, real_b: Tensor) -> dict[str, Tensor]:
        """Weighted losses by name, of (N, 3, H, W) in [0, 1]; their sum is minimised."""
        raise NotImplementedError

    def step(self, real_a: Tensor, real_b: Tensor, step: int) -> dict[str, float]:
        """See `training.Model`."""
        images = ((x.contiguous(memory_format=self.layout) + 1) / 2 for x in (real_a, real_b))
        with self.fabric.autocast():
            losses = self.weighted_losses(*images)
        self.optimizers["decoder"].zero_grad()
        self.fabric.backward(torch.stack(list(losses.values())).sum())
        self.optimizers["decoder"].step()
        values = torch.stack([losses[name].detach() for name in self.losses])
        mean = cast(Tensor, self.fabric.all_reduce(values))
        return dict(zip(self.losses, mean.tolist(), strict=True))

    def extra_state(self) -> dict[str, Any]:
        """Nothing: all of it lies in the decoder and its optimizer."""
        return {}

    def restore_extra(self, extra: dict[str, Any]) -> None:
        """See `training.Model`."""

    def pictures(self, frame: Tensor, style: Tensor) -> list[Tensor]:
        """The frame in the style, and the frame as the decoder repeats it: (1, 3, H, W) each, in
        about [0, 1], sides multiples of the encoder's stride."""
        raise NotImplementedError

    def preview(self, real_a: Tensor, real_b: Tensor) -> list[list[Tensor]]:
        """A row: the source frame, it in the target frame's style, and it repeated."""
        frame, style = (
            pad((self.fabric.to_device(x) + 1) / 2, self.encoder.stride) for x in (real_a, real_b)
        )
        height, width = real_a.shape[2:]
        made = [x[:, :, :height, :width].float().cpu() for x in self.pictures(frame, style)]
        return [[real_a, *((x * 2 - 1).clamp(-1, 1) for x in made)]]


class FeedForwardTranslator:
    """Translates with a trained decoder; each method puts its own style between the networks.

    Args:
        weights: `latest_net_decoder.pth` of a training.
        style_paths: images of the target weather.
        network, vgg_weights, seed: the encoder's, as in the training.
        scale: frames and style images are worked on at this share of their size; training's
            `source_scale`.
        detail: from 0, the decoder's output as it is, to 1, its colours on the frame's own edges;
            see `keep_detail`.
        accelerator: "auto", "cpu" or "gpu".
        method: the name in `identity`, and `options`: what else it depends on.
        pool, unpool: the method's.

    Attributes:
        notice: a line that says which weights VGG has; it belongs into output and manifest.

    Raises:
        InputError: when weights or a style image cannot be used.
    """

    def __init__(
        self,
        weights: str | Path,
        style_paths: Sequence[str | Path],
        *,
        network: Network,
        vgg_weights: str | Path | None,
        scale: float,
        detail: float,
        seed: int,
        accelerator: str,
        method: str,
        options: str,
        pool: Pool,
        unpool: Unpool,
    ) -> None:
        if not style_paths:
            raise InputError("there is no style image", where="style_paths")
        encoder, decoder, self.notice = load_pair(
            weights, network, vgg_weights, pool=pool, unpool=unpool, seed=seed
        )
        self.device = choose_device(accelerator)
        self.encoder, self.decoder = encoder.to(self.device), decoder.to(self.device)
        self.scale, self.detail = scale, detail
        digest = hashlib.sha256(sha256(Path(weights)).encode())
        self.styles = []
        for path in style_paths:
            image = torch.from_numpy(read_rgb(path)).permute(2, 0, 1)[None] / 255
            digest.update(image.numpy().tobytes())
            self.styles.append(self.small(image.to(self.device)))
        self.identity = f"{method} {digest.hexdigest()} {options} scale {scale} detail {detail}"

    def small(self, images: Tensor) -> Tensor:
        """The images at working size."""
        return resize(images, work_size(images, self.scale, SMALLEST_SIDE))

    def finish(self, frames: Tensor, small: Tensor, translated: Tensor) -> Tensor:
        """The padded translation of the small frames at the frames' own size, on the CPU."""
        translated = translated[:, :, : small.shape[2], : small.shape[3]].clamp(0, 1)
        return keep_detail(frames, small, translated, self.detail).cpu()


def pad(images: Tensor, stride: int) -> Tensor:
    """(N, C, H, W), continued by reflection to the right and below to multiples of the stride."""
    height, width = images.shape[2:]
    return F.pad(images, (0, -width % stride, 0, -height % stride), mode="reflect")
