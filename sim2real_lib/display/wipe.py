"""The wipe: one picture left of a line, another right of it; as an array and as HTML."""

from html import escape

from sim2real_lib.display.pictures import data_uri, fit, label, label_width, to_jpeg
from sim2real_lib.errors import InputError
from sim2real_lib.images import RGB

CHIP, CHIP_INK = "#11161d", "#ffffff"

# Without scripts the left picture is an element that the reader resizes by its corner. Where the
# page may run `onload`, a range input lies over the whole picture: drag anywhere, or arrow keys.
_STYLE = """<style>
.wipe{position:relative;container-type:inline-size;width:100%;overflow:hidden;border-radius:8px;
line-height:0;background:#11161d;margin:0}
.wipe img{display:block;width:100cqw;max-width:none;height:auto;margin:0;border-radius:0}
.wipe-left{position:absolute;inset:0 auto 0 0;width:50%;min-width:2px;max-width:100%;
overflow:hidden;resize:horizontal;box-sizing:border-box;border-right:2px solid #fff}
.wipe input{display:none;position:absolute;inset:0;width:100%;height:100%;margin:0;opacity:0;
cursor:ew-resize;touch-action:pan-y}
.wipe-live input{display:block}
.wipe-live .wipe-left{resize:none;width:var(--at,50%)}
.wipe-grip{display:none;position:absolute;top:50%;left:var(--at,50%);width:34px;height:34px;
margin:-17px 0 0 -18px;border-radius:50%;background:#fff;box-shadow:0 1px 6px #0008;
pointer-events:none;color:#1c2430;font:15px/34px system-ui,sans-serif;text-align:center}
.wipe-live .wipe-grip{display:block}
.wipe input:focus-visible~.wipe-grip{box-shadow:0 0 0 3px #0072b2}
.wipe span{position:absolute;top:10px;padding:4px 9px;border-radius:5px;background:#11161dd9;
color:#fff;font:600 12px/1.35 system-ui,sans-serif;white-space:nowrap;pointer-events:none}
.wipe>span{right:10px}.wipe-left span{left:10px}
@media print{.wipe-grip{display:none!important}.wipe{break-inside:avoid}}
</style>"""


def wipe(original: RGB, translated: RGB, at: float = 0.5) -> RGB:
    """`original` left of the line at the share `at` of the width, `translated` right of it.

    Raises:
        InputError: when the two differ in size.
    """
    _same_size(original, translated)
    cut = round(min(1.0, max(0.0, at)) * original.shape[1])
    picture = translated.copy()
    picture[:, :cut] = original[:, :cut]
    return picture


def mark_sides(picture: RGB, at: float, labels: tuple[str, str]) -> None:
    """Draw the line at `at` and each side's name, in place; a side too narrow goes unnamed."""
    height, width = picture.shape[:2]
    cut = round(min(1.0, max(0.0, at)) * width)
    size = max(10, round(height / 21))
    margin = size // 2
    needed = [label_width(text, size) + 2 * margin for text in labels]
    if needed[0] < cut:
        label(picture, labels[0], margin, margin, size=size, fill=CHIP, ink=CHIP_INK)
    if needed[1] < width - cut:
        x = width + margin - needed[1]
        label(picture, labels[1], x, margin, size=size, fill=CHIP, ink=CHIP_INK)
    if 0 < cut < width:
        half = max(1, height // 300)
        picture[:, max(0, cut - half) : cut + half] = 255


def wipe_html(
    original: RGB,
    translated: RGB,
    *,
    labels: tuple[str, str] = ("original", "translated"),
    width: int = 960,
    quality: int = 82,
) -> str:
    """The two pictures as HTML that wipes between them, in any browser and without a network.

    Args:
        original, translated: (height, width, 3) RGB of one size.
        labels: what is written over each; escaped here.
        width: pixels of the embedded JPEGs, at most; the page scales them to its own width.
        quality: of the embedded JPEGs.

    Raises:
        InputError: when the two differ in size.
    """
    _same_size(original, translated)
    left, right = (
        data_uri("image/jpeg", to_jpeg(fit(image, min(width, image.shape[1])), quality))
        for image in (original, translated)
    )
    names = [escape(name) for name in labels]
    return (
        f'{_STYLE}<div class="wipe">'
        f'<img src="{right}" alt="{names[1]}"><span>{names[1]}</span>'
        f'<div class="wipe-left"><img src="{left}" alt="{names[0]}" '
        "onload=\"this.closest('.wipe').classList.add('wipe-live')\">"
        f"<span>{names[0]}</span></div>"
        f'<input type="range" min="0" max="100" step="0.1" value="50" '
        f'aria-label="wipe from {names[0]} to {names[1]}" '
        "oninput=\"this.parentNode.style.setProperty('--at',this.value+'%')\">"
        '<div class="wipe-grip" aria-hidden="true">⇔</div></div>'
    )


def _same_size(original: RGB, translated: RGB) -> None:
    if original.shape != translated.shape:
        sizes = [f"{image.shape[1]}x{image.shape[0]}" for image in (original, translated)]
        raise InputError(
            f"the original is {sizes[0]} and its translation {sizes[1]} pixels",
            remedy="Translate it again: a translation has exactly the size of its original",
        )
