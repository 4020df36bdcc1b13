"""Small operations on RGB arrays that the boxes, grids, widget and report share."""

import base64
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from matplotlib import get_data_path
from matplotlib.colors import to_rgb
from PIL import Image, ImageDraw, ImageFont

from sim2real_lib.images import RGB, read_rgb


def load(path: str | Path, width: int) -> RGB:
    """Decode an image and resize it to `width` pixels, keeping its proportions.

    Raises:
        InputError: when the file is missing or unreadable.
    """
    return fit(read_rgb(path), width)


def fit(image: RGB, width: int) -> RGB:
    """`image` resized to `width` pixels, keeping its proportions."""
    height, old = image.shape[:2]
    if old == width:
        return image
    method = cv2.INTER_AREA if width < old else cv2.INTER_CUBIC
    return cv2.resize(image, (width, max(1, round(height * width / old))), interpolation=method)


def to_jpeg(image: RGB, quality: int = 88) -> bytes:
    """RGB as the bytes of a JPEG file."""
    return _encoded(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])


def to_png(image: RGB) -> bytes:
    """RGB as the bytes of a PNG file."""
    return _encoded(".png", image, [])


def data_uri(mime: str, data: bytes) -> str:
    """Bytes as a `data:` address, so that a page needs no second file."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


def rgb255(colour: str) -> tuple[int, int, int]:
    """A colour's name or hex code as 0-255 components."""
    red, green, blue = (round(255 * part) for part in to_rgb(colour))
    return red, green, blue


def label(image: RGB, text: str, x: float, y: float, *, size: int, fill: str, ink: str) -> None:
    """Draw a line of text on a filled chip, in place, its corner at (x, y), kept inside."""
    chip = _chip(text, size, fill, ink)
    high, wide = (min(a, b) for a, b in zip(chip.shape[:2], image.shape[:2], strict=True))
    left = int(np.clip(round(x), 0, image.shape[1] - wide))
    top = int(np.clip(round(y), 0, image.shape[0] - high))
    alpha = chip[:high, :wide, 3:].astype(np.float32) / 255
    under = image[top : top + high, left : left + wide]
    under[:] = np.rint(chip[:high, :wide, :3] * alpha + under * (1 - alpha)).astype(np.uint8)


def label_width(text: str, size: int) -> float:
    """How many pixels wide `label` would draw the text."""
    return _font(size).getlength(text) + 2 * _padding(size)


@lru_cache(maxsize=512)  # a slider redraws the same few words at every step
def _chip(text: str, size: int, fill: str, ink: str) -> np.ndarray:
    """(height, width, 4) RGBA picture of a label."""
    font, padding = _font(size), _padding(size)
    ascent, descent = font.getmetrics()
    shape = (round(font.getlength(text)) + 2 * padding, ascent + descent)
    chip = Image.new("RGBA", shape, (*rgb255(fill), 0))
    pen = ImageDraw.Draw(chip)
    pen.rounded_rectangle((0, 0, shape[0] - 1, shape[1] - 1), size // 4, (*rgb255(fill), 225))
    pen.text((padding, 0), text, font=font, fill=ink)
    return np.asarray(chip)


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(get_data_path()) / "fonts/ttf/DejaVuSans.ttf", size)


def _padding(size: int) -> int:
    return max(2, size // 3)


def _encoded(suffix: str, image: RGB, options: list[int]) -> bytes:
    done, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise OSError(f"could not encode an image of shape {image.shape} as {suffix}")
    return data.tobytes()
