"""Snakemake's Kubernetes executor for a project that lies on a volume which all pods mount.

Snakemake's own expects every file of a job to be declared and copies it to and from object storage.
Here rules declare manifests alone, and checkpoints must outlive a killed job; so pods work where
the command does, on the volume. All else is its plugin's. The image has this on its PYTHONPATH.
"""

from dataclasses import replace
from pathlib import Path

import snakemake_executor_plugin_kubernetes as plugin
from kubernetes import client
from snakemake_executor_plugin_kubernetes import ExecutorSettings
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface

__all__ = ["Executor", "ExecutorSettings", "common_settings"]

common_settings = replace(
    plugin.common_settings,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    auto_deploy_default_storage_provider=False,
)


class Executor(plugin.Executor):
    """Runs jobs in the folder of the command, which is on the volume."""

    def get_job_exec_prefix(self, job: JobExecutorInterface) -> str:
        """The job's first command: its pod begins in an empty folder."""
        return f"cd {Path.cwd()}"

    @property
    def batchapi(self) -> client.BatchV1Api:
        """What the plugin creates jobs with, and makes anew when its login has expired."""
        return self._batchapi

    @batchapi.setter
    def batchapi(self, api: client.BatchV1Api) -> None:
        create = api.create_namespaced_job
        api.create_namespaced_job = lambda space, job: create(space, with_shared_memory(job))
        self._batchapi = api


def with_shared_memory(job: client.V1Job) -> client.V1Job:
    """The job with a /dev/shm of its node's memory: PyTorch's loaders want more than 64 MB."""
    memory = client.V1EmptyDirVolumeSource(medium="Memory")
    pod = job.spec.template.spec
    pod.volumes.append(client.V1Volume(name="shm", empty_dir=memory))
    mount = client.V1VolumeMount(name="shm", mount_path="/dev/shm")
    pod.containers[0].volume_mounts.append(mount)
    return job
