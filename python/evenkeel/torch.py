"""For PyTorch: an optimiser whose learning rates are robust means of the stream of gradients, and the guards of a training over
tensors.

| a training that | use |
|---|---|
| learns from wrong labels | `weighted_mean` with a `LossGuard`, beside any optimiser |
| has a spike of the gradient now and then | `guard_gradients` with a `GradientGuard`, beside any optimiser |
| has a spike in one tensor at a time | `guard_each` with `GradientGuards`, beside any optimiser |
| is to find its own rate for each tensor | `RobustSGM` |

`evenkeel` itself never imports torch; this module does. torch 1.13 or later.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from operator import is_, itemgetter
from typing import Any, Literal, TypeAlias, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer

from . import _core
from ._rule import _number
from .guards import GradientGuard, GradientGuards, LossGuard

__all__ = ["RobustSGM", "gradient_norm", "guard_each", "guard_gradients", "weigh", "weighted_mean"]

#: The tensors of the state of a parameter, in the order of the core.
COLUMNS = ("square", "scale", "norm", "average", "smoothed")
_columns = itemgetter(*COLUMNS)
_mean = itemgetter("rate", "gain")
_FLOATS = (torch.float32, torch.float64)
#: The settings of a rule beside the bound of the learning rate.
_SETTINGS = ("beta", "beta_scale", "beta_norm", "beta_smooth", "clip", "bound", "eps", "weight_decay", "decoupled", "mean_beta")
_settings = itemgetter(*_SETTINGS)

Groups: TypeAlias = "Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]"


@lru_cache(maxsize=64)
def _rule(lr: float, *settings: Any) -> _core.LearningRate:
    given = dict(zip(_SETTINGS, settings, strict=True))
    for name, value in given.items():
        if name not in ("bound", "decoupled") and not (value is None and name in ("beta_smooth", "mean_beta")):
            given[name] = _number(value, name)
    return _core.LearningRate(lr, **given)


class _Bound:
    """A parameter and its state as the core sees them, while both lie where they were."""

    __slots__ = ("columns", "dtype", "first", "is_contiguous", "layer", "shape", "stride", "weights")

    def __init__(self, name: str, p: Tensor, state: dict[str, Any]) -> None:
        columns = _laid(name, p, state)
        count = p.numel()
        weights = p.detach().as_strided((count,), (1,))
        self.layer = _core.Layer(name, weights.numpy(), columns[0].as_strided((len(COLUMNS), count), (count, 1)).numpy())
        self.columns = columns
        self.first, self.weights = columns[0].data_ptr(), p.data_ptr()
        self.shape, self.stride, self.dtype = p.shape, p.stride(), p.dtype
        self.is_contiguous = p.is_contiguous()

    def holds(self, p: Tensor, state: dict[str, Any]) -> bool:
        return (
            p.data_ptr() == self.weights
            and p.stride() == self.stride
            and all(map(is_, _columns(state), self.columns))
            and self.columns[0].data_ptr() == self.first
        )


def _room(p: Tensor) -> tuple[Tensor, ...]:
    """Columns for a parameter that has seen nothing: one behind the other, each as the parameter lies."""
    room = torch.zeros((len(COLUMNS), p.numel()), dtype=p.dtype)
    room[0] = -1.0
    return tuple(column.as_strided(p.shape, p.stride()) for column in room)


def _laid(name: str, p: Tensor, state: dict[str, Any]) -> tuple[Tensor, ...]:
    """The columns of a state as the core wants them, which is what they nearly always are."""
    columns: tuple[Tensor, ...] = _columns(state)
    for key, column in zip(COLUMNS, columns, strict=True):
        if not isinstance(column, Tensor) or column.shape != p.shape or column.dtype != p.dtype or column.device != p.device:
            raise ValueError(
                f"{name}: its state {key!r} is not of the parameter's shape, type and device, {tuple(p.shape)} {p.dtype}: "
                "load a state of this parameter, or make the optimiser anew"
            )
    step = p.numel() * p.element_size()
    first = columns[0].data_ptr()
    if all(c.stride() == p.stride() and c.data_ptr() == first + i * step for i, c in enumerate(columns)):
        return columns
    room = _room(p)
    for to, column in zip(room, columns, strict=True):
        to.copy_(column)
    state.update(zip(COLUMNS, room, strict=True))
    return room


def _is_dense(p: Tensor) -> bool:
    """Whether the elements lie in one stretch of memory, in whatever order."""
    expected = 1
    for stride, size in sorted((stride, size) for size, stride in zip(p.shape, p.stride(), strict=True) if size != 1):
        if stride != expected:
            return False
        expected *= size
    return True


def _check(name: str, p: Tensor) -> None:
    if p.layout is not torch.strided:
        raise TypeError(f"{name} is {p.layout}: train it as a dense tensor")
    if p.is_complex():
        raise TypeError(f"{name} is {p.dtype}: train its real and imaginary parts, torch.view_as_real, as a parameter")
    if p.dtype not in _FLOATS:
        raise TypeError(f"{name} is {p.dtype}: train it as float32 or float64, model.float()")
    if p.device.type != "cpu":
        raise ValueError(f"{name} is on {p.device}: move the model to the CPU, model.cpu(), and make the optimiser then")
    if p.numel() > 0 and not _is_dense(p):
        raise ValueError(f"{name} has gaps in memory or elements in common, strides {p.stride()}: make it of a contiguous tensor")


def _flat(name: str, p: Tensor, gradient: Tensor) -> NDArray[Any]:
    """A gradient in the order in which its parameter lies in memory; a copy only if it lies in another."""
    if gradient.layout is not torch.strided:
        raise TypeError(f"{name} has a gradient that is sparse: make the layer with sparse=False")
    if gradient.dtype != p.dtype or gradient.shape != p.shape or gradient.device != p.device:
        raise ValueError(
            f"{name} has a gradient of {gradient.dtype} {tuple(gradient.shape)} on {gradient.device}, and is itself {p.dtype} "
            f"{tuple(p.shape)} on {p.device}"
        )
    gradient = gradient.detach()
    if gradient.stride() != p.stride() or gradient.is_neg():
        gradient = torch.empty_strided(p.shape, p.stride(), dtype=p.dtype).copy_(gradient)
    flat: NDArray[Any] = gradient.as_strided((p.numel(),), (1,)).numpy()
    return flat


def _lr(group: dict[str, Any], index: int) -> float:
    lr = float(group["lr"]) if isinstance(group["lr"], Tensor) else _number(group["lr"], f"group {index}: lr")
    if not 0.0 <= lr < math.inf:
        raise ValueError(f"group {index}: lr must be at least 0 and finite, not {lr}")
    return lr


def _name(group: dict[str, Any], index: int, place: int) -> str:
    names = group.get("param_names")
    return f"parameter {names[place]}" if names else f"parameter {place} of group {index}"


def _check_state(name: str, p: Tensor, state: Any) -> None:
    keys = {"step", "rate", "gain", *COLUMNS}
    if not isinstance(state, dict) or state.keys() != keys:
        raise ValueError(f"{name}: its state is none of RobustSGM's, which has {', '.join(sorted(keys))}")
    step, rate, gain = state["step"], state["rate"], state["gain"]
    if not (isinstance(step, int) and step >= 0 and 0.0 <= rate < math.inf and 0.0 <= gain <= 1.0):
        raise ValueError(f"{name}: its state has step {step}, rate {rate} and gain {gain}, which no state has")
    for key in COLUMNS:
        column = state[key]
        if not isinstance(column, Tensor) or column.shape != p.shape:
            shape = tuple(column.shape) if isinstance(column, Tensor) else column
            raise ValueError(f"{name}: its state {key!r} is {shape}, and the parameter {tuple(p.shape)}")
        sound = torch.isfinite(column)
        if key in ("square", "scale", "norm"):
            sound &= (column >= 0) | (column == -1) if key == "square" else column >= 0
        if not bool(sound.all()):
            raise ValueError(f"{name}: its state {key!r} holds {float(column[~sound].flatten()[0])}, which no state does")


class RobustSGM(Optimizer):
    """Stochastic gradient descent with a learning rate for each tensor that is estimated robustly from weights and gradients.

    For each tensor with weights `w` and gradient `g`, at its step `t`::

        g'    = g + lambda w                              where not decoupled; g otherwise
        v     = beta_norm v + (1 - beta_norm) g'^2
        d     = sqrt(v / (1 - beta_norm^t)) + eps         the norm of the gradient, as Adam's
        u     = w g' / d
        u_hat = beta_scale u_hat + (1 - beta_scale) |u|
        psi   = sign(u) min(|u|, clip u_hat)              the input clip
        s     = beta s + (1 - beta) w^2
        a~    = beta a~ + lr / (1 + s) psi
        a     = min(|a~|, lr (1 + s))                     the output clip; at lr where bound="lr"
        r     = bias-corrected average of mean(a)         with mean_beta: the rate of the tensor
        m     = beta_smooth m + (1 - beta_smooth) g'
        w    -= r (m / (1 - beta_smooth^t) / d + lambda w)    lambda where decoupled

    The ratio of `E[w g]` to the norm of the gradient as a learning rate, one number per layer, is AutoSGM's (O. A. Somefun, Oregon
    State University); the norm and the bias corrections are Adam's (Kingma and Ba 2015). What is robust is the *rate*: the direction
    is Adam's, and follows wrong labels as Adam does. Against those there is `weighted_mean`.

    A step changes parameters and state in place, in two fused passes, without the interpreter's lock. A gradient that is NaN leaves
    its weight and the state of that weight alone, and an infinite one leaves them finite. The bits are the same on any processor and
    with any number of threads.

    `lr` is a bound: it holds at once where it falls, as schedulers let it, and the rate follows gradually where it rises, over some
    `1 / (1 - beta)` steps. At 0 the weights stand still, and the state moves on with the last bound that was not 0.

    Parameters
    ----------
    params
        Parameters, pairs of name and parameter (torch 2.6 or later), or groups: dense tensors on the CPU, float32 or float64. Groups
        may have settings of their own.
    lr
        The bound of the rate, at least 0.
    beta
        The decay of the numerator and of `s`.
    beta_scale
        The decay of the scale `u_hat`.
    beta_norm
        The decay of the squared gradient.
    beta_smooth
        The decay of the smoothed gradient; None steps along the gradient itself.
    clip
        The input clip in scales.
    bound
        "norm" clips the output at `lr (1 + s)`, "lr" at `lr`.
    eps
        What is added to the norm, so that nothing is divided by 0.
    weight_decay
        Lambda, at least 0.
    decoupled
        Whether weight decay is taken off the weight beside the step (Loshchilov and Hutter 2019), and not added to the gradient.
    mean_beta
        The decay of the average of the layer mean; None takes the mean as it is.
    maximize
        Whether the gradient is climbed, at the price of a copy of it.

    Raises
    ------
    TypeError, ValueError
        A setting is out of range, or a parameter cannot be trained; the message names it, and a step that raises has changed
        nothing.

    Notes
    -----
    The state of a parameter is in `state[p]`: "step", the rate "rate" and its last gain "gain", and five tensors of the parameter's
    shape, "square", "scale", "norm", "average" and "smoothed" (`v` bias-corrected, `u_hat`, `s`, `a~`, `m`). `state_dict` refers to
    them, as in all of torch; `load_state_dict` copies, so that a state can be loaded again and again. A run that goes on from a state
    gives the same bits as one that was not interrupted.

    Examples
    --------
    >>> import torch
    >>> from evenkeel.torch import RobustSGM
    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> _ = torch.nn.init.constant_(model.weight, 0.5)
    >>> x, y = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]), torch.tensor([[5.0], [11.0], [19.0]])
    >>> optimizer = RobustSGM(model.parameters(), lr=0.05)
    >>> losses = []
    >>> for step in range(200):
    ...     optimizer.zero_grad()
    ...     loss = torch.nn.functional.mse_loss(model(x), y)
    ...     loss.backward()
    ...     optimizer.step()
    ...     losses.append(loss.item())
    >>> losses[-1] < 0.05 * losses[0]
    True
    """

    def __init__(
        self,
        params: Groups,
        lr: float | Tensor = 1e-3,
        *,
        beta: float = 0.9999,
        beta_scale: float = 0.999,
        beta_norm: float = 0.999,
        beta_smooth: float | None = 0.9,
        clip: float = 4.0,
        bound: Literal["norm", "lr"] = "norm",
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled: bool = True,
        mean_beta: float | None = 0.1,
        maximize: bool = False,
    ) -> None:
        self._bound: dict[Tensor, _Bound] = {}
        defaults = {
            "lr": lr,
            "beta": beta,
            "beta_scale": beta_scale,
            "beta_norm": beta_norm,
            "beta_smooth": beta_smooth,
            "clip": clip,
            "bound": bound,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled": decoupled,
            "mean_beta": mean_beta,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds a group of parameters, with the settings that it has and the optimiser's for the others.

        Raises
        ------
        TypeError, ValueError
            As when an optimiser is made. There are the same groups as before.
        """
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        try:
            lr = _lr(group, len(self.param_groups) - 1)
            # The bound with which the state moves on while lr is 0.
            group.setdefault("nonzero_lr", lr or float(self.defaults["lr"]) or 1e-3)
            self._check_group(len(self.param_groups) - 1)
        except (TypeError, ValueError):
            del self.param_groups[-1]
            raise

    def _check_group(self, index: int) -> None:
        group = self.param_groups[index]
        if missing := [key for key in (*_SETTINGS, "lr", "nonzero_lr", "maximize") if key not in group]:
            raise ValueError(f"group {index} has no {missing[0]}: it is no group of RobustSGM")
        rule = self._group_rule(index, _lr(group, index))
        for place, p in enumerate(group["params"]):
            _check(_name(group, index, place), p)
        if any(p.dtype == torch.float32 for p in group["params"]):
            try:
                rule.check_single()
            except ValueError as error:
                raise ValueError(f"group {index}: {error}") from None

    def _group_rule(self, index: int, lr: float) -> _core.LearningRate:
        group = self.param_groups[index]
        try:
            return _rule(lr or group["nonzero_lr"], *_settings(group))
        except (TypeError, ValueError) as error:
            raise type(error)(f"group {index}: {error}") from None

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Takes one step of every parameter that has a gradient, and returns the loss of the closure, if there is one.

        Raises
        ------
        TypeError, ValueError
            A setting has become one that is out of range, a gradient does not fit or is sparse, or two parameters share memory.
            Neither parameters nor state have changed.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        parameters: list[Tensor] = []
        states: list[dict[str, Any]] = []
        layers: list[_core.Layer] = []
        rules: list[_core.LearningRate] = []
        gradients: list[NDArray[Any]] = []
        factors: list[float] = []
        rates: list[float] = []
        known, bound = self.state, self._bound
        for index, group in enumerate(self.param_groups):
            lr = _lr(group, index)
            rates.append(lr)
            rule = self._group_rule(index, lr)
            maximize, factor = group["maximize"], 0.0 if lr == 0.0 else 1.0
            for place, p in enumerate(group["params"]):
                gradient: Tensor | None = p.grad
                if gradient is None:
                    continue
                state: dict[str, Any] | None = known.get(p)
                if not state:
                    if p.numel() == 0:
                        continue
                    _check(_name(group, index, place), p)
                    state = {"step": 0, "rate": 0.0, "gain": 0.0, **dict(zip(COLUMNS, _room(p), strict=True))}
                seen = bound.get(p)
                if seen is None or not seen.holds(p, state):
                    name = _name(group, index, place)
                    _check(name, p)
                    seen = bound[p] = _Bound(name, p, state)
                if maximize:
                    gradient = gradient.neg()
                if (
                    seen.is_contiguous
                    and gradient.layout is torch.strided
                    and gradient.is_contiguous()
                    and gradient.shape == seen.shape
                    and gradient.dtype == seen.dtype
                    and not (gradient.requires_grad or gradient.is_neg())
                ):
                    gradients.append(gradient.numpy())
                else:
                    gradients.append(_flat(_name(group, index, place), p, gradient))
                parameters.append(p)
                states.append(state)
                layers.append(seen.layer)
                rules.append(rule)
                factors.append(factor)
        steps = [state["step"] + 1 for state in states]
        means = _core.descend_layers(layers, rules, gradients, factors, steps, [_mean(state) for state in states])
        for p, state, step, (rate, gain) in zip(parameters, states, steps, means, strict=True):
            state["step"], state["rate"], state["gain"] = step, rate, gain
            known[p] = state
        for group, lr in zip(self.param_groups, rates, strict=True):
            group["nonzero_lr"] = lr or group["nonzero_lr"]
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads what `state_dict` returned, for parameters of the same shapes in the same order, and copies it.

        Raises
        ------
        ValueError
            It is the state of another optimiser or of other parameters, or it is damaged; the message names the parameter. The
            optimiser is as it was.
        """
        before = {"state": self.state, "param_groups": self.param_groups}
        super().load_state_dict(state_dict)
        try:
            for index, group in enumerate(self.param_groups):
                self._check_group(index)
                for place, p in enumerate(group["params"]):
                    if p in self.state:
                        _check_state(_name(group, index, place), p, self.state[p])
        except (TypeError, ValueError):
            self.__setstate__(before)
            raise
        for p, state in self.state.items():
            room = _room(p)
            for to, column in zip(room, _columns(state), strict=True):
                to.copy_(column)
            self.state[p] = {**state, **dict(zip(COLUMNS, room, strict=True))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._bound = {}


def _near(losses: Tensor) -> NDArray[Any]:
    """Losses as the guards read them: flat, on the CPU, in float64 where they are and in float32 otherwise."""
    if not losses.is_floating_point():
        raise TypeError(f"losses must be floats, not {losses.dtype}")
    if losses.ndim == 0:
        raise ValueError('losses must be one for each example, not their mean: make them with reduction="none"')
    dtype = torch.float64 if losses.dtype == torch.float64 else torch.float32
    near: NDArray[Any] = losses.detach().reshape(-1).to("cpu", dtype).contiguous().numpy()
    return near


def weigh(guard: LossGuard, losses: Tensor) -> Tensor:
    """Weights of the examples of a batch from their losses, of the same shape, type and device: see `LossGuard`.

    They are constants, through which no gradient goes; a loss that is NaN, infinite or below zero weighs 0. Zero times NaN is NaN,
    and so is its derivative: where losses may be none, take their mean with `weighted_mean`.

    Raises
    ------
    TypeError
        The losses are no floats.
    ValueError
        The losses are one number, their mean.

    Examples
    --------
    >>> import evenkeel, torch
    >>> from evenkeel.torch import weigh
    >>> guard = evenkeel.LossGuard(half_life=50 * 32)
    >>> for step in range(20):
    ...     _ = weigh(guard, 1 + torch.arange(32) % 5 / 10)
    >>> weigh(guard, torch.tensor([1.1, 1.2, 9.0]))
    tensor([1., 1., 0.])
    """
    return _weights(guard, _near(losses), losses).reshape(losses.shape)


def _weights(guard: LossGuard, near: NDArray[Any], losses: Tensor) -> Tensor:
    return torch.from_numpy(guard.weigh(near)).to(losses.device, losses.dtype)


def weighted_mean(guard: LossGuard, losses: Tensor, again: Callable[[Tensor], Tensor] | None = None) -> Tensor | None:
    """The mean of the losses of a batch, each multiplied by its weight, as `weigh` makes them; None where there is nothing to learn
    from, and the step is to be skipped.

    Examples whose loss is NaN, infinite or below zero have to be kept out of the whole computation: neither a factor of 0 nor
    `losses[torch.isfinite(losses)]` keeps their derivatives out of the gradient. So where there are such losses, `again` has to
    compute the others anew: it gets the positions of those that are kept, int64, in the order of the flattened losses, and returns
    their losses. Without `again` such a batch is given up: None. Where all losses are sound, `again` is not called, and with weights
    of 1 the mean is `losses.mean()` to the bit. It is over all examples, those without weight included.

    Raises
    ------
    TypeError
        The losses are no floats.
    ValueError
        The losses are one number, their mean, or `again` returned not one loss for each position.

    Examples
    --------
    >>> import evenkeel, torch
    >>> from evenkeel.torch import weighted_mean
    >>> model = torch.nn.Linear(2, 1)
    >>> x, y = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]), torch.tensor([[5.0], [float("nan")], [19.0]])
    >>> def losses(x, y):
    ...     return torch.nn.functional.mse_loss(model(x), y, reduction="none")[:, 0]
    >>> guard = evenkeel.LossGuard(half_life=50 * 3, squared=True)
    >>> loss = weighted_mean(guard, losses(x, y), lambda kept: losses(x[kept], y[kept]))
    >>> loss.backward()
    >>> bool(torch.isfinite(model.weight.grad).all())
    True
    """
    near = _near(losses)
    weights = _weights(guard, near, losses)
    sound = np.isfinite(near) & (near >= 0)
    if not sound.any():
        return None
    if sound.all():
        return (losses.reshape(-1) * weights).mean()
    if again is None:
        return None
    kept = torch.from_numpy(np.flatnonzero(sound)).to(losses.device)
    others = again(kept)
    if others.numel() != len(kept):
        raise ValueError(f"again returned {others.numel()} losses for {len(kept)} positions: return one for each")
    return (others.reshape(-1) * weights[kept]).sum() / len(near)


def _with_gradients(parameters: Iterable[Tensor] | Tensor) -> list[Tensor]:
    """The parameters that have a gradient, each once."""
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    return list({id(p): p for p in parameters if p.grad is not None}.values())


@torch.no_grad()
def gradient_norm(parameters: Iterable[Tensor] | Tensor) -> float:
    """The norm of the gradients of these parameters together, the root of the sum of their squares.

    Of gradients on the CPU it is the same bits on every machine, and in whichever order the parameters are given; the norms of
    others are made where they are. A parameter that is given twice counts once, one without a gradient not at all.

    Examples
    --------
    >>> import torch
    >>> from evenkeel.torch import gradient_norm
    >>> p, q = torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1))
    >>> p.grad, q.grad = torch.tensor([3.0, 4.0]), torch.tensor([12.0])
    >>> gradient_norm([p, q])
    13.0
    """
    near: list[NDArray[Any]] = []
    far: list[Tensor] = []
    for p in _with_gradients(parameters):
        gradient = p.grad
        assert gradient is not None
        gradient = gradient.detach()
        if gradient.is_sparse:
            gradient = gradient.coalesce().values()
        if gradient.is_complex():
            gradient = torch.view_as_real(gradient.resolve_conj())
        if gradient.device.type == "cpu":
            if gradient.dtype not in _FLOATS:
                gradient = gradient.float()
            near.append(gradient.resolve_neg().contiguous().numpy())
        else:
            wide = torch.float32 if gradient.device.type == "mps" else torch.float64
            far.append(torch.linalg.vector_norm(gradient, dtype=wide))
    squares: list[float] = []
    for device in {norm.device for norm in far}:  # waits for each device once
        norms: list[float] = torch.stack([norm for norm in far if norm.device == device]).tolist()
        squares.extend(norm * norm for norm in norms)
    return _core.norm(near, squares)


@torch.no_grad()
def guard_gradients(guard: GradientGuard, parameters: Iterable[Tensor] | Tensor) -> float:
    """Judges the gradients of these parameters by their norm, all together, multiplies them by the factor that it returns, and
    returns it: see `GradientGuard`. It stands where `torch.nn.utils.clip_grad_norm_` would, between `backward` and `step`.

    At 1, which is nearly always, nothing is touched. At 0 every gradient is set to None: an optimiser that makes the step all the
    same moves nothing. Leave the step out where a schedule should not go on.

    Where the gradients were scaled for mixed precision, call `scaler.unscale_(optimizer)` first. Where a trainer owns the loop, call it
    in the hook that comes before the step: `Optimizer.register_step_pre_hook`, whose function must return None,
    `on_before_optimizer_step` of Lightning, `on_pre_optimizer_step` of transformers with `max_grad_norm=0`, which otherwise has clipped
    the gradients before it.

    Examples
    --------
    >>> import evenkeel, torch
    >>> from evenkeel.torch import guard_gradients
    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.AdamW(model.parameters())
    >>> guard = evenkeel.GradientGuard(half_life=50)
    >>> for step in range(20):
    ...     optimizer.zero_grad()
    ...     (model(torch.ones(4, 2)).sum() * (1e9 if step == 10 else 1)).backward()
    ...     if guard_gradients(guard, model.parameters()):
    ...         optimizer.step()
    >>> guard.skips
    1
    """
    given = _with_gradients(parameters)
    factor = guard.observe(gradient_norm(given))
    if factor == 1.0:
        return factor
    for p in given:
        if factor == 0.0:
            p.grad = None
        elif p.grad is not None:
            p.grad.detach().mul_(factor)
    return factor


@torch.no_grad()
def guard_each(guards: GradientGuards, parameters: Iterable[Tensor]) -> NDArray[np.float64]:
    """Judges the gradient of each parameter by its own norm, multiplies it by its own factor, and returns the factors: see
    `GradientGuards`. A spike in one tensor leaves the steps of the others as they are.

    Parameters are given in the same order at each step, one for each guard. At 0 a gradient is set to None; one that is None keeps its
    factor of 1, and its guard learns nothing. Gradients on another device are waited for one by one: where there are many,
    `guard_gradients` waits once.

    Raises
    ------
    ValueError
        There is not one parameter for each guard, or one is given twice. Nothing has changed.

    Examples
    --------
    >>> import evenkeel, torch
    >>> from evenkeel.torch import guard_each
    >>> model = torch.nn.Linear(2, 1)
    >>> guards = evenkeel.GradientGuards(len(list(model.parameters())), half_life=50)
    >>> for step in range(20):
    ...     model.zero_grad()
    ...     model(torch.ones(4, 2)).sum().backward()
    ...     model.bias.grad *= 1e9 if step == 10 else 1
    ...     factors = guard_each(guards, model.parameters())
    >>> guards.skips
    [0, 1]
    """
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if len(given) != len(guards):
        raise ValueError(f"parameters are {len(given)}, and there are {len(guards)} guards: give one for each, in the same order")
    if len({id(p) for p in given}) < len(given):
        raise ValueError("parameters hold one twice, whose gradient would be multiplied twice: give each once, as model.parameters() does")
    # A norm of zero passes and is no sample: so is none at all.
    factors = guards.observe(np.array([gradient_norm(p) for p in given], dtype=np.float64))
    for p, factor in zip(given, factors.tolist(), strict=True):
        if factor == 0.0:
            p.grad = None
        elif factor != 1.0 and p.grad is not None:
            p.grad.detach().mul_(factor)
    return factors
