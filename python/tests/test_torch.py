"""The optimiser is what its equations say, and a torch optimiser in every habit; the guards keep what is wrong out of it."""

import copy
import hashlib
import io
import math
import os
import pickle
import re
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest

import evenkeel

torch = pytest.importorskip("torch")

from evenkeel.torch import COLUMNS, RobustSGM, gradient_norm, guard_each, guard_gradients, weigh, weighted_mean  # noqa: E402

VERSION = tuple(int(part) for part in torch.__version__.split(".")[:2])


def noise(shape, seed, dtype=torch.float64):
    return torch.tensor(np.random.default_rng(seed).uniform(-1, 1, shape)).to(dtype)


class Plain:
    """The equations of the documentation as they stand, in float64, of one tensor."""

    def __init__(self, w, **settings):
        self.w = np.array(w, dtype=np.float64)
        self.v, self.m, self.u_hat, self.s, self.a = (np.zeros_like(self.w) for _ in range(5))
        self.mean, self.t = 0.0, 0
        self.p = {
            "lr": 1e-3, "beta": 0.9999, "beta_scale": 0.999, "beta_norm": 0.999, "beta_smooth": 0.9, "clip": 4.0, "bound": "norm",
            "eps": 1e-8, "weight_decay": 0.0, "decoupled": True, "mean_beta": 0.1, **settings,
        }  # fmt: skip

    def step(self, gradient):
        p, w = self.p, self.w
        self.t += 1
        coupled, decoupled = (0.0, p["weight_decay"]) if p["decoupled"] else (p["weight_decay"], 0.0)
        g = gradient + coupled * w
        self.v = p["beta_norm"] * self.v + (1 - p["beta_norm"]) * g * g
        d = np.sqrt(self.v / (1 - p["beta_norm"] ** self.t)) + p["eps"]
        u = w * g / d
        self.u_hat = p["beta_scale"] * self.u_hat + (1 - p["beta_scale"]) * np.abs(u)
        psi = np.sign(u) * np.minimum(np.abs(u), p["clip"] * self.u_hat)
        self.s = p["beta"] * self.s + (1 - p["beta"]) * w * w
        self.a = p["beta"] * self.a + p["lr"] / (1 + self.s) * psi
        mean = np.minimum(np.abs(self.a), p["lr"] * (1 + self.s if p["bound"] == "norm" else 1)).mean()
        smooth, beta = p["beta_smooth"] or 0.0, p["mean_beta"] or 0.0
        self.m = smooth * self.m + (1 - smooth) * g
        self.mean += (1 - beta) / (1 - beta**self.t) * (mean - self.mean)
        self.w = w - self.mean * (self.m / (1 - smooth**self.t) / d + decoupled * w)


SETTINGS = [
    {},
    {"beta": 0.9, "beta_scale": 0.5, "beta_norm": 0.9, "clip": 1.5},
    {"bound": "lr", "beta_smooth": None, "mean_beta": None, "eps": 1e-3},
    {"weight_decay": 0.1, "decoupled": False, "mean_beta": 0.9},
    {"weight_decay": 0.1},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_equations(settings):
    start = noise((5, 7), 1)
    w = torch.nn.Parameter(start.clone())
    optimizer = RobustSGM([w], lr=0.05, **settings)
    plain = Plain(start.numpy(), lr=0.05, **settings)
    for step in range(50):
        w.grad = noise((5, 7), 100 + step)
        optimizer.step()
        plain.step(w.grad.numpy())
        np.testing.assert_allclose(w.detach().numpy(), plain.w, rtol=1e-12, atol=1e-12)
        assert abs(optimizer.state[w]["rate"] - plain.mean) < 1e-12
    assert (w - start).abs().sum() > 0.1, "it moved"
    assert optimizer.state[w]["step"] == 50


def lcg(count, state):
    """The numbers that the tests of the library have, from -1 to 1."""
    numbers = []
    for _ in range(count):
        state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
        numbers.append((state >> 33) / 2**30 - 1.0)
    return torch.tensor(numbers, dtype=torch.float64)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (torch.float32, "89ab6dc10cedc1c82b1e2e0d4ae64e307ff2a6625e8b35c95184f896cbd09aff"),
        (torch.float64, "b0ad1de829c02288ef25e120910442fc6bca94c831a8742d63246d1af33ff570"),
    ],
)
def test_the_bits_of_the_library(dtype, expected):
    """Weights and state after twenty steps of `Layer::descend` in Rust::

        let rule = LearningRate::new(0.05)?.smoothing(Some(Decay::beta(0.9)?)).weight_decay(WeightDecay::Decoupled(0.1))?;
        let mut layer = Layer::<LearningRate, f32>::new(rule, 1003)?;
        let mut w = lcg(1003, 1);
        (0..20).try_for_each(|step| layer.descend(&mut w, &lcg(1003, 100 + step), |rate| rate).map(drop))?;
    """
    w = torch.nn.Parameter(lcg(1003, 1).to(dtype))
    optimizer = RobustSGM([w], lr=0.05, weight_decay=0.1, mean_beta=None)
    for step in range(20):
        w.grad = lcg(1003, 100 + step).to(dtype)
        optimizer.step()
    digest = hashlib.sha256(w.detach().numpy().tobytes())
    for key in COLUMNS:
        digest.update(optimizer.state[w][key].numpy().tobytes())
    assert digest.hexdigest() == expected


def test_maximize_is_the_way_back_up():
    up, down = (torch.nn.Parameter(noise(9, 1)) for _ in range(2))
    climbs, falls = RobustSGM([up], lr=0.05, weight_decay=0.1, maximize=True), RobustSGM([down], lr=0.05, weight_decay=0.1)
    for step in range(5):
        up.grad, down.grad = -noise(9, step), noise(9, step)
        climbs.step()
        falls.step()
    assert torch.equal(up, down) and not torch.equal(up, noise(9, 1))


def test_many_tensors_are_each_as_alone():
    sizes = [1, 3, 1000, 4097, 200_000, 70_000, 2]
    dtypes = [torch.float32, torch.float64] * 4
    both = [[torch.nn.Parameter(noise(n, i, dtypes[i])) for _ in range(2)] for i, n in enumerate(sizes)]
    idle, empty = torch.nn.Parameter(torch.tensor([1.5])), torch.nn.Parameter(torch.zeros(0))
    empty.grad = torch.zeros(0)
    together = RobustSGM([pair[0] for pair in both] + [idle, empty])
    alone = [RobustSGM([pair[1]]) for pair in both]
    for step in range(3):
        for i, pair in enumerate(both):
            for p in pair:
                p.grad = noise(p.shape, 1000 * step + i, p.dtype)
        together.step()
        for optimizer in alone:
            optimizer.step()
    assert all(torch.equal(a, b) for a, b in both)
    assert idle.item() == 1.5 and idle not in together.state


def test_in_place_without_a_copy():
    w = torch.nn.Parameter(noise(100, 0, torch.float32))
    optimizer = RobustSGM([w])
    address = w.data_ptr()
    w.grad = noise(100, 1, torch.float32)
    optimizer.step()
    w.grad = noise(100, 2, torch.float32)
    gradient = w.grad.clone()
    state = {key: optimizer.state[w][key] for key in COLUMNS}
    places = {key: column.data_ptr() for key, column in state.items()}
    before = {key: column.clone() for key, column in state.items()}
    optimizer.step()
    assert w.data_ptr() == address and torch.equal(w.grad, gradient)
    for key, column in state.items():
        assert optimizer.state[w][key] is column and column.data_ptr() == places[key] and column.shape == w.shape
        assert not torch.equal(column, before[key]), f"{key} moves where it lies"


def test_gradients_that_are_none():
    w = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
    optimizer = RobustSGM([w], weight_decay=0.1)
    for _ in range(10):
        w.grad = torch.tensor([math.nan, math.inf, 0.5])
        optimizer.step()
    untouched, finite, moved = w.tolist()
    assert untouched == 1.0 and math.isfinite(finite) and moved < 3.0


def trained(steps, optimizer, w, scheduler=None, first=0):
    for step in range(first, first + steps):
        optimizer.zero_grad()
        w.grad = noise(w.shape, step, w.dtype) + w.detach()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("copies", ["memory", "file", "deepcopy", "pickle"])
def test_a_training_that_goes_on_gives_the_same_bits(dtype, copies):
    def make(w):
        optimizer = RobustSGM([w], lr=0.05, weight_decay=0.01)
        return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.0 if step in (0, 9, 10) else 1.0 / (1 + step))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = torch.nn.Parameter(noise((3, 4), 0, dtype))
        trained(25, *(one := make(whole))[:1], whole, one[1])
        w = torch.nn.Parameter(noise((3, 4), 0, dtype))
        optimizer, scheduler = make(w)
        trained(10, optimizer, w, scheduler)
        if copies in ("deepcopy", "pickle"):
            clone = copy.deepcopy if copies == "deepcopy" else lambda both: pickle.loads(pickle.dumps(both))
            again, other = clone((optimizer, w))[0], torch.optim.lr_scheduler.LambdaLR
            w = again.param_groups[0]["params"][0]
            scheduler, states = other(again, lambda step: 0.0 if step in (0, 9, 10) else 1.0 / (1 + step)), scheduler.state_dict()
        else:
            saved = {"weights": w.detach(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}
            if copies == "file":
                file = io.BytesIO()
                torch.save(saved, file)
                file.seek(0)
                saved = torch.load(file, weights_only=True) if VERSION >= (2, 0) else torch.load(file)
            w = torch.nn.Parameter(saved["weights"].clone())
            again, scheduler = make(w)
            again.load_state_dict(saved["optimizer"])
            states = saved["scheduler"]
        lr = optimizer.param_groups[0]["lr"]
        scheduler.load_state_dict(states)
        again.param_groups[0]["lr"] = lr
        trained(15, again, w, scheduler, first=10)
    assert torch.equal(w, whole)
    for key in (*COLUMNS, "rate", "gain", "step"):
        mine, other = again.state[w][key], one[0].state[whole][key]
        assert torch.equal(mine, other) if key in COLUMNS else mine == other


def test_a_loaded_state_is_a_copy():
    w = torch.nn.Parameter(noise(5, 0))
    optimizer = RobustSGM([w])
    trained(3, optimizer, w)
    saved, weights = copy.deepcopy(optimizer.state_dict()), w.detach().clone()
    ends = []
    for _ in range(2):
        optimizer.load_state_dict(saved)
        w.data.copy_(weights)
        trained(3, optimizer, w)
        ends.append(w.detach().clone())
    assert torch.equal(*ends)


def test_states_of_others_are_refused():
    def make(*shapes, **names):
        parameters = [torch.nn.Parameter(noise(shape, 1)) for shape in shapes]
        optimizer = RobustSGM(parameters, lr=0.1)
        for p in parameters:
            trained(1, optimizer, p)
        return optimizer

    optimizer = make((2, 3))
    [w] = optimizer.param_groups[0]["params"]
    before = copy.deepcopy(optimizer.state_dict())

    def refuses(saved, match):
        with pytest.raises(ValueError, match=match):
            optimizer.load_state_dict(saved)
        now = optimizer.state_dict()
        assert now["param_groups"] == before["param_groups"]
        for key, value in before["state"][0].items():
            assert torch.equal(now["state"][0][key], value) if key in COLUMNS else now["state"][0][key] == value

    refuses(make((3, 2)).state_dict(), r"parameter 0 of group 0: its state 'square' is \(3, 2\), and the parameter \(2, 3\)")
    refuses(make((2, 3), 4).state_dict(), "parameter group")
    adam = torch.optim.Adam([torch.nn.Parameter(noise((2, 3), 1))])
    trained(1, adam, adam.param_groups[0]["params"][0])
    refuses(adam.state_dict(), "group 0 has no beta")
    for key, number in [("square", -0.5), ("scale", -1.0), ("norm", math.nan), ("average", math.inf), ("smoothed", -math.inf)]:
        damaged = copy.deepcopy(before)
        damaged["state"][0][key][1, 2] = number
        refuses(damaged, f"parameter 0 of group 0: its state '{key}' holds {number}")
    for key, value in [("step", -1), ("rate", math.nan), ("gain", 2.0)]:
        damaged = copy.deepcopy(before)
        damaged["state"][0][key] = value
        refuses(damaged, f"parameter 0 of group 0: its state has .*{key} {value}")
    damaged = copy.deepcopy(before)
    damaged["param_groups"][0]["clip"] = -1.0
    refuses(damaged, "group 0: clip must be above 0")
    trained(1, optimizer, w)
    assert optimizer.state[w]["step"] == 2
    # A weight that has seen no gradient has a square of -1.
    unseen = torch.nn.Parameter(noise(2, 1))
    optimizer = RobustSGM([unseen])
    unseen.grad = torch.tensor([math.nan, 1.0], dtype=torch.float64)
    optimizer.step()
    assert optimizer.state[unseen]["square"][0] == -1
    optimizer.load_state_dict(optimizer.state_dict())


def test_groups_have_settings_of_their_own():
    model = torch.nn.Linear(3, 2).double()
    alone = copy.deepcopy(model)
    optimizer = RobustSGM(
        [{"params": [model.weight], "weight_decay": 0.1}, {"params": [model.bias], "lr": 0.5, "beta_smooth": None}], lr=0.05
    )
    late = torch.nn.Parameter(noise(2, 5))
    optimizer.add_param_group({"params": late, "clip": 1.0})
    others = [
        RobustSGM([alone.weight], lr=0.05, weight_decay=0.1),
        RobustSGM([alone.bias], lr=0.5, beta_smooth=None),
        RobustSGM([other := torch.nn.Parameter(noise(2, 5))], lr=0.05, clip=1.0),
    ]
    for step in range(4):
        for a, b in zip([*model.parameters(), late], [*alone.parameters(), other], strict=True):
            a.grad, b.grad = noise(a.shape, step), noise(a.shape, step)
        optimizer.step()
        for one in others:
            one.step()
    assert torch.equal(model.weight, alone.weight) and torch.equal(model.bias, alone.bias) and torch.equal(late, other)


def test_a_rate_of_zero_stands_still_and_the_state_moves():
    w, other = (torch.nn.Parameter(noise(5, 0)) for _ in range(2))
    optimizer, moving = RobustSGM([w], lr=0.1), RobustSGM([other], lr=0.1)
    for group_lr in (0.0, 0.0, 0.2):
        optimizer.param_groups[0]["lr"] = group_lr
        w.grad = noise(5, 3)
        optimizer.step()
        if group_lr == 0.0:
            assert torch.equal(w, noise(5, 0))
            other.grad = noise(5, 3)
            moving.step()
            other.data.copy_(noise(5, 0))  # it has not moved either
            assert all(torch.equal(optimizer.state[w][key], moving.state[other][key]) for key in COLUMNS)
    assert not torch.equal(w, noise(5, 0))
    # The last bound that was not 0 is the one of the last step.
    moving.load_state_dict(optimizer.state_dict())
    optimizer.param_groups[0]["lr"] = 0.0
    assert moving.param_groups[0]["lr"] == 0.2
    w.grad = other.grad = noise(5, 4)
    other.data.copy_(w.detach())
    optimizer.step()
    moving.step()
    assert torch.equal(optimizer.state[w]["average"], moving.state[other]["average"])
    before = copy.deepcopy(optimizer.state_dict())
    moved = w.detach().clone()
    for lr in (-1.0, math.nan, math.inf):
        optimizer.param_groups[0]["lr"] = lr
        with pytest.raises(ValueError, match="group 0: lr must be at least 0 and finite"):
            optimizer.step()
        assert torch.equal(w, moved) and optimizer.state[w]["step"] == before["state"][0]["step"] == 4


def test_a_closure_computes_gradients():
    w = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = RobustSGM([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 9.0
    assert w.item() < 3.0 and optimizer.step() is None


def test_tied_weights_are_one():
    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.head = torch.nn.Embedding(5, 3), torch.nn.Linear(3, 5, bias=False)
            self.head.weight = self.embedding.weight

    model = Tied()
    optimizer = RobustSGM(model.parameters())
    assert len(optimizer.param_groups[0]["params"]) == 1
    model.head(model.embedding(torch.arange(5))).sum().backward()
    optimizer.step()
    assert optimizer.state[model.head.weight]["step"] == 1
    with pytest.raises(ValueError, match="more than one parameter group"):
        RobustSGM([{"params": [model.head.weight]}, {"params": [model.embedding.weight]}])
    # Two parameters in one place are two to torch, and each would move the other.
    twin = torch.nn.Parameter(model.head.weight.detach()[1:])
    optimizer = RobustSGM([model.head.weight, twin])
    twin.grad, before = torch.ones(4, 3), model.head.weight.detach().clone()
    with pytest.raises(ValueError, match="parameter [01] of group 0 and parameter [01] of group 0 share memory: make them one Parameter"):
        optimizer.step()
    assert torch.equal(model.head.weight, before) and not optimizer.state


def test_a_gradient_in_the_memory_of_a_parameter():
    memory = noise(3001, 3)
    one, other = torch.nn.Parameter(memory[1:]), torch.nn.Parameter(memory[1:].clone())
    optimizers = [RobustSGM([p], lr=0.05) for p in (one, other)]
    for _ in range(3):
        one.grad, other.grad = memory[:-1], memory[:-1].clone()
        for optimizer in optimizers:
            optimizer.step()
    assert torch.equal(one, other) and not torch.equal(one, noise(3001, 3)[1:])


def test_a_gradient_whose_sign_is_a_bit():
    one, other = (torch.nn.Parameter(noise(3, 3)) for _ in range(2))
    third = torch.nn.Parameter(noise((3, 2), 3).T)
    one.grad, other.grad, third.grad = torch._neg_view(noise(3, 4)), -noise(3, 4), torch._neg_view(noise((3, 2), 4).T)
    assert one.grad.is_neg() and not other.grad.is_neg() and third.grad.stride() == third.stride()
    for p in (one, other, third):
        RobustSGM([p], lr=0.05).step()
    assert torch.equal(one, other) and not torch.equal(one, noise(3, 3))
    assert torch.equal((third - noise((3, 2), 3).T).sign(), noise((3, 2), 4).T.sign())


def test_layouts():
    """A parameter may lie in any order, and anywhere in its storage; so may its gradient."""
    start = noise((2, 3, 4, 5), 0)
    plain = torch.nn.Parameter(start.clone())
    lies = [
        start.clone().contiguous(memory_format=torch.channels_last),
        start.permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0),
        torch.cat([torch.zeros(1, 3, 4, 5, dtype=torch.float64), start])[1:],
    ]
    others = [torch.nn.Parameter(data) for data in lies]
    assert [p.is_contiguous() for p in others] == [False, False, True]
    optimizers = [RobustSGM([p], lr=0.05, beta_smooth=0.5) for p in (plain, *others)]
    for step in range(3):
        gradient = noise((2, 3, 4, 5), 10 + step)
        plain.grad = gradient.permute(1, 0, 3, 2).contiguous().permute(1, 0, 3, 2)
        for p, kind in zip(others, [gradient, gradient, gradient.requires_grad_()], strict=True):
            p.grad = kind.clone()
        for optimizer in optimizers:
            optimizer.step()
    assert not torch.equal(plain, start)
    for p in others:
        # The mean over the tensor is summed in the order of its memory.
        torch.testing.assert_close(p.detach(), plain.detach(), rtol=1e-13, atol=0)
    # A state that was saved with one order of memory goes on in another.
    optimizers[1].load_state_dict(optimizers[0].state_dict())
    for p in (plain, others[0]):
        p.grad = gradient.detach()
        p.data.copy_(start)
    optimizers[0].step()
    optimizers[1].step()
    torch.testing.assert_close(others[0].detach(), plain.detach(), rtol=1e-13, atol=0)


def test_memory_that_moves_is_followed():
    """New data, shared memory and state that was put in another place."""
    w, other = (torch.nn.Parameter(noise((4, 4), 0)) for _ in range(2))
    optimizer, plain = RobustSGM([w], lr=0.05), RobustSGM([other], lr=0.05)
    for step in range(7):
        if step == 1:
            w.data = w.data.clone()
        if step == 2:
            w.share_memory_()
        if step == 3:
            for key in COLUMNS:
                optimizer.state[w][key] = optimizer.state[w][key].clone()
        if step == 4:
            optimizer.state[w]["square"].share_memory_()
        if step == 5:
            optimizer.state[w]["norm"] = optimizer.state[w]["norm"].T.contiguous().T
        if step == 6:
            w.grad = other.grad = None
            w.data, other.data = w.data.T, other.data.T.contiguous()
        w.grad, other.grad = noise((4, 4), step), noise((4, 4), step)
        optimizer.step()
        plain.step()
        torch.testing.assert_close(w, other, rtol=1e-13 if step == 6 else 0, atol=0)
        for key in COLUMNS:
            assert torch.equal(optimizer.state[w][key], plain.state[other][key])


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: torch.zeros(3, dtype=torch.float16), "parameter 1 of group 0 is torch.float16: train it as float32 or float64"),
        (lambda: torch.zeros(3, dtype=torch.bfloat16), "parameter 1 of group 0 is torch.bfloat16"),
        (lambda: torch.zeros(3, dtype=torch.complex64), "parameter 1 of group 0 is torch.complex64: .*view_as_real"),
        (lambda: torch.zeros(3, device="meta"), r"parameter 1 of group 0 is on meta: move the model to the CPU"),
        (lambda: torch.zeros(6)[::2], "parameter 1 of group 0 has gaps in memory"),
        (lambda: torch.zeros(1).expand(3), "parameter 1 of group 0 has gaps in memory or elements in common"),
        (lambda: torch.zeros(3).to_sparse(), "parameter 1 of group 0 is torch.sparse_coo"),
    ],
)
def test_what_cannot_be_trained_is_named(make, match):
    good = torch.nn.Parameter(torch.zeros(2))
    bad = torch.nn.Parameter(make())
    with pytest.raises((TypeError, ValueError), match=match):
        RobustSGM([good, bad])
    optimizer = RobustSGM([good])
    with pytest.raises((TypeError, ValueError), match=match.replace("1 of group 0", "0 of group 1")):
        optimizer.add_param_group({"params": [bad]})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"lr": -1.0}, "group 0: lr must be at least 0 and finite, not -1.0"),
        ({"lr": math.nan}, "group 0: lr must"),
        ({"lr": 1e-60}, "group 0: lr must be"),
        ({"beta": 1.0}, "group 0: beta must be at least 0 and below 1, not 1"),
        ({"beta_scale": -0.1}, "group 0: beta_scale must"),
        ({"beta_norm": 2.0}, "group 0: beta_norm must"),
        ({"beta_smooth": 1.0}, "group 0: beta_smooth must"),
        ({"mean_beta": 1.0}, "group 0: mean_beta must"),
        ({"beta": 1 - 1e-12}, "group 0: a beta .* is too near 1 for float32"),
        ({"clip": 0.0}, "group 0: clip must be above 0"),
        ({"eps": 0.0}, "group 0: eps must be above 0"),
        ({"weight_decay": -1.0}, "group 0: weight_decay must"),
        ({"bound": "mu"}, 'group 0: bound must be "norm" or "lr", not "mu"'),
        ({"beta": "0.9"}, "group 0: beta must be a number, not str"),
        ({"lr": "0.9"}, "group 0: lr must be a number, not str"),
        ({"clip": None}, "group 0: clip must be a number, not NoneType"),
        ({"beta_norm": []}, "group 0: "),
    ],
)
def test_settings_out_of_range(settings, match):
    with pytest.raises((TypeError, ValueError), match=match):
        RobustSGM([torch.nn.Parameter(torch.zeros(2))], **settings)


def test_gradients_that_do_not_fit():
    table, w = torch.nn.Embedding(5, 3, sparse=True), torch.nn.Parameter(noise(3, 0, torch.float32))
    optimizer = RobustSGM([w, table.weight])
    (table(torch.tensor([1])) * w).sum().backward()
    before = w.detach().clone()
    with pytest.raises(TypeError, match="parameter 1 of group 0 has a gradient that is sparse: make the layer with sparse=False"):
        optimizer.step()
    assert torch.equal(w, before) and not optimizer.state
    table.weight.grad = table.weight.grad.to_dense()
    optimizer.step()
    assert not torch.equal(w, before)
    optimizer.param_groups[0]["clip"] = -1.0
    with pytest.raises(ValueError, match="group 0: clip must be above 0"):
        optimizer.step()


@pytest.mark.skipif(VERSION < (2, 6), reason="names come with torch 2.6")
def test_parameters_have_names():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1).half())
    with pytest.raises(TypeError, match="parameter 1.weight is torch.float16"):
        RobustSGM(model.named_parameters())
    optimizer = RobustSGM(model[:1].named_parameters())
    optimizer.step()
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["0.weight", "0.bias"]


@pytest.mark.skipif(VERSION < (2, 0), reason="hooks come with torch 2.0")
def test_a_guard_before_every_step():
    w = torch.nn.Parameter(torch.tensor([1.0]))
    optimizer, guard = RobustSGM([w], lr=0.1), evenkeel.GradientGuard(half_life=50)

    def before_the_step(optimizer, args, kwargs):
        guard_gradients(guard, [w])

    optimizer.register_step_pre_hook(before_the_step)
    for size in [1.0] * 10 + [1e9]:
        before = w.item()
        w.grad = torch.tensor([size])
        optimizer.step()
        assert (w.item() == before) == (size == 1e9)


def test_weighing_losses():
    guard = evenkeel.LossGuard(half_life=50 * 32)
    near = evenkeel.LossGuard(half_life=50 * 32)
    usual = 1 + np.arange(32) % 5 / 10
    for _ in range(20):
        losses = torch.tensor(usual, requires_grad=True)
        mean = weighted_mean(guard, losses)
        near.weigh(usual)
        assert mean.item() == losses.mean().item()
    usual[7] = 9.0
    losses = torch.tensor(usual, requires_grad=True)
    weighted_mean(guard, losses).backward()
    assert losses.grad[7] == 0 and losses.grad[8] == 1 / 32
    assert guard.to_bytes() != near.to_bytes()
    near.weigh(usual)
    assert guard.to_bytes() == near.to_bytes()
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        weights = weigh(guard, torch.tensor([[1.0, 9.0], [1.1, 1.2]], dtype=dtype, requires_grad=True))
        assert weights.tolist() == [[1, 0], [1, 1]] and weights.dtype == dtype and not weights.requires_grad
    with pytest.raises(ValueError, match='reduction="none"'):
        weigh(guard, torch.tensor(1.0))
    with pytest.raises(TypeError, match="losses must be floats, not torch.int64"):
        weighted_mean(guard, torch.tensor([1, 2]))


def test_losses_that_are_none():
    w = torch.nn.Parameter(torch.tensor([[0.5], [0.5]]))
    x, y = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0], [1.0, 1.0]]), torch.tensor([5.0, math.nan, 19.0, -math.inf])

    def losses(x, y):
        return ((x @ w)[:, 0] - y) ** 2

    guard = evenkeel.LossGuard(half_life=150, squared=True)
    assert weighted_mean(guard, losses(x, y)) is None
    loss = weighted_mean(guard, losses(x, y), lambda kept: losses(x[kept], y[kept]))
    loss.backward()
    assert torch.isfinite(w.grad).all() and guard.invalid == 4
    found, w.grad = w.grad, None
    (losses(x[[0, 2]], y[[0, 2]]).sum() / 4).backward()
    assert torch.equal(found, w.grad)
    assert weighted_mean(guard, losses(x, y)[[1, 3]], lambda kept: pytest.fail("there are none")) is None
    assert weighted_mean(guard, torch.zeros(0)) is None
    assert weighted_mean(guard, torch.tensor([-1.0, 1.0])) is None
    with pytest.raises(ValueError, match="again returned 4 losses for 2 positions"):
        weighted_mean(guard, losses(x, y), lambda kept: losses(x, y))


def test_guarding_gradients():
    p, q, idle = (torch.nn.Parameter(noise(shape, 1)) for shape in ((3, 4), 2, 5))
    guard, near = evenkeel.GradientGuard(half_life=50), evenkeel.GradientGuard(half_life=50)
    for size in [1.0, 1.1, 0.9, 1.0, 1.05]:
        p.grad, q.grad = size * noise((3, 4), 2), size * noise(2, 3)
        before = p.grad.clone()
        norm = math.sqrt(float((p.grad**2).sum() + (q.grad**2).sum()))
        assert math.isclose(gradient_norm([p, q, idle, p]), norm, rel_tol=1e-14)
        assert gradient_norm([p, q]) == gradient_norm(iter([q, p]))
        assert guard_gradients(guard, [p, q, idle, p]) == 1.0 == near.observe(gradient_norm([p, q]))
        assert torch.equal(p.grad, before)
    p.grad, q.grad = 3 * noise((3, 4), 2), 3 * noise(2, 3)
    factor = guard_gradients(guard, [p, q, p])
    assert 0 < factor < 1 and torch.equal(p.grad, 3 * noise((3, 4), 2) * factor)
    p.grad, q.grad = 1e9 * noise((3, 4), 2), 3 * noise(2, 3)
    assert guard_gradients(guard, [p, q]) == 0.0 and p.grad is None and q.grad is None
    p.grad = torch.full((3, 4), math.nan, dtype=torch.float64)
    assert guard_gradients(guard, p) == 0.0 and p.grad is None
    assert gradient_norm([p]) == 0.0


def test_norms_of_every_kind_of_gradient():
    def of(gradient, dtype=None):
        p = torch.nn.Parameter(torch.zeros(gradient.shape, dtype=gradient.dtype))
        p.grad = gradient
        return gradient_norm(p)

    three_four = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        assert of(three_four.to(dtype)) == 5.0
    assert of(three_four.T) == of(three_four[:, ::2]) + 2 == 5.0
    assert of(torch.tensor([3 + 4j])) == of(torch.tensor([3 + 4j]).conj()) == 5.0
    assert of(torch.tensor([3 + 4j]).conj().imag) == 4.0
    assert of(torch.tensor([1e30, 0.0])) == float(np.float32(1e30))
    table = torch.nn.Embedding(5, 2, sparse=True)
    (table(torch.tensor([1, 1])) * torch.tensor([1.5, 2.0])).sum().backward()
    assert gradient_norm(table.parameters()) == 5.0


def test_a_guard_wins_where_labels_are_wrong():
    """A regression of which a tenth of the labels are 100 standard deviations too high: AdamW with and without."""

    def error(guarded):
        torch.manual_seed(0)
        x = torch.randn(1000, 4)
        truth = torch.sin(x @ torch.tensor([1.0, -1.0, 0.5, 0.0]))
        y = truth + 0.1 * torch.randn(1000)
        y[::10] += 100
        model = torch.nn.Sequential(torch.nn.Linear(4, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-2)
        guard = evenkeel.LossGuard(half_life=50 * 50, squared=True)
        for _ in range(10):
            for batch in torch.randperm(1000).split(50):
                losses = torch.nn.functional.mse_loss(model(x[batch])[:, 0], y[batch], reduction="none")
                loss = weighted_mean(guard, losses) if guarded else losses.mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with torch.no_grad():
            return float(torch.nn.functional.mse_loss(model(x)[:, 0], truth)) / float(truth.var())

    guarded, plain = error(True), error(False)
    assert guarded < 0.1 and plain > 10, (guarded, plain)


FORK = """
import os, torch
from evenkeel.torch import RobustSGM, gradient_norm
torch.set_num_threads(1)
w = torch.nn.Parameter(torch.ones(1 << 20))
optimizer = RobustSGM([w])
def step():
    w.grad = torch.full_like(w, 0.5)
    optimizer.step()
    return gradient_norm(w)
step()
child = os.fork()
if child == 0:
    os._exit(0 if step() == 512.0 and w[0] < 1 else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_has_none_of_the_threads():
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], check=True, timeout=60, cwd=Path(__file__).parent)


def test_the_readme():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    section = readme.split("\n## PyTorch\n")[1].split("\n## ")[0]
    blocks = [textwrap.dedent(block) for block in re.findall(r"( *)```python\n(.*?)```", section, re.S) for block in block[1:]]
    assert len(blocks) == 3
    names = {}
    for block in blocks:
        if "register_step_pre_hook" not in block or VERSION >= (2, 0):
            exec(block, names)
    assert names["examples"].weighed_down > 0 and names["norms"].skips == 0
    assert len(names["checkpoint"]["optimizer"]["state"]) == 4


def test_evenkeel_does_not_import_torch():
    code = "import sys, evenkeel; assert 'torch' not in sys.modules; import evenkeel.torch; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=Path(__file__).parent)


def test_a_spike_in_one_tensor_leaves_the_others_alone():
    model = torch.nn.Linear(3, 2)
    unused = torch.nn.Parameter(torch.zeros(2))
    parameters = [*model.parameters(), unused]
    guards, plain = evenkeel.GradientGuards(3, half_life=50), evenkeel.GradientGuards(3, half_life=50)
    for step in range(30):
        for p in parameters[:2]:
            p.grad = 1 + 0.1 * noise(p.shape, step, p.dtype)
        if step == 20:
            parameters[1].grad *= 1e9
        if step == 25:
            parameters[0].grad *= 2.5
        before = [p.grad.clone() for p in parameters[:2]]
        expected = plain.observe([gradient_norm(p) for p in parameters])
        factors = guard_each(guards, parameters)
        np.testing.assert_array_equal(factors, expected)
        assert factors[2] == 1.0 and unused.grad is None
        if step == 20:
            assert factors.tolist() == [1.0, 0.0, 1.0] and parameters[1].grad is None
            assert torch.equal(parameters[0].grad, before[0])
        else:
            assert factors[1] == 1.0 and (0.0 < factors[0] < 1.0) == (step == 25)
            for p, gradient, factor in zip(parameters, before, factors.tolist()):
                assert torch.equal(p.grad, gradient * factor)
    assert guards.skips == [0, 1, 0]
    saved = guards.to_bytes()
    with pytest.raises(ValueError, match="parameters are 2, and there are 3 guards"):
        guard_each(guards, parameters[:2])
    with pytest.raises(ValueError, match="parameters hold one twice"):
        guard_each(guards, [parameters[0], *parameters[:2]])
    assert guards.to_bytes() == saved


class Spiky(torch.nn.Module):
    """A model whose loss has one spike, at the twenty-first batch."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls = torch.nn.Linear(2, 1), 0

    def forward(self, x=None, labels=None):
        self.calls += 1
        loss = torch.nn.functional.mse_loss(self.layer(x), labels)
        return {"loss": loss * 1e9 if self.calls == 21 else loss}


def examples():
    x = noise((160, 2), 1, torch.float32)
    return [{"x": row, "labels": row.sum()[None]} for row in x]


@pytest.mark.filterwarnings("ignore")  # of the trainers
def test_the_hook_of_lightning(tmp_path):
    lightning = pytest.importorskip("lightning")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.spiky, self.norms, self.factors = Spiky(), evenkeel.GradientGuard(half_life=50), []

        def training_step(self, batch, index):
            return self.spiky(**batch)["loss"]

        def configure_optimizers(self):
            return torch.optim.AdamW(self.parameters())

        def on_before_optimizer_step(self, optimizer):
            self.factors.append(guard_gradients(self.norms, self.parameters()))

    module = Module()
    trainer = lightning.Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        accelerator="cpu", gradient_clip_val=1.0, default_root_dir=tmp_path,
    )  # fmt: skip
    trainer.fit(module, torch.utils.data.DataLoader(examples(), batch_size=4))
    assert [step for step, factor in enumerate(module.factors) if factor == 0.0] == [20] and len(module.factors) == 40


@pytest.mark.filterwarnings("ignore")  # of the trainers
@pytest.mark.parametrize("bound", [0.0, 1.0])
def test_the_hook_of_transformers(tmp_path, bound):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    factors, norms = [], evenkeel.GradientGuard(half_life=50)

    class Guard(transformers.TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, model, **kwargs):
            factors.append(guard_gradients(norms, model.parameters()))

    arguments = transformers.TrainingArguments(
        str(tmp_path), num_train_epochs=1, per_device_train_batch_size=4, report_to=[], use_cpu=True, max_grad_norm=bound,
        disable_tqdm=True, save_strategy="no",
    )  # fmt: skip
    transformers.Trainer(model=Spiky(), args=arguments, train_dataset=examples(), callbacks=[Guard()]).train()
    # Clipped before the hook, as it is by default, the spike is none.
    assert [step for step, factor in enumerate(factors) if factor == 0.0] == ([20] if bound == 0.0 else [])
    assert len(factors) == 40
