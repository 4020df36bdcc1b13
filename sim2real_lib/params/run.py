"""run.yaml: what a batch run fans out."""

import re
from typing import Annotated

from pydantic import Field, field_validator

from sim2real_lib.files import resolve
from sim2real_lib.params.ranges import Count, Names
from sim2real_lib.strict import Params

PLAIN_PATH = re.compile(r"[\w./~@+=,][\w./~@+=,-]*")


class Run(Params):
    """run.yaml: what Snakemake fans out."""

    params: Names = ["params/demo"]
    """Folders of the notebooks' params files, one or a list; of each file the first that there
    is."""
    data_run: str = ""
    """The run whose catalog and translations are shared. Empty: this one makes its own."""
    arms: Names = ["baseline", "cyclegan", "nst", "more", "oracle"]
    """The arms to train and compare: those that `04_yolo_training.yaml` spells out, and every
    translator's name."""
    seeds: Annotated[list[int], Field(min_length=1)] = [0]
    """The seeds that each arm is trained with. Several make the intervals hold for trainings, too;
    each costs the arms' time again."""
    threads: Count = 1
    """CPU threads of each job. As many jobs run at once as there are cores for."""

    @field_validator("params", mode="before")
    @classmethod
    def _one_folder_or_several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("run", "data_run", "params")
    @classmethod
    def _paths_are_plain(cls, value: str | list[str]) -> str | list[str]:
        for path in [value] if isinstance(value, str) else value:
            if path and not PLAIN_PATH.fullmatch(path):
                raise ValueError(
                    "Snakemake hands paths to a shell: use letters, digits and . _ - / + @ = , ~"
                )
        return value

    def file(self, notebook: str) -> str:
        """The params file of a notebook, as a person writes it."""
        files = [f"{folder}/{notebook}.yaml" for folder in self.params]
        return next((file for file in files if resolve(file).is_file()), files[0])
