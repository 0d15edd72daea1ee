"""Networks of both sides, timed in turn: ours, PyTorch, ours, PyTorch, …"""

import sys
import tempfile
from pathlib import Path
from statistics import median

import ours
from ours import BATCH
from peers import fastest, pinned

# Rounding leaves them 1e-6 apart at first and up to 8e-5 in the end; a forgotten weight decay or another epsilon, 3e-4.
LOSSES_AGREE_TO = 1e-4
PREDICTIONS_AGREE_TO = 1e-4


def compare(binary, family, threads, plan):
    """Returns both sides' timings, and how far apart they are in what they compute.

    Latency is taken at one thread only: two make PyTorch slower on a single window.
    """
    latency = plan.calls if threads == 1 else 0
    rounds = []
    with (pinned(threads), tempfile.TemporaryDirectory() as folder,
          fastest(trial, "peer_pytorch.py", threads, family, folder) as peer):
        built = peer.ask("build")
        for _ in range(plan.rounds):
            own = ours.run(binary, family, threads, Path(folder), plan.warmup, plan.steps, latency)
            other = peer.ask("train", plan.warmup, plan.steps) | (peer.ask("infer", latency) if latency else {})
            rounds.append((own, other, apart(family, own, other, built)))
    timings = ["step_ms", "latency_us"] if latency else ["step_ms"]
    return {"family": family, "threads": threads, "batch": BATCH, "parameters": built["parameters"],
            "losses_apart": max(difference for *_, difference in rounds), "idle_openmp_threads": peer.idle,
            **{timing: summary(timing, rounds) for timing in timings}}


def trial(peer):
    return median(peer.ask("train", 3, 10)["step_ms"])


def summary(timing, rounds):
    return paired([(median(own[timing]), median(other[timing])) for own, other, _ in rounds])


def paired(rounds):
    """Medians of both sides over the rounds, and how many times faster ours was, round by round."""
    ratios = [theirs / mine for mine, theirs in rounds]
    mine, theirs = (median(side) for side in zip(*rounds))
    return {"ours": mine, "peer": theirs, "rounds": [list(pair) for pair in rounds],
            "ratio": median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios)}


def apart(family, own, other, built):
    """Returns the largest relative difference of the losses; ends the run where the two networks are not the same."""
    if (own["parameters"], own["batch"]) != (built["parameters"], BATCH):
        refuse(family, f"ours learns {own['parameters']} numbers from {own['batch']} windows, "
                       f"PyTorch {built['parameters']} from {BATCH}")
    if not abs(own["prediction"] - built["prediction"]) <= PREDICTIONS_AGREE_TO:
        refuse(family, f"the first window is {own['prediction']} with ours, {built['prediction']} with PyTorch")
    if len(own["losses"]) != len(other["losses"]):
        refuse(family, f"ours took {len(own['losses'])} steps, PyTorch {len(other['losses'])}")
    differences = [abs(mine - theirs) / theirs for mine, theirs in zip(own["losses"], other["losses"])]
    if not all(difference <= LOSSES_AGREE_TO for difference in differences):
        refuse(family, f"losses are apart by {differences}: ours {own['losses']}, PyTorch {other['losses']}")
    return max(differences)


def refuse(family, why):
    sys.exit(f"benchmark-training: {family}: not the same computation, so not a comparison: {why}")
