"""A detector's network from a file that may be anybody's: nothing in the file is run."""

import pickle
from pathlib import Path
from typing import Any

from sim2real_lib.detection import offline
from sim2real_lib.errors import InputError

DAMAGED = (OSError, RuntimeError, EOFError, ValueError, TypeError, AttributeError, KeyError,
           IndexError, ImportError, pickle.UnpicklingError)  # fmt: skip


def network(weights: Path, folder: Path, remedy: str) -> Any:
    """The detector in ultralytics' file, on the CPU.

    Args:
        weights: from `train.train`, or ultralytics' own for detection.
        folder: where ultralytics may keep its settings.
        remedy: what to do when it is none.

    Raises:
        InputError: for a file that is missing, damaged or of another format, or that asks for
            anything but layers of networks.
    """
    offline.prepare(folder)
    from ultralytics import YOLO

    if not weights.is_file():  # ultralytics would look elsewhere, and on the network
        raise InputError("there are no weights here", where=weights, remedy=remedy)
    if weights.suffix != ".pt":  # of what ultralytics reads, some is programs
        raise InputError("weights are a file .pt", where=weights, remedy=remedy)
    try:
        found: Any = YOLO(weights, task="detect").model
        if list(found.names) != list(range(len(found.names))):
            raise ValueError("the classes have no names")
    except DAMAGED as error:
        raise damaged("not a detector's weights", weights, error, remedy) from error
    return found


def damaged(what: str, path: Path, error: Exception, remedy: str) -> InputError:
    """The error of a file that a library could not read, with the beginning of its reason."""
    reason = " ".join(str(error).split())[:200]
    return InputError(f"{what} ({reason})", where=path, remedy=remedy)
