"""What a killed training has left: how far it got, and what of it can be believed."""

import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from sim2real_lib.detection import offline
from sim2real_lib.files import write_text


def reached(folder: Path) -> int:
    """How many whole epochs of ultralytics' folder can be gone on from.

    Rows of `results.csv` that are damaged, or of epochs after the checkpoint, are dropped: those
    epochs are trained again. Where checkpoint and results cannot be gone on from, the folder is
    removed, with a warning if that is for damage.

    Returns:
        0 when there is nothing.
    """
    last = folder / "weights" / "last.pt"
    if last.is_file():
        try:
            epochs = load(last)["epoch"] + 1
            _keep_rows(folder / "results.csv", epochs)
            return epochs
        except Exception as error:  # a damaged file can raise anything
            warnings.warn(
                f"what a killed training left in {folder} is damaged ({type(error).__name__}): "
                "it starts afresh",
                stacklevel=3,
            )
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def whole(weights: Path) -> bool:
    """Whether finished weights are there and can be read; those that cannot are told of."""
    import torch

    try:
        torch.load(weights, map_location="cpu", weights_only=False)  # our own
    except FileNotFoundError:
        return False
    except Exception as error:  # a damaged file can raise anything
        what = f"{weights} is damaged ({type(error).__name__}): it is trained again"
        warnings.warn(what, stacklevel=3)
        return False
    return True


def load(last: Path) -> dict[str, Any]:
    """A training's checkpoint, whole, made of networks and numbers alone.

    Raises:
        Exception: of any kind when it is damaged; KeyError when it is none to resume from.
    """
    offline.prepare(last.parent.parent)
    from ultralytics.nn.tasks import torch_safe_load

    checkpoint = torch_safe_load(last, safe_only=True)[0]
    for part in ("epoch", "ema", "updates", "optimizer", "train_args"):
        if checkpoint[part] is None:
            raise KeyError(part)
    return checkpoint


def losses(results: Path) -> pd.DataFrame:
    """ultralytics' `results.csv` without its empty validation columns: epoch, seconds, losses."""
    table = pd.read_csv(results).drop_duplicates("epoch", keep="last")
    names = {column: re.sub(r"^train/|_loss$", "", column) for column in table.columns}
    kept = [column for column in table.columns if column.startswith("train/")]
    return table[["epoch", "time", *kept]].rename(columns=names | {"time": "seconds"})


def _keep_rows(results: Path, epochs: int) -> None:
    """Keep one whole row for each of the first `epochs`, the last where there are two.

    Raises:
        ValueError: when none is left.
    """
    header, *lines = results.read_text(encoding="utf-8", errors="replace").splitlines()
    rows: dict[int, str] = {}
    for line in lines:
        first, *others = line.split(",")
        whole = len(others) == header.count(",") and all(others)
        if whole and first.isdecimal() and int(first) <= epochs:
            rows[int(first)] = line
    if not rows:
        raise ValueError(f"no whole row in {results}")
    write_text(results, "\n".join([header, *rows.values()]) + "\n")
