"""One progress bar for every long loop: live where a person watches, lines in a batch run."""

import os
import sys
from typing import Any

from tqdm import tqdm


def bar(*args: Any, **kwargs: Any) -> tqdm:
    """A plain `tqdm`; where SIM2REAL_BATCH is set (Snakemake), a line each 15 s instead.

    Plain, because `tqdm.auto` stays at 0% under papermill. On standard output, because notebooks
    paint standard error as if it were one. Lines in a batch, because parallel jobs share one
    terminal and would overwrite each other's bar; there papermill passes standard error on.
    """
    kwargs.setdefault("file", sys.stdout)
    if os.environ.get("SIM2REAL_BATCH"):
        kwargs |= {"file": sys.stderr, "mininterval": 15, "maxinterval": 15, "leave": False}
        kwargs["bar_format"] = (
            "  {desc}: {n_fmt}/{total_fmt} {unit} · {elapsed}, {remaining} left{postfix}\n"
        )
    return tqdm(*args, **kwargs)
