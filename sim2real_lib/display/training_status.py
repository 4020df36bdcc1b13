"""One line on a training: how far it is, how long it will take, how fast, in how much memory."""

from dataclasses import dataclass
from html import escape

import psutil

BAR = "#0072b2"


@dataclass(frozen=True)
class Status:
    """Where a training stands; shows itself as a bar over its figures, or as a line of text.

    Attributes:
        title: what is trained.
        step, steps: finished steps, and how many there will be.
        seconds: since training began, or since it went on.
        rate: images a second; None: not known yet.
        left: seconds until the end; None: not known yet.
        memory: "memory" -> "1.2 GB" and the like, see `memory_in_use`.
    """

    title: str
    step: int
    steps: int
    seconds: float
    rate: float | None
    left: float | None
    memory: dict[str, str]

    @property
    def figures(self) -> dict[str, str]:
        """Unit or name -> figure, in the order that they are shown."""
        time = {"left": "–" if self.left is None else clock(self.left)}
        if self.step >= self.steps:
            time = {"taken": clock(self.seconds)}
        rate = "–" if self.rate is None else f"{self.rate:.{0 if self.rate >= 10 else 1}f}"
        return {**time, "images/s": rate, **self.memory}

    def __repr__(self) -> str:
        figures = ", ".join(f"{figure} {unit}" for unit, figure in self.figures.items())
        return f"{self.title}: step {self.step:,} of {self.steps:,}, {figures}"

    def _repr_html_(self) -> str:
        figures = "".join(
            f'<span><b style="font-size:1.25em">{escape(figure)}</b>'
            f'&nbsp;<span style="opacity:.65">{escape(unit)}</span></span>'
            for unit, figure in self.figures.items()
        )
        done = f"{100 * self.step / self.steps:.1f}%"
        return (
            '<div style="max-width:912px;padding:6px 0 4px;font-variant-numeric:tabular-nums">'
            '<div style="display:flex;justify-content:space-between;gap:1em">'
            f"<b>{escape(self.title)}</b>"
            f'<span style="opacity:.65">step {self.step:,} of {self.steps:,}</span></div>'
            '<div style="height:6px;margin:6px 0 8px;border-radius:3px;overflow:hidden;'
            'background:rgba(128,128,128,.22)">'
            f'<div style="height:6px;width:{done};background:{BAR}"></div></div>'
            f'<div style="display:flex;flex-wrap:wrap;gap:.2em 2.4em">{figures}</div></div>'
        )


def clock(seconds: float) -> str:
    """75 as "1:15", 4000 as "1:06:40"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def memory_in_use() -> dict[str, str]:
    """What this process holds now: "memory", and "GPU memory" of how much where one is in use."""
    import torch  # here, since a notebook that trains nothing need not wait for it

    held = {"memory": f"{psutil.Process().memory_info().rss / 1e9:.1f} GB"}
    if torch.cuda.is_initialized():
        gpus = [n for n in range(torch.cuda.device_count()) if torch.cuda.memory_reserved(n)]
        taken = sum(torch.cuda.memory_reserved(gpu) for gpu in gpus)
        whole = sum(torch.cuda.get_device_properties(gpu).total_memory for gpu in gpus)
        held["GPU memory"] = f"{taken / 1e9:.1f} of {whole / 1e9:.0f} GB"
    return held
