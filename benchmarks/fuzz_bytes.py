"""The three parsers of raw bytes, fuzzed by atheris, which watches what code each input reaches.

Every input must be read or be refused by an `InputError` (YAML: by its own error). atheris is not
among the project's packages: without it there is nothing to do, and this says so.

Run: .venv/bin/python -m pip install atheris; .venv/bin/python benchmarks/fuzz_bytes.py [SECONDS]
"""

import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

SECONDS = 60  # of each parser
SEEDS = {
    "json": b'[{"name": "a.jpg", "frameIndex": 1, "labels": [{"category": "car", "box2d": null}]}]',
    "kitti": b"Car 0 0 -1.5 5 5 40 30 1 2 3 4 5 6 0.5\n",
    "yaml": b"names: &a [car, 'b']\ntrain: images/train\nnc: !!int 2\nx: {<<: {y: *a}}\n",
}


def fuzz(parser: str, seconds: str) -> None:
    """Fuzz in this process, which atheris ends."""
    import atheris

    with atheris.instrument_imports(include=["sim2real_lib", "yaml"]):
        import yaml

        from sim2real_lib import yaml_text
        from sim2real_lib.datasets import _json_list, kitti
        from sim2real_lib.datasets._common import read_table
        from sim2real_lib.datasets._scalabel import Frame
        from sim2real_lib.errors import InputError

    folder = Path(tempfile.mkdtemp())
    path = folder / "input"

    def read_yaml() -> None:
        try:
            yaml_text.load(path.read_bytes().decode(errors="replace"))
        except yaml.YAMLError as error:
            raise InputError(str(error)) from error

    readers = {
        "json": lambda: list(_json_list.batches(path, Frame, "frame", "")),
        "kitti": lambda: read_table([path], kitti.OBJECT_FIELDS, remedy=""),
        "yaml": read_yaml,
    }

    def once(data: bytes) -> None:
        path.write_bytes(data)
        with suppress(InputError):
            readers[parser]()

    (folder / "seeds").mkdir()
    (folder / "seeds" / "0").write_bytes(SEEDS[parser])
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=20", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], str(folder / "seeds"), *options], once)
    atheris.Fuzz()


def main(seconds: str = str(SECONDS)) -> int:
    """Fuzz each parser in a process of its own; 1 where one has a fault."""
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("atheris is not installed: nothing was tried")
        return 0
    faults = 0
    for parser in SEEDS:
        command = [sys.executable, __file__, parser, seconds]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said = [line for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        tried = said[0].split()[-1] if said else "?"
        print(f"{parser:6} {tried:>9} inputs, {'a FAULT' if done.returncode else 'no fault'}")
        if done.returncode:
            print(done.stdout[-2000:], done.stderr[-2000:])
        faults += bool(done.returncode)
    return int(faults > 0)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in SEEDS:
        fuzz(*sys.argv[1:])
    else:
        sys.exit(main(*sys.argv[1:]))
