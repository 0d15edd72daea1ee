#!/usr/bin/env bash
# Compares the gradient booster with Python LightGBM on the same matrices: accuracy on held-out units and CPU time.
# Usage: scripts/compare-gbdt/run.sh [C-MAPSS folder]     (without the folder, the synthetic part only)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
venv=.venv/compare-gbdt
[ -x "$venv/bin/pip" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
cargo build --release --quiet --example gbdt_bench
# Waiting OpenMP threads would spin, which counts as LightGBM's CPU time and stalls a busy machine.
export OMP_WAIT_POLICY=passive
exec "$venv/bin/python" "$here/compare.py" "${CARGO_TARGET_DIR:-target}/release/examples/gbdt_bench" "$@"
