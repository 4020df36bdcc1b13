"""Readers and parameters against files that a stranger damaged: 2,000 of them each.

Every file must be read into a sound catalog or be refused by an `InputError`, in seconds. What else
happens is printed with the number that makes it again: `--reader NAME --first NUMBER --count 1`.

Run: .venv/bin/python benchmarks/fuzz.py [--count N] [--reader NAME]
"""

import argparse
import collections
import resource
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "datasets"))

import hostile

SLOW = 10  # seconds of computing for one file
SHOWN = 5  # faults of a reader


def tried(name: str, first: int, count: int, seconds: float) -> tuple[collections.Counter, float]:
    """What came of `count` damaged files of a reader, fewer when the seconds are over, and the
    longest that one took."""
    end = time.monotonic() + seconds
    target, longest = hostile.TARGETS[name], 0.0
    outcomes: collections.Counter = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        target.write(root)
        whole = {file: (root / file).read_bytes() for file in target.files}
        for number in range(first, first + count):
            if time.monotonic() > end:
                break
            rng = Random(f"{name} {number}")
            file = rng.choice(target.files)
            data = hostile.damaged(rng, whole[file])
            started = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, SLOW)
            try:
                outcome = hostile.attempt(target, root, file, data)
            except Exception as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                outcome = (
                    f"FAULT {type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
                )
                if not outcomes[outcome] and len(outcomes) < SHOWN + 2:
                    print(f"  {number} ({file}): {outcome}: {str(error)[:200]}", flush=True)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            outcomes[outcome] += 1
            longest = max(longest, time.process_time() - started)
    return outcomes, longest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="of each reader")
    parser.add_argument("--reader", choices=list(hostile.TARGETS))
    asked = parser.parse_args()
    signal.signal(signal.SIGPROF, _too_slow)
    print(
        f"{'reader':16}{'files':>8}{'read':>8}{'refused':>9}{'faults':>8}{'longest':>10}{'MB':>7}"
    )
    faults = 0
    for name in [asked.reader] if asked.reader else hostile.TARGETS:
        outcomes, longest = tried(name, asked.first, asked.count, asked.seconds)
        bad = sum(number for what, number in outcomes.items() if what.startswith("FAULT"))
        faults += bad
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{name:16}{outcomes.total():8,}{outcomes['read']:8,}{outcomes['refused']:9,}{bad:8,}"
            f"{longest:9.2f}s{memory:7,.0f}",
            flush=True,
        )
    sys.exit(faults > 0)


def _too_slow(*_: object) -> None:
    raise TimeoutError(f"not done after {SLOW} seconds")


if __name__ == "__main__":
    main()
