"""The rounds of `benchmark-plan`: `benchmark-plan.py PDM_ML DVC WORK_FOLDER ROUNDS`."""

import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

STAGES = ["validate", "features", "train", "calibrate", "evaluate", "gate", "register", "promote"]
PIPELINE = """
version = 3

[project]
name = "everything"
seed = 7

[dataset]
{dataset}

[model]
kind = "linear"
l2 = {l2}

[evaluate]
bootstrap = {{ resamples = 400 }}

[[gate]]
metric = "rmse"
rule = "at_most"
value = 90.0
"""
QUIET = {**os.environ, "DVC_NO_ANALYTICS": "1", "NO_COLOR": "1"}


def run(command, folder):
    done = subprocess.run(command, cwd=folder, env=QUIET, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def milliseconds(command, folder):
    """Wall time of a command that must succeed."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=QUIET, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    took = (time.perf_counter() - start) * 1000
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}:\n{done.stderr.decode()}")
    return took


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def cmapss():
    """The subsets whose training part is at hand, and all their files."""
    folder = pathlib.Path(os.environ["PDM_ML_CMAPSS"])
    subsets = [f"FD00{i}" for i in range(1, 5) if (folder / f"train_FD00{i}.txt").is_file()]
    files = [folder / f"{part}_{name}.txt" for name in subsets for part in ("train", "test", "RUL")]
    return subsets, [file for file in files if file.is_file()]


class Ours:
    def __init__(self, program, folder):
        self.program, self.folder = program, fresh(folder)
        subsets, files = cmapss()
        self.data = self.folder / "data"
        if subsets:
            self.data.mkdir()
            for file in files:
                shutil.copyfile(file, self.data / file.name)
            names = ", ".join(f'"{name}"' for name in subsets)
            self.dataset = f'kind = "cmapss"\nsubsets = [{names}]\npath = "data"'
        else:
            self.dataset = 'kind = "simulated"\npath = "data"\ntrain_units = 700\ntest_units = 700'
        self.write(0.5)
        run([program, "run"], self.folder)

    def write(self, l2):
        (self.folder / "pdm.toml").write_text(PIPELINE.format(dataset=self.dataset, l2=l2))

    def outputs(self, stage):
        """The files a stage left."""
        entries = self.folder / ".pdm-ml/cache/entries" / stage
        return next(iter(entries.glob("*/outputs")), None)


class Dvc:
    """The same graph: each stage reads the data or what the stage before it left, and its own parameters."""

    def __init__(self, program, folder, ours):
        self.program, self.folder = program, fresh(folder)
        run(["git", "init", "--quiet"], self.folder)
        run([program, "init", "--quiet"], self.folder)
        run([program, "config", "core.analytics", "false"], self.folder)
        run([program, "config", "core.check_update", "false"], self.folder)
        shutil.copytree(ours.data, self.folder / "data")
        made = self.folder / "made"
        lines, before = ["stages:"], [f"data/{file.name}" for file in sorted(ours.data.iterdir()) if file.suffix == ".txt"]
        for stage in STAGES:
            outputs = ours.outputs(stage)
            if outputs is None:
                (made / stage).mkdir(parents=True)
                (made / stage / "done.json").write_text(json.dumps({"stage": stage}))
            else:
                shutil.copytree(outputs, made / stage)
            lines += [f"  {stage}:", f"    cmd: mkdir -p out && cp -r made/{stage} out/{stage}", "    deps:"]
            lines += [f"      - {path}" for path in before]
            lines += ["    params:", f"      - {stage}.option", "    outs:", f"      - out/{stage}"]
            before = [f"out/{stage}"]
        (self.folder / "dvc.yaml").write_text("\n".join(lines) + "\n")
        self.write(0.5)
        run([program, "repro", "--quiet"], self.folder)

    def write(self, l2):
        options = {stage: {"option": l2 if stage == "train" else 1} for stage in STAGES}
        # JSON is YAML.
        (self.folder / "params.yaml").write_text(json.dumps(options, indent=2))


def main():
    program, dvc_program, work, rounds = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4])
    load = os.getloadavg()[0]
    print("building the two graphs", file=sys.stderr)
    ours = Ours(program, work / "ours")
    dvc = Dvc(dvc_program, work / "dvc", ours)
    # What was written within the last seconds is hashed again, by both.
    time.sleep(3)
    files = [file for file in ours.data.iterdir() if file.suffix == ".txt"]
    commands = {
        "`pdm-ml plan`": ([program, "plan"], ours),
        "`dvc status`": ([dvc_program, "status"], dvc),
        "`dvc repro --dry`": ([dvc_program, "repro", "--dry"], dvc),
        "`pdm-ml --version`": ([program, "--version"], ours),
        "`dvc --version`": ([dvc_program, "--version"], dvc),
    }
    cases, figures = {"all up to date": 0.5, "one parameter changed": 0.25}, {}
    for case, l2 in cases.items():
        ours.write(l2)
        dvc.write(l2)
        check(case, run([program, "plan"], ours.folder), run([dvc_program, "status"], dvc.folder))
        taken = {name: [] for name in commands}
        for name, (command, side) in commands.items():
            milliseconds(command, side.folder)
        for _ in range(rounds):
            for name, (command, side) in commands.items():
                taken[name].append(milliseconds(command, side.folder))
        figures[case] = taken
    size = sum(file.stat().st_size for file in files)
    text = table(figures) + "\n" + "\n".join([
        f"{len(files)} input files, {size / 1e6:.0f} MB, {len(STAGES)} stages; medians of {rounds} rounds in turns, in brackets "
        f"the least and the most.",
        f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"DVC {run([dvc_program, '--version'], work).strip()}; load average {load:.1f} before.",
    ]) + "\n"
    (work / "plan.md").write_text(text)
    (work / "plan.json").write_text(json.dumps({"figures": figures, "bytes": size, "load": load}, indent=1))
    print(text, end="")


def check(case, plan, status):
    """Both must see the same thing, or their times mean nothing."""
    stale = case != "all up to date"
    runs = [line.split()[0] for line in plan.splitlines() if len(line.split()) > 1 and line.split()[1] == "run"]
    if (runs[:1] == ["train"]) != stale or ("train" in status) != stale:
        sys.exit(f"{case}:\n{plan}\n{status}")


def table(figures):
    lines = ["| case | command | ms | against `pdm-ml plan` |", "| --- | --- | --- | --- |"]
    for case, taken in figures.items():
        ours = taken["`pdm-ml plan`"]
        for name, times in taken.items():
            middle = statistics.median(times)
            ratio = statistics.median(theirs / own for theirs, own in zip(times, ours))
            lines.append(f"| {case} | {name} | {middle:.0f} ({min(times):.0f}–{max(times):.0f}) | {ratio:.1f} × |")
    return "\n".join(lines) + "\n"


main()
