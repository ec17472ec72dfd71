"""What requests may ask and answers tell, as pydantic has it; OpenAPI is made of this.

An option that is not here is an error, never ignored. Files of the server cannot be named: a kernel is words.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .media import MEDIA

Words = Annotated[str, Field(max_length=200)]
Pairs = Annotated[list[Words], Field(max_length=20, description="Arguments of the method, each NAME=VALUE.")]
Strength = Annotated[float, Field(ge=0, le=1, description="Below 1 blends with the original.")]
Level = Annotated[
    str, Field(max_length=100, description="0-255 scale: auto, 25, 0.1u, 120dn, poisson-gaussian:0.02,5.")
]
Method = Annotated[
    str | None, Field(max_length=60, description="A name from /v1/methods; default: the best that fits.")
]
Kernel = Annotated[
    str, Field(max_length=60, description="auto, motion:15,30, gaussian:1.6 or defocus:3; pixels and degrees.")
]


class Asked(BaseModel):
    """What every verb takes; None is what the service was started with."""

    model_config = ConfigDict(extra="forbid")
    format: Annotated[
        Literal[tuple(MEDIA)] | None,  # type: ignore[valid-type]
        Field(description="Of the answer; default: what Accept prefers, else as the picture that was sent."),
    ] = None
    quality: Annotated[int | None, Field(ge=1, le=100, description="Of lossy formats; default: as the input.")] = None
    ensemble: Annotated[
        Literal["1", "2", "4", "8"] | None, Field(description="Average over so many turns and mirrors.")
    ] = None
    precision: Literal["fp32", "bf16"] | None = None
    halo: Literal["auto", "exact", "fast"] | None = None
    licence: Annotated[Literal["any", "open"] | None, Field(description="open: weights that anyone may use.")] = None


class Restore(Asked):
    strength: Strength = 1.0
    best: Annotated[bool, Field(description="The method with the best forecast on this picture; minutes.")] = False
    forecast: Annotated[bool, Field(description="Tell the PSNR to be expected; five times the work.")] = False
    budget: Annotated[
        float | None, Field(gt=0, description="Seconds of one core a megapixel that the method may take.")
    ] = None


class Denoise(Asked):
    sigma: Level = "auto"
    method: Method = None
    strength: Strength = 1.0
    set: Pairs = []
    forecast: Annotated[bool, Field(description="Tell the PSNR to be expected; five times the work.")] = False
    budget: Annotated[
        float | None, Field(gt=0, description="Seconds of one core a megapixel that the method may take.")
    ] = None


class Upscale(Asked):
    factor: Annotated[float, Field(ge=1 / 64, le=64, description="How many times as large.")] = 2.0
    method: Method = None
    kernel: Kernel | None = None
    sigma: Level | None = None
    set: Pairs = []


class Deblur(Asked):
    kernel: Kernel = "auto"
    sigma: Level = "auto"
    method: Method = None
    strength: Strength = 1.0
    set: Pairs = []


class Repair(Asked):
    """Holes need a mask, which is a second picture, and is not taken here."""

    damage: (
        Literal["impulses", "hot-pixels", "scratches", "specks", "stripes", "jpeg", "contrast", "cast", "soft"] | None
    ) = None
    method: Method = None
    strength: Strength = 1.0
    set: Pairs = []


class Estimate(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Listing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=60, description="A name, or a pattern such as *nlm*.")] = "*"
    task: Literal["denoise", "upscale", "deblur", "repair"] | None = None
    runnable: Annotated[bool, Field(description="Only those that need nothing more than the package.")] = False
    licence: Literal["open", "research"] | None = None


class Told(BaseModel):
    """RFC 9457, with the three parts of every error of nonloc."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str
    asked: str
    found: str
    do: str


class Job(BaseModel):
    """One request that was accepted, and what has become of it."""

    id: str
    verb: str
    state: Literal["waiting", "working", "done", "failed", "cancelled"]
    done: Annotated[float, Field(ge=0, le=1, description="How much of it, as far as tiles tell.")]
    left: Annotated[float | None, Field(description="Seconds to go, as far as can be told.")]
    seconds: Annotated[float, Field(description="Since it was accepted, or until it ended.")]
    media: str | None
    record: dict[str, Any] | None
    problem: Told | None


class Card(BaseModel):
    """A method; all that its card says."""

    model_config = ConfigDict(extra="allow")
    name: str
    title: str
    task: str
    fidelity: str
    advice: str
    runnable: bool


class Health(BaseModel):
    status: str
    why: str = ""
