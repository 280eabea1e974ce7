"""The step of AutoSGM as it is published, and the readings of its numerator that are options: one layer, float64.

Written from the equations in the text ("Robust EMA estimation", O. A. Somefun, Oregon State University) and from the
order in which the author's code (AutoSGM, variant 2) evaluates them. Where the two differ, `published` follows the code:

  * the numerator sees the direction of the step, the smoothed gradient over the norm with decoupled weight decay, and
    not the gradient over the norm;
  * the layer mean is averaged with beta 0.1, from 0 on and without bias correction;
  * decoupled weight decay rho enters the direction as (1 - beta_m) rho w.

and in this the text:

  * the norm is sqrt(b / (1 - beta^t)) + epsilon; the code has an epsilon in the square, too.

The options:

  * `printed`: psi_mu as it is defined, mu E|u| beyond mu s_bar; E|u| is u_hat;
  * `layer`: one u_hat a layer, an average of the layer mean of |u|;
  * `unclipped`: no input clip;
  * `floored`: max(mu d / s_bar, min(|a_tilde|, mu)), with g over its norm d.

    python3 published.py              writes published.json beside this file
"""
import json, os
import numpy as np


def published(w, gradients, mu, beta, beta_s, beta_d, beta_m, beta_r, clip, eps, rho):
    """Yields the rate and the weights after each step."""
    w = w.copy()
    b, m, u_hat, s, a_tilde, r = *(np.zeros(len(w)) for _ in range(5)), 0.0
    for t, g in enumerate(gradients, 1):
        b = beta_d * b + (1 - beta_d) * g * g
        d = np.sqrt(b / (1 - beta_d**t)) + eps
        m = beta_m * m + (1 - beta_m) * g
        p = m / (1 - beta_m**t) / d + (1 - beta_m) * rho * w
        u = w * p
        u_hat = beta_s * u_hat + (1 - beta_s) * np.abs(u)
        psi = np.sign(u) * np.minimum(np.abs(u), clip * u_hat)
        s = beta * s + (1 - beta) * w * w
        a_tilde = beta * a_tilde + mu * psi / (1 + s)
        a = np.minimum(np.abs(a_tilde), mu * (1 + s))
        r = beta_r * r + (1 - beta_r) * np.mean(a)
        w = w - r * p
        yield r, w


def options(samples, mu, beta, beta_s, beta_d, clip, eps):
    n = len(samples[0][0])
    s, b = np.zeros(n), np.zeros(n)
    one, layer, none, floor = ([np.zeros(n), np.zeros(n)] for _ in range(4))  # u_hat and a_tilde of each
    layer[0] = 0.0
    for t, (w, g) in enumerate(samples, 1):
        s = beta * s + (1 - beta) * w * w
        s_bar = 1 + s
        size = np.abs(w * g)
        numbers = {"w": w.tolist(), "g": g.tolist()}
        for state, seen, c in ((one, size, clip), (layer, np.mean(size), clip), (none, size, np.inf)):
            state[0] = beta_s * state[0] + (1 - beta_s) * seen
            psi = np.sign(w * g) * np.minimum(size, c * state[0])
            state[1] = beta * state[1] + mu / s_bar * psi
        numbers["printed"] = np.where(np.abs(one[1]) <= mu * s_bar, np.abs(one[1]), mu * one[0]).tolist()
        numbers["layer_u_hat"] = float(layer[0])
        numbers["layer"] = np.minimum(np.abs(layer[1]), mu * s_bar).tolist()
        numbers["unclipped"] = none[1].tolist()
        b = beta_d * b + (1 - beta_d) * g * g
        d = np.sqrt(b / (1 - beta_d**t)) + eps
        u = w * (g / d)
        floor[0] = beta_s * floor[0] + (1 - beta_s) * np.abs(u)
        floor[1] = beta * floor[1] + mu / s_bar * np.sign(u) * np.minimum(np.abs(u), clip * floor[0])
        numbers["floored"] = np.maximum(mu / s_bar * d, np.minimum(np.abs(floor[1]), mu)).tolist()
        yield numbers


if __name__ == "__main__":
    r = np.random.default_rng(20261128)
    n, steps, every = 5, 1500, 50
    head = {"mu": 0.01, "beta": 0.9999, "beta_s": 0.999, "beta_d": 0.999, "beta_m": 0.9, "beta_r": 0.1, "clip": 4.0,
            "eps": 1e-10, "rho": 0.05}
    start = np.round(0.2 * r.normal(size=n), 3)
    g = np.round(r.standard_t(3, size=(steps, n)) + 0.2 * r.normal(size=n), 3)
    g[r.random(size=g.shape) < 0.002] *= 1e4  # spikes
    story = list(published(start, g, **head))
    rows = {"gradients": g.tolist(), "rates": [float(rate) for rate, _ in story],
            "weights": [w.tolist() for _, w in story[every - 1::every]]}

    readings = {"mu": 0.01, "beta": 0.99, "beta_s": 0.9, "beta_d": 0.95, "clip": 4.0, "eps": 1e-8}
    samples, w = [], 0.5 * r.normal(size=n)
    for t in range(1, 61):
        w = w + 0.01 * r.normal(size=n)
        x = r.standard_t(2, size=n)
        if t % 17 == 0:
            x[t % n] *= 1e6
        samples.append((w, x))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "published.json")
    with open(path, "w") as f:
        f.write('{"published": ' + json.dumps({**head, "every": every, "start": start.tolist()})[:-1])
        for name, numbers in rows.items():
            f.write(f',\n"{name}": [\n' + ",\n".join(json.dumps(x) for x in numbers) + "\n]")
        f.write('},\n"options": ' + json.dumps(readings)[:-1] + ',\n"rows": [\n')
        f.write(",\n".join(json.dumps(x) for x in options(samples, **readings)) + "\n]}}\n")
    print(steps, "steps; last rate", rows["rates"][-1], "and weights", rows["weights"][-1])
