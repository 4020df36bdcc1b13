"""What a person asked for, refused in the first second when it cannot be done."""

import difflib
from collections.abc import Mapping
from typing import Any

from sim2real_lib.errors import InputError


def known(name: str, names: Mapping[str, Any] | tuple[str, ...], what: str) -> None:
    """Refuse a name that is not in the list, with the nearest that is.

    Raises:
        InputError: naming the nearest known name, or all of them.
    """
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}"
        raise InputError(f"there is no {what} {name!r}, {hint}")


def between(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number out of its range, both ends included.

    Raises:
        InputError: naming the range.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(f"{value!r} is not a number from {low:g} to {high:g}", where=name)


def gpus(device: str) -> list[int]:
    """The GPUs that a device names: "0,1" is [0, 1]; "cpu" and "mps" name none.

    Raises:
        InputError: for another word, a number twice, or a GPU that this machine lacks.
    """
    if device in ("cpu", "mps"):
        return []
    numbers = device.split(",")
    if not all(number.strip().isdecimal() for number in numbers):
        raise InputError(
            f"there is no device {device!r}", remedy='Use "auto", "cpu", "mps", "0" or "0,1"'
        )
    import torch

    chosen, present = [int(number) for number in numbers], torch.cuda.device_count()
    if len(set(chosen)) < len(chosen):
        raise InputError(f"device {device!r} names a GPU twice")
    if max(chosen) >= present:
        raise InputError(f"there is no GPU {max(chosen)}; this machine has {present}")
    return chosen
