"""The rounds of `benchmark-tracking`: `benchmark-tracking.py PDM_ML WORK_FOLDER ROUNDS STEPS`."""

import datetime
import http.server
import itertools
import json
import os
import pathlib
import platform
import random
import shutil
import socket
import statistics
import sys
import threading
import time

PIPELINE = """version = 3
[project]
name = "benchmark"
[dataset]
kind = "simulated"
train_units = 40
test_units = 10
[split]
folds = 2
[model]
kind = "gru"
hidden = 16
steps = {steps}
"""

RUN = {"info": {"run_id": "r", "experiment_id": "0", "status": "RUNNING", "lifecycle_stage": "active",
                "artifact_uri": "mlflow-artifacts:/0/r/artifacts"}, "data": {}}
ANSWERS = {"experiments/get-by-name": {"experiment": {"experiment_id": "0", "lifecycle_stage": "active"}},
           "runs/search": {"runs": []}, "runs/create": {"run": RUN}, "runs/get": {"run": RUN}}
WRITES = ("runs/create", "runs/log-batch", "runs/log-inputs", "runs/update", "mlflow-artifacts")
ODD = itertools.cycle(["cut", 500, 503, 429, "good"])


def server(behave):
    """Starts a server that looks like MLflow as far as `behave` lets it, and returns its address and its count of requests."""
    seen = itertools.count()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            next(seen)
            self.rfile.read(int(self.headers.get("content-length") or 0))
            good = next((answer for call, answer in ANSWERS.items() if call in self.path), {})
            status = behave(self.path)
            body = json.dumps(good if status in (200, "cut") else {"message": "not now"}).encode()
            self.send_response(200 if status == "cut" else status)
            self.send_header("content-length", str(len(body) + (1000 if status == "cut" else 0)))
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        do_GET = do_POST = do_PUT = answer

        def log_message(self, *_):
            pass

    http.server.ThreadingHTTPServer.daemon_threads = True
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.handle_error = lambda *_: None
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{listening.server_port}", seen


def dead():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}", itertools.count()


def slow(_):
    time.sleep(2)
    return 200


def half(_):
    status = next(ODD)
    return 200 if status == "good" else status


def full(path):
    return random.choice((500, 507)) if any(call in path for call in WRITES) else 200


def train(pdm, folder, url):
    """Wall and CPU seconds of one training, which must succeed, and the seconds it took to end after its record was closed."""
    shutil.rmtree(folder / "experiments", ignore_errors=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    if url:
        environment["MLFLOW_TRACKING_URI"] = url
    os.chdir(folder)
    start = time.perf_counter()
    pid = os.posix_spawn(pdm, [pdm, "train", "--force", "--resume=never", "--quiet"], environment, file_actions=[
        (os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_WRONLY, 0) for fd in (1, 2)])
    _, status, usage = os.wait4(pid, 0)
    wall, ended = time.perf_counter() - start, time.time()
    if status:
        sys.exit(f"a training beside {url or 'no server'} ended with {os.waitstatus_to_exitcode(status)}")
    journal, = (folder / "experiments" / "runs").glob("*/journal.ndjson")
    closed = datetime.datetime.fromisoformat(json.loads(journal.read_text().splitlines()[-1])["at"])
    return wall, usage.ru_utime + usage.ru_stime, ended - closed.timestamp()


def interval(ratios):
    """Median of paired ratios and a 95 % interval by 10,000 resamplings of the rounds."""
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(10_000))
    return statistics.median(ratios), medians[250], medians[9_750]


def main(pdm, work, rounds, steps):
    pdm, work, rounds = os.path.abspath(pdm), pathlib.Path(work).absolute(), int(rounds)
    # On one core, which the servers share: two make the times of a training vary by a tenth.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    servers = {"without": (None, None), "none, once more": (None, itertools.count()), "dead": dead(), "slow": server(slow), "half-answering": server(half), "full": server(full)}
    folder = work / "project"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "pdm.toml").write_text(PIPELINE.format(steps=steps))
    train(pdm, folder, None)
    before, found = os.getloadavg()[0], {name: [] for name in servers}
    for number in range(rounds):
        # The order changes, so that none has always the same neighbours.
        order = random.Random(number).sample(sorted(servers), len(servers))
        for name in order:
            found[name].append(train(pdm, folder, servers[name][0]))
    base = found.pop("without")
    rows = []
    for name, times in found.items():
        wall, cpu = (interval([ours[at] / plain[at] for ours, plain in zip(times, base, strict=True)]) for at in (0, 1))
        rows.append({"server": name, "wall": wall, "cpu": cpu, "requests": next(servers[name][1]) / rounds,
                     "end": statistics.median([tail / wall for wall, _, tail in times])})
    text = ["| server | wall time, times that without | CPU time, times that without | of it spent waiting at the end | requests |",
            "| --- | --- | --- | --- | --- |"]
    for row in rows:
        cells = ["{:.3f} ({:.3f}–{:.3f})".format(*row[of]) for of in ("wall", "cpu")]
        text.append(f"| {row['server']} | {cells[0]} | {cells[1]} | {row['end']:.2%} | {row['requests']:.0f} |")
    walls, tails = [wall for wall, _, _ in base], [tail / wall for wall, _, tail in base]
    text += ["", f"{datetime.date.today()}, one of {os.cpu_count()} cores, {platform.system()} {platform.release()}; {rounds} rounds; a training "
             f"without tracking took {statistics.median(walls):.1f} s ({min(walls):.1f}–{max(walls):.1f}) and {statistics.median(tails):.2%} of that to end.",
             "Medians of the rounds' ratios; in brackets a 95 % interval by resampling the rounds.",
             f"Load average {before:.1f} before, {os.getloadavg()[0]:.1f} after."]
    (work / "tracking.md").write_text("\n".join(text) + "\n")
    (work / "tracking.json").write_text(json.dumps({"rows": rows, "without": base, "beside": found}, indent=1) + "\n")
    print("\n".join(text))


if __name__ == "__main__":
    main(*sys.argv[1:])
