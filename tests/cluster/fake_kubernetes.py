"""Snakemake with a Kubernetes of one file: `fake_kubernetes.py FOLDER OPTION…`.

Each job becomes a JSON file in FOLDER, as it would go over the wire. The first one, 01, is really
done: its container's command, in a folder where nothing is. The others count as done: what their
rule declares is written empty, so that the whole graph is walked through in seconds.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from kubernetes import client
from snakemake.cli import main

OUTPUTS = {
    "cyclegan": ["02_cyclegan_training/{variant}/manifest.json"],
    "nst": ["03_nst_generation/{variant}/manifest.json"],
    "detector": ["04_yolo_training/{arm}-seed{seed}/manifest.json"],
    "results": ["05_result_visualization/manifest.json", "report.html"],
}


class Cluster:
    """Stands in for both APIs that the executor speaks to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create_namespaced_job(self, namespace: str, job: client.V1Job) -> None:
        wire = client.ApiClient().sanitize_for_serialization(job)
        (one,) = wire["spec"]["template"]["spec"]["containers"]
        rule, wildcards = re.findall(r"--target-jobs '?(\w+):([^' ]*)", one["args"][-1])[0]
        values = dict(pair.split("=") for pair in wildcards.split(",") if pair)
        values.pop("home", None)  # it is always this folder's run
        path = self.folder / f"{rule}-{'-'.join(values.values())}.json"
        path.write_text(json.dumps({"namespace": namespace, **wire}))
        if rule == "analysis":
            with tempfile.TemporaryDirectory() as empty:
                subprocess.run([*one["command"], *one["args"]], cwd=empty, check=True)
            return
        for output in OUTPUTS[rule]:
            made = self.folder / "run" / output.format(**values)
            made.parent.mkdir(parents=True, exist_ok=True)
            made.write_text("{}")

    def read_namespaced_job_status(self, *_: object) -> SimpleNamespace:
        return SimpleNamespace(status=SimpleNamespace(failed=None, succeeded=1))

    def list_namespaced_pod(self, **_: object) -> SimpleNamespace:
        return SimpleNamespace(items=[])

    def __getattr__(self, name: str) -> Any:  # secrets, and the end of jobs
        return mock.Mock()


if __name__ == "__main__":
    cluster = Cluster(Path(sys.argv[1]))
    with (
        mock.patch("kubernetes.config.load_kube_config"),
        mock.patch.object(client, "CoreV1Api", lambda: cluster),
        mock.patch.object(client, "BatchV1Api", lambda: cluster),
    ):
        main(sys.argv[2:])
