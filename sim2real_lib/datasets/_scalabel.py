"""The records of BDD100K's label files, as far as they are read.

Format: doc.bdd100k.com, "Label format" (Scalabel). Fields that are not listed here are passed over,
whatever they hold; one that is listed and holds another type is an error.
"""

from typing import Annotated, NamedTuple

import msgspec


class Box2d(msgspec.Struct, gc=False):
    """Pixels; JSON has no infinity and no not-a-number, so these are finite."""

    x1: float
    y1: float
    x2: float
    y2: float


class Flags(msgspec.Struct, frozen=True, gc=False):
    """An object's attributes; some files spell them with a capital. None where it is unknown."""

    occluded: bool | None = None
    truncated: bool | None = None
    crowd: bool | None = None
    capital_occluded: bool | None = msgspec.field(name="Occluded", default=None)
    capital_truncated: bool | None = msgspec.field(name="Truncated", default=None)
    capital_crowd: bool | None = msgspec.field(name="Crowd", default=None)

    @property
    def is_occluded(self) -> bool | None:
        """Whatever the spelling."""
        return self.capital_occluded if self.occluded is None else self.occluded

    @property
    def is_truncated(self) -> bool | None:
        """Whatever the spelling."""
        return self.capital_truncated if self.truncated is None else self.truncated

    @property
    def is_crowd(self) -> bool | None:
        """Whatever the spelling."""
        return self.capital_crowd if self.crowd is None else self.crowd


class Label(msgspec.Struct, gc=False):
    """An object, or a line or area, which has no box."""

    category: Annotated[str, msgspec.Meta(min_length=1)]
    box2d: Box2d | None = None
    attributes: Flags | None = None


class Conditions(msgspec.Struct, gc=False):
    """An image's attributes."""

    weather: str | None = None
    timeofday: str | None = None
    scene: str | None = None


class Head(msgspec.Struct, gc=False):
    """A frame but for its labels, which take most of the time to decode."""

    name: str
    video: str | None = msgspec.field(name="videoName", default=None)
    index: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = msgspec.field(
        name="frameIndex", default=None
    )
    attributes: Conditions | None = None


class Frame(Head, gc=False):
    """One of the list that det_20 and 2018 are."""

    labels: list[Label] | None = None


class Moment(msgspec.Struct, gc=False):
    """What is to be seen at one time of a picture."""

    objects: list[Label] | None = None


class Picture(msgspec.Struct, gc=False):
    """A file of the 100k form: an image's name, as a rule without suffix, and its one moment."""

    name: str
    attributes: Conditions | None = None
    frames: Annotated[list[Moment], msgspec.Meta(max_length=1)] | None = None


class Placed(NamedTuple):
    """A frame, and where it is labelled."""

    file: str
    line: int  # the record's number from 1; 0 where a file holds but one
    frame: Head

    @property
    def where(self) -> str:
        """The place in words."""
        return f"{self.file}: record {self.line}" if self.line else self.file
