"""The one error a person should ever have to read."""


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
        return f"{place}{self.what}{remedy}"

    def __reduce__(self) -> tuple:  # keyword-only arguments do not survive pickling by themselves
        return _rebuild, (self.what, self.where, self.remedy)

    def _render_traceback_(self) -> list[str]:
        """IPython's hook: in a notebook the message stands alone, without a wall of traceback."""
        return [f"InputError: {self}"]


def _rebuild(what: str, where: str, remedy: str) -> InputError:
    return InputError(what, where=where, remedy=remedy)
