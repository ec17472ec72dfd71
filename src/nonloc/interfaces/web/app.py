"""The routes of the page. A session's id stands in every address; whoever does not know it finds nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from ...errors import ImageError, NonlocError, UsageError
from ...version import __version__
from .archive import packed
from .guard import Guard
from .names import clean, disposition
from .offers import offers
from .picture import FAILED, Page, Picture
from .preview import png
from .studio import Session, Studio
from .telling import refusal, told
from .work import DONE, Settings, Work

STATIC = Path(__file__).parent / "static"
KEPT = {"cache-control": "private, max-age=600"}


class Wanted(BaseModel):
    """What the page asks to be done."""

    model_config = ConfigDict(extra="forbid")
    picture: str
    method: str | None = Field(None, max_length=60)
    sigma: str = Field("auto", max_length=20)
    strength: float = 1.0


def build(studio: Studio, ready: Callable[[], None] = lambda: None) -> FastAPI:
    """The app. studio: closed when the server stops. ready: called when it starts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        ready()
        yield
        await run_in_threadpool(studio.close)

    app = FastAPI(title="nonloc", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.studio = studio
    app.add_middleware(Guard)
    _errors(app)
    _pages(app)
    _pictures(app, studio)
    _works(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def session_of(session: str, request: Request) -> Session:
    """The session in the address."""
    found = request.app.state.studio.session(session)
    if found is None:
        raise HTTPException(404, "session")
    return found


def picture_of(picture: str, session: Annotated[Session, Depends(session_of)]) -> Picture:
    if picture not in session.pictures:
        raise HTTPException(404, "picture")
    return session.pictures[picture]


def work_of(work: str, session: Annotated[Session, Depends(session_of)]) -> Work:
    if work not in session.works:
        raise HTTPException(404, "result")
    return session.works[work]


def finished(work: Annotated[Work, Depends(work_of)]) -> Work:
    if work.state != DONE:
        raise UsageError("this result", f"it is {work.state}", "Wait for it, or restore the picture again")
    return work


ItsSession = Annotated[Session, Depends(session_of)]
ItsPicture = Annotated[Picture, Depends(picture_of)]
ItsWork = Annotated[Work, Depends(work_of)]
Finished = Annotated[Work, Depends(finished)]


def _errors(app: FastAPI) -> None:
    @app.exception_handler(NonlocError)
    def refused(_: Request, error: NonlocError) -> JSONResponse:
        return JSONResponse({"error": told(error)}, 422)

    @app.exception_handler(HTTPException)
    def missing(_: Request, error: HTTPException) -> JSONResponse:
        return refusal(404, f"a {error.detail}", "it is not here any more", "Load the page anew and add the picture")

    @app.exception_handler(RequestValidationError)
    def senseless(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return refusal(422, f"{first['loc'][-1]}", first["msg"], "Load the page anew")

    @app.exception_handler(FileNotFoundError)
    def gone(_: Request, error: FileNotFoundError) -> JSONResponse:
        return refusal(404, "a temporary file", "it is not here any more", "Load the page anew and add the picture")


def _pages(app: FastAPI) -> None:
    studio: Studio = app.state.studio

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.post("/api/sessions")
    def begin() -> dict[str, Any]:
        return {
            "session": studio.begin().id,
            "upload": studio.limits.upload,
            "version": __version__,
        }

    @app.get("/api/sessions/{session}")
    def state(session: ItsSession, since: int = 0) -> dict[str, Any]:
        """All that changed after `since`, and the number to ask with next time."""
        version = studio.changes.now  # before looking, so that what changes meanwhile is told again
        pictures = [p.as_dict() for p in list(session.pictures.values()) if p.version > since]
        works = [w.as_dict() for w in list(session.works.values()) if w.version > since]
        return {"pictures": pictures, "works": works, "version": version, "upload": studio.limits.upload}

    @app.delete("/api/sessions/{session}")
    def end(session: ItsSession) -> dict[str, bool]:
        studio.end(session)
        return {"ended": True}

    @app.get("/api/sessions/{session}/zip")
    def zip_file(session: ItsSession, works: Annotated[str, Query(max_length=20_000)]) -> StreamingResponse:
        chosen = [session.works[name] for name in works.split(",") if name in session.works]
        chosen = [work for work in chosen if work.state == DONE]
        if not chosen:
            raise UsageError("a zip", "no picture is restored yet", "Restore them first")
        headers = {"content-disposition": disposition("nonloc-restored.zip")}
        return StreamingResponse(packed(chosen), media_type="application/zip", headers=headers)


def _pictures(app: FastAPI, studio: Studio) -> None:
    base = "/api/sessions/{session}/pictures"

    @app.post(base)
    async def upload(session: ItsSession, request: Request, name: Annotated[str, Query(max_length=1000)]):
        """The bytes of one file, as they are; its name is only for showing."""
        limit, shown = studio.limits.upload, clean(name)
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            return _too_large(shown, limit)
        if declared.isdigit():
            studio.room(int(declared), shown)
        picture = studio.place(session, name)
        try:
            with open(picture.path, "wb") as file:
                async for block in request.stream():
                    picture.size += len(block)
                    if picture.size > limit:
                        studio.remove(session, picture)
                        return _too_large(shown, limit)
                    if picture.size % (64 << 20) < len(block):
                        studio.room(0, shown)
                    await run_in_threadpool(file.write, block)
        except BaseException:  # a disk that is full, or a browser that went away
            studio.remove(session, picture)
            raise
        studio.add(session, picture)
        return picture.as_dict()

    @app.delete(base + "/{picture}")
    def remove(session: ItsSession, picture: ItsPicture) -> dict[str, bool]:
        studio.remove(session, picture)
        return {"removed": True}

    @app.get(base + "/{picture}/methods")
    def methods(picture: ItsPicture) -> list[dict[str, Any]]:
        return offers(_looked_at(picture))

    @app.get(base + "/{picture}/pages/{page}")
    def page(picture: ItsPicture, page: int) -> dict[str, Any]:
        return _shown(picture, page).as_dict()

    @app.get(base + "/{picture}/pages/{page}/{level}/{column}/{row}")
    def square(picture: ItsPicture, page: int, level: int, column: int, row: int) -> Response:
        return _png(_shown(picture, page).pyramid.square(level, column, row))


def _works(app: FastAPI) -> None:
    base = "/api/sessions/{session}/works"
    studio: Studio = app.state.studio

    @app.post(base)
    def restore(session: ItsSession, wanted: Wanted) -> dict[str, Any]:
        picture = _looked_at(picture_of(wanted.picture, session))
        settings = Settings(wanted.method or None, wanted.sigma.strip() or "auto", wanted.strength)
        return studio.restore(session, picture, settings).as_dict()

    @app.delete(base + "/{work}")
    def cancel(work: ItsWork) -> dict[str, Any]:
        work.cancel()
        return work.as_dict()

    @app.get(base + "/{work}/file")
    def file(work: Finished) -> FileResponse:
        headers = {"content-disposition": disposition(work.name)}
        return FileResponse(work.path, media_type="application/octet-stream", headers=headers)

    @app.get(base + "/{work}/report")
    def report(work: Finished) -> JSONResponse:
        headers = {"content-disposition": disposition(f"{work.name}.json")}
        return JSONResponse(work.record, headers=headers)

    @app.get(base + "/{work}/pages/{page}")
    def page(work: Finished, page: int) -> dict[str, Any]:
        shown, removed = work.page(max(page, 0))
        return {**shown.as_dict(), "removed": removed.std, "gain": removed.gain}

    @app.get(base + "/{work}/pages/{page}/{level}/{column}/{row}")
    def square(work: Finished, page: int, level: int, column: int, row: int) -> Response:
        return _png(work.page(max(page, 0))[0].pyramid.square(level, column, row))

    @app.get(base + "/{work}/removed/{page}/{level}/{column}/{row}")
    def removed(
        work: Finished, page: int, level: int, column: int, row: int, gain: Annotated[float, Query(ge=0, le=64)] = 1
    ) -> Response:
        return _png(work.page(max(page, 0))[1].square(level, column, row, gain))


def _looked_at(picture: Picture) -> Picture:
    if picture.state == FAILED or not picture.facts:
        raise ImageError(picture.name, "it could not be read, or is still being looked at", "Wait, or take another")
    return picture


def _shown(picture: Picture, number: int) -> Page:
    return _looked_at(picture).page(max(number, 0))


def _png(square) -> Response:
    if square is None:
        raise HTTPException(404, "part of the picture")
    return Response(png(square), media_type="image/png")


def _too_large(name: str, limit: int) -> JSONResponse:
    found = f"it is larger than {limit / 2**20:.0f} MiB, the most that the page takes"
    return refusal(413, name, found, f"Run 'nonloc restore {name}' in a terminal, which has no such limit")
