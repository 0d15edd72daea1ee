"""Training tables for the boosters: noisy sensors of wearing units, and features of NASA's C-MAPSS FD001."""

from pathlib import Path

import numpy as np
from scipy.signal import lfilter

SENSORS = [2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21]


def synthetic(seed, units=125, cycles=200, width=200):
    """Returns features, labels and units: noisy sensors of three latent states that wear by unit."""
    random = np.random.default_rng(seed)
    time_left = np.tile(np.arange(cycles)[::-1], units).astype(float)
    unit = np.repeat(np.arange(units), cycles)
    wear = np.exp(-time_left[:, None] / random.uniform(20, 80, (units, 3))[unit])
    mix = random.normal(size=(3, width)) * (random.random((3, width)) < 0.3)
    offset = random.normal(size=(units, width))[unit] * 0.3
    x = np.tanh(wear @ mix + offset) + random.normal(size=(len(unit), width)) * 0.5
    return x.astype(np.float32), np.minimum(time_left, 125), unit


def trailing(z, window, function):
    return np.stack([function(z[max(0, t + 1 - window):t + 1]) for t in range(len(z))])


def slope(part):
    if len(part) < 2:
        return np.zeros(part.shape[1])
    age = np.arange(len(part)) - (len(part) - 1) / 2
    return age @ part / (age @ age) * min(1, len(part) / 20) ** 2


def ema(z, half_life):
    keep = 0.5 ** (1 / half_life)
    return lfilter([1 - keep], [1, -keep], z, axis=0) / (1 - keep ** np.arange(1, len(z) + 1))[:, None]


def turbofan(folder, subset="FD001"):
    """Returns features of the whole causal history of each engine: levels, trends, spreads and changes."""
    raw = np.loadtxt(Path(folder) / f"train_{subset}.txt")
    z = raw[:, [4 + sensor for sensor in SENSORS]]
    z = np.clip((z - z.mean(0)) / z.std(0), -6, 6)
    x, y = [], []
    for unit in np.unique(raw[:, 0]):
        own = z[raw[:, 0] == unit]
        count = np.arange(1, len(own) + 1)[:, None]
        first = np.cumsum(own[:20], 0) / count[:20]
        first = np.concatenate([first, np.repeat(first[-1:], max(0, len(own) - 20), 0)])[:len(own)]
        trends = [40 * trailing(own, window, slope) for window in (40, 10**6)]
        columns = [ema(own, 4), ema(own, 15), first, ema(own, 8) - first, *trends,
                   trailing(own, 40, lambda part: part.std(0)), count, np.log1p(count)]
        x.append(np.hstack(columns))
        y.append(np.minimum(len(own) - count[:, 0], 125))
    return np.vstack(x).astype(np.float32), np.concatenate(y).astype(float), raw[:, 0], raw[:, 1]
