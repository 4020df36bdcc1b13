"""Every test draws the same random numbers in every run, and none is judged by its speed."""

import pytest
import torch
from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # a loaded one exceeds 200 ms now and then
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)
