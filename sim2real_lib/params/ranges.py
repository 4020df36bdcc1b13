"""Ranges and choices that the parameters of several notebooks share."""

from typing import Annotated, Literal

from pydantic import Field

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]  # of an arm, a data set: a folder's name
Tile = Annotated[int, Field(ge=0)]
Size = tuple[Annotated[int, Field(ge=32)], Annotated[int, Field(ge=32)]]
Names = Annotated[list[str], Field(min_length=1)]
Bins = Annotated[list[int], Field(min_length=1)]

Weather = Literal["clear", "partly cloudy", "overcast", "foggy", "rainy", "snowy", "undefined"]
Weathers = Annotated[list[Weather], Field(min_length=1)]
Accelerator = Literal["auto", "cpu", "gpu"]
Places = Literal["mix", "all"]  # the frames that stand in for the mix's; every training frame
