"""What is promised on Kubernetes, as far as it shows without a cluster: the manifests that would be
sent, made by Snakemake's own plugin, and the command in one of them.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from kubernetes import client

from sim2real_lib.files import ROOT

HOME = ROOT / "profiles" / "kubernetes"
PROFILE = yaml.safe_load((HOME / "config.yaml").read_text())
ENV = os.environ | {"PYTHONPATH": f"{HOME}:{ROOT}"}  # as in the image
NEEDED = list(yaml.safe_load_all((HOME / "cluster.yaml").read_text()))

pytestmark = [pytest.mark.notebooks, pytest.mark.xdist_group("kubernetes")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the smoke run has been submitted: a file for each job."""
    home = tmp_path_factory.mktemp("kubernetes")
    shutil.copytree(ROOT / "params" / "smoke", home / "params")
    for path in (home / "params").glob("*.yaml"):
        text = path.read_text().replace("outputs/smoke", str(home / "run"))
        path.write_text(text.replace("params/smoke", str(home / "params")))
    fake = [sys.executable, Path(__file__).with_name("fake_kubernetes.py"), home]
    done = subprocess.run(
        [*fake, "--configfile", home / "params" / "run.yaml", "--profile", "profiles/kubernetes",
         "--seconds-between-status-checks", "0"],
        cwd=ROOT, env=ENV, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return home


@pytest.fixture(scope="module")
def jobs(home: Path) -> dict[str, dict[str, Any]]:
    """Rule with wildcards -> its job, as it would be sent."""
    return {path.stem: json.loads(path.read_text()) for path in home.glob("*.json")}


def container(job: dict[str, Any]) -> dict[str, Any]:
    (one,) = job["spec"]["template"]["spec"]["containers"]
    return one


def read_back(document: dict[str, Any], kind: str) -> Any:
    """A manifest as the API's model of it; what the model does not know or misses is an error."""
    api = client.ApiClient()
    model = api.deserialize(SimpleNamespace(data=json.dumps(document)), kind)
    assert api.sanitize_for_serialization(model) == document
    return model


def test_every_job_is_sent_once(jobs: dict[str, Any]) -> None:
    assert set(jobs) == {
        "analysis-",
        "cyclegan-cyclegan-fog",
        "nst-nst-fog",
        *(f"detector-{arm}-0" for arm in ("baseline", "cyclegan", "nst", "oracle")),
        "results-",
    }


def test_every_job_is_one_that_kubernetes_has_a_model_of(jobs: dict[str, Any]) -> None:
    for name, job in jobs.items():
        document = {key: value for key, value in job.items() if key != "namespace"}
        assert read_back(document, "V1Job").spec.backoff_limit == 0, name
        assert job["namespace"] == PROFILE["kubernetes-volume-namespace"]


def test_every_job_mounts_the_volume_and_has_shared_memory(jobs: dict[str, Any]) -> None:
    ((claim, path),) = (v.split(":") for v in PROFILE["kubernetes-volume-persistent-volumes"])
    for job in jobs.values():
        mounts = {mount["name"]: mount["mountPath"] for mount in container(job)["volumeMounts"]}
        assert mounts == {"workdir": "/workdir", claim: path, "shm": "/dev/shm"}
        volumes = {v["name"]: v for v in job["spec"]["template"]["spec"]["volumes"]}
        assert volumes[claim]["persistentVolumeClaim"] == {"claimName": claim}
        assert volumes["shm"]["emptyDir"] == {"medium": "Memory"}


def test_every_job_asks_for_what_the_profile_says(jobs: dict[str, Any]) -> None:
    for name, job in jobs.items():
        rule = name.split("-")[0]
        wanted, has = PROFILE["set-resources"][rule], container(job)["resources"]
        cpu = PROFILE["set-threads"][rule] * 950  # thousandths, less what the node keeps
        assert has["requests"]["cpu"] == f"{cpu}m", name
        assert has["requests"]["memory"] == f"{wanted['mem_mb']}M", name
        for part in ("requests", "limits"):  # a GPU must stand in both
            gpus = has.get(part, {}).get("nvidia.com/gpu")
            assert gpus == ("1" if "gpu" in wanted else None), name


def test_every_job_has_the_image_and_no_environment_but_the_storages_secrets(
    jobs: dict[str, Any],
) -> None:
    for job in jobs.values():
        assert container(job)["image"] == PROFILE["container-image"]
        for variable in container(job).get("env", []):
            assert variable["name"].startswith("SNAKEMAKE_STORAGE_")
            assert variable.keys() == {"name", "valueFrom"}  # no value in the manifest


def test_a_jobs_command_does_the_job_from_any_folder(home: Path, jobs: dict[str, Any]) -> None:
    manifest = json.loads((home / "run" / "01_data_analysis" / "manifest.json").read_text())
    assert manifest["params"]["run"] == str(home / "run")


@pytest.mark.parametrize("document", NEEDED, ids=lambda document: document["kind"])
def test_what_the_cluster_needs_is_made_of_kinds_that_it_knows(document: dict[str, Any]) -> None:
    read_back(document, f"V1{document['kind']}")


def test_the_volume_the_image_and_the_path_are_the_same_everywhere() -> None:
    pod = next(document for document in NEEDED if document["kind"] == "Pod")
    (one,) = pod["spec"]["containers"]
    (mount,) = one["volumeMounts"]
    (volume,) = PROFILE["kubernetes-volume-persistent-volumes"]
    assert volume == f"{mount['name']}:{mount['mountPath']}"
    assert one["image"] == PROFILE["container-image"]
    dockerfile = (HOME / "Dockerfile").read_text()
    assert f"WORKDIR {mount['mountPath']}\n" in dockerfile
    assert f"PYTHONPATH={mount['mountPath']}/profiles/kubernetes\n" in dockerfile


def test_the_image_has_the_libraries_and_the_exact_versions() -> None:
    dockerfile = (HOME / "Dockerfile").read_text()
    assert "libgl1 libglib2.0-0 libxcb1" in dockerfile
    assert "--constraint constraints.txt" in dockerfile
    copied = [word for line in dockerfile.splitlines() if line.startswith("COPY")
              for word in line.split()[1:-1]]  # fmt: skip
    assert all((ROOT / name).exists() for name in copied)
    sent = (HOME / "Dockerfile.dockerignore").read_text().split()
    assert sent == ["*", *(f"!{name}" for name in copied if name != "./")]
