"""run.yaml: what a batch run fans out."""

import re
from typing import Annotated, Any

from pydantic import Field, field_validator

from sim2real_lib.files import resolve
from sim2real_lib.params.ranges import Count, Name, Names, Seed
from sim2real_lib.params.variants import TAGGED, Style
from sim2real_lib.strict import Params

# Of a run: no shell and no pattern of Snakemake's reads more into it than a name.
PLAIN_PATH = re.compile(r"[\w./~@+=,][\w./~@+=, -]*")
Changes = Annotated[dict[str, Any], Field(min_length=1)]  # of a notebook's parameters, by name


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
    styles: list[Style] = []
    """The weathers that arms take translated. Empty: those of `04_yolo_training.yaml`."""
    translators: dict[str, Changes] = {}
    """Further settings of translators, by a name that is an arm as well:
    `cyclegan.weak: {lambda_cycle: 5.0}` changes what the params file of 02 says, or of 03."""
    detectors: dict[Name, Changes] = {}
    """Detectors, by name: `small: {model: yolov5s}` changes what the params file of 04 says. Each
    trains every arm and has its own results and report, below the run's folder. Empty: one, as the
    file says."""
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0]
    """The seeds that each arm is trained with. Several make the intervals hold for trainings, too;
    each costs the arms' time again."""
    storage: Annotated[str, Field(pattern=r"^(s3://[a-z0-9][a-z0-9.-]+(/[\w=-][\w.=-]*)*)?$")] = ""
    """S3-compatible storage, such as `s3://bucket/sim2real`: what is finished is kept there, and
    fetched from there instead of made again. Server and credentials: `AWS_*` in the environment."""
    threads: Count = 1
    """CPU threads of each job. As many jobs run at once as there are cores for."""

    @field_validator("params", mode="before")
    @classmethod
    def _one_folder_or_several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("translators")
    @classmethod
    def _translators_have_tags(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            made = TAGGED.fullmatch(name)
            if made is None or not made["tag"]:
                raise ValueError(
                    f"{name!r} must be a translator, a dot and a word, such as cyclegan.weak"
                )
        return value

    @field_validator("run", "data_run", "params")
    @classmethod
    def _paths_are_plain(cls, value: str | list[str]) -> str | list[str]:
        for path in [value] if isinstance(value, str) else value:
            if path and not PLAIN_PATH.fullmatch(path):
                raise ValueError(
                    "paths go through a shell: use letters, digits, spaces and . _ - / + @ = , ~"
                )
        return value

    def file(self, notebook: str) -> str:
        """The params file of a notebook, as a person writes it."""
        files = [f"{folder}/{notebook}.yaml" for folder in self.params]
        return next((file for file in files if resolve(file).is_file()), files[0])
