"""Ranges and choices that the parameters of several notebooks share."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field


def _a_word(name: str) -> str:
    """papermill reads "nan" on its command line as a number, pandas "null" in a CSV as nothing."""
    if name in ("nan", "inf", "infinity", "null"):
        raise ValueError("is not read as a word everywhere, take another name")
    return name


def _each_once(names: list[str]) -> list[str]:
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(f"{', '.join(twice)} stands there twice")
    return names


def _ascending(bins: list[int]) -> list[int]:
    if bins != sorted(set(bins)):
        raise ValueError("must ascend, as [5, 10] does")
    return bins


Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0)]
# Of an arm, a data set: a folder's name, and neither an option nor a number on a command line.
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$"), AfterValidator(_a_word)]
Tile = Annotated[int, Field(ge=0)]
Size = tuple[Annotated[int, Field(ge=32)], Annotated[int, Field(ge=32)]]
Names = Annotated[list[str], Field(min_length=1), AfterValidator(_each_once)]
Bins = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1), AfterValidator(_ascending)]

Weather = Literal["clear", "partly cloudy", "overcast", "foggy", "rainy", "snowy", "undefined"]
Weathers = Annotated[list[Weather], Field(min_length=1)]
Accelerator = Literal["auto", "cpu", "gpu"]
Places = Literal["mix", "all"]  # the frames that stand in for the mix's; every training frame
