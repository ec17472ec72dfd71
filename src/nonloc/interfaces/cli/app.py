"""All commands in one app."""

from __future__ import annotations

from cyclopts import App

from ...version import __version__
from . import (
    bench,
    compare,
    deblur,
    demo,
    denoise,
    doctor,
    estimate,
    export,
    import_weights,
    methods,
    repair,
    restore,
    serve,
    train,
    upscale,
    verify,
    web,
)  # fmt: skip

COMMANDS = (
    restore, denoise, upscale, deblur, repair, estimate, compare, verify, methods, web, serve, bench, train,
    import_weights, export, doctor, demo,
)  # fmt: skip


def build() -> App:
    """The app with every command; their own imports happen when they run."""
    app = App(
        name="nonloc",
        help="Restore pictures: find out what is wrong, repair it, and tell what was done.",
        version=__version__,
        version_flags=["--version"],
    )
    for module in COMMANDS:
        app.command(module.command, name=module.NAME)
    return app
