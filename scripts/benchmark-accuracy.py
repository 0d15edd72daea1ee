"""The table of `benchmark-accuracy`: `benchmark-accuracy.py SECONDS SEED…` in the folder with the outcomes."""

import datetime
import json
import os
import platform
import statistics
import sys

SUBSETS = ("fd001", "fd002", "fd003", "fd004")
METRICS = ("rmse", "nasa_score", "coverage", "interval_width")


def scores(card):
    return {score["metric"]: score["value"] for score in card["scores"] if score["metric"] in METRICS}


def outcome(subset, seed):
    with open(f"{subset}-{seed}.json") as file:
        found = json.load(file)["scores"]
    card = found["scorecard"] if found["on"] == "test" else None
    return {
        "out_of_fold": scores(found["out_of_fold"]),
        "training_units": found["out_of_fold"]["units"],
        "out_of_fold_protocol": found["out_of_fold"]["protocol_digest"],
        "test": card and scores(card),
        "test_units": card and card["units"],
        "test_protocol": card and card["protocol_digest"],
    }


def mean(outcomes, part, metric):
    return statistics.mean(outcome[part][metric] for outcome in outcomes)


def row(subset, outcomes):
    first = outcomes[0]
    cells = [subset.upper(), first["training_units"], f"{mean(outcomes, 'out_of_fold', 'rmse'):.2f}",
             f"{mean(outcomes, 'out_of_fold', 'coverage'):.3f}", f"{mean(outcomes, 'out_of_fold', 'interval_width'):.1f}"]
    if first["test"]:
        each = ", ".join(f"{outcome['test']['rmse']:.2f}" for outcome in outcomes)
        cells += [first["test_units"], f"{mean(outcomes, 'test', 'rmse'):.2f} ({each})",
                  f"{mean(outcomes, 'test', 'nasa_score'):.0f}"]
    else:
        cells += ["not at hand"] + ["–"] * 2
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def main():
    seconds, *seeds = sys.argv[1:]
    outcomes = {subset: [outcome(subset, seed) for seed in seeds] for subset in SUBSETS}
    machine = f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.machine()}"
    lines = [
        "| subset | training units | out-of-fold RMSE | coverage at 90 % | mean width | test units | test RMSE (each seed) "
        "| NASA score |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(row(subset, outcomes[subset]) for subset in SUBSETS),
        "",
        f"Mean of the seeds {', '.join(seeds)}. Truth capped at 125 cycles, every unit scored. Out of fold: 5 folds by "
        f"unit, 8 cuts a unit; coverage of units that did not calibrate the interval. {machine}, {seconds} s.",
    ]
    text = "\n".join(lines) + "\n"
    with open("accuracy.md", "w") as file:
        file.write(text)
    with open("accuracy.json", "w") as file:
        json.dump({"machine": machine, "seconds": int(seconds), "seeds": seeds, "subsets": outcomes}, file, indent=1)
    print(text, end="")


main()
