"""The step of `RobustSGM` beside torch's AdamW, in turns in one run: nanoseconds per weight, float32, best of many turns.

    python benches/torch_step.py [TURNS]
"""

import sys
import time
from collections.abc import Callable

import torch

from evenkeel.torch import RobustSGM

SHAPES = {
    "200 tensors of 4 Ki": [(64, 64)] * 200,
    "one of 4 Mi": [(2048, 2048)],
    "2000 tensors of 64": [(64,)] * 2000,
}
OPTIMISERS: dict[str, Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer]] = {
    "RobustSGM": lambda parameters: RobustSGM(parameters),
    "AdamW, foreach": lambda parameters: torch.optim.AdamW(parameters, foreach=True),
    "AdamW, one by one": lambda parameters: torch.optim.AdamW(parameters, foreach=False),
    "AdamW, fused": lambda parameters: torch.optim.AdamW(parameters, fused=True),
}


def main(turns: int) -> None:
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; best of {turns} turns")
    for name, shapes in SHAPES.items():
        weights = sum(torch.Size(shape).numel() for shape in shapes)
        made = {}
        for kind, make in OPTIMISERS.items():
            parameters = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
            for p in parameters:
                p.grad = torch.randn(p.shape)
            made[kind] = make(parameters)
            made[kind].step()
        best = dict.fromkeys(made, float("inf"))
        for _ in range(turns):
            for kind, optimizer in made.items():
                start = time.perf_counter()
                optimizer.step()
                best[kind] = min(best[kind], time.perf_counter() - start)
        ours = best["RobustSGM"]
        print(f"\n{name}:")
        for kind, seconds in best.items():
            print(f"  {kind:<18} {1e9 * seconds / weights:6.2f} ns per weight   {seconds / ours:5.2f} of RobustSGM's time")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
