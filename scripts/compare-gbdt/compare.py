"""Compares the gradient booster with LightGBM: RMSE on held-out units, CPU time at one and two threads.

Usage: compare.py BINARY [C-MAPSS FOLDER]

CPU seconds of LightGBM are those of Dataset construction and training; those of our booster are of the whole process,
which also reads the matrices and predicts.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np
from scipy.signal import lfilter
from sklearn.model_selection import GroupKFold

SENSORS = [2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21]
RECIPE = dict(learning_rate=0.04, leaves=15, min_leaf_rows=40, feature_fraction=0.3, bagging_fraction=0.6, l2=5.0,
              rounds=300, bins=255)
LARGE = dict(learning_rate=0.05, leaves=31, min_leaf_rows=20, feature_fraction=1.0, bagging_fraction=1.0, l2=0.0,
             rounds=500, bins=255)


def ours(binary, options, seed, threads, x, y, x_test):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "options.json").write_text(json.dumps(options))
        x.astype("<f4").tofile(folder / "x_train.f32")
        y.astype("<f8").tofile(folder / "y_train.f64")
        x_test.astype("<f4").tofile(folder / "x_test.f32")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = subprocess.run([binary, folder, str(seed), str(threads)], check=True, capture_output=True, text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return np.fromfile(folder / "prediction.f64", "<f8"), cpu, json.loads(run.stdout)


def theirs(options, seed, threads, x, y, x_test):
    start, wall = time.process_time(), time.perf_counter()
    parameters = dict(
        objective="regression", learning_rate=options["learning_rate"], num_leaves=options["leaves"],
        min_data_in_leaf=options["min_leaf_rows"], feature_fraction=options["feature_fraction"],
        bagging_fraction=options["bagging_fraction"], bagging_freq=1, lambda_l2=options["l2"],
        max_bin=options["bins"], num_threads=threads, seed=seed, verbose=-1)
    model = lgb.train(parameters, lgb.Dataset(x, y), num_boost_round=options["rounds"])
    cpu, wall = time.process_time() - start, time.perf_counter() - wall
    return model.predict(x_test, num_threads=threads), cpu, {"fit_s": wall}


def rmse(prediction, truth):
    return float(np.sqrt(np.mean((prediction - truth) ** 2)))


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


def compare_synthetic(binary):
    x, y, unit = synthetic(1)
    train, test = unit < 100, unit >= 100
    print(f"synthetic: {train.sum()} x {x.shape[1]}, {LARGE['rounds']} rounds, {LARGE['leaves']} leaves")
    for threads in (1, 2):
        for name, fit in (("LightGBM", theirs), ("ours", lambda *rest: ours(binary, *rest))):
            prediction, cpu, times = fit(LARGE, 1, threads, x[train], y[train], x[test])
            others = {key: round(value, 2) for key, value in times.items()}
            print(f"  {name:8} {threads} thread(s): RMSE {rmse(prediction, y[test]):.3f}, CPU {cpu:.2f} s, {others}")


def compare_seeds(binary, title, options, x, y, unit, learn, seeds=10):
    """Out-of-fold RMSE by seed, folds by unit; both boosters see the same folds."""
    print(f"{title}: {learn.sum()} training rows x {x.shape[1]}, 5 folds by unit, {seeds} seeds")
    scores, cpus = {"LightGBM": [], "ours": []}, {"LightGBM": 0.0, "ours": 0.0}
    for seed in range(seeds):
        out = {name: np.zeros(len(y)) for name in scores}
        for held_in, held_out in GroupKFold(5, shuffle=True, random_state=0).split(x, groups=unit):
            rows = held_in[learn[held_in]]
            for name, fit in (("LightGBM", theirs), ("ours", lambda *rest: ours(binary, *rest))):
                out[name][held_out], cpu, _ = fit(options, seed, 1, x[rows], y[rows], x[held_out])
                cpus[name] += cpu
        for name in scores:
            scores[name].append(rmse(out[name], y))
    for name, values in scores.items():
        print(f"  {name:8} out-of-fold RMSE {np.mean(values):.3f} +- {np.std(values, ddof=1):.3f}, "
              f"CPU {cpus[name] / seeds / 5:.2f} s a fit")
    error = np.sqrt(sum(np.var(values, ddof=1) for values in scores.values()) / seeds)
    print(f"  ours - LightGBM: {np.mean(scores['ours']) - np.mean(scores['LightGBM']):+.3f} (standard error {error:.3f})")


def main():
    binary, *folder = sys.argv[1:]
    compare_synthetic(binary)
    x, y, unit = synthetic(2, units=50, width=60)
    sampled = dict(LARGE, feature_fraction=0.3, bagging_fraction=0.6, rounds=200)
    compare_seeds(binary, "synthetic, sampled", sampled, x, y, unit, np.ones(len(y), bool))
    if folder:
        x, y, unit, cycle = turbofan(folder[0])
        learn = (cycle >= 20 + unit % 4) & ((cycle - unit) % 4 == 0)
        compare_seeds(binary, "C-MAPSS FD001", RECIPE, x, y, unit, learn)


if __name__ == "__main__":
    main()
