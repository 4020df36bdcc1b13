"""What a person rejected, kept in a file."""

from pathlib import Path

import numpy as np
import pandas as pd

from sim2real_lib.errors import InputError
from sim2real_lib.translation import rejections


class ByHand:
    """The rejected frames, as they are and as they get.

    Args:
        file: the CSV, see `translation.rejections`; None: nothing can be rejected.

    Attributes:
        possible: whether frames can be rejected at all.
        table: the rejected frames, as from `rejections.read`.

    Raises:
        InputError: when the file is not understood.
    """

    def __init__(self, file: str | Path | None) -> None:
        self._file = None if file is None else Path(file)
        self.possible = self._file is not None
        self.table = pd.DataFrame(columns=rejections.COLUMNS, dtype="str")
        if self._file:
            self.table = rejections.read(self._file)

    def __len__(self) -> int:
        return len(self.table)

    def __contains__(self, pair: pd.Series) -> bool:
        own = (self.table[name].to_numpy() == pair[name] for name in rejections.COLUMNS)
        return bool(np.logical_and.reduce(list(own)).any())

    def change(self, pair: pd.Series, *, reject: bool) -> str:
        """Reject a pair or keep it, and save that at once; what went wrong, or nothing."""
        try:
            names = str(pair["variant"]), str(pair["frame_id"])
            assert self._file is not None  # else there is no button
            self.table = rejections.change(self._file, *names, reject=reject)
        except (InputError, OSError) as error:
            return f"not saved: {error}"
        return ""
