"""The names of arms and of their trainings: "cyclegan-seed0" is arm cyclegan, seed 0."""

BASELINE, ORACLE, CLEAR = "baseline", "oracle", "clear-only"
UNTRANSLATED = (BASELINE, ORACLE, CLEAR)  # the arms that frame the range
SEED = "-seed"


def arm_of(name: str) -> str:
    """The arm of "<arm>-seed<n>"."""
    return name.rpartition(SEED)[0]


def seed_of(name: str) -> str:
    """The seed of "<arm>-seed<n>", in digits."""
    return name.rpartition(SEED)[2]
