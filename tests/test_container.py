"""The Containerfile keeps our rules: a fixed base, no root, no secrets, no caches, a health check, a clean stop."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / "Containerfile"

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="needs the checkout")


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """(word, the rest) of each instruction, continued lines joined, comments left out."""
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def last_stage(instructions):
    start = max(i for i, (word, _) in enumerate(instructions) if word == "FROM")
    return instructions[start:]


def test_every_base_has_a_version_that_is_not_the_latest(instructions):
    for word, rest in instructions:
        if word == "FROM":
            tag = rest.split()[0].rsplit("/", 1)[-1].partition(":")[2]
            assert re.match(r"\d+\.\d+", tag), f"{rest} has no fixed version"


def test_it_does_not_run_as_root(instructions):
    users = [rest for word, rest in last_stage(instructions) if word == "USER"]
    assert users
    assert users[-1].isdigit()  # a number, so that an orchestrator can check it
    assert int(users[-1]) > 0


def test_nothing_secret_is_in_it(instructions):
    for word, rest in instructions:
        if word in ("ENV", "ARG", "RUN", "COPY"):
            assert not re.search(r"(?i)(token|secret|password|credential|api.?key)", rest), f"{word} {rest}"
        if word == "COPY":
            assert "." not in rest.split()[:-1], f"COPY {rest} takes all of the checkout, whatever lies there"
        assert word != "ADD", "ADD fetches and unpacks; COPY does not"


def test_no_cache_stays_in_a_layer(instructions):
    for word, rest in instructions:
        if word == "RUN" and "pip install" in rest:
            assert "--no-cache-dir" in rest
            assert "-c constraints.txt" in rest
        if word == "RUN" and "apt-get install" in rest:
            assert "rm -rf /var/lib/apt/lists" in rest


def test_what_is_copied_exists(instructions):
    for word, rest in instructions:
        if word == "COPY" and "--from" not in rest:
            assert all((FILE.parent / name).exists() for name in rest.split()[:-1])


def test_it_starts_the_service_with_options_that_it_has(instructions):
    from nonloc.interfaces.cli.serve import command

    stage = dict(last_stage(instructions))
    words = json.loads(stage["ENTRYPOINT"]) + json.loads(stage["CMD"])
    assert words[:2] == ["nonloc", "serve"]
    known = set(command.__annotations__) | {"memory"}
    for word in words:
        if word.startswith("--"):
            assert word.removeprefix("--").removeprefix("no-").replace("-", "_") in known, f"serve has no {word}"


def test_its_health_check_asks_the_port_that_is_served(instructions):
    stage = dict(last_stage(instructions))
    port = stage["EXPOSE"]
    entry = json.loads(stage["ENTRYPOINT"])
    assert entry[entry.index("--port") + 1] == port
    assert f"127.0.0.1:{port}/healthz" in stage["HEALTHCHECK"]
    assert stage["STOPSIGNAL"] == "SIGTERM"


@pytest.mark.skipif(not shutil.which("hadolint"), reason="hadolint is not installed")
def test_hadolint_finds_nothing():
    done = subprocess.run(["hadolint", str(FILE)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
