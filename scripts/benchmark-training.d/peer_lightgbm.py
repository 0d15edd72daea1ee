"""LightGBM's side of the comparison: `peer_lightgbm.py THREADS`.

Answers `FOLDER SEED` on standard input: fits the table there as `examples/gbdt_bench.rs` does, writes `peer.f64`, and
says how long the fit took, binning included as on our side.
"""

import json
import sys
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np


def fit(folder, seed, threads):
    options = json.loads((folder / "options.json").read_text())
    labels = np.fromfile(folder / "y_train.f64", "<f8")
    train = np.fromfile(folder / "x_train.f32", "<f4").reshape(len(labels), -1)
    test = np.fromfile(folder / "x_test.f32", "<f4").reshape(-1, train.shape[1])
    parameters = dict(
        objective="regression", learning_rate=options["learning_rate"], num_leaves=options["leaves"],
        min_data_in_leaf=options["min_leaf_rows"], feature_fraction=options["feature_fraction"],
        bagging_fraction=options["bagging_fraction"], bagging_freq=1, lambda_l2=options["l2"],
        max_bin=options["bins"], num_threads=threads, seed=seed, verbose=-1)
    start = time.perf_counter()
    model = lgb.train(parameters, lgb.Dataset(train, labels), num_boost_round=options["rounds"])
    seconds = time.perf_counter() - start
    model.predict(test, num_threads=threads).tofile(folder / "peer.f64")
    return {"fit_s": seconds}


def main():
    threads = int(sys.argv[1])
    for line in sys.stdin:
        folder, seed = line.split()
        print(json.dumps(fit(Path(folder), int(seed), threads)), flush=True)


if __name__ == "__main__":
    main()
