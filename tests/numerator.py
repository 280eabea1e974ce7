"""Numerator and RelaxedNumerator, the executable specification: one layer of n weights, float64.

How the equations are read where they are ambiguous:
  * the bound of psi_mu is mu * s_bar (s_bar = 1 + E[w^2] is the upper bound of E[w g]);
  * the threshold of psi_c uses the scale that already contains the current sample;
  * the recursion of a_tilde has no (1 - beta) factor: its DC gain is 1 / (1 - beta);
  * u_hat, s and a_tilde start at 0 and carry no bias correction;
  * two decays are kept (one for the scale, one for a_tilde and s) and may be equal.

    python3 numerator.py              writes numerator.json beside this file
"""
import json, os
import numpy as np


def step(state, w, g, mu, beta, beta_scale, clip):
    u_hat, s, a_tilde = state
    u = w * g
    u_hat = beta_scale * u_hat + (1 - beta_scale) * np.abs(u)
    psi = np.copysign(np.minimum(np.abs(u), clip * u_hat), u)
    s = beta * s + (1 - beta) * (w * w)
    s_bar = 1 + s
    a_tilde = beta * a_tilde + (mu / s_bar) * psi
    a = np.minimum(np.abs(a_tilde), mu * s_bar)
    return (u_hat, s, a_tilde), u, psi, a


def relaxed_step(a_tilde, w, g, mu, beta):
    a_tilde = beta * a_tilde + (1 - beta) * (mu * (w * w + g * g))
    return a_tilde, np.minimum(np.abs(a_tilde), mu)


if __name__ == "__main__":
    n, mu, beta, beta_scale, clip = 5, 0.01, 0.99, 0.9, 4.0
    r = np.random.default_rng(20260602)
    state, relaxed, w, rows = tuple(np.zeros(n) for _ in range(3)), np.zeros(n), r.normal(size=n) * 0.5, []
    for t in range(1, 61):
        w = w + 0.01 * r.normal(size=n)
        g = r.standard_t(2, size=n)
        if t % 17 == 0:
            g[t % n] *= 1e6
        state, u, psi, a = step(state, w, g, mu, beta, beta_scale, clip)
        relaxed, b = relaxed_step(relaxed, w, g, mu, beta)
        rows.append({"w": w.tolist(), "g": g.tolist(), "u_hat": state[0].tolist(), "s": state[1].tolist(),
                     "a_tilde": state[2].tolist(), "psi": psi.tolist(), "a": a.tolist(), "layer_mean": float(np.mean(a)),
                     "relaxed": b.tolist(), "relaxed_layer_mean": float(np.mean(b))})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "numerator.json")
    with open(path, "w") as f:
        head = {"mu": mu, "beta": beta, "beta_scale": beta_scale, "clip": clip}
        f.write("{" + json.dumps(head)[1:-1] + ",\n\"rows\": [\n" + ",\n".join(json.dumps(x) for x in rows) + "\n]}\n")
    print(len(rows), "steps; last layer mean", rows[-1]["layer_mean"])
