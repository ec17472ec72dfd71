"""A client of the service, with nothing but the standard library.

    client = Client("http://127.0.0.1:8000")
    answer = client.denoise("scan.tif", method="bm3d", sigma=25)
    answer.save("clean.tif")

Errors are those of nonloc: what a verb would raise here is raised here, with the same three parts.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from ... import errors
from ...errors import ImageError, NonlocError, UsageError
from ...image.atomic import atomic

OVER = ("done", "failed", "cancelled")
Picture = bytes | str | Path


class ServiceError(NonlocError):
    """The service said no for a reason of its own: it is full, stopping, or too late."""


@dataclass(frozen=True)
class Answer:
    """content: the bytes of a picture's file. record: what was done; shortened where it is long, see `Job.status`."""

    content: bytes
    media: str
    record: dict[str, Any] = field(default_factory=dict)
    job: str = ""

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the file, whole or not at all. ImageError where there is one."""
        with atomic(path, overwrite=overwrite) as stream:
            stream.write(self.content)


@dataclass(frozen=True)
class Job:
    """A work that goes on in the service."""

    client: Client
    address: str

    def status(self) -> dict[str, Any]:
        """id, verb, state, done (0 to 1), left (seconds), seconds, media, record, problem."""
        return json.loads(self.client.ask("GET", self.address)[1])

    def cancel(self) -> dict[str, Any]:
        """Stop it after the tile that is under way; or remove its result."""
        return json.loads(self.client.ask("DELETE", self.address)[1])

    def result(self, *, timeout: float = 600.0) -> Answer:
        """The answer, when it is there. Raises what went wrong, and ServiceError after `timeout` seconds."""
        end, pause = time.monotonic() + timeout, 0.05
        while (status := self.status())["state"] not in OVER:
            if time.monotonic() + pause > end:
                found = f"it is {status['state']} after {timeout:g} s"
                raise ServiceError("the result", found, "Ask for it later, or cancel it")
            time.sleep(pause)
            pause = min(1.5 * pause, 2.0)
        if status["problem"]:
            raise error_of(status["problem"])
        headers, content = self.client.ask("GET", self.address + "/result")
        return answer_of(headers, content)


class Client:
    """address: 'http://127.0.0.1:8000'. token: where the service asks for one.

    patience: seconds that a request is repeated for while the service is full, as often as it says. timeout: seconds
    without a sign of the service. Every call has a connection of its own, so that one client serves many threads.
    """

    def __init__(self, address: str, *, token: str | None = None, patience: float = 60.0, timeout: float = 120.0):
        self.parts = urlsplit(address)
        if self.parts.scheme not in ("http", "https") or not self.parts.hostname:
            raise UsageError(f"the service {address!r}", "it is no address", "Write http://127.0.0.1:8000")
        self.token, self.patience, self.timeout = token, patience, timeout

    def restore(self, picture: Picture, **options: Any) -> Answer:
        """Find out what is wrong and repair it. picture: a path, or the bytes of a file; options as of /v1/restore."""
        return self.send("restore", picture, options)

    def denoise(self, picture: Picture, **options: Any) -> Answer:
        """Remove noise; sigma, method, strength, arguments ... as for `nonloc.denoise`."""
        return self.send("denoise", picture, options)

    def upscale(self, picture: Picture, **options: Any) -> Answer:
        """Enlarge; factor, method ... as for `nonloc.upscale`."""
        return self.send("upscale", picture, options)

    def deblur(self, picture: Picture, **options: Any) -> Answer:
        """Sharpen; kernel in words, sigma, method ... as for `nonloc.deblur`."""
        return self.send("deblur", picture, options)

    def repair(self, picture: Picture, **options: Any) -> Answer:
        """Repair damage that needs no mask; damage, method ... as for `nonloc.repair`."""
        return self.send("repair", picture, options)

    def estimate(self, picture: Picture) -> dict[str, Any]:
        """What is wrong with a picture, as `nonloc.estimate(picture).as_dict()`."""
        return json.loads(self.send("estimate", picture, {}).content)

    def methods(self, **filters: Any) -> list[dict[str, Any]]:
        """The cards of the methods; filters: name, task, runnable, licence."""
        return json.loads(self.ask("GET", "/v1/methods" + query(filters))[1])

    def ready(self) -> bool:
        """Whether a picture would be taken now; False where no service is there."""
        try:
            return self._once("GET", "/readyz", b"", {})[0] == 200
        except OSError:
            return False

    def send(self, verb: str, picture: Picture, options: Mapping[str, Any]) -> Answer:
        """One picture through a verb; where it takes long, its job is waited for."""
        headers, content = self.ask("POST", f"/v1/{verb}{query(options)}", read(picture))
        if "location" in headers:
            return Job(self, headers["location"]).result()
        return answer_of(headers, content)

    def submit(self, verb: str, picture: Picture, **options: Any) -> Job:
        """Begin a work and come back at once."""
        given = {"prefer": "respond-async"}
        headers, _ = self.ask("POST", f"/v1/{verb}{query(options)}", read(picture), given)
        return Job(self, headers["location"])

    def ask(
        self, method: str, address: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[dict[str, str], bytes]:
        """Headers, in lower case, and content; raises what the service refuses, after `patience` where it is full."""
        end = time.monotonic() + self.patience
        while True:
            status, told, content = self._once(method, address, body, headers or {})
            if status < 400:
                return told, content
            after = float(told["retry-after"]) if told.get("retry-after", "").isdigit() else 0.0
            if status not in (429, 503) or time.monotonic() + after > end:
                raise error_of(json.loads(content) if "json" in told.get("content-type", "") else {"status": status})
            time.sleep(max(after, 0.1))

    def _once(
        self, method: str, address: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        kind = http.client.HTTPSConnection if self.parts.scheme == "https" else http.client.HTTPConnection
        assert self.parts.hostname is not None
        connection = kind(self.parts.hostname, self.parts.port, timeout=self.timeout)
        sent = {"accept": "*/*", **headers}
        if method == "POST":
            sent["content-type"] = "application/octet-stream"
        if self.token is not None:
            sent["authorization"] = f"Bearer {self.token}"
        try:
            with contextlib.suppress(
                BrokenPipeError, ConnectionResetError
            ):  # an answer that came early is there to read
                connection.request(method, self.parts.path.rstrip("/") + address, body or None, sent)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


def read(picture: Picture) -> bytes:
    """The bytes of a file, which are sent as they are; ImageError where it cannot be read."""
    if isinstance(picture, bytes):
        return picture
    try:
        return Path(picture).read_bytes()
    except OSError as error:
        raise ImageError(str(picture), error.strerror or str(error), "Check the name and the rights") from None


def query(options: Mapping[str, Any]) -> str:
    """Options as the service reads them; `arguments`, a mapping, becomes set=NAME=VALUE, and None is left out."""
    pairs: list[tuple[str, str]] = []
    for name, value in options.items():
        if name == "arguments":
            pairs += [("set", f"{key}={one}") for key, one in (value or {}).items()]
        elif value is not None:
            pairs.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
    return "?" + urlencode(pairs) if pairs else ""


def answer_of(headers: Mapping[str, str], content: bytes) -> Answer:
    """The answer, whole: ServiceError where the checksum says otherwise."""
    told = headers.get("repr-digest", "")
    if told.startswith("sha-256=:"):
        expected = base64.b64decode(told.removeprefix("sha-256=:").removesuffix(":"))
        if hashlib.sha256(content).digest() != expected:
            raise ServiceError("the answer", "it is not what its checksum says", "Send the picture again")
    record = json.loads(headers.get("nonloc-record", "{}"))
    return Answer(content, headers.get("content-type", ""), record, headers.get("nonloc-job", ""))


def error_of(problem: Mapping[str, Any]) -> NonlocError:
    """A problem as the error that the verb raised, or ServiceError where the service itself refused."""
    title = str(problem.get("title", f"status {problem.get('status')}"))
    parts = (problem.get("asked", "the request"), problem.get("found", title), problem.get("do", "Ask again"))
    kind = getattr(errors, str(problem.get("error")), None)
    if isinstance(kind, type) and issubclass(kind, NonlocError):
        return kind(*map(str, parts))
    return ServiceError(*map(str, parts))
