"""A simulated year of `pdm-ml retrain`, and its checks; run by scripts/simulate-year.

Everything is done by the command as a user would type it. What is checked is computed here again: which units are held back, by
hashlib; how good two models are on them, from `predict --every-cycle`.
"""

import csv
import datetime
import hashlib
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

FIRST, WEEKLY, SHARE, CAP, MARGIN = 80, 8, 0.2, 125.0, 1.0
DRIFT, DAMAGE, OUTAGE, SYNC, KILL = 20, 30, (35, 36), 37, 40
SENSORS = [2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21]
DRIFTING, OFFSET = 3, 12.0
DEAD = "http://127.0.0.1:9"

PIPELINE = f"""version = 3
[project]
name = "plant"
seed = 11
[dataset]
kind = "table"
train = "units.csv"
sensors = [{", ".join(f'"s_{s}"' for s in SENSORS)}]
[split]
folds = 4
holdout = {{ share = {SHARE} }}
[model]
kind = "gbdt"
rounds = 150
[[gate]]
metric = "rmse"
rule = "at_most"
value = 25.0
[[gate]]
metric = "rmse"
rule = "non_inferior"
margin = {MARGIN}
[retrain]
when = ["new-data", "drift", "older-than=7d"]
"""


class Year:
    def __init__(self, program, work, weeks, seed):
        self.program, self.weeks, self.url = program, weeks, os.environ.get("PDM_ML_TEST_MLFLOW_URL")
        self.folder = work / "plant"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "pdm.toml").write_text(PIPELINE)
        self.histories = self.fleet(seed)
        self.rows, self.usual, self.known = [], 1.0, 0

    def environment(self, week):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "PDM_ML_", "AWS_"))}
        moment = datetime.datetime(2026, 1, 5, 2, tzinfo=datetime.timezone.utc) + datetime.timedelta(weeks=week - 1)
        named = {"PDM_ML_NOW": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "PDM_ML_ACTOR": "scheduled-job"}
        if self.url:
            named["MLFLOW_TRACKING_URI"] = DEAD if week in OUTAGE else self.url
        return kept | named

    def start(self, week, *words, **more):
        return subprocess.Popen([self.program, *words], cwd=self.folder, env=self.environment(week), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def run(self, week, *words):
        child = self.start(week, *words)
        out, err = child.communicate()
        return child.returncode, out, err

    def must(self, week, *words):
        code, out, err = self.run(week, *words)
        assert code == 0, (words, code, out, err)
        return out

    def fleet(self, seed):
        """The simulator's engines, one list of rows each; more engines of one seed begin with the same ones."""
        units = FIRST + WEEKLY * (self.weeks - 1)
        self.must(1, "data", "simulate", "--into", "simulated", "--train-units", str(units), "--test-units", "2", "--seed",
                  str(seed))
        histories = {}
        for line in (self.folder / "simulated/train_SIM001.txt").read_text().splitlines():
            words = line.split()
            histories.setdefault(int(words[0]), []).append([words[1], *(words[4 + s] for s in SENSORS)])
        return histories

    def write(self, week):
        since, units = FIRST + WEEKLY * (DRIFT - 2), FIRST + WEEKLY * (week - 1)
        lines = ["unit,cycle," + ",".join(f"s_{s}" for s in SENSORS)]
        at = 1 + SENSORS.index(DRIFTING)
        for unit in range(1, units + 1):
            for row in self.histories[unit]:
                if unit > since:
                    row = [*row[:at], f"{float(row[at]) + OFFSET:.2f}", *row[at + 1 :]]
                lines.append(f"{unit}," + ",".join(row))
        text = "\n".join(lines) + "\n"
        if week == DAMAGE:
            # A copy that broke off, in the middle of a row.
            text = text[: len(text) // 2 - 9]
        (self.folder / "units.csv").write_text(text)
        return units

    def held_back(self, units):
        share = lambda unit: int(hashlib.sha256(f"holdout 0 {unit}".encode()).hexdigest()[:16], 16) / 2**64
        return [unit for unit in range(1, units + 1) if share(unit) < SHARE]

    def retrain(self, week):
        command = ("retrain", "--summary", "summary.json")
        killed = ""
        if week == KILL:
            child = self.start(week, *command)
            time.sleep(self.usual / 2)
            assert child.poll() is None, "the retrain ended before it was killed"
            child.kill()
            child.communicate()
            self.must(week, "registry", "verify")
            killed = "killed halfway, then run again; "
        started = time.monotonic()
        code, out, err = self.run(week, *command)
        elapsed = time.monotonic() - started
        summary = json.loads((self.folder / "summary.json").read_text())
        assert summary["exit"] == code, (summary, out, err)
        line = (out if code in (0, 20, 21) else err).strip().splitlines()
        line = next(text for text in reversed(line) if " retrain plant: " in text)
        assert line.startswith(self.environment(week)["PDM_ML_NOW"]), line
        return code, summary, err, elapsed, killed

    def week(self, week):
        units = self.write(week)
        before = self.champion(week)
        code, summary, err, elapsed, killed = self.retrain(week)
        self.usual = elapsed
        note = killed
        if week == DAMAGE:
            assert code == 10 and self.champion(week) == before, (code, summary)
            note += "damaged file, champion untouched"
        else:
            assert code in (0, 20, 21), (code, summary, err)
            note += self.check(week, units, before, summary)
        if self.url and week in OUTAGE:
            assert "warning" in err, err
            note += "; tracking server down"
        if self.url and week == SYNC:
            self.must(week, "track", "sync")
            note += f"; track sync: all {self.check_server()} runs are there"
        assert not json.loads(self.must(week, "registry", "verify", "--format", "json"))["findings"]
        self.check_history(week, code, summary)
        code_again, _, _, elapsed_again, _ = self.retrain(week) if week != KILL else self.again(week)
        assert code_again == (10 if week == DAMAGE else 0), code_again
        assert json.loads((self.folder / "summary.json").read_text())["result"] in ("nothing", "failed")
        assert self.entries(week) == self.known, "the same retrain again wrote into the log"
        self.rows.append(self.row(week, units, code, summary, elapsed, elapsed_again, note))
        print(self.rows[-1], flush=True)

    def again(self, week):
        code, out, err = self.run(week, "retrain", "--summary", "summary.json")
        return code, out, err, 0.0, ""

    def champion(self, week):
        code, out, _ = self.run(week, "registry", "list", "--format", "json")
        models = json.loads(out) if code == 0 else []
        return models[0]["aliases"].get("champion") if models else None

    def entries(self, week):
        return len(json.loads(self.must(week, "registry", "history", "plant", "--format", "json"))["entries"])

    def check(self, week, units, before, summary):
        """What was promoted passed its gates on the holdout, and is no worse by a computation of this script."""
        promoted, gates = summary["result"] == "promoted", summary["gates"]
        holdout = self.held_back(units)
        assert summary["judged_on"] == "holdout" and summary["units"] == len(holdout), summary
        assert promoted == (gates["verdict"] == "pass"), summary
        assert self.champion(week) == (summary["version"] if promoted else before) == summary["champion"]
        drift = next((row for row in summary["conditions"] if row["condition"] == "drift"), None)
        note = ""
        if week < DRIFT and drift and drift["holds"]:
            note = "false alarm: " + drift["why"].split(",")[0]
        if week >= DRIFT and drift and drift["holds"]:
            assert f"s_{DRIFTING} level" in drift["why"], drift
            note = "drift: " + drift["why"].split(" (q")[0]
        if week == DRIFT:
            assert drift["holds"], drift
        if before is None:
            return note
        mine = self.recompute(week, holdout, summary["version"], before)
        seen = next(row["observed"]["difference"] for row in gates["rows"] if "difference" in (row["observed"] or {}))
        rmse = next(score["value"] for score in summary["scores"] if score["metric"] == "rmse")
        assert abs(mine[0] - rmse) < 1e-6 and abs(mine[0] - mine[1] - seen["difference"]) < 1e-6, (mine, rmse, seen)
        assert not promoted or (mine[0] - mine[1] <= MARGIN and seen["upper"] <= MARGIN), (mine, seen)
        return note

    def recompute(self, week, holdout, *versions):
        """RMSE of versions at the judged cycles of the held-back units, and that neither learnt from one of them."""
        self.must(week, "evaluate", "--predictions", "judged.csv")
        with open(self.folder / "judged.csv") as file:
            judged = {(int(row["unit"]), int(row["cycle"])) for row in csv.DictReader(file)}
        assert {unit for unit, _ in judged} == set(holdout)
        lives = {unit: int(self.histories[unit][-1][0]) for unit in holdout}
        found = []
        for version in versions:
            into = self.folder / f"fetched/{version}"
            if not into.exists():
                self.must(week, "registry", "fetch", f"plant/{version}", "--into", str(into))
            learnt = json.loads((into / "features.json").read_text())["fitted_on"]
            assert not set(map(int, learnt)) & set(holdout), "a model learnt from the holdout"
            asked = [word for unit in holdout for word in ("--unit", str(unit))]
            self.must(week, "predict", "--model", str(into), "--input", "units.csv", "--every-cycle", *asked, "--output",
                      "predicted.csv")
            with open(self.folder / "predicted.csv") as file:
                predicted = {(int(row["unit"]), int(row["cycle"])): float(row["rul"]) for row in csv.DictReader(file)}
            errors = {at: predicted[at] - min(lives[at[0]] - at[1], CAP) for at in judged}
            found.append(math.sqrt(sum(error**2 for error in errors.values()) / len(errors)))
        return found

    def check_history(self, week, code, summary):
        """The log explains what was decided this week."""
        entries = json.loads(self.must(week, "registry", "history", "plant", "--format", "json"))["entries"]
        new, self.known = entries[self.known :], len(entries)
        reasons = [(row["action"], row["reason"]) for row in new if row["action"] != "register"]
        kind, text = reasons[0]
        expected = {"promoted": ("promote", ": "), "failed": ("annotate", "not retrained")}
        action, words = expected.get(summary["result"], ("annotate", " against v"))
        assert len(reasons) == 1 and kind == action and words in text, (summary, new)

    def check_server(self):
        ask = urllib.request.Request(f"{self.url}/api/2.0/mlflow/experiments/get-by-name?experiment_name=plant")
        experiment = json.load(urllib.request.urlopen(ask))["experiment"]["experiment_id"]
        body = json.dumps({"experiment_ids": [experiment], "max_results": 5000}).encode()
        ask = urllib.request.Request(f"{self.url}/api/2.0/mlflow/runs/search", body, {"Content-Type": "application/json"})
        runs = json.load(urllib.request.urlopen(ask))["runs"]
        ended = {}
        for run in runs:
            tags = {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}
            ended[tags.get("pdm_ml.run_id")] = run["info"]["status"]
        mine = [path.name for path in (self.folder / "experiments/runs").iterdir() if path.is_dir()]
        missing = [run for run in mine if ended.get(run) not in ("FINISHED", "FAILED", "KILLED")]
        assert not missing, (missing, ended)
        return len(mine)

    def row(self, week, units, code, summary, elapsed, again, note):
        rmse = next((score for score in summary.get("scores", []) if score["metric"] == "rmse"), None)
        gates = (summary.get("gates") or {}).get("rows", [])
        seen = next((r["observed"]["difference"] for r in gates if "difference" in (r["observed"] or {})), None)
        against = f"{seen['difference']:+.2f} [{seen['lower']:+.2f}, {seen['upper']:+.2f}]" if seen else "–"
        cells = [week, units, summary.get("units") or "–", f"{summary['result']} ({code})",
                 f"v{summary['version']}" if summary.get("version") else "–",
                 f"v{self.champion(week)}", f"{rmse['value']:.2f} [{rmse['lower']:.2f}, {rmse['upper']:.2f}]" if rmse else "–",
                 against, f"{elapsed:.1f}", f"{again:.1f}", note.strip("; ") or "–"]
        return "| " + " | ".join(map(str, cells)) + " |"


def processor():
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.processor())


def main():
    program, work, weeks, seed = sys.argv[1], Path(sys.argv[2]).resolve(), int(sys.argv[3]), int(sys.argv[4])
    started = time.monotonic()
    year = Year(program, work, weeks, seed)
    header = ["week", "units", "held out", "result (exit)", "version", "champion", "RMSE", "against the champion", "s",
              "again, s", "what happened"]
    table = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    print("\n".join(table), flush=True)
    for week in range(1, weeks + 1):
        year.week(week)
    total = time.monotonic() - started
    counts = {word: sum(f"| {word} (" in row for row in year.rows) for word in ("promoted", "refused", "undecided", "kept", "failed")}
    results = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    closing = (f"{weeks} weeks, seed {seed}: {results}; no promotion that its gates did not allow, and every one computed again here; "
               f"{year.known} entries in the log. {total / 60:.1f} minutes in all, checks and second runs included, on "
               f"{datetime.date.today()}, {os.cpu_count()} cores, {processor()}, "
               f"{'with MLflow' if year.url else 'without a tracking server'}.")
    print("\n" + closing)
    (work / "year.md").write_text("\n".join([*table, *year.rows, "", closing, ""]))
    (work / "year.json").write_text(json.dumps({"rows": year.rows, "minutes": total / 60, "counts": counts}, indent=2) + "\n")


main()
