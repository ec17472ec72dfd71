"""A job over URLs, in a store that lives in memory: what is written, what is known the next time, what is refused."""

import json
from dataclasses import dataclass, replace

import pytest
from job_files import FAST, fill, run, visible

from nonloc.errors import UsageError
from nonloc.jobs import run_job

fsspec = pytest.importorskip("fsspec")

from nonloc.jobs.remote import opened  # noqa: E402
from nonloc.jobs.remote_job import carry_out_remote  # noqa: E402
from nonloc.jobs.remote_work import work_remote  # noqa: E402


@dataclass
class Here:
    """A crew of this process alone; as if it were killed after so many files."""

    count: int = 1
    dies_after: int = 99
    began: int = 0

    def run(self, items, task):
        for item in items:
            self.began += 1
            result = replace(work_remote(item, task), worker="here")
            if self.began > self.dies_after:  # it is written, and nobody has been told
                raise KeyboardInterrupt
            yield result


@pytest.fixture
def store(tmp_path):
    """Three pictures in memory://in; those of a local job in tmp_path / 'out'."""
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    for path in fill(tmp_path / "in", "a.png", "b.png", "sub/c.tif"):
        fs.pipe(f"/in/{path.relative_to(tmp_path / 'in').as_posix()}", path.read_bytes())
    assert run_job([tmp_path / "in"], FAST, output=f"{tmp_path / 'out'}/", recursive=True).code == 0
    yield fs
    fs.store.clear()


def job(task=FAST, crew=None, **options):
    return carry_out_remote(["memory://in"], task, "memory://out/", crew or Here(), recursive=True, **options)


def pictures(fs) -> dict[str, bytes]:
    return {name[5:]: fs.cat(name) for name in fs.find("/out") if not name.endswith(".jsonl")}


def lines(fs) -> list[dict]:
    return [json.loads(line) for line in fs.cat("/out/nonloc-job.jsonl").splitlines()]


def test_urls_give_the_bytes_of_the_local_job_and_the_manifest_lies_beside_them(store, tmp_path):
    summary = job()
    assert (summary.code, summary.count("done"), summary.shares["here"].files) == (0, 3, 3)
    assert pictures(store) == {name: (tmp_path / "out" / name).read_bytes() for name in visible(tmp_path / "out")}
    told = {line["done"]: line["outputs"][0]["path"] for line in lines(store) if "done" in line}
    assert told["memory:///in/sub/c.tif"] == "memory:///out/sub/c.tif"
    assert {file.record["input"] for file in summary.files} == set(told)


def test_what_is_done_is_not_done_again_until_the_input_changes(store):
    job()
    crew = Here()
    assert job(crew=crew).count("done before") == 3
    assert crew.began == 0
    store.pipe("/in/a.png", store.cat("/in/b.png"))
    assert (job().count("done"), job(crew=crew).count("done before")) == (1, 3)
    assert store.cat("/out/a.png") == store.cat("/out/b.png")


def test_an_output_that_was_written_and_not_told_is_done_again_and_not_refused(store):
    crew = Here(dies_after=1)
    stopped = job(crew=crew)
    assert (stopped.interrupted, stopped.count("done"), len(pictures(store))) == (True, 1, 2)
    summary = job()
    assert (summary.code, summary.count("done before"), summary.count("done")) == (0, 1, 2)


def test_a_file_of_somebody_else_stays(store):
    store.pipe("/out/a.png", b"mine")
    summary = job()
    assert (summary.code, summary.count("failed"), store.cat("/out/a.png")) == (1, 1, b"mine")
    assert "it exists" in next(file.error for file in summary.files if file.error)
    assert job(overwrite=True).code == 0
    assert store.cat("/out/a.png") != b"mine"


def test_other_options_are_told(store):
    job()
    summary = job(task=replace(FAST, settings={**FAST.settings, "sigma": "30"}))
    assert summary.code == 3
    assert all("sigma was 20, is 30" in file.error for file in summary.files)


def test_a_damaged_file_and_one_that_is_not_there_fail_alone_under_their_urls(store):
    store.pipe("/in/bad.png", store.cat("/in/a.png")[:300])
    summary = carry_out_remote(["memory://in", "memory://nowhere.png"], FAST, "memory://out", Here())
    assert (summary.code, summary.count("done"), summary.count("failed")) == (1, 2, 2)
    errors = " ".join(file.error for file in summary.files if file.error)
    assert "memory:///in/bad.png" in errors
    assert "memory://nowhere.png" in errors
    assert "/tmp" not in errors


def test_a_local_folder_may_go_to_a_url_and_a_report_names_what_the_user_knows(store, tmp_path):
    task = replace(FAST, report=True, compare=True)
    assert carry_out_remote([str(tmp_path / "in")], task, "memory://out", Here()).code == 0
    assert {name for name in pictures(store) if name.startswith("a")} == {"a.png", "a.png.json", "a-compared.png"}
    assert json.loads(store.cat("/out/a.png.json"))["output"] == "memory:///out/a.png"


def test_a_manifest_may_be_a_local_file(store, tmp_path):
    job(manifest=tmp_path / "here.jsonl")
    assert not store.exists("/out/nonloc-job.jsonl")
    assert job(manifest=tmp_path / "here.jsonl").count("done before") == 3


def test_outputs_that_cannot_be_are_refused_before_any_work(store):
    for output in (None, "memory://out/{stem}.png"):
        with pytest.raises(UsageError, match="Give one: -o s3://"):
            carry_out_remote(["memory://in"], FAST, output, Here())
    with pytest.raises(UsageError, match="it is an input"):
        carry_out_remote(["memory://in"], FAST, "memory://in", Here())


def test_a_package_that_is_missing_is_named():
    kind = next((name for name in ("gs", "abfs", "oci", "dvc") if not _has(name)), None)
    if kind is None:
        pytest.skip("all packages of file systems are here")
    with pytest.raises(UsageError, match="pip install"):
        opened(f"{kind}://bucket/a.png")
    with pytest.raises(UsageError, match="Check the URL"):
        opened("nothing-like-it://a")


def _has(kind: str) -> bool:
    try:
        return bool(fsspec.get_filesystem_class(kind))
    except ImportError:
        return False


def test_a_url_without_a_cluster_says_what_to_add(tmp_path):
    _, err = run("denoise", "s3://bucket/a.png", "-o", "out/", folder=tmp_path, code=2)
    assert "--cluster ray" in err
