"""Steps of provenance in a header of NIfTI: an extension of its own, of the kind that holds plain text.

Source: nifti1.h, "extended header": four bytes, the first not 0 where extensions follow; each of them has its size (a
multiple of 16), a code (6 is a comment) and its data.
"""

from __future__ import annotations

COMMENT = 6
MARK = b"nonloc provenance\n"


def steps_of(head: bytes) -> tuple[str, ...]:
    """The steps that a header, with all before the samples, tells of."""
    texts = (block[8:].rstrip(b"\0") for block in _blocks(head))
    ours = next((text for text in texts if text.startswith(MARK)), MARK)
    return tuple(ours[len(MARK) :].decode("ascii", "replace").splitlines())


def with_steps(head: bytes, steps: tuple[str, ...]) -> bytes:
    """The same header, its other extensions as they are, and the samples further back by what was added."""
    from .nifti import kind

    if not steps:
        return head
    length, order = _layout(head)
    text = MARK + "\n".join(steps).encode("ascii")
    size = -(-(len(text) + 8) // 16) * 16
    ours = size.to_bytes(4, order) + COMMENT.to_bytes(4, order) + text.ljust(size - 8, b"\0")  # type: ignore[arg-type]
    kept = [block for block in _blocks(head) if not block[8:].startswith(MARK)]
    cards = kind(head)(head[:length], check=False)
    made = b"\1\0\0\0" + b"".join([*kept, ours])
    made = made.ljust(-(-(length + len(made)) // 16) * 16 - length, b"\0")
    cards["vox_offset"] = length + len(made)
    return cards.binaryblock + made


def _layout(head: bytes) -> tuple[int, str]:
    """Bytes of the header proper, and the order of its bytes."""
    from .nifti import kind

    length = kind(head).template_dtype.itemsize
    return length, "little" if int.from_bytes(head[:4], "little") == length else "big"


def _blocks(head: bytes) -> list[bytes]:
    """The extensions, each with its size and code; up to the first that makes no sense."""
    length, order = _layout(head)
    found, at = [], length + 4
    while head[length : length + 1] != b"\0" and at + 8 <= len(head):
        size = int.from_bytes(head[at : at + 4], order)  # type: ignore[arg-type]
        if size < 8 or at + size > len(head):
            break
        found.append(head[at : at + size])
        at += size
    return found
