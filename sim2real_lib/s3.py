"""S3-compatible storage, through Snakemake's plugin for it; data sets from there.

Server and credentials come from the environment, as `AWS_*` says; they are in no file and no log.
"""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Any

from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT, resolve

INSTALL = ".venv/bin/pip install --constraint constraints.txt --editable '.[storage]'"
ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]+(/[\w.=-]+)+")
DATA = "outputs/data-sets"  # what was fetched of data sets: bucket, then the name there
AT_ONCE = 8  # transfers


@contextmanager
def server(where: str) -> Iterator[Any]:
    """The plugin's provider.

    Raises:
        InputError: the plugin is missing; whatever goes wrong with the server, also in the block.
    """
    if find_spec("snakemake_storage_plugin_s3") is None:
        raise InputError("needs Snakemake's S3 plugin", where=where, remedy=f"Run: {INSTALL}")
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from snakemake_interface_common.exceptions import WorkflowError
    from snakemake_interface_common.logging import get_logger
    from snakemake_storage_plugin_s3 import StorageProvider, StorageProviderSettings

    try:
        with TemporaryDirectory() as scratch:
            settings = StorageProviderSettings(retries=3)
            yield StorageProvider(Path(scratch), get_logger(), settings=settings)
    except (WorkflowError, Boto3Error, BotoCoreError, ClientError, OSError) as error:
        said = shorten(str(error.__cause__ or error), 200, placeholder="…")
        address = os.environ.get("AWS_ENDPOINT_URL", "AWS")
        raise InputError(
            f"{address} says: {said}",
            where=where,
            remedy="See docs/scale_out.md, Storage; what is finished here stays. Without storage "
            "in run.yaml the run goes on by itself",
        ) from error


def is_address(root: str) -> bool:
    """Whether a data set's root is in the storage."""
    return root.startswith("s3:")


def local(root: str) -> Path:
    """The folder of a data set: as a person writes it, or where one from the storage is kept here.

    Raises:
        InputError: for an address that is none.
    """
    if not is_address(root):
        return resolve(root)
    if not ADDRESS.fullmatch(root) or ".." in root.split("/"):
        raise InputError("must be s3://bucket/folder", where=root)
    return resolve(DATA) / root.removeprefix("s3://")


def fetch_data(root: str) -> None:
    """Bring a data set here, to be read alone; nothing where it is here. The bucket is only read.

    What was interrupted goes on with the files that are missing; the folder has its name when it
    is whole.

    Raises:
        InputError: nothing is there, a name would leave the folder, or the server does not answer.
    """
    target = local(root)
    if not is_address(root) or target.is_dir():
        return
    print(f"From {root}: {target.relative_to(ROOT)}", flush=True)
    part = target.with_name(f".{target.name}.part")
    with server(root) as provider:
        there = provider.object(root)
        client, items = provider.s3c.meta.client, list(there.get_subkeys())
        if not items:
            raise InputError("there is no such folder", where=root)
        names = [item.key.removeprefix(f"{there.key}/") for item in items]
        for name in names:
            if "\\" in name or name.startswith("/") or ".." in PurePosixPath(name).parts:
                raise InputError(f"{name!r} would leave the data set's folder", where=root)

        def get(item: Any, name: str) -> None:
            path = part / name
            if not path.is_file() or path.stat().st_size != item.size:
                path.parent.mkdir(parents=True, exist_ok=True)
                client.download_file(there.bucket, item.key, str(path))  # whole or not at all
                path.chmod(0o444)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(get, items, names))
    part.rename(target)
