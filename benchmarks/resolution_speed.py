"""Seconds of CPU that networks for larger pictures take, one beside the other in one run, with weights as drawn.

    python benchmarks/resolution_speed.py

A gray picture of 256 x 256 pixels after enlarging, one thread, the least of five turns each, in turn. SRCNN (9-5-5)
sees the picture after bicubic enlarging, the others before.
"""

from __future__ import annotations

import time

import torch

from nonloc.methods.registry import card, method_class


def main() -> None:
    torch.set_num_threads(1)
    for factor in (2, 3, 4):
        side = 256 // factor
        made = {name: _module(name, factor) for name in ("srcnn", "sr-fast", "fsrcnn", "espcn")}
        least = dict.fromkeys(made, float("inf"))
        with torch.inference_mode():
            for _ in range(5):
                for name, module in made.items():
                    start = time.process_time()
                    module(torch.rand(1, 1, side, side))
                    least[name] = min(least[name], time.process_time() - start)
        told = ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in least.items())
        print(f"x{factor}: {told}; sr-fast in {least['sr-fast'] / least['srcnn']:.2f} of SRCNN 9-5-5's time")


def _module(name: str, factor: int) -> torch.nn.Module:
    arguments = {**card(name).network, "channels": 1, "factor": factor}
    return method_class(card(name)).network(**arguments).eval()


if __name__ == "__main__":
    main()
