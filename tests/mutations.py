"""Files as broken disks and people who mean harm leave them."""

from __future__ import annotations

import random


def mutated(content: bytes, rng: random.Random, junk: tuple[bytes, ...]) -> bytes:
    """The content with a few pieces cut out, cut off, doubled, moved, flipped, or with junk put in."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        start, stop = sorted(rng.randrange(len(found) + 1) for _ in range(2))
        match rng.randrange(7):
            case 0:
                del found[start : min(stop, start + 40)]
            case 1 | 2:
                found[start:start] = rng.choice(junk)
            case 3 if found:
                found[min(start, len(found) - 1)] ^= 1 << rng.randrange(8)
            case 4:
                found[start:start] = found[start : min(stop, start + 200)]
            case 5:
                lines = bytes(found).split(b"\n")
                lines.insert(rng.randrange(len(lines)), lines.pop(rng.randrange(len(lines))))
                found = bytearray(b"\n".join(lines))
            case _:
                if not rng.randrange(4):
                    del found[stop:]
    return bytes(found)
