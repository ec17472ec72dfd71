"""A plain word where the service says no: bad files, options that do not fit, sizes, tokens, the pages of others."""

import pytest

from nonloc.image.write import encode, write_pages
from nonloc.interfaces.service.limits import Limits
from nonloc.verbs.options import Options

PROBLEM = "application/problem+json"


@pytest.mark.parametrize(
    ("content", "status", "kind"),
    [
        (b"", 400, "damaged"),
        (b"no picture at all", 415, "unknown-format"),
        (b"\x89PNG\r\n\x1a\nnonsense", 400, "damaged"),
        (
            b"BM" + bytes(12) + b"(\0\0\0" + b"\xfa\xfa\0\0\xfa\xfa\0\0" + b"\1\0\x18\0" + bytes(24),
            413,
            "too-many-pixels",
        ),
    ],
)
def test_what_is_no_good_picture_is_refused_in_three_parts(content, status, kind, served):
    answer = served.quick(content)
    told = answer.json()
    assert (answer.status_code, told["status"], told["type"]) == (status, status, f"/problems/{kind}")
    assert answer.headers["content-type"] == PROBLEM
    assert all(told[part] for part in ("title", "detail", "asked", "found", "do"))
    assert "nonloc-serve-" not in answer.text
    assert served.http.get(told["type"]).json()["title"] == told["title"]
    assert served.files() == []


def test_a_picture_that_ends_early_is_told_without_our_paths(served, noisy):
    answer = served.quick(noisy[: len(noisy) // 2])
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/damaged")
    assert "nonloc-serve-" not in answer.text
    assert "the picture" in answer.json()["asked"]


@pytest.mark.parametrize(
    ("verb", "options", "said"),
    [
        ("denoise", {"method": "gausian"}, "'gaussian'"),
        ("denoise", {"sigma": "loud"}, "no level"),
        ("denoise", {"sigma": "nan"}, "no level"),
        ("denoise", {"strength": "nan"}, "strength"),
        ("denoise", {"strength": 2}, "strength"),
        ("denoise", {"blur": 2}, "no such option"),
        ("denoise", {"method": "gaussian", "set": "size"}, "'='"),
        ("denoise", {"method": "gaussian", "set": "colour=red"}, "argument"),
        ("denoise", {"method": "gaussian", "sigma": "5000"}, "5000"),
        ("denoise", {"method": "gaussian", "quality": 90}, "quality"),
        ("upscale", {"factor": "inf"}, "factor"),
        ("upscale", {"factor": 2, "method": "gaussian"}, "gaussian"),
        ("upscale", {"factor": 21.3195, "ensemble": 2}, "ensemble"),
        ("deblur", {"kernel": "/etc/passwd"}, "blur"),
        ("deblur", {"kernel": "kernel.npy"}, "blur"),
        ("deblur", {"kernel": "defocus:1e9"}, "more than"),
        ("deblur", {"kernel": "jpeg:10"}, "no blur"),
        ("repair", {"damage": "holes"}, "damage"),
        ("repair", {"mask": "/etc/passwd"}, "no such option"),
        ("repair", {}, "no damage"),
    ],
)
def test_what_cannot_be_done_is_told(verb, options, said, served, noisy):
    answer = served.post(verb, noisy, **options)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == PROBLEM
    assert said in answer.text


def test_sizes_have_limits(start, noisy, make_picture):
    running = start(Limits(upload=50_000, pixels=5_000, grace=0), options=Options())
    for content in (bytes(50_001), iter([bytes(30_000), bytes(30_000)])):
        answer = running.post("denoise", content)
        assert (answer.status_code, answer.json()["limit"]) == (413, 50_000)
    large = encode(make_picture(height=80, width=80, channels=1), "png")
    assert running.quick(large).json()["type"] == "/problems/too-many-pixels"
    assert running.quick(noisy).status_code == 200
    answer = running.post("upscale", noisy, method="bicubic", factor=2)
    assert answer.status_code == 413
    assert "the result" in answer.json()["found"]
    assert start(options=Options(memory=1000)).quick(noisy).status_code == 413


def test_the_pixels_of_all_pages_count(start, tmp_path, make_picture):
    pages = [make_picture(channels=1, height=16, width=16), make_picture(channels=1, height=200, width=200)]
    content = write_pages(pages, tmp_path / "growing.tif").read_bytes()
    answer = start(Limits(pixels=5_000, grace=0)).quick(content)
    assert answer.status_code in (400, 413), answer.text
    assert "5000" in answer.text


def test_what_is_remembered_of_a_failure_holds_no_picture(start, tmp_path, make_picture):
    pages = [make_picture(channels=1, height=16, width=16), make_picture(channels=1, height=64, width=64)]
    running = start(Limits(pixels=4_000, grace=0))
    running.quick(write_pages(pages, tmp_path / "growing.tif").read_bytes())
    (work,) = running.service.works.values()
    assert work.state == "failed"
    for _ in range(2):
        running.http.get(f"{work.address}/result")
    assert (work.problem.__traceback__, work.problem.__cause__, work.problem.__context__) == (None, None, None)


def test_a_form_is_refused_with_a_hint(served, noisy):
    answer = served.http.post("/v1/denoise", files={"file": ("in.png", noisy)})
    assert answer.status_code == 415
    assert "--data-binary" in answer.json()["do"]


def test_what_is_not_there_is_a_problem_too(served):
    for method, path, status in (
        ("GET", "/v1/denoise", 405),
        ("GET", "/v1/nothing", 404),
        ("GET", "/v1/jobs/none", 404),
        ("DELETE", "/v1/jobs/none", 404),
        ("GET", "/", 404),
        ("GET", "/problems/none", 404),
    ):
        answer = served.http.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


def test_a_token_is_asked_for_everywhere_but_at_the_health(start, noisy):
    running = start(token="a secret")
    for headers in (None, {"authorization": "Bearer another"}, {"authorization": "Basic a secret"}):
        answer = running.quick(noisy, headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "a secret" not in answer.text
    assert running.http.get("/v1/methods").status_code == running.http.get("/metrics").status_code == 401
    assert running.http.get("/healthz").status_code == running.http.get("/readyz").status_code == 200
    headers = {"authorization": "Bearer a secret"}
    assert "HTTPBearer" in running.http.get("/openapi.json", headers=headers).json()["components"]["securitySchemes"]
    assert running.quick(noisy, {**headers, "host": "behind.example"}).status_code == 200  # a gateway is before it
    assert running.quick(noisy, headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "localhost:9000"}, 200),
        ({"host": "evil.example"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
    ],
)
def test_the_pages_of_others_cannot_use_it(headers, status, served, noisy):
    assert served.quick(noisy, headers).status_code == status
