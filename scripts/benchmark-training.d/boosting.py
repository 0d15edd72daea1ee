"""Our gradient booster and Python LightGBM, fitted in turn on the same folds: seconds of a fit, out-of-fold RMSE."""

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupKFold

from interleaved import paired
from peers import fastest, pinned
from tables import synthetic, turbofan

FOLDS = 5
# The booster's defaults in the product.
TURBOFAN = dict(learning_rate=0.04, leaves=15, min_leaf_rows=40, feature_fraction=0.3, bagging_fraction=0.6, l2=5.0,
                rounds=300, bins=255)
# LightGBM's defaults but for the sampling.
SYNTHETIC = dict(learning_rate=0.1, leaves=31, min_leaf_rows=20, feature_fraction=0.5, bagging_fraction=0.8, l2=0.0,
                 rounds=100, bins=255)


def compare(binary, title, options, table, threads, seeds):
    """Folds are by unit and the same for both; a round is one fold of one seed."""
    x, y, unit, learn = table
    scores, seconds = [], []
    with pinned(threads), tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "options.json").write_text(json.dumps(options))
        write_fold(folder, x[learn], y[learn], x[:1])
        with fastest(lambda peer: peer.ask(folder, 0)["fit_s"], "peer_lightgbm.py", threads) as peer:
            for seed in range(seeds):
                out = np.zeros((2, len(y)))
                for held_in, held_out in GroupKFold(FOLDS, shuffle=True, random_state=seed).split(x, groups=unit):
                    rows = held_in[learn[held_in]]
                    write_fold(folder, x[rows], y[rows], x[held_out])
                    seconds.append((fit_ours(binary, folder, seed, threads), peer.ask(folder, seed)["fit_s"]))
                    out[:, held_out] = [np.fromfile(folder / name, "<f8") for name in ("prediction.f64", "peer.f64")]
                scores.append(np.sqrt(np.mean((out - y) ** 2, axis=1)))
    return {"table": title, "rows": int(learn.sum()), "columns": x.shape[1], "threads": threads, "seeds": seeds,
            "idle_openmp_threads": peer.idle, "rmse": rmse_summary(np.array(scores)), "fit_s": paired(seconds)}


def write_fold(folder, x, y, x_test):
    x.astype("<f4").tofile(folder / "x_train.f32")
    y.astype("<f8").tofile(folder / "y_train.f64")
    x_test.astype("<f4").tofile(folder / "x_test.f32")


def fit_ours(binary, folder, seed, threads):
    run = subprocess.run([binary, folder, str(seed), str(threads)], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(run.stdout)["fit_s"]


def rmse_summary(scores):
    """The folds of a seed are the same for both, so the error of the difference is that of pairs."""
    difference = scores[:, 0] - scores[:, 1]
    error = difference.std(ddof=1) / len(difference) ** 0.5 if len(difference) > 1 else None
    return {"ours": scores[:, 0].mean(), "peer": scores[:, 1].mean(), "difference": difference.mean(), "error": error}


def tables(cmapss):
    """Returns title, options and table; FD001's training rows are every fourth of a unit, as in the product."""
    x, y, unit = synthetic(1, units=60, width=100)
    found = [("synthetic", SYNTHETIC, (x, y, unit, np.ones(len(y), bool)))]
    if cmapss:
        x, y, unit, cycle = turbofan(cmapss)
        learn = (cycle >= 20 + unit % 4) & ((cycle - unit) % 4 == 0)
        found.insert(0, ("C-MAPSS FD001", TURBOFAN, (x, y, unit, learn)))
    return found
