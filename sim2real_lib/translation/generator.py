"""Translating with a trained generator, whatever trained it."""

from pathlib import Path

import torch
from torch import Tensor

from sim2real_lib.files import sha256
from sim2real_lib.translation.checkpoints import load_generator
from sim2real_lib.translation.detail import keep_detail, resize, work_size
from sim2real_lib.translation.device import choose_device
from sim2real_lib.translation.networks import at_any_size

SMALLEST_SIDE = 8  # pixels; the ResNet's reflections need some


class GeneratorTranslator:
    """Translates images with a generator of CycleGAN, CUT or FastCUT.

    Args:
        weights: a generator's file, ours or the published code's (see `load_generator`).
        scale: the frames are translated at this share of their size; training's `source_scale`.
        detail: from 0, the generator's output as it is, to 1, its colours on the frame's own
            edges; see `keep_detail`.
        accelerator: "auto", "cpu" or "gpu".

    Raises:
        InputError: when the weights cannot be used.
    """

    def __init__(
        self,
        weights: str | Path,
        *,
        scale: float = 1.0,
        detail: float = 0.0,
        accelerator: str = "auto",
    ) -> None:
        self.device = choose_device(accelerator)
        self.network = load_generator(weights).to(self.device).eval()
        self.scale, self.detail = scale, detail
        self.identity = f"generator {sha256(Path(weights))} scale {scale} detail {detail}"

    def translate(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range."""
        with torch.inference_mode():
            frames = images.to(self.device)
            small = resize(frames, work_size(frames, self.scale, SMALLEST_SIDE))
            made = at_any_size(self.network, small * 2 - 1, self.network.stride)
            return keep_detail(frames, small, (made + 1) / 2, self.detail).cpu()
