"""The page's server as its page uses it: pictures in, the command line's files out, nothing for anybody else."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

import nonloc
from nonloc.degradation import PoissonGaussian
from nonloc.errors import UsageError
from nonloc.image.image import Metadata
from nonloc.image.read import read_pages
from nonloc.image.write import encode, write_pages
from nonloc.interfaces.cli import main
from nonloc.interfaces.web.serve import bound
from nonloc.interfaces.web.studio import Limits, sweep

STATIC = Path(nonloc.__file__).parent / "interfaces" / "web" / "static"


@pytest.fixture
def by_command(tmp_path):
    """What the command line writes for the same bytes."""

    def run(content, name, *words):
        source, out = tmp_path / name, tmp_path / f"out{Path(name).suffix}"
        source.write_bytes(content)
        assert main([*words, str(source), "-o", str(out), "--overwrite", "-q"]) == 0
        return out.read_bytes()

    return run


@pytest.fixture
def stack(tmp_path, make_picture):
    """The bytes of a TIFF of three 16-bit pages, each noisier than the one before."""
    pages = [make_picture(np.uint16, channels=1, sigma=sigma) for sigma in (0, 15, 30)]
    return write_pages(pages, tmp_path / "stack.tif").read_bytes()


def contents(make_picture):
    facts = Metadata(exif=b"II*\0\x08\0\0\0\0\0\0\0\0\0", resolution=(300, 300, "inch"))
    return {
        "a.png": encode(make_picture(metadata=facts), "png"),
        "b.tif": encode(make_picture(np.uint16), "tiff"),
        "c.JPG": encode(make_picture(), "jpeg"),
        "called.jpg": encode(make_picture(np.uint16, channels=1), "png"),  # a PNG whatever its name says
    }


@pytest.mark.parametrize("name", ["a.png", "b.tif", "c.JPG", "called.jpg"])
def test_the_download_is_the_command_lines_file_byte_for_byte(name, visitor, by_command, make_picture):
    content = contents(make_picture)[name]
    picture = visitor.add(content, name)
    work = visitor.restore(picture, method="nl-means", sigma="18", strength=0.7)
    assert work["state"] == "done", work["error"]
    source = name if name != "called.jpg" else "called.png"
    words = ("denoise", "--method", "nl-means", "--sigma", "18", "--strength", "0.7")
    assert visitor.result(work) == by_command(content, source, *words)
    assert visitor.result(work) != content


def test_restore_with_the_default_network_is_the_command_lines_file(visitor, by_command, make_picture):
    content = encode(make_picture(np.uint16, height=200, width=200), "png")
    work = visitor.restore(visitor.add(content))
    assert work["record"]["method"] == "nonloc-s"
    assert visitor.result(work) == by_command(content, "in.png", "restore")


def test_the_command_that_the_page_tells_gives_the_same_file(make_visitor, by_command, make_picture):
    visitor = make_visitor(memory=1 << 30, ensemble=8)
    content = encode(make_picture(), "png")
    work = visitor.restore(visitor.add(content, "my scan.png"), method="gaussian", sigma="20")
    words = work["command"].replace("'my scan.png'", "").split()
    assert "--ensemble" in words
    assert visitor.result(work) == by_command(content, "in.png", *words[1:])


def test_all_pages_are_shown_and_come_back(visitor, by_command, stack):
    picture = visitor.add(stack, "stack.tif")
    assert picture["facts"]["pages"] == 3
    work = visitor.restore(picture, method="gaussian")
    content = visitor.result(work)
    assert content == by_command(stack, "stack.tif", "denoise", "--method", "gaussian")
    pages = [page.samples for page in read_pages(content)]
    assert [page.dtype for page in pages] == [np.uint16] * 3
    for number, page in enumerate(pages):
        seen = pixels(visitor.get(f"works/{work['id']}/pages/{number}/0/0/0"))
        np.testing.assert_array_equal(seen, np.rint(page / 257).astype(np.uint8))
    assert visitor.get(f"pictures/{picture['id']}/pages/3").status_code == 422


def pixels(answer):
    assert answer.status_code == 200, answer.text
    return np.asarray(Pillow.open(io.BytesIO(answer.content)))


def test_a_clean_picture_is_left_alone_and_given_back_as_it_came(visitor, make_picture):
    y, x = np.mgrid[:64, :96]
    image = make_picture(height=64, width=96)
    content = encode(image.with_samples((np.stack([x, y, x + y], -1) % 256).astype(np.uint8) // 2), "png")
    picture = visitor.add(content)
    assert picture["plan"]["changed"] is False
    assert "not seen" in picture["plan"]["reason"]
    work = visitor.restore(picture)
    assert visitor.result(work) == content
    assert visitor.get(f"works/{work['id']}/pages/0").json()["removed"] == 0


def test_diagnosis_and_plan_come_with_their_reason(visitor, make_picture):
    plan = visitor.add(encode(make_picture(sigma=25, height=150, width=150), "png"))["plan"]
    assert plan["changed"]
    assert "sigma" in plan["diagnosis"]
    assert plan["method"] == "nonloc-s"
    assert plan["reason"]
    assert plan["expected_cpu_seconds"] > 0


def test_shot_noise_is_planned_for_and_any_method_may_be_taken(visitor, by_command, make_picture):
    image = make_picture(np.uint16, channels=1, sigma=0, height=240, width=240)
    counts = PoissonGaussian(0.1, 3).apply(image.samples / 65535, np.random.default_rng(0))
    content = encode(image.with_samples(np.rint(np.clip(counts, 0, 1) * 65535).astype(np.uint16)), "png")
    picture = visitor.add(content)
    assert picture["plan"]["method"] == "nonloc-s"
    assert picture["plan"]["degradation"].startswith("poisson-gaussian:0.")
    assert "the noise grows with the light" in picture["plan"]["reason"]
    offers = visitor.get(f"pictures/{picture['id']}/methods").json()
    assert {offer["name"] for offer in offers if not offer["unfit"]} >= {"nonloc-s", "bm3d", "nl-means"}
    assert visitor.result(visitor.restore(picture)) == by_command(content, "in.png", "restore")


def test_methods_are_offered_with_advice_and_time(visitor, make_picture):
    picture = visitor.add(encode(make_picture(height=150, width=150), "png"))
    offers = visitor.get(f"pictures/{picture['id']}/methods").json()
    assert offers[0]["name"] == "nonloc-s"
    assert all(offer["advice"] for offer in offers)
    assert {offer["name"] for offer in offers if not offer["unfit"]} >= {"nonloc-s", "bm3d", "nl-means"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.txt", b"no picture at all", "no picture format"),
        ("empty.png", b"", "empty"),
        ("cut.png", b"\x89PNG\r\n\x1a\nnonsense", ""),
        ("bomb.bmp", b"BM" + bytes(12) + b"(\0\0\0" + b"\xfa\xfa\0\0\xfa\xfa\0\0" + b"\1\0\x18\0" + bytes(24), ""),
    ],
)
def test_a_bad_file_is_told_in_three_parts_and_by_its_own_name(name, content, said, visitor, make_studio):
    picture = visitor.add(content, name)
    assert picture["state"] == "failed"
    error = picture["error"]
    assert all(error[part] for part in ("asked", "found", "do"))
    assert said in error["found"]
    assert name in error["asked"]
    assert "nonloc-web-" not in json.dumps(visitor.state())
    assert visitor.ask(picture).status_code == 422


def test_a_picture_that_would_not_fit_is_refused_before_it_is_decoded(make_visitor, make_picture):
    visitor = make_visitor(memory=10_000)
    error = visitor.add(encode(make_picture(), "png"))["error"]
    assert "60" in error["found"]
    assert "--memory" in error["do"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(declared, make_studio, make_visitor):
    studio = make_studio(Limits(upload=100_000))
    visitor = make_visitor(studio)
    content = bytes(100_001)
    answer = visitor.send(content if declared else iter([content[:50_000], content[50_000:]]))
    assert answer.status_code == 413
    assert "MiB" in answer.json()["error"]["found"]
    assert files(studio.folder) == []


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "alive"]


def test_wrong_settings_are_told_at_once(visitor, make_picture):
    picture = visitor.add(encode(make_picture(), "png"))
    for settings, said in (
        ({"method": "gausian"}, "'gaussian'"),
        ({"sigma": "loud"}, "no level"),
        ({"strength": 2}, "0 to 1"),
        ({"blur": 2}, "Extra"),
    ):
        answer = visitor.ask(picture, **settings)
        assert answer.status_code == 422
        assert said in " ".join(answer.json()["error"].values())


def test_a_method_that_does_not_fit_fails_with_the_reason(visitor, make_picture):
    picture = visitor.add(encode(make_picture(), "png"))
    work = visitor.restore(picture, method="gaussian", sigma="5000")
    assert work["state"] == "failed"
    assert "5000" in work["error"]["asked"]
    assert visitor.get(f"works/{work['id']}/file").status_code == 422


@pytest.mark.parametrize(
    "name", ["../../escaped.png", "/etc/passwd", "C:\\x\\y.png", "a\0b.png", "..", "x\r\nSet-Cookie: a.png"]
)
def test_a_name_is_never_a_path(name, visitor, make_picture):
    studio = visitor.client.app.state.studio
    picture = visitor.add(encode(make_picture(), "png"), name)
    assert "/" not in picture["name"]
    assert [path.name for path in files(studio.folder) if path.suffix != ".npy"] == ["picture.png"]
    work = visitor.restore(picture, method="gaussian", sigma="20")
    header = visitor.get(f"works/{work['id']}/file").headers["content-disposition"]
    assert header.startswith('attachment; filename="')
    assert not re.search(r"[/\\\r\n\0]", header)


def test_nobody_sees_the_pictures_of_another_session(visitor, make_picture):
    picture = visitor.add(encode(make_picture(), "png"))
    other = visitor.client.post("/api/sessions").json()["session"]
    assert visitor.client.get(f"/api/sessions/{other}").json()["pictures"] == []
    assert visitor.client.get(f"/api/sessions/{other}/pictures/{picture['id']}/pages/0/0/0/0").status_code == 404
    assert visitor.client.get("/api/sessions/unknown").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "127.0.0.1:8765"}, 200),
        ({"host": "localhost:9000"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example:8765"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:3000"}, 403),
        ({"origin": "http://127.0.0.1:8765"}, 200),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
    ],
)
def test_only_the_page_itself_is_answered(headers, status, visitor):
    assert visitor.client.post("/api/sessions", headers=headers).status_code == status


def test_a_link_elsewhere_may_open_the_page_and_nothing_more(visitor):
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert visitor.client.get("/", headers=followed).status_code == 200
    assert visitor.client.get(visitor.base, headers=followed).status_code == 403


def test_a_request_that_is_no_upload_is_small(visitor):
    assert visitor.client.post("/api/sessions", content=bytes(100_000)).status_code == 413
    assert visitor.client.post("/api/sessions", content=iter([b"x"])).status_code == 413


def test_the_page_may_load_nothing_from_elsewhere(visitor):
    policy = visitor.client.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|//[a-z]+\.[a-z]|eval\(|innerHTML", text), path.name
        answer = visitor.client.get(f"/static/{path.name}")
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_is_there_before_anything_heavy_is_loaded():
    program = """if True:
        import sys
        from fastapi.testclient import TestClient
        from nonloc.interfaces.web.app import build
        from nonloc.interfaces.web.studio import Studio
        from nonloc.verbs.options import Options
        with TestClient(build(Studio(Options())), base_url="http://localhost") as client:
            assert "Drop pictures here" in client.get("/").text
            assert client.post("/api/sessions").status_code == 200
            print([name for name in ("torch", "scipy", "numba") if name in sys.modules])
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_work_is_cancelled_between_tiles_and_the_next_one_runs(make_visitor, make_picture):
    visitor = make_visitor(tile=24)
    picture = visitor.add(encode(make_picture(height=300, width=300), "png"))
    first = visitor.ask(picture, method="bm3d", sigma="20").json()
    waiting = visitor.ask(picture, method="bm3d", sigma="30").json()
    last = visitor.ask(picture, method="gaussian", sigma="20").json()
    begun = visitor.until("works", first["id"], lambda it: it["done"] > 0)
    assert 0 < begun["done"] < 1
    assert begun["left"] > 0
    for work in (waiting, first):
        answer = visitor.client.delete(f"{visitor.base}/works/{work['id']}")
        assert answer.json()["state"] == "cancelled"
    assert visitor.until("works", last["id"], lambda it: it["state"] not in ("waiting", "working"))["state"] == "done"
    states = {work["id"]: work for work in visitor.state()["works"]}
    assert states[first["id"]]["state"] == "cancelled"
    assert states[first["id"]]["done"] < 1
    assert states[waiting["id"]]["done"] == 0
    folder = next(visitor.client.app.state.studio.folder.rglob(picture["id"]))
    assert not (folder / first["id"]).exists()
    assert visitor.restore(picture, method="gaussian", sigma="20")["id"] == last["id"]  # not done twice


def test_only_what_changed_is_told(visitor, make_picture):
    picture = visitor.add(encode(make_picture(), "png"))
    known = visitor.state()["version"]
    assert visitor.client.get(f"{visitor.base}?since={known}").json()["pictures"] == []
    work = visitor.restore(picture, method="gaussian", sigma="20")
    news = visitor.client.get(f"{visitor.base}?since={known}").json()
    assert [one["id"] for one in news["works"]] == [work["id"]]
    assert news["pictures"] == []


def test_a_batch_comes_as_a_zip_of_the_same_files(visitor, make_picture):
    scans = [encode(make_picture(seed=seed), "png") for seed in (1, 2)]
    works = [visitor.restore(visitor.add(scan, "scan.png"), method="gaussian", sigma="20") for scan in scans]
    answer = visitor.get(f"zip?works={','.join(work['id'] for work in works)}")
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert archive.namelist() == ["scan-denoised.png", "scan-denoised-2.png", "nonloc-report.json"]
    for name, work in zip(archive.namelist(), works, strict=False):
        assert archive.read(name) == visitor.result(work)
    report = json.loads(archive.read("nonloc-report.json"))
    assert [one["method"] for one in report] == ["gaussian"] * 2
    assert visitor.get("zip?works=").status_code == 422


def test_the_report_names_what_the_user_named(visitor, make_picture):
    work = visitor.restore(visitor.add(encode(make_picture(), "png"), "scan.png"), method="gaussian", sigma="20")
    report = visitor.get(f"works/{work['id']}/report").json()
    assert (report["input"], report["output"], report["degradation"]) == (
        "scan.png",
        "scan-denoised.png",
        "gaussian:20",
    )


def test_files_go_with_their_picture_their_session_and_the_server(make_studio, make_visitor, make_picture):
    studio = make_studio()
    visitor = make_visitor(studio)
    assert studio.folder.stat().st_mode & 0o077 == 0
    first, second = (visitor.add(encode(make_picture(), "png")) for _ in range(2))
    visitor.restore(first, method="gaussian", sigma="20")
    visitor.client.delete(f"{visitor.base}/pictures/{first['id']}")
    assert {path.relative_to(studio.folder).parts[1] for path in files(studio.folder)} == {second["id"]}
    visitor.client.delete(visitor.base)
    assert files(studio.folder) == []
    assert visitor.get("zip?works=x").status_code == 404
    visitor.client.__exit__(None, None, None)
    assert not studio.folder.exists()


def test_a_session_that_is_not_heard_of_ends_and_one_that_works_does_not(make_studio, make_visitor, make_picture):
    now = [0.0]
    studio = make_studio(Limits(idle=100), clock=lambda: now[0])
    quiet, there = make_visitor(studio), make_visitor(studio)
    quiet.add(encode(make_picture(), "png"))
    now[0] = 90
    there.state()
    now[0] = 150
    studio.expire()
    assert there.get("").status_code != 404
    assert quiet.client.get(quiet.base).status_code == 404
    assert files(studio.folder) == []


def test_too_many_sessions_end_the_quietest(make_studio):
    studio = make_studio(Limits(sessions=2))
    names = [studio.begin().id for _ in range(3)]
    assert list(studio.sessions) == names[1:]


def test_what_a_killed_server_left_is_swept_away_and_a_living_one_is_not(tmp_path):
    for name, age in (("nonloc-web-dead", 7200), ("nonloc-web-alive", 10), ("other", 7200)):
        (tmp_path / name).mkdir()
        sign = tmp_path / name / "alive"
        sign.touch()
        os.utime(sign, (sign.stat().st_mtime - age,) * 2)
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["nonloc-web-alive", "other"]


def test_a_port_that_is_taken_is_told_and_none_given_finds_another():
    with bound(0) as taken:
        assert taken.getsockname()[0] == "127.0.0.1"
        with pytest.raises(UsageError, match="--port"):
            bound(taken.getsockname()[1])
    with bound(None) as first, bound(None) as second:
        assert first.getsockname()[1] != second.getsockname()[1]
    with pytest.raises(UsageError, match="no port"):
        bound(70_000)
