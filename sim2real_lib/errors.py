"""The one error a person should ever have to read."""

import re

LONGEST = 2000  # characters of a message: more is the data's doing, and nobody reads it
# Terminals act on control characters, and directional ones make text read as other text.
UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class InputError(Exception):
    """Something a person gave us cannot be used: says what, where and what to do about it.

    Args:
        what: what is wrong, in one clause.
        where: the file, line or parameter, when there is one.
        remedy: what to do about it.
    """

    def __init__(self, what: str, *, where: object = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, str(where), remedy
        super().__init__(what)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f". {self.remedy}" if self.remedy else ""
        return printable(f"{_short(place)}{_short(self.what)}{_short(remedy)}")

    def __reduce__(self) -> tuple:  # keyword-only arguments do not survive pickling by themselves
        return _rebuild, (self.what, self.where, self.remedy)

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: in a notebook the message stands alone, without a wall of traceback."""
        return [f"InputError: {self}"]


def printable(text: str) -> str:
    """Text of a file's that a terminal shows and does not obey: `\\x1b` for an escape."""
    return UNPRINTABLE.sub(lambda match: ascii(match[0])[1:-1], text)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def _rebuild(what: str, where: str, remedy: str) -> InputError:
    return InputError(what, where=where, remedy=remedy)
