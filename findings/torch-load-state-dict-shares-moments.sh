#!/usr/bin/env bash
# torch 2.15.0: an optimiser trains on the very tensors of the state that it was given to load, and so does every other that loads it.
#
# Guess: `load_state_dict` copies, as that of a module does and as it did in torch 1.13, which made a deep copy first. So a state that
# was kept in memory can be loaded again and again, to go back to the best epoch or to begin several trials from one start.
# Seen: the dictionary is copied, its tensors are not: each goes through `value.to(dtype, device)`, which returns the tensor itself
# where it has both already. The first training changes the kept state in place, moments and step count; the second time it is loaded
# it is another one, and the same three steps end elsewhere. No error, no warning; `copy.deepcopy` around `state_dict()`, which
# guards the other end, does not help.
# Cure: `optimizer.load_state_dict(copy.deepcopy(kept))`.
#
# Exits 0 while this holds and 1 if it has changed. Works in a temporary folder, for which PyPI's torch brings gigabytes of CUDA; or
# give it a Python that has torch: `PYTHON=/path/to/python findings/torch-load-state-dict-shares-moments.sh`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder"
if [ -z "${PYTHON:-}" ]; then
    python3 -m venv venv
    PYTHON=$folder/venv/bin/python
    "$PYTHON" -m pip install --quiet torch==2.15.0 numpy==2.4.6
fi
cat > shares.py <<'PYTHON'
import copy

import torch

w = torch.nn.Parameter(torch.ones(3))
optimizer = torch.optim.Adam([w], lr=0.1)


def train(steps):
    for _ in range(steps):
        optimizer.zero_grad()
        (w**2).sum().backward()
        optimizer.step()


def back_and_on(kept):
    w.data.copy_(weights)
    optimizer.load_state_dict(kept)
    train(3)
    return w.detach().clone()


train(2)
weights, kept = w.detach().clone(), copy.deepcopy(optimizer.state_dict())
sound = [back_and_on(copy.deepcopy(kept)) for _ in range(2)]
step = float(kept["state"][0]["step"])
shared = [back_and_on(kept) for _ in range(2)]
print("torch", torch.__version__)
print(f"from one state, copied at each load: {float(sound[0][0]):.6f}, {float(sound[1][0]):.6f}")
print(f"from one state:                      {float(shared[0][0]):.6f}, {float(shared[1][0]):.6f}")
print("its step count:", step, "and then", float(kept["state"][0]["step"]))
held = torch.equal(*sound) and torch.equal(shared[0], sound[0]) and not torch.equal(*shared)
raise SystemExit(0 if held and float(kept["state"][0]["step"]) == step + 6 else 1)
PYTHON
"$PYTHON" shares.py
