"""The guards of a training, for any optimiser of any framework: weights of examples from their losses, factors of gradients from
their norms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import _containers, _core, _rule
from .tracker import _count, snapshot_rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self


class Suspect(NamedTuple):
    """An example whose loss lies so far above the others that it weighs less than 1."""

    position: int
    """The position of the loss."""
    score: float
    """The scales by which the size of the loss lies above the location."""


def _decay(half_life: Any, span: Any, com: Any, alpha: Any) -> _core.Rule:
    rule = _rule.make("robust", half_life, span, com, alpha, None)
    if rule.in_time:
        raise ValueError("half_life of a guard must be a number of samples, not a time")
    return rule


def _of_number(take: Callable[[float], float], value: Any, name: str) -> float:
    try:
        return take(value)
    except (OverflowError, TypeError):
        raise _rule.no_number(value, name) from None


def _flat(x: Any, name: str) -> NDArray[Any]:
    values = _containers.unpack(x, name).values
    if values.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not {values.ndim}")
    return values


def _doubles(x: Any, name: str) -> NDArray[np.float64]:
    return _flat(x, name).astype(np.float64, copy=False)


class _Native(Protocol):
    """A guard of the core."""

    def to_bytes(self) -> bytes: ...
    def __copy__(self) -> Self: ...


Core = TypeVar("Core", bound=_Native)


class _Guard(Generic[Core]):
    """A guard of the core, with what saves and copies it; subclasses make it of a snapshot in `__setstate__`."""

    __slots__ = ("_core",)
    _core: Core

    def to_bytes(self) -> bytes:
        """The state as a snapshot of the library, the same bytes on any machine."""
        return self._core.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """A guard, or guards, from a snapshot, with the decay that made it.

        Raises
        ------
        SnapshotError
            The bytes are no snapshot of this kind of guard, or they are damaged.
        """
        guard = cls.__new__(cls)
        guard.__setstate__(data)
        return guard

    def copy(self) -> Self:
        """A guard in the same state, which goes on by itself."""
        other = type(self).__new__(type(self))
        other._core = self._core.__copy__()
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Self:
        return self.copy()

    def __getstate__(self) -> bytes:
        return self.to_bytes()

    def __setstate__(self, data: bytes) -> None:
        raise NotImplementedError


class LossGuard(_Guard[_core.LossGuard]):
    """Weights for the examples of a batch from their losses, so that examples with wrong labels do not count.

    The losses of a batch are judged by what was known before it, and then learnt. With `x` the square root of a loss where losses
    are squared errors, and the loss itself otherwise::

        z      = (x - location) / scale            location and scale of the running robust mean
        weight = min(max((8 - z) / 3, 0), 1)       1 up to 5 scales above the location, 0 from 8 on
        weight = 1 where x <= floor                the level at which training began

    Multiply each loss by its weight before the mean is taken. The first 32 losses weigh 1 and seed the guard. A loss that is NaN,
    infinite or below zero weighs 0 and changes nothing. Where all labels are noisy there are no outliers to find: use Huber's loss.

    Parameters
    ----------
    half_life, span, com, alpha
        The memory in examples, by exactly one of these: some 50 steps, `half_life=50 * 32` for batches of 32.
    squared
        Whether losses are squared errors.

    Examples
    --------
    >>> import evenkeel, numpy as np
    >>> guard = evenkeel.LossGuard(half_life=50 * 32)
    >>> for step in range(20):
    ...     _ = guard.weigh(1 + np.arange(32) % 5 / 10)
    >>> guard.weigh([1.1, 1.2, 9.0])
    array([1., 1., 0.])
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        half_life: float | None = None,
        span: float | None = None,
        com: float | None = None,
        alpha: float | None = None,
        squared: bool = False,
    ) -> None:
        self._core = _core.LossGuard(_decay(half_life, span, com, alpha), squared)

    def weigh(self, losses: Any) -> NDArray[Any]:
        """Judges the losses of a batch by what was known before it, learns them, and returns the weight of each example, from 0 to
        1: float32 for losses in float32, else float64."""
        return self._core.weigh(_flat(losses, "losses"))

    def seed(self, losses: Any) -> None:
        """Seeds the guard with losses of the untrained model, and forgets what was learnt before.

        Raises
        ------
        ValueError
            Fewer than 32 losses are finite and not below zero. Nothing has changed.
        """
        self._core.seed(_doubles(losses, "losses"))

    def score(self, loss: float) -> float:
        """The scales by which a loss lies above the location; NaN for a loss that is none. Nothing is learnt."""
        return _of_number(self._core.score, loss, "loss")

    def weight(self, loss: float) -> float:
        """The weight of a loss by what is known. Nothing is learnt."""
        return _of_number(self._core.weight, loss, "loss")

    def suspects(self, losses: Any) -> list[Suspect]:
        """The losses that weigh less than 1 by what is known, the highest score first: of a whole set of examples, a list of the
        labels to look at. Nothing is learnt."""
        return [Suspect(*found) for found in self._core.suspects(_doubles(losses, "losses"))]

    @property
    def squared(self) -> bool:
        """Whether losses are squared errors."""
        return self._core.squared

    @property
    def is_seeded(self) -> bool:
        """Whether enough losses have been seen to judge others."""
        return self._core.floor is not None

    @property
    def floor(self) -> float | None:
        """The size up to which every loss weighs 1; None before the guard is seeded."""
        return self._core.floor

    @property
    def location(self) -> float:
        """The location of the sizes of losses; NaN before the guard is seeded."""
        return self._core.reading()[0]

    @property
    def scale(self) -> float:
        """The scale of the sizes of losses; NaN before the guard is seeded."""
        return self._core.reading()[1]

    @property
    def invalid(self) -> int:
        """The number of losses that were NaN, infinite or below zero."""
        return self._core.invalid

    @property
    def weighed_down(self) -> int:
        """The number of losses that weighed less than 1, without those that were none."""
        return self._core.weighed_down

    def __setstate__(self, data: bytes) -> None:
        rule = snapshot_rule(data)
        # Only the reader of the body knows whether losses are squared: the other kind is refused.
        self._core = _core.LossGuard(rule, False)
        try:
            self._core.read(data)
        except _core.SnapshotError:
            self._core = _core.LossGuard(rule, True)
            self._core.read(data)

    def __repr__(self) -> str:
        return f"<evenkeel.LossGuard, location {self.location}, scale {self.scale}>"


class GradientGuard(_Guard[_core.GradientGuard]):
    """A factor for the gradient of each step from its norm, so that a spike does not move the weights.

    With `x = ln |g|`, and the location and the scale of its running robust mean before this step::

        L      = location + max(3 scale, ln 2)     passes: up to three scales, or twice the usual size
        S      = location + max(8 scale, 2 ln 2)   skips: beyond eight scales, or four times the usual size
        factor = 1                                 where x <= L
                 exp(L - x)                        where L < x <= S
                 0                                 where x > S

    The first norm passes. A norm that is NaN or infinite skips the step and changes nothing. It equals a norm clip whose bound was
    tuned (Pascanu, Mikolov and Bengio 2013), with nothing to tune, and does not beat one.

    Parameters
    ----------
    half_life, span, com, alpha
        The memory in steps, by exactly one of these: `half_life=50` suits.

    Examples
    --------
    >>> import evenkeel
    >>> guard = evenkeel.GradientGuard(half_life=50)
    >>> [guard.observe(norm) for norm in [1.0, 1.1, 0.9, 1e6]]
    [1.0, 1.0, 1.0, 0.0]
    >>> guard.skips
    1
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        half_life: float | None = None,
        span: float | None = None,
        com: float | None = None,
        alpha: float | None = None,
    ) -> None:
        self._core = _core.GradientGuard(_decay(half_life, span, com, alpha))

    def observe(self, norm: float) -> float:
        """Judges the norm of a gradient by what was known before it, learns it, and returns the factor of the gradient."""
        return _of_number(self._core.observe, norm, "norm")

    @property
    def location(self) -> float:
        """The location of the logarithms of norms; NaN before the first."""
        return self._core.reading()[0]

    @property
    def scale(self) -> float:
        """The scale of the logarithms of norms; NaN before the first."""
        return self._core.reading()[1]

    @property
    def skips(self) -> int:
        """The number of steps that were skipped."""
        return self._core.skips

    @property
    def skips_in_a_row(self) -> int:
        """The number of steps that were skipped one after the other, up to the last one."""
        return self._core.skips_in_a_row

    def __setstate__(self, data: bytes) -> None:
        self._core = _core.GradientGuard(snapshot_rule(data))
        self._core.read(data)

    def __repr__(self) -> str:
        return f"<evenkeel.GradientGuard, {self.skips} skips>"


class GradientGuards(_Guard[_core.GradientGuards]):
    """A `GradientGuard` for each tensor of a model, judged together.

    Examples
    --------
    >>> import evenkeel
    >>> guards = evenkeel.GradientGuards(3, half_life=50)
    >>> for step in range(20):
    ...     _ = guards.observe([1.0, 20.0, 0.3])
    >>> guards.observe([1e6, 50.0, 0.3]).round(2)
    array([0. , 0.8, 1. ])
    """

    __slots__ = ()

    def __init__(
        self,
        tensors: int,
        *,
        half_life: float | None = None,
        span: float | None = None,
        com: float | None = None,
        alpha: float | None = None,
    ) -> None:
        self._core = _core.GradientGuards(_decay(half_life, span, com, alpha), _count(tensors, "tensors", 0))

    def observe(self, norms: Any) -> NDArray[np.float64]:
        """Judges the norm of each tensor's gradient by what was known before it, learns it, and returns the factor of each.

        Raises
        ------
        ValueError
            There is not one norm for each tensor. Nothing has changed.
        """
        return self._core.observe(_doubles(norms, "norms"))

    def __len__(self) -> int:
        return len(self._core)

    @property
    def locations(self) -> NDArray[np.float64]:
        """The locations of the logarithms of each tensor's norms."""
        return np.array([reading[0] for reading in self._core.readings()], dtype=np.float64)

    @property
    def scales(self) -> NDArray[np.float64]:
        """The scales of the logarithms of each tensor's norms."""
        return np.array([reading[1] for reading in self._core.readings()], dtype=np.float64)

    @property
    def skips(self) -> list[int]:
        """The number of steps of each tensor that were skipped."""
        return self._core.skips

    @property
    def skips_in_a_row(self) -> list[int]:
        """The number of steps of each tensor that were skipped one after the other, up to the last one."""
        return self._core.skips_in_a_row

    def __setstate__(self, data: bytes) -> None:
        self._core = _core.GradientGuards(snapshot_rule(data), _core.snapshot_info(data)[5])
        self._core.read(data)

    def __repr__(self) -> str:
        return f"<evenkeel.GradientGuards of {len(self)} tensors>"
