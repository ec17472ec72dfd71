"""How a picture comes in and its answer goes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from .limits import check_picture
from .media import MEDIA, Preference, accepted, preferred
from .problems import Problem, problem_of
from .service import Service
from .tasks import task_of
from .work import DONE, Work, header_of

if TYPE_CHECKING:
    from .schema import Asked

BLOCK = 1 << 20
PATIENT = 10  # times the stall that a whole upload may take
AT_ONCE = 4 << 20  # bytes of a result that is sent from memory


async def take(service: Service, request: Request, verb: str, asked: Asked | None) -> Response:
    """A request with a picture, from its head to the answer or, where it takes longer, to the address of its job.

    asked: None for an estimate. Raises Problem and the errors of the verb.
    """
    task = await run_in_threadpool(task_of, verb, asked, service.options) if asked is not None else None
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        found = "it is a form, not a picture"
        raise Problem("unknown-format", "the body", found, "Send the bytes of the file alone: curl --data-binary @FILE")
    if (declared := request.headers.get("content-length", "")).isdigit() and int(declared) > service.limits.upload:
        raise too_large(service)
    prefer = preferred(request.headers.get("prefer"))
    work = service.begin(verb, task)
    try:
        await receive(service, request, work)
        await run_in_threadpool(admit, service, request, work, asked)
    except Exception as error:  # a picture that is refused
        service.drop(work)
        raise work.told_of(error) from error
    except BaseException:  # a server that is stopped
        service.drop(work)
        raise
    service.accept(work)
    return await answer(service, request, work, prefer)


async def receive(service: Service, request: Request, work: Work) -> None:
    """The body of the request into the work's file."""
    size, limits = 0, service.limits
    try:
        async with asyncio.timeout(limits.stall * PATIENT):
            with open(work.source, "wb") as file:
                stream = request.stream()
                while True:
                    async with asyncio.timeout(limits.stall):
                        block = await anext(stream, None)
                    if block is None:
                        break
                    size += len(block)
                    if size > limits.upload:
                        raise too_large(service)
                    if size > BLOCK:
                        await run_in_threadpool(file.write, block)
                    else:
                        file.write(block)
    except TimeoutError:
        found = f"after {size} bytes nothing came for {limits.stall:g} s, or it was slow all the time"
        raise Problem("slow", "the upload", found, "Send it again", headers={"connection": "close"}) from None
    except ClientDisconnect:
        raise Problem("bad-request", "the upload", "the client went away", "Send it again") from None
    service.metrics.bytes.inc(size)


def too_large(service: Service) -> Problem:
    limit = service.limits.upload
    found = f"it has more than {limit} bytes, the most that is taken here"
    return Problem("too-large", "the upload", found, "Send a smaller file", {"limit": limit}, {"connection": "close"})


def admit(service: Service, request: Request, work: Work, asked: Asked | None) -> None:
    """Look at the header of the picture; refuse what would not fit, or could not be answered as is wished."""
    factor = getattr(asked, "factor", 1.0)
    own, work.header = check_picture(work.source, service.limits, service.options.memory, factor)
    work.named(own)
    work.format = own
    if asked is not None:
        work.format = asked.format or accepted(request.headers.get("accept"), own)
    if work.format is None:
        do = f"Accept one of {', '.join(MEDIA.values())}, or */*"
        raise Problem("not-acceptable", "the answer", "none of the formats accepted is written here", do)


async def answer(service: Service, request: Request, work: Work, prefer: Preference) -> Response:
    """The result where it is there soon enough, else where it will be."""
    limits = service.limits
    wait = 0.0 if prefer.asynchronous else limits.wait if prefer.wait is None else min(prefer.wait, limits.wait)
    if wait:
        over, gone = asyncio.wrap_future(work.over), asyncio.create_task(disconnected(request))
        try:
            await asyncio.wait({over, gone}, timeout=min(wait, limits.timeout), return_when=asyncio.FIRST_COMPLETED)
        finally:
            left = gone.done() and not gone.cancelled()
            gone.cancel()
        if left:
            work.cancel()
        if wait >= limits.timeout:
            work.expire()
    headers = {"preference-applied": prefer.applied} if prefer.applied else {}
    if work.ended is None:
        work.asynchronous = True
        headers |= {"location": work.address, "retry-after": str(service.queue.retry_after())}
        return JSONResponse(work.as_dict(), 202, headers=headers)
    if work.problem is not None:
        service.answered(work)
        return work.problem.answer(work.address)
    return await result(service, work, headers, last=True)


async def disconnected(request: Request) -> None:
    """Comes back when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def result(service: Service, work: Work, headers: dict[str, str], *, last: bool) -> Response:
    """The answer of a work that is done. last: nobody will ask for it again."""
    assert work.told is not None
    headers = {**headers, "nonloc-job": work.address}
    if work.task is None:
        told = work.told
        service.answered(work) if last else setattr(work, "fetched", True)
        return JSONResponse(told, headers=headers)
    headers |= {"nonloc-record": header_of(work.told), "repr-digest": work.digest, "vary": "accept"}
    try:
        size = work.target.stat().st_size
        content = await run_in_threadpool(work.target.read_bytes) if size <= AT_ONCE else None
    except FileNotFoundError:
        raise Problem("gone", "the result", "it was deleted", "Send the picture again") from None
    if content is not None:
        service.answered(work) if last else setattr(work, "fetched", True)
        return Response(content, media_type=work.media, headers=headers)
    headers["content-length"] = str(size)
    return StreamingResponse(blocks(service, work, last), media_type=work.media, headers=headers)


async def blocks(service: Service, work: Work, last: bool) -> AsyncIterator[bytes]:
    """The bytes of the result; while they are sent the service does not end."""
    service.open += 1
    try:
        with open(work.target, "rb") as file:
            while block := await run_in_threadpool(file.read, BLOCK):
                yield block
        work.fetched = True
    finally:
        service.open -= 1
        if last:
            service.answered(work)


def fetchable(service: Service, name: str) -> Work:
    """The work of that id with its result; Problem where it has none yet, or will have none."""
    work = service.job(name)
    if work.problem is not None:
        raise problem_of(work.problem)
    if work.state != DONE:
        after = str(max(1, min(60, round(work.left or service.queue.retry_after()))))
        found, do = f"it is {work.state}", f"Ask again after {after} s"
        raise Problem("not-finished", "the result", found, do, headers={"retry-after": after})
    return work
