"""Reading and writing images: RGB, uint8, whole or not at all."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from sim2real_lib.errors import InputError
from sim2real_lib.files import whole_file
from sim2real_lib.progress import progress_bar

RGB = np.ndarray  # (height, width, 3), uint8, 0-255

REMEDY = "Download or generate it again, or remove the frame from the data set"


def read_rgb(path: str | Path) -> RGB:
    """Decode an image file to (height, width, 3) RGB, uint8, 0-255.

    Raises:
        InputError: when the file is missing or no decoder can read it.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        what = "not a readable image" if Path(path).is_file() else "there is no such image"
        raise InputError(what, where=path, remedy=REMEDY)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def write_rgb(path: Path, image: RGB, *, jpeg_quality: int = 95) -> None:
    """Write (height, width, 3) RGB uint8; the suffix chooses the format."""
    options = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality] if path.suffix in (".jpg", ".jpeg") else []
    with whole_file(path) as temporary:
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        if not cv2.imwrite(str(temporary), bgr, options):
            raise OSError(f"could not write {path}")


def size(path: str | Path) -> tuple[int, int]:
    """(width, height) in pixels from the file's header alone.

    Raises:
        InputError: when the file is missing or its header is not an image's.
    """
    try:
        with Image.open(path) as image:
            return image.size
    except FileNotFoundError as error:
        raise InputError("there is no such image", where=path, remedy=REMEDY) from error
    except (OSError, Image.DecompressionBombError) as error:
        raise InputError(f"not a readable image ({error})", where=path, remedy=REMEDY) from error


def verify(paths: Iterable[str | Path], *, progress: bool = True) -> None:
    """Decode every image once, so that a truncated one stops a run before its long work.

    Raises:
        InputError: naming the first image that does not decode whole.
    """
    for path in progress_bar(
        list(paths), desc="checking images", disable=not progress, unit="image"
    ):
        try:
            with Image.open(path) as image:
                image.load()
        except FileNotFoundError as error:
            raise InputError("there is no such image", where=path, remedy=REMEDY) from error
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise InputError(
                f"not a readable image ({error})", where=path, remedy=REMEDY
            ) from error
