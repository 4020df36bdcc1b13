"""Translated variants and their names: "nst-fog" is made by translator "nst" in style "fog".

A name in full is `<translator>.<tag>-<style>-from-<source>`, such as "cyclegan.weak-fog-from-rain":
the tag tells settings of one translator apart.
"""

import re
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self, get_args

from pydantic import Field

STYLES = {"fog": "foggy", "overcast": "overcast", "rain": "rainy"}  # style -> BDD100K's weather
Style = Literal["fog", "overcast", "rain"]
Learned = Literal["cyclegan", "cut", "fastcut"]
Stylist = Literal["nst", "adain", "wct2", "reinhard", "histogram", "fda", "pyramid"]
# Translator -> its notebook.
TRANSLATORS: dict[str, str] = {
    **dict.fromkeys(get_args(Learned), "02_cyclegan_training"),
    **dict.fromkeys(get_args(Stylist), "03_nst_generation"),
}

# What a translator starts from: the clone as in the original, or another variant of the simulator.
Rendered = Literal["clone", "fog", "morning", "overcast", "rain", "sunset"]
TAG = "[a-z0-9_]+"
Tag = Annotated[str, Field(pattern=f"^({TAG})?$")]


class Variant(NamedTuple):
    """A translated variant by its name: "nst-fog" is made of clones, "nst-fog-from-rain" not."""

    translator: str
    style: str
    source: str = "clone"
    tag: str = ""

    def __str__(self) -> str:
        begun = "" if self.source == "clone" else f"-from-{self.source}"
        return f"{self.tagged}-{self.style}{begun}"

    @property
    def tagged(self) -> str:
        """The translator with its tag: "cyclegan" or "cyclegan.weak"."""
        return f"{self.translator}.{self.tag}" if self.tag else self.translator

    @property
    def notebook(self) -> str:
        """The notebook that makes it."""
        return TRANSLATORS[self.translator]

    @property
    def order(self) -> tuple[int, str, int, int]:
        """Where it stands among others."""
        translators, styles, sources = list(TRANSLATORS), list(STYLES), get_args(Rendered)
        return (
            translators.index(self.translator),
            self.tag,
            styles.index(self.style),
            sources.index(self.source),
        )

    @property
    def request(self) -> str:
        """The parameters of its notebook that make it, in words."""
        tag = f", tag {self.tag}" if self.tag else ""
        return f"translator {self.translator}, style {self.style}, source {self.source}{tag}"

    @property
    def maker(self) -> str:
        """What its like in the other styles have in common: "nst", or "nst, same weather"."""
        if self.source == "clone":
            return self.tagged
        begun = "same weather" if self.source == self.style else f"from {self.source}"
        return f"{self.tagged}, {begun}"

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """What a name says; None when it is no translated variant's."""
        found = VARIANT.fullmatch(name)
        return cls(**{k: v for k, v in found.groupdict().items() if v}) if found else None

    @classmethod
    def of(cls, name: str) -> Self:
        """What the name of a translated variant says; for names that `parse` has accepted."""
        made = cls.parse(name)
        if made is None:
            raise ValueError(f"{name!r} is no translated variant")
        return made


TAGGED = re.compile(rf"(?P<translator>{'|'.join(TRANSLATORS)})(\.(?P<tag>{TAG}))?")
VARIANT = re.compile(
    f"{TAGGED.pattern}-(?P<style>{'|'.join(STYLES)})"
    f"(-from-(?P<source>{'|'.join(v for v in get_args(Rendered) if v != 'clone')}))?"
)


def translation_folder(run: Path, variant: str) -> Path:
    """Where the frames of a translated variant such as "cyclegan-fog" lie in a run."""
    return run / Variant.of(variant).notebook / variant
