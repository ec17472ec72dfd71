"""The routes of the service, and what OpenAPI says of them."""

# no 'from __future__ import annotations': FastAPI reads annotations that are made in loops here
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ...errors import NonlocError
from ...version import __version__
from . import metrics, schema
from .gate import Gate
from .intake import fetchable, result, take
from .media import MEDIA
from .problems import KINDS, Problem, problem_of
from .problems import MEDIA as PROBLEM
from .service import Service
from .work import finite

VERBS: dict[str, tuple[type[schema.Asked], str]] = {
    "restore": (schema.Restore, "Find out what is wrong with a picture and repair it."),
    "denoise": (schema.Denoise, "Remove noise."),
    "upscale": (schema.Upscale, "Enlarge a picture."),
    "deblur": (schema.Deblur, "Sharpen a picture whose blur is known, or can be seen."),
    "repair": (schema.Repair, "Repair damage: scratches, single pixels, JPEG blocks, tones."),
}
BINARY = {"type": "string", "format": "binary"}
BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": BINARY}}}}
PICTURES = {media: {"schema": BINARY} for media in MEDIA.values()}
PICTURE: dict[str, Any] = {"description": "The picture.", "content": PICTURES}
RESULT = {**PICTURE, "content": PICTURES | {"application/json": {}}}  # of an estimate
LATER = {"model": schema.Job, "description": "It takes longer: ask the address in Location."}
REFUSED = (400, 403, 406, 408, 413, 415, 422, 429, 500, 503, 504, 507)
WORDS = {"extra_forbidden": "there is no such option"}  # where pydantic speaks of inputs
Prefer = Annotated[str | None, Header(max_length=200, description="respond-async, or wait=SECONDS (RFC 7240)")]
Accept = Annotated[str | None, Header(max_length=1000, description="The format of the answer")]
JobId = Annotated[str, Path(max_length=64)]


def build(service: Service, ready: Callable[[], None] = lambda: None) -> Gate:
    """The whole application. ready: called when it starts; when it stops, `service` is closed."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        ready()
        yield
        await run_in_threadpool(service.close)

    about = (
        "Image restoration that is true to the literature. A picture goes in as the bytes of its file, and comes back."
    )
    app = FastAPI(
        title="nonloc", version=__version__, description=about, docs_url=None, redoc_url=None, lifespan=lifespan
    )
    if service.token is not None:
        app.router.dependencies.append(Depends(HTTPBearer(auto_error=False)))  # only told: the gate checks it
    _errors(app)
    for verb, (model, words) in VERBS.items():
        _verb(app, service, verb, model, words)
    _others(app, service)
    _jobs(app, service)
    _health(app, service)
    page = None
    if service.page is not None:
        from ..web.app import build as build_page

        page = build_page(service.page)
    return Gate(service, app, page)


def _refused(*statuses: int) -> dict[int | str, dict[str, Any]]:
    told = {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Told"}}}}
    titles = {status: title for status, title, _ in KINDS.values()}
    return {status: {**told, "description": titles[status]} for status in (*statuses, 401)}


def _errors(app: FastAPI) -> None:
    @app.exception_handler(NonlocError)
    def refused(request: Request, error: NonlocError) -> Response:
        return problem_of(error).answer(request.url.path)

    @app.exception_handler(Exception)
    def fault(request: Request, _: Exception) -> Response:
        words = "it stopped with an unforeseen error", "This is a fault of nonloc; see its log"
        return Problem("fault", "the request", *words).answer(request.url.path)

    @app.exception_handler(OSError)
    def full(request: Request, error: OSError) -> Response:
        return problem_of(error).answer(request.url.path)

    @app.exception_handler(HTTPException)
    def missing(request: Request, error: HTTPException) -> Response:
        kind = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "bad-request")
        asked = f"{request.method} {request.url.path}"
        problem = Problem(kind, asked, KINDS[kind][1].lower(), "See /openapi.json", headers=error.headers)
        return problem.answer(request.url.path)

    @app.exception_handler(RequestValidationError)
    def senseless(request: Request, error: RequestValidationError) -> Response:
        told = [
            {"option": ".".join(map(str, one["loc"][1:])), "found": WORDS.get(one["type"], one["msg"])}
            for one in error.errors()
        ]
        asked = f"the option {told[0]['option']!r}"
        problem = Problem("bad-option", asked, told[0]["found"], "See /openapi.json", {"errors": told})
        return problem.answer(request.url.path)


def _verb(app: FastAPI, service: Service, verb: str, model: Any, words: str) -> None:
    async def handle(
        request: Request, asked: Annotated[model, Query()], prefer: Prefer = None, accept: Accept = None
    ) -> Response:
        return await take(service, request, verb, asked)

    app.post(
        f"/v1/{verb}",
        summary=words,
        operation_id=verb,
        response_class=Response,
        openapi_extra=BODY,
        responses={200: PICTURE, 202: LATER, **_refused(*REFUSED)},
    )(handle)


def _others(app: FastAPI, service: Service) -> None:
    @app.post(
        "/v1/estimate",
        operation_id="estimate",
        summary="What is wrong with a picture.",
        response_class=JSONResponse,
        openapi_extra=BODY,
        responses={
            200: {"description": "Noise, blur, impulses, the quality of a JPEG.", "content": {"application/json": {}}},
            202: LATER,
            **_refused(*REFUSED),
        },
    )
    async def estimate(request: Request, _: Annotated[schema.Estimate, Query()], prefer: Prefer = None) -> Response:
        return await take(service, request, "estimate", None)

    @app.get("/v1/methods", operation_id="methods", response_model=list[schema.Card], responses=_refused(422))
    def methods(asked: Annotated[schema.Listing, Query()]) -> Response:
        """All methods, or those that fit."""
        from ...methods.registry import card
        from ...methods.registry import methods as names
        from ..cli.methods import as_dict

        found = names(asked.name, task=asked.task, runnable=asked.runnable or None, licence=asked.licence)
        return JSONResponse([finite(as_dict(card(name))) for name in found])

    @app.get("/problems/{kind}", operation_id="problem", responses=_refused(404, 422))
    def problem(kind: Annotated[str, Path(max_length=64)]) -> dict[str, Any]:
        """What a kind of error means; its address is the `type` of the answers."""
        if kind not in KINDS:
            raise Problem("not-found", f"the problem {kind!r}", "there is none", f"Known: {', '.join(KINDS)}")
        status, title, meaning = KINDS[kind]
        return {"type": f"/problems/{kind}", "title": title, "status": status, "meaning": meaning}


def _jobs(app: FastAPI, service: Service) -> None:
    at = "/v1/jobs/{job}"

    @app.get(at, operation_id="job", response_model=schema.Job, responses=_refused(404, 422))
    async def job(job: JobId) -> Response:
        """How far it is; when it is done, the whole record."""
        return JSONResponse(service.job(job).as_dict())

    @app.get(
        f"{at}/result",
        operation_id="result",
        response_class=Response,
        responses={200: RESULT, **_refused(*REFUSED, 404, 409, 410)},
    )
    async def fetch(job: JobId) -> Response:
        """The result of a job that is done; it may be fetched more than once."""
        return await result(service, fetchable(service, job), {}, last=False)

    @app.delete(at, operation_id="cancel", response_model=schema.Job, responses=_refused(404, 422))
    async def cancel(job: JobId) -> Response:
        """Cancel a job, after the tile that is under way; or remove its result."""
        work = service.job(job)
        if not work.cancel():
            work.fetched = True
            await run_in_threadpool(work.clear)
        return JSONResponse(work.as_dict())


def _health(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", operation_id="healthz")
    async def healthz() -> schema.Health:
        """Whether the process is alive."""
        return schema.Health(status="alive")

    @app.get("/readyz", operation_id="readyz", response_model=schema.Health, responses={503: {"model": schema.Health}})
    async def readyz() -> Response:
        """Whether a picture would be taken now."""
        queue = service.queue
        whys = {
            "it is stopping": service.draining is not None,
            "it is still loading": not queue.warm,
            "the queue is full": queue.full,
            "all workers are held by works that have run out of time": queue.stuck,
        }
        why = next((words for words, true in whys.items() if true), "")
        told = schema.Health(status="ready" if not why else "not ready", why=why)
        return JSONResponse(json.loads(told.model_dump_json()), 200 if not why else 503)

    @app.get("/metrics", operation_id="metrics", response_class=Response)
    async def scrape() -> Response:
        """For Prometheus."""
        return Response(service.metrics.text(), media_type=metrics.MEDIA)
