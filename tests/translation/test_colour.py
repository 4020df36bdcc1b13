"""Colour statistics arrive as they were asked for."""

import torch

from sim2real_lib.translation.colour import match_colours


def test_matched_colours_have_the_styles_mean_and_covariance() -> None:
    torch.manual_seed(0)
    images = torch.rand(2, 3, 20, 30) * 0.4 + 0.3
    pixels = (torch.randn(3, 1) * torch.randn(1, 500) * 0.02 + 0.5) + torch.randn(3, 500) * 0.01
    for matched in match_colours(images, pixels).flatten(2):
        torch.testing.assert_close(matched.mean(1), pixels.mean(1), atol=1e-3, rtol=0)
        torch.testing.assert_close(torch.cov(matched), torch.cov(pixels), atol=1e-4, rtol=0)


def test_matching_an_images_own_colours_changes_nothing() -> None:
    image = torch.rand(1, 3, 20, 30) * 0.8 + 0.1
    assert (match_colours(image, image[0].flatten(1)) - image).abs().max() < 1e-2
    grey = torch.full((1, 3, 8, 8), 0.5)  # no covariance to work with: nothing may blow up
    assert match_colours(grey, torch.rand(3, 100)).isfinite().all()
