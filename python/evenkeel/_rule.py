"""A rule of the core from the keywords of a call."""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np

from . import _core, _times

#: A memory in samples or in time.
HalfLife: TypeAlias = "float | str | datetime.timedelta | np.timedelta64"
#: The step in which a signal is recorded; "auto" learns it, None is for continuous signals.
Resolution: TypeAlias = 'float | Literal["auto"] | None'
#: The estimators, by the names that the program has for them.
Preset: TypeAlias = 'Literal["clean", "robust", "mean", "ema"]'


def _number(value: Any, name: str) -> float:
    # numpy's timedelta64 is an integer to isinstance.
    if isinstance(value, (bool, np.bool_, np.timedelta64)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must be a number that a float can hold") from None


def no_number(value: object, name: str) -> TypeError | ValueError:
    """The error for a value of which the core could make no float."""
    if isinstance(value, int):
        return ValueError(f"{name} must be a number that a float can hold")
    return TypeError(f"{name} must be a number, not {type(value).__name__}")


def _memory(half_life: Any, span: Any, com: Any, alpha: Any) -> dict[str, Any]:
    given = {"half_life": half_life, "span": span, "com": com, "alpha": alpha}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) != 1:
        found = " and ".join(given) if given else "none"
        raise ValueError(f"give exactly one of half_life, span, com and alpha, not {found}")
    [(name, value)] = given.items()
    if name != "half_life" or not _times.is_duration(value):
        return {name: _number(value, name)}
    nanoseconds = _times.duration(value, name)
    if nanoseconds <= 0:
        raise ValueError(f"half_life must be longer than nothing, not {value!r}")
    return {"half_life_ns": nanoseconds}


@lru_cache(maxsize=128, typed=True)
def rule(
    preset: Any,
    half_life: Any = None,
    span: Any = None,
    com: Any = None,
    alpha: Any = None,
    resolution: Any = "auto",
    patience: Any = None,
    clip: Any = None,
    reject: Any = None,
    scale_clip: Any = None,
) -> _core.Rule:
    """The rule of these keywords; the same object for the same ones."""
    if not isinstance(preset, str):
        raise TypeError(f"preset must be a string, not {type(preset).__name__}")
    options: dict[str, Any] = _memory(half_life, span, com, alpha)
    if isinstance(resolution, str):
        if resolution != "auto":
            raise ValueError(f'resolution must be "auto", None or a number, not {resolution!r}')
    else:
        options["resolution"] = 0.0 if resolution is None else _number(resolution, "resolution")
    if patience is not None:
        if isinstance(patience, (bool, np.timedelta64)) or not isinstance(patience, (int, np.integer)):
            raise TypeError(f"patience must be an integer, not {type(patience).__name__}")
        if not 1 <= patience <= 63:
            raise ValueError(f"patience must be from 1 to 63, not {patience}")
        options["patience"] = int(patience)
    for name, value in (("clip", clip), ("scale_clip", scale_clip)):
        if value is not None:
            options[name] = _number(value, name)
    if reject is False and preset in ("robust", "mean"):
        options["keeps_all"] = True
    elif reject is not None:
        options["reject"] = _rejection(preset, reject)
    if preset == "ema":
        for name in ("patience", "clip", "reject", "scale_clip"):
            if options.get(name) is not None:
                raise ValueError(f'{name} has no meaning for preset="ema", which has no scale')
    return _core.Rule(preset, **options)


def _rejection(preset: str, reject: Any) -> tuple[float, float]:
    if preset == "clean":
        return (0.0, _number(reject, "reject"))
    if not isinstance(reject, tuple) or len(reject) != 2:
        raise TypeError("reject must be a pair of scales, where the taper begins and where it ends, or False")
    return (_number(reject[0], "reject"), _number(reject[1], "reject"))


def make(preset: Any, half_life: Any, span: Any, com: Any, alpha: Any, *more: Any) -> _core.Rule:
    """The rule of these keywords, of which one may be of a type that no cache can hold."""
    try:
        return rule(preset, half_life, span, com, alpha, *more)
    except (TypeError, ValueError):  # a timedelta64 without a unit raises the latter when it is hashed
        pass
    return rule.__wrapped__(preset, half_life, span, com, alpha, *more)
