"""The original experiment's mix: each frame of a drive comes from one source, by its index."""

import pandas as pd

# Index mod 7 -> variant. "original" is KITTI itself, the others are its Virtual KITTI 2 clones.
MIX = ("original", "clone", "fog", "morning", "overcast", "rain", "sunset")


def slots(frames: pd.DataFrame) -> pd.Series:
    """The variant that each frame's place in the drive (`index` mod 7) asks for."""
    return frames["index"].map(lambda index: MIX[index % len(MIX)])
