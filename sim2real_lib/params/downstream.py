"""What notebooks 04 and 05 share."""

from pathlib import Path

from sim2real_lib.files import resolve
from sim2real_lib.strict import Params


class Downstream(Params):
    """A notebook that reads what 01, 02 and 03 made, of its own run or of another's."""

    data_run: str = ""
    """The run whose catalog and translations are used. Empty: this one."""

    @property
    def data_folder(self) -> Path:
        """The folder of the run that holds the catalog and the translated frames, absolute."""
        return resolve(self.data_run or self.run)
