"""Tiles leave no trace in a frame."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.translation.tiles import Tiled


class Offset:
    """Adds a constant, and remembers the sizes it saw."""

    identity = "offset"

    def __init__(self, constant: float = 0.0) -> None:
        self.constant, self.shapes = constant, []

    def translate(self, images: Tensor) -> Tensor:
        self.shapes.append(tuple(images.shape))
        return images + self.constant


class Brightens:
    """Each tile more than the one before: seams would show."""

    identity, seen = "brightens", 0

    def translate(self, images: Tensor) -> Tensor:
        self.seen += 1
        return torch.full_like(images, 0.2 * self.seen)


SIDES = st.integers(1, 70)


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.integers(1, 40), st.floats(0, 0.99), st.sampled_from([0.0, 0.25]))
def test_what_treats_all_pixels_alike_leaves_no_seam_at_any_size(
    height: int, width: int, tile: int, share: float, constant: float
) -> None:
    images = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0)) * 0.5
    translator = Offset(constant)
    translated = Tiled(translator, tile, int(share * tile)).translate(images)
    # Dozens of overlapping weights are summed in float32; a grey level is 400 times as much.
    torch.testing.assert_close(translated, images + constant, atol=1e-5, rtol=0)
    assert all(max(shape[2:]) <= tile for shape in translator.shapes)


def test_frames_that_fit_pass_through_untouched() -> None:
    images, translator = torch.rand(2, 3, 32, 48), Offset()
    assert Tiled(translator, 48, 8).translate(images).equal(images)
    assert translator.shapes == [(2, 3, 32, 48)]


def test_only_the_side_that_is_too_long_is_cut() -> None:
    translator = Offset()
    Tiled(translator, 48, 8).translate(torch.rand(1, 3, 20, 88))
    assert translator.shapes == [(1, 3, 20, 48)] * 2


def test_neighbours_are_blended_by_a_linear_ramp() -> None:
    translated = Tiled(Brightens(), 10, 4).translate(torch.zeros(1, 3, 5, 16))
    row = translated[0, 0, 2]
    torch.testing.assert_close(row[:6], torch.full((6,), 0.2))
    torch.testing.assert_close(row[10:], torch.full((6,), 0.4))
    torch.testing.assert_close(row[5:11].diff(), torch.full((5,), 0.04))


def test_neighbours_overlap_at_least_as_asked() -> None:
    class Sees(Offset):
        def translate(self, images: Tensor) -> Tensor:
            self.shapes.append((images[0, 0, 0, 0].item(), images[0, 0, 0, -1].item()))
            return images

    translator = Sees()
    columns = torch.arange(101.0).expand(1, 3, 1, 101) / 101
    Tiled(translator, 32, 7).translate(columns)
    spans = [(round(first * 101), round(last * 101)) for first, last in translator.shapes]
    assert spans[0][0] == 0 and spans[-1][1] == 100
    for (_, end), (start, _) in pairwise(spans):
        assert end - start + 1 >= 7


def test_the_identity_names_translator_tile_and_overlap() -> None:
    identities = {Tiled(Offset(), *cut).identity for cut in [(32, 4), (32, 8), (48, 4)]}
    assert len(identities) == 3
    assert all("offset" in identity for identity in identities)


@pytest.mark.parametrize(("tile", "overlap"), [(8, 8), (8, 9), (8, -1), (0, 0)])
def test_an_overlap_that_leaves_no_step_is_refused(tile: int, overlap: int) -> None:
    with pytest.raises(InputError, match="cannot overlap"):
        Tiled(Offset(), tile, overlap)
