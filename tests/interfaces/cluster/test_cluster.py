"""A job on Ray gives what the job of one machine gives, whoever dies on the way."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from job_files import fill, hidden, run, same, start, visible

from nonloc.errors import UsageError
from nonloc.interfaces.cluster import read_cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
FILES = 12
GAUSSIAN = ["--method", "gaussian", "--set", "width=4", "--sigma", "20"]


def words(out: str, *more: str) -> list[str]:
    return ["denoise", "in", "-r", "-o", out, *GAUSSIAN, *more]


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "nonloc-job.jsonl").read_text().splitlines()]


def without_times(told: dict) -> dict:
    """A line of the manifest, as it would be at any time and in any output folder."""
    record = {k: v for k, v in told.get("record", {}).items() if "seconds" not in k and k not in ("output", "threads")}
    return {**{k: v for k, v in told.items() if k != "seconds"}, "record": record}


@pytest.fixture(scope="module")
def folder(environment, tmp_path_factory):
    """Twelve pictures, one of them broken, and what the job of one machine makes of them in 'one'."""
    folder = tmp_path_factory.mktemp("job")
    names = [f"{'sub/' if i % 2 else ''}{i}.png" for i in range(FILES)]
    paths = fill(folder / "in", *names, height=240, width=240, bits=16)
    paths[3].write_bytes(paths[3].read_bytes()[:5000])
    run(*words("one", "-j", "1", "-q"), folder=folder, code=1)
    assert len(visible(folder / "one")) == FILES - 1
    return folder


def wait_for(folder: Path, count: int, child) -> None:
    """Until so many pictures are visible."""
    while child.poll() is None and len(visible(folder)) < count:
        time.sleep(0.01)
    assert child.poll() is None, child.stderr.read().decode()


def test_two_workers_on_this_machine_give_the_same_bytes_and_the_same_manifest(folder, processes):
    out, err = run(*words("two", "--cluster", "ray", "-j", "2", "--json"), folder=folder, code=1)
    told = json.loads(out)  # nothing but our own words on stdout
    assert (told["done"], told["failed"], told["workers"], len(told["shares"])) == (FILES - 1, 1, 2, 2)
    assert told["pictures_per_second"] > 0
    assert err.count("\n") == 1
    assert "sub/3.png" in err
    assert "damaged" in err
    assert visible(folder / "two") == visible(folder / "one")
    one, two = ({json.dumps(without_times(line)) for line in lines(folder / name)} for name in ("one", "two"))
    assert two == one
    assert hidden(folder / "two") == []
    assert processes("raylet") == []
    before = same(folder / "two")
    run(*words("two", "-j", "1", "-q"), folder=folder, code=1)  # the job of one machine knows what was done
    assert same(folder / "two") == before


def test_a_worker_that_is_killed_costs_no_file(folder, processes, cluster):
    child = start(*words("killed", "--cluster", f"ray:{cluster}", "--json"), folder=folder)
    wait_for(folder / "killed", 2, child)
    victims = processes("MapWorker")
    assert victims
    os.kill(victims[0], signal.SIGKILL)
    out, err = child.communicate()
    assert child.returncode == 1, err.decode()
    told = json.loads(out)
    assert (told["done"], told["failed"], told["unfinished"]) == (FILES - 1, 1, 0)
    assert visible(folder / "killed") == visible(folder / "one")
    done = [line["done"] for line in lines(folder / "killed") if "done" in line]
    assert len(done) == len(set(done)) == FILES - 1
    assert hidden(folder / "killed") == []


def test_a_driver_that_is_killed_continues_where_it_was(folder, cluster):
    child = start(*words("driver", "--cluster", f"ray:{cluster}", "-q"), folder=folder)
    wait_for(folder / "driver", 2, child)
    child.kill()
    child.communicate()
    finished = same(folder / "driver")
    assert 2 <= len(finished) < FILES - 1
    out, _ = run(*words("driver", "--cluster", f"ray:{cluster}", "--json"), folder=folder, code=1)
    assert json.loads(out)["done_before"] >= len(finished)
    now = same(folder / "driver")
    assert {name: now[name] for name in finished} == finished, "a finished file was done again"
    assert visible(folder / "driver") == visible(folder / "one")
    assert hidden(folder / "driver") == []


def test_an_interrupt_leaves_what_is_complete(folder, cluster):
    child = start(*words("stopped", "--cluster", f"ray:{cluster}", "--json"), folder=folder)
    wait_for(folder / "stopped", 2, child)
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does
    out, err = child.communicate()
    assert child.returncode == 130, err.decode()
    told = json.loads(out)
    assert told["unfinished"] > 0
    assert told["done"] == len(visible(folder / "stopped"))
    assert visible(folder / "stopped").items() <= visible(folder / "one").items()
    assert hidden(folder / "stopped") == []


def test_urls_go_in_and_out_and_are_known_the_next_time(folder, cluster):
    source, target = (folder / "in").as_uri(), (folder / "urls").as_uri()
    command = ["denoise", source, "-r", "-o", target, *GAUSSIAN, "--report", "--cluster", f"ray:{cluster}", "--json"]
    out, err = run(*command, folder=folder, code=1)
    told = json.loads(out)
    assert (told["done"], told["failed"]) == (FILES - 1, 1)
    assert f"{source}/sub/3.png" in err
    made = visible(folder / "urls")
    assert {name: digest for name, digest in made.items() if name.endswith(".png")} == visible(folder / "one")
    report = json.loads((folder / "urls" / "0.png.json").read_bytes())
    assert (report["input"], report["output"]) == (f"{source}/0.png", f"{target}/0.png")
    assert hidden(folder / "urls") == []
    before = same(folder / "urls")
    out, _ = run(command[0], f"{source}/*.png", *command[3:], folder=folder)  # without the one that is damaged
    assert json.loads(out)["done_before"] == FILES // 2
    assert same(folder / "urls") == before


@pytest.mark.parametrize("text", ["ray:", "ray:host", "dask", "ray::6379", "ray:host:port"])
def test_what_names_no_cluster_is_told(text):
    with pytest.raises(UsageError, match="ray:HOST:PORT"):
        read_cluster(text)


def test_a_cluster_is_named_by_host_and_port():
    assert read_cluster("ray") is None
    assert read_cluster("ray:10.0.0.5:6379") == read_cluster("ray://10.0.0.5:6379") == "10.0.0.5:6379"
