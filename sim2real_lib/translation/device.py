"""What this machine computes fast."""

import torch


def choose_device(accelerator: str = "auto") -> torch.device:
    """The device that a Lightning accelerator name ("auto", "cpu", "cuda", "gpu") means here."""
    wants_cuda = accelerator in ("auto", "cuda", "gpu")
    return torch.device("cuda" if wants_cuda and torch.cuda.is_available() else "cpu")


def choose_precision(accelerator: str = "auto") -> str:
    """Lightning's name of the fastest precision that trains a GAN safely.

    bfloat16 where the hardware multiplies it; elsewhere float32, as a CPU that has to emulate
    bfloat16 takes ten times as long.
    """
    if choose_device(accelerator).type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if native else "32-true"


def choose_layout(precision: str, device: torch.device) -> torch.memory_format:
    """Channels last where it pays: on GPUs, and on CPUs in bfloat16.

    In float32 on a CPU small networks run up to a third slower in it, because normalisation works
    on planes.
    """
    pays = device.type == "cuda" or precision.startswith("bf16")
    return torch.channels_last if pays else torch.contiguous_format
