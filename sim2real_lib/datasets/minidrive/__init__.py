"""MiniDrive: a procedural street world that writes the real datasets' layouts.

It makes the pipeline runnable and its claims checkable without a download. Results on it are
results on a toy, and no knob of it is tuned on a detector's result.
"""

from sim2real_lib.datasets.minidrive.world import VERSION, World
from sim2real_lib.datasets.minidrive.writer import write

__all__ = ["VERSION", "World", "write"]
