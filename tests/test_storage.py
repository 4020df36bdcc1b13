"""What is promised of S3-compatible storage, against a real server on this machine: one machine
goes on from what another finished, nothing half-written or foreign is taken, and buckets of data
are only read."""

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sim2real_lib import archive, params, s3, storage
from sim2real_lib.datasets import sources
from sim2real_lib.errors import InputError
from sim2real_lib.files import MANIFEST, ROOT, Artifact, sha256
from sim2real_lib.locks import LOCK
from sim2real_lib.plan import Plan

pytest.importorskip("snakemake_storage_plugin_s3", reason=f"needs: {s3.INSTALL}")
pytest.importorskip("moto.server", reason="needs the test server: pip install 'moto[s3]' flask")

pytestmark = pytest.mark.xdist_group("storage")
SECRET = "a-secret-that-nobody-prints"
BUCKET = "s3://results/sim2real"
ARTIFACT = "04_yolo_training/baseline-seed0"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=stream, stderr=stream,
        )  # fmt: skip
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(autouse=True)
def environment(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


@pytest.fixture
def client() -> Any:
    import boto3

    return boto3.client("s3", region_name="us-east-1")


def listed(client: Any, bucket: str, prefix: str = "") -> dict[str, tuple[str, Any]]:
    """Object -> its hash and when it was written."""
    answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix)
    return {one["Key"]: (one["ETag"], one["LastModified"]) for one in answer.get("Contents", [])}


def machine(home: Path) -> Path:
    """Another clone of the project."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("sim2real_lib", "notebooks", "params/smoke"):
        shutil.copytree(ROOT / name, home / name, ignore=ignore)
    shutil.copy(ROOT / "Snakefile", home)
    if (ROOT / "profiles").is_dir():
        shutil.copytree(ROOT / "profiles", home / "profiles")
    run = home / "params" / "smoke" / "run.yaml"
    text = run.read_text().replace("[baseline, cyclegan, nst, oracle]", "[baseline, nst]")
    run.write_text(text)
    return home


def stored(home: Path) -> Path:
    """A clone whose run.yaml names the storage."""
    with (home / "params" / "smoke" / "run.yaml").open("a") as file:
        file.write(f"\nstorage: {BUCKET}\n")
    return home


def python(home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(home), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=home, env=os.environ | {"PYTHONPATH": path},
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def seal(run: Path, name: str) -> None:
    """A finished artifact, with a checkpoint that no rule declares and a link to an image."""
    made = Artifact(run / name, {"run": "outputs/smoke"})
    (run / name / "training").mkdir()
    (run / name / "training" / "last.pt").write_bytes(name.encode() * 1000)
    (run / name / "image.png").symlink_to("/somewhere/image.png")
    made.seal(answer="It works.")
    executed = run / "notebooks" / f"{name.replace('/', '-')}.ipynb"
    executed.parent.mkdir(exist_ok=True)
    executed.write_text("{}")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine on which a run is finished; how its artifacts came about is no matter here."""
    home = machine(tmp_path_factory.mktemp("ours"))
    run = home / "outputs" / "smoke"
    plan = Plan.of(params.Run.from_yaml(home / "params" / "smoke" / "run.yaml"))
    for name in plan.artifacts("outputs/smoke"):
        seal(run, name)
    (run / "report.html").write_text("<p>It works.")
    pd.DataFrame({"arm": ["baseline", "nst"], "0-all": [0.1, 0.2]}).to_csv(run / "results.csv")
    made = [f"outputs/smoke/{n}/{MANIFEST}" for n in plan.artifacts("outputs/smoke")]
    config = ("--configfile", "params/smoke/run.yaml", "--cores", "1")
    done = python(home, "snakemake", *config, "--touch", "--", *made)
    assert done.returncode == 0, done.stderr
    stored(home)
    return home


def contents(run: Path) -> dict[str, str]:
    """Path -> hash of all that is kept of a run."""
    files = (p for p in run.rglob("*") if p.is_file() and not p.is_symlink())
    return {
        p.relative_to(run).as_posix(): sha256(p)
        for p in files
        if p.suffix != ".log" and p.name != LOCK
    }


@pytest.mark.notebooks
def test_another_machine_has_nothing_to_do(ours: Path, tmp_path: Path, client: Any) -> None:
    kept = python(ours, "sim2real_lib.batch", "smoke")
    assert kept.returncode == 0, kept.stderr
    first = listed(client, "results", "sim2real/")
    assert len(first) == 5  # 01, nst's fog, two detectors, 05
    theirs = stored(machine(tmp_path / "theirs"))
    fetched = python(theirs, "sim2real_lib.batch", "smoke")
    assert fetched.returncode == 0, fetched.stderr
    assert "Nothing to do" in fetched.stdout and "It works." in fetched.stdout
    run = Path("outputs", "smoke")
    assert contents(theirs / run) == contents(ours / run)
    assert f"{ARTIFACT}/training/last.pt" in contents(theirs / run)  # what no rule declares, too
    again = python(theirs, "sim2real_lib.batch", "smoke")
    assert "From s3:" not in again.stdout and "Nothing to do" in again.stdout
    assert listed(client, "results", "sim2real/") == first
    for said in (kept, fetched, again):
        assert SECRET not in said.stdout + said.stderr
    logs = "".join(p.read_text() for m in (ours, theirs) for p in m.rglob(".snakemake/log/*"))
    assert logs and SECRET not in logs

    # What was fetched is Snakemake's like any other: a changed parameter makes it anew.
    path = theirs / "params" / "smoke" / "05_result_visualization.yaml"
    path.write_text(path.read_text().replace("resamples: 20", "resamples: 21"))
    config = ("--configfile", "params/smoke/run.yaml", "--cores", "1")
    dry = python(theirs, "snakemake", *config, "--dry-run", "--quiet", "host", "reason")
    said = dry.stdout + dry.stderr
    assert "rule results" in said or "05 results" in said, said
    assert "01 data" not in said and "04 YOLOv5" not in said


def test_other_parameters_are_another_archive() -> None:
    run = params.Run.from_yaml("params/smoke/run.yaml")
    plan = Plan.of(run)
    now = {one.artifact: one.asked for one in storage.artifacts(plan)}
    nst = plan.notebooks["03_nst_generation"].with_values(steps=3)
    other = Plan(run, {**plan.notebooks, "03_nst_generation": nst}, plan.arms)
    then = {one.artifact: one.asked for one in storage.artifacts(other)}
    changed = {name for name in now if now[name] != then[name]}
    assert changed == {
        "03_nst_generation/nst-fog", "04_yolo_training/nst-seed0", "05_result_visualization"
    }  # fmt: skip


def put(client: Any, tmp_path: Path, one: storage.Kept, damage: bool = False) -> None:
    """An artifact in the storage."""
    seal(tmp_path / "there", one.artifact)
    archive.pack(tmp_path / "there", one.artifact, tmp_path / "one.tar")
    data = (tmp_path / "one.tar").read_bytes()
    client.put_object(
        Bucket="results", Key=f"some/{one.archive}", Body=data[: len(data) // 2] if damage else data
    )


@pytest.fixture
def wanted(
    tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> tuple[Plan, list[storage.Kept], list[str]]:
    """A run that has nothing yet, its artifacts, and what Snakemake is called with."""
    client.create_bucket(Bucket="results")
    run = params.Run.from_yaml("params/smoke/run.yaml")
    plan = Plan.of(run.with_values(run=str(tmp_path / "here"), storage="s3://results/some"))
    ours, called = storage.artifacts(plan), []
    monkeypatch.setattr(storage, "_pending", lambda _: {one.manifest for one in ours})
    monkeypatch.setattr(storage, "_snakemake", lambda _, *options: called.extend(options))
    monkeypatch.setattr(sources, "prepare", lambda _: called.append("data"))
    return plan, ours, called


def test_what_is_fetched_is_what_would_have_to_be_made_and_its_data_come_along(
    wanted: tuple, tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, ours, called = wanted
    analysis, *others = ours
    baseline = next(one for one in others if one.artifact == ARTIFACT)
    put(client, tmp_path, baseline)
    storage.fetch(plan, Path("run.yaml"))
    assert called == []  # 01, which it is made from, would still have to be made
    put(client, tmp_path, analysis)
    storage.fetch(plan, Path("run.yaml"))
    assert called[0] == "data" and called[-2:] == [analysis.manifest, baseline.manifest]
    assert Path(baseline.manifest).is_file()
    monkeypatch.setattr(storage, "_pending", lambda _: {ours[-1].manifest})
    called.clear()
    storage.fetch(plan, Path("run.yaml"))
    assert called == []  # nothing that is here is fetched again


def test_a_damaged_archive_stops_the_run_and_nothing_of_it_is_taken(
    wanted: tuple, tmp_path: Path, client: Any
) -> None:
    plan, ours, called = wanted
    put(client, tmp_path, ours[0], damage=True)
    with pytest.raises(InputError, match="not a whole archive") as refused:
        storage.fetch(plan, Path("run.yaml"))
    assert f"s3://results/some/{ours[0].archive}" in str(refused.value)
    assert called == [] and contents(tmp_path / "here") == {}


@pytest.mark.notebooks
def test_without_a_server_one_error_and_nothing_is_lost(
    ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(ours / "outputs")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    stopped = python(ours, "sim2real_lib.batch", "smoke")
    assert stopped.returncode == 2
    assert "http://127.0.0.1:9 says: " in stopped.stderr and len(stopped.stderr.splitlines()) == 1
    assert "Traceback" not in stopped.stderr
    assert contents(ours / "outputs") == before


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    seal(tmp_path / "run", ARTIFACT)
    archive.pack(tmp_path / "run", ARTIFACT, tmp_path / "whole.tar")
    return tmp_path / "whole.tar"


def test_an_archive_holds_every_file_and_nobodys_name(packed: Path, tmp_path: Path) -> None:
    archive.unpack(packed, tmp_path / "other", ARTIFACT)
    assert contents(tmp_path / "other") == contents(tmp_path / "run")
    with tarfile.open(packed) as tar:
        assert {(member.uname, member.uid) for member in tar.getmembers()} == {("", 0)}


def test_unpacking_replaces_what_a_kill_left(packed: Path, tmp_path: Path) -> None:
    begun = tmp_path / "other" / ARTIFACT
    begun.mkdir(parents=True)
    (begun / "half.pt").write_text("x")
    archive.unpack(packed, tmp_path / "other", ARTIFACT)
    assert not (begun / "half.pt").exists() and (begun / MANIFEST).is_file()


def rewritten(packed: Path, *members: tarfile.TarInfo) -> None:
    """The archive with further members, which its list of hashes names as it should."""
    with tarfile.open(packed) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar.getmembers()}  # type: ignore
    hashes = json.loads(files.pop(archive.HASHES))
    hashes |= {member.name: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
               for member in members}  # fmt: skip
    with tarfile.open(packed, "w") as tar:
        for name, data in [*files.items(), (archive.HASHES, json.dumps(hashes).encode())]:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for member in members:
            tar.addfile(member)


def link(name: str, to: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, to
    return member


@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo("../outside"),
        tarfile.TarInfo(f"{ARTIFACT}/../../../outside"),
        tarfile.TarInfo("/tmp/outside"),
        tarfile.TarInfo("outside"),
        tarfile.TarInfo("04_yolo_training/oracle-seed0/manifest.json"),
        link(f"{ARTIFACT}/passwd", "/etc/passwd"),
        link(f"{ARTIFACT}/self", "manifest.json"),
    ],
    ids=lambda member: member.name,
)
def test_a_name_that_leaves_the_artifact_is_refused(
    packed: Path, tmp_path: Path, member: tarfile.TarInfo
) -> None:
    rewritten(packed, member)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="not a whole archive"):
        archive.unpack(packed, tmp_path / "run", "04_yolo_training/baseline-seed0")
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9])
def test_a_truncated_archive_leaves_nothing(packed: Path, tmp_path: Path, share: float) -> None:
    data = packed.read_bytes()
    packed.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match="not a whole archive"):
        archive.unpack(packed, tmp_path / "other", ARTIFACT)
    assert contents(tmp_path / "other") == {}


def test_a_changed_byte_is_found(packed: Path, tmp_path: Path) -> None:
    data = packed.read_bytes()
    packed.write_bytes(data.replace(b"baseline-seed004", b"baseline-seed005", 1))
    with pytest.raises(InputError, match="not those that were packed"):
        archive.unpack(packed, tmp_path / "other", ARTIFACT)


def test_an_unfinished_artifact_is_not_packed(tmp_path: Path) -> None:
    (tmp_path / ARTIFACT).mkdir(parents=True)
    with pytest.raises(InputError, match="no finished result"):
        archive.pack(tmp_path, ARTIFACT, tmp_path / "x.tar")


@pytest.fixture
def drawn(tmp_path: Path) -> params.DataAnalysis:
    """A small MiniDrive, as data sets of one's own."""
    smoke = params.DataAnalysis.from_yaml("params/smoke/01_data_analysis.yaml")
    p = smoke.with_values(run=str(tmp_path / "drawn"))
    sources.prepare(p)
    return p


def test_a_data_set_in_a_bucket_is_read_like_one_in_a_folder(
    drawn: params.DataAnalysis, tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.create_bucket(Bucket="data")
    roots = sources.roots(drawn)
    for name, root in roots.items():
        for path in (p for p in root.rglob("*") if p.is_file()):
            place = f"sets/{name}/{path.relative_to(root).as_posix()}"
            client.upload_file(str(path), "data", place)
    before = listed(client, "data")
    monkeypatch.setattr(s3, "DATA", str(tmp_path / "fetched"))
    monkeypatch.setattr(s3, "ROOT", tmp_path)
    there = {f"{name}_root": f"s3://data/sets/{name}" for name in roots}
    here = {f"{name}_root": str(root) for name, root in roots.items()}
    remote = drawn.with_values(data="folders", **there)
    sources.prepare(remote)
    read, expected = sources.read(remote), sources.read(drawn.with_values(data="folders", **here))
    pd.testing.assert_frame_equal(read.boxes, expected.boxes)
    pd.testing.assert_frame_equal(
        read.frames.drop(columns="image"), expected.frames.drop(columns="image")
    )
    assert listed(client, "data") == before
    one = next(p for p in sources.roots(remote)["kitti"].rglob("*") if p.is_file())
    assert one.stat().st_mode & 0o222 == 0  # to be read alone
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    sources.prepare(remote)  # is here, and asks nobody


def test_a_broken_transfer_goes_on_where_it_was(
    tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.create_bucket(Bucket="broken")
    for name in ("a", "b/c"):
        client.put_object(Bucket="broken", Key=f"set/{name}", Body=b"12345")
    monkeypatch.setattr(s3, "DATA", str(tmp_path))
    monkeypatch.setattr(s3, "ROOT", tmp_path)
    part = tmp_path / "broken" / ".set.part"
    part.mkdir(parents=True)
    (part / "a").write_bytes(b"whole")  # here already, so left alone
    s3.fetch_data("s3://broken/set")
    assert contents(tmp_path / "broken" / "set").keys() == {"a", "b/c"}
    assert (tmp_path / "broken" / "set" / "a").read_bytes() == b"whole"
    assert not part.exists()


@pytest.mark.parametrize("name", ["../../outside", "/outside", "a/../../../outside"])
def test_an_object_that_would_leave_the_folder_is_refused(
    tmp_path: Path, client: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from types import SimpleNamespace

    from snakemake_storage_plugin_s3 import StorageObject

    item = SimpleNamespace(key=f"set/{name}", size=1)  # this server takes no such name; others do
    monkeypatch.setattr(StorageObject, "get_subkeys", lambda _: [item])
    monkeypatch.setattr(s3, "DATA", str(tmp_path / "data"))
    monkeypatch.setattr(s3, "ROOT", tmp_path)
    with pytest.raises(InputError, match="would leave"):
        s3.fetch_data("s3://hostile/set")
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("root", ["s3://", "s3://b", "s3://b/../c", "s3://me:pass@b/c", "s3:b/c"])
def test_an_address_that_is_none_is_refused(root: str) -> None:
    with pytest.raises(InputError, match="must be s3://bucket/folder"):
        s3.local(root)


def test_a_bucket_that_is_not_there_is_named(client: Any) -> None:
    with pytest.raises(InputError, match=r"s3://nowhere/set"):
        s3.fetch_data("s3://nowhere/set")
