"""What each data set's class names mean; the names themselves lie in `taxonomy.yaml`."""

from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict

FILE = Path(__file__).with_name("taxonomy.yaml")


class Named(NamedTuple):
    """Raw names resolved, row by row."""

    classes: pd.Series  # canonical class; missing where the name is not known
    ignore: pd.Series  # bool: an area to ignore


class Taxonomy(BaseModel):
    """One data set's section of `taxonomy.yaml`, whose head explains the fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    classes: dict[str, str]
    ignored: dict[str, str] = {}
    not_boxes: tuple[str, ...] = ()
    others: Literal["refuse", "keep"]

    @property
    def names(self) -> list[str]:
        """The raw names that are listed."""
        return [*self.classes, *self.ignored]

    def resolve(self, raw: pd.Series) -> Named:
        """Canonical classes of raw names; under `others: keep` names are compared in lower case."""
        names = raw.str.lower() if self.others == "keep" else raw
        meanings = self.classes | self.ignored
        table = {
            name: meanings.get(name, name if self.others == "keep" else None)
            for name in names.unique()
        }
        return Named(names.map(table).astype("str"), names.isin(list(self.ignored)))


@cache
def of(section: str) -> Taxonomy:
    """The taxonomy of kitti, vkitti, bdd100k or own."""
    return Taxonomy(**yaml.safe_load(FILE.read_text(encoding="utf-8"))[section])
