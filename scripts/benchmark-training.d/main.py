"""Times training and inference of ours and of the Python peers; `scripts/benchmark-training` starts it."""

import argparse
import datetime
import itertools
import json
import os
import sys
from pathlib import Path

import boosting
import interleaved
import machine
import ours
import report

FAMILIES = ["gru", "lstm", "cnn", "transformer"]


def arguments():
    parser = argparse.ArgumentParser(prog="benchmark-training", description=__doc__.partition(";")[0])
    parser.add_argument("--family", action="append", choices=[*FAMILIES, "gbdt"], dest="families",
                        help="time only this one; may be given again (default: all)")
    parser.add_argument("--threads", action="append", type=int, help="may be given again (default: 1 and 2)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each side is timed (default: 5)")
    parser.add_argument("--steps", type=int, default=20, help="timed training steps a round (default: 20)")
    parser.add_argument("--warmup", type=int, default=3, help="untimed training steps a round (default: 3)")
    parser.add_argument("--calls", type=int, default=1000, help="timed predictions a round (default: 1000)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the gradient boosters (default: 3)")
    parser.add_argument("--cmapss", type=Path,
                        help="folder with NASA's files (default: PDM_ML_CMAPSS, else ../shared/cmapss)")
    parser.add_argument("--binary", type=Path, help="our `training_steps`, already built (default: build it)")
    parser.add_argument("--output", type=Path, default=ours.ROOT / ".pdm-ml/benchmark-training",
                        help="folder for training.md and training.json (default: .pdm-ml/benchmark-training)")
    return parser.parse_args()


def cmapss(asked):
    """A folder that is asked for must be there; without the default one the synthetic table is timed alone."""
    folder = Path(asked or os.environ.get("PDM_ML_CMAPSS") or ours.ROOT.parent / "shared/cmapss")
    if (folder / "train_FD001.txt").is_file():
        return folder
    if asked:
        sys.exit(f"benchmark-training: no train_FD001.txt in {asked}")
    return None


def networks(plan):
    families = [name for name in FAMILIES if name in plan.families]
    binary = families and (plan.binary or ours.build("bench", "training_steps", "bench", "--no-run"))
    for family, threads in itertools.product(families, plan.threads):
        print(f"{family}, {threads} thread(s)", file=sys.stderr)
        yield interleaved.compare(binary, family, threads, plan)


def boosters(plan):
    if "gbdt" not in plan.families:
        return
    binary = ours.build("example", "gbdt_bench", "build", "--release")
    for (title, options, table), threads in itertools.product(boosting.tables(cmapss(plan.cmapss)), plan.threads):
        print(f"gbdt on {title}, {threads} thread(s)", file=sys.stderr)
        yield boosting.compare(binary, title, options, table, threads, plan.seeds)


def main():
    plan = arguments()
    plan.threads = plan.threads or [1, 2]
    plan.families = plan.families or [*FAMILIES, "gbdt"]
    load = {"before": os.getloadavg()[0]}
    results = {"date": datetime.date.today().isoformat(), "machine": machine.described(),
               "versions": machine.versions(), "networks": list(networks(plan)), "boosting": list(boosters(plan)),
               "load_average": load | {"after": os.getloadavg()[0]}}
    text = report.markdown(results)
    plan.output.mkdir(parents=True, exist_ok=True)
    (plan.output / "training.json").write_text(json.dumps(results, indent=1) + "\n")
    (plan.output / "training.md").write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
