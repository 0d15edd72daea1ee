"""The table of `benchmark-accuracy`: `benchmark-accuracy.py SECONDS SEED…` in the folder with the outcomes."""

import datetime
import json
import os
import platform
import statistics
import sys

# The pipeline that each subset is scored by: the one with the lowest out-of-fold RMSE.
PIPELINES = {"FD001": "fd001", "FD002": "fd002-fd004", "FD003": "fd001-fd003", "FD004": "fd002-fd004"}
METRICS = ("rmse", "nasa_score", "coverage", "interval_width")


def part(card, subset):
    """The scores of one subset in a card that may hold several; none where none of its units are in it."""
    group = next((group for group in card["groups"] if group["name"] == subset), None) if card.get("groups") else card
    if group is None:
        return None
    scores = {score["metric"]: score["value"] for score in group["scores"] if score["metric"] in METRICS}
    # The first band is that of the last 25 cycles.
    near = group["bands"][0]["interval_width"]
    return {"units": group["units"], "protocol": card["protocol_digest"], "width_near_failure": near, **scores}


def outcome(subset, seed):
    with open(f"{PIPELINES[subset]}-{seed}.json") as file:
        found = json.load(file)["scores"]
    test = part(found["scorecard"], subset) if found["on"] == "test" else None
    return {"out_of_fold": part(found["out_of_fold"], subset), "test": test}


def mean(outcomes, scored, metric):
    return statistics.mean(outcome[scored][metric] for outcome in outcomes)


def row(subset, outcomes):
    out_of_fold, test = outcomes[0]["out_of_fold"], outcomes[0]["test"]
    cells = [subset, PIPELINES[subset], out_of_fold["units"], f"{mean(outcomes, 'out_of_fold', 'rmse'):.2f}",
             f"{mean(outcomes, 'out_of_fold', 'coverage'):.3f}", f"{mean(outcomes, 'out_of_fold', 'interval_width'):.1f}",
             f"{mean(outcomes, 'out_of_fold', 'width_near_failure'):.1f}"]
    if test:
        each = ", ".join(f"{outcome['test']['rmse']:.2f}" for outcome in outcomes)
        cells += [test["units"], f"{mean(outcomes, 'test', 'rmse'):.2f} ({each})",
                  f"{mean(outcomes, 'test', 'nasa_score'):.0f}"]
    else:
        cells += ["not at hand"] + ["–"] * 2
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def main():
    seconds, *seeds = sys.argv[1:]
    outcomes = {subset: [outcome(subset, seed) for seed in seeds] for subset in PIPELINES}
    machine = f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.machine()}"
    lines = [
        "| subset | pipeline | training units | out-of-fold RMSE | coverage at 90 % | mean width (cycles) | mean width in the last 25 cycles "
        "| test units | test RMSE (each seed) | NASA score |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(row(subset, outcomes[subset]) for subset in PIPELINES),
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
