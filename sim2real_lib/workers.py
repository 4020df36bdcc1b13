"""Work over several processes, in a notebook as in a script."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import cv2


@contextmanager
def mapper(workers: int) -> Iterator[Callable[..., Any]]:
    """A `map` over so many processes, its results in order; 1 or fewer: in this one.

    OpenCV keeps to one thread in each of them: the processes share the cores already.
    """
    if workers <= 1:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            yield map
        finally:
            cv2.setNumThreads(threads)
        return
    # Spawned, not forked: a notebook's process has threads that a fork would break.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin) as pool:
        try:
            yield pool.map
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _begin() -> None:
    """Make ready a process: it ends with the one that started it, even when that is killed."""
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # it would wait for work for ever


def cpu_threads(asked: int) -> int:
    """How many threads torch is to have on a CPU: as many as asked, else as OMP_NUM_THREADS says,
    which is how a batch run shares the cores; 0 where neither does."""
    return asked or int(os.environ.get("OMP_NUM_THREADS") or 0)
