"""The guards of losses and of gradients as plain NumPy, in float64, on top of robust_mean.py beside this file.

    python3 guards.py                 writes guards.json beside this file
"""
import json, math, os
import numpy as np
import robust_mean as rm

SEED = 32                      # losses that seed a LossGuard
FULL, NONE = 5.0, 8.0          # scales above the location up to which a loss weighs 1, and from which it weighs 0
CLIP, SKIP = 3.0, 8.0          # scales of ln |g| up to which a gradient passes, and beyond which its step is skipped
LEAST = math.log(2.0)          # a gradient of up to twice the usual size always passes, one beyond four times may be skipped


def alpha_of(half_life): return -math.expm1(-math.log(2.0) / half_life)


class LossGuard:
    """Weights of a batch's examples from their losses. `half_life` in examples (50 steps of them). squared: the losses are squared errors."""

    def __init__(self, half_life, squared=False):
        self.p, self.squared = rm.Spec(alpha_of(half_life)), squared
        self.state, self.floor, self.waiting = rm.empty(self.p), math.nan, []
        self.invalid = self.weighed_down = 0

    def seed(self, losses):
        """Begins with at least 32 losses of the untrained model, of which the finite ones count."""
        x = np.sort([self.size(v) for v in losses if math.isfinite(v) and v >= 0.0])
        middle = float(np.median(x)); mad = float(np.median(np.abs(x - middle)))
        scale = float(np.mean(np.minimum(np.abs(x - middle), 2.0 * mad))) if mad > 0.0 else float(np.mean(np.abs(x - middle)))
        t = self.p.dtype
        self.state = (t(middle), rm.floored(self.p, t(scale), t(middle)), t(middle), 0, t(min(float(len(x)), math.floor(float(self.p.max_age)))))
        self.floor = middle

    def size(self, loss): return math.sqrt(loss) if self.squared else loss

    def weights(self, losses):
        """All of a batch is judged by what was known before it; then its losses are learnt in order."""
        sizes = [self.size(v) if math.isfinite(v) and v >= 0.0 else math.nan for v in losses]
        self.invalid += sum(x != x for x in sizes)
        if self.state[4] == 0:                         # not seeded yet: all pass, but for what is no loss
            self.waiting += [v for v in losses if math.isfinite(v) and v >= 0.0]
            if len(self.waiting) >= SEED: self.seed(self.waiting)
            return [0.0 if x != x else 1.0 for x in sizes]
        location, scale = float(self.state[0]), float(rm.used_scale(self.p, self.state))
        weight = lambda x: 0.0 if x != x else 1.0 if x <= self.floor else min(max((NONE - (x - location) / scale) / (NONE - FULL), 0.0), 1.0)
        weights = [weight(x) for x in sizes]
        self.weighed_down += sum(w < 1.0 for w, x in zip(weights, sizes) if x == x)
        for x in sizes: self.state, _ = rm.step(self.p, self.state, self.p.dtype(x))
        return weights


class GradientGuard:
    """A factor for a gradient from its norm. `half_life` in steps."""

    def __init__(self, half_life=50.0):
        self.p = rm.Spec(alpha_of(half_life))
        self.state, self.skipped, self.in_a_row = rm.empty(self.p), 0, 0

    def observe(self, norm):
        if not math.isfinite(norm): factor = 0.0       # skipped, and not learnt
        elif norm <= 0.0: factor = 1.0                 # nothing to hold back, and nothing to learn
        else:
            x = math.log(norm)
            factor = 1.0
            if self.state[4] != 0:
                location, scale = float(self.state[0]), float(rm.used_scale(self.p, self.state))
                passes, skips = location + max(CLIP * scale, LEAST), location + max(SKIP * scale, 2.0 * LEAST)
                factor = 1.0 if x <= passes else math.exp(passes - x) if x <= skips else 0.0
            self.state, _ = rm.step(self.p, self.state, self.p.dtype(x))
        self.skipped += factor == 0.0
        self.in_a_row = self.in_a_row + 1 if factor == 0.0 else 0
        return factor


if __name__ == "__main__":
    np.seterr(all="ignore")
    r = np.random.default_rng(3)
    losses = []
    for k in range(60):
        batch = [float(v) for v in (2.0 * 0.97 ** k + 0.3) * r.gamma(2.0, 0.5, size=8)]
        if k % 3 == 2: batch[int(r.integers(8))] = float(r.uniform(50, 5000))
        if k == 20: batch[1] = math.nan
        if k == 21: batch[2] = math.inf
        losses.append(batch)
    norms = [float(v) for v in np.exp(0.3 * r.normal(size=120))]
    norms[1], norms[40], norms[41], norms[60], norms[61], norms[62] = 1e3, 1e4, math.nan, 3.0, 0.0, math.inf
    norms[90:] = [20.0 * v for v in norms[90:]]         # a level that has moved
    out = {"losses": [[rm.text(v) for v in b] for b in losses], "norms": [rm.text(v) for v in norms]}
    for squared in (False, True):
        guard = LossGuard(50.0 * 8, squared)
        out["weights_squared" if squared else "weights"] = [guard.weights(b) for b in losses]
        print("squared" if squared else "plain", "weighed down", guard.weighed_down, "invalid", guard.invalid, "floor", round(guard.floor, 3))
    guard = GradientGuard()
    out["factors"] = [guard.observe(v) for v in norms]
    print("skipped", guard.skipped, "factors", [round(v, 3) for v in out["factors"][:4]], "after the move", [round(v, 2) for v in out["factors"][88:108]])
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "guards.json"), "w") as f:
        f.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in out.items()) + "\n}\n")
