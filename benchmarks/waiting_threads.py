"""What waiting threads cost: a small convolutional network's step, alone and beside other work.

OpenMP's threads spin while they wait for each other, unless OMP_WAIT_POLICY=PASSIVE has them sleep:
slower alone, faster beside other work. Each figure is the median of its own process.

Run: .venv/bin/python benchmarks/waiting_threads.py
"""

import datetime
import os
import platform
import statistics
import subprocess
import sys
import time

STEPS_FOR = 15.0  # seconds
BUSY = "while True: pass"


def step_seconds(policy: str) -> float:
    """Median seconds of a step in a process of its own; policy: "spin" or "sleep"."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))}
    if policy == "sleep":
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
    command = [sys.executable, __file__, "--steps"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def steps() -> None:
    """Train on noise for a while, and print the median seconds of a step."""
    import torch

    torch.manual_seed(0)
    layers = [
        layer
        for _ in range(12)
        for layer in (
            torch.nn.Conv2d(24, 24, 3, padding=1), torch.nn.InstanceNorm2d(24), torch.nn.ReLU(),
        )
    ]  # fmt: skip
    network = torch.nn.Sequential(*layers)
    optimizer = torch.optim.Adam(network.parameters())
    images = torch.randn(1, 24, 64, 112)
    took = []
    end = time.perf_counter() + STEPS_FOR
    while time.perf_counter() < end:
        started = time.perf_counter()
        optimizer.zero_grad()
        (network(images) ** 2).mean().backward()
        optimizer.step()
        took.append(time.perf_counter() - started)
    print(statistics.median(took))


def main() -> None:
    cores = os.cpu_count() or 1
    print(f"{datetime.date.today()}, {cores} cores, {platform.processor() or platform.machine()}\n")
    print(f"{'':24}{'spinning':>10}{'sleeping':>10}{'faster':>8}")
    for name, others in (("alone", 0), ("one busy core", 1), ("every core busy", cores)):
        busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(others)]
        try:
            spin, sleep = step_seconds("spin"), step_seconds("sleep")
        finally:
            for process in busy:
                process.kill()
        print(f"{name:24}{spin * 1e3:7.1f} ms{sleep * 1e3:7.1f} ms{spin / sleep:7.2f}x")


if __name__ == "__main__":
    steps() if sys.argv[1:] == ["--steps"] else main()
