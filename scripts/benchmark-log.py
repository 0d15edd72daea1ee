"""The rounds of `benchmark-log`: `benchmark-log.py RELEASE_FOLDER WORK_FOLDER ENTRIES ROUNDS`, with an S3 server in the
environment."""

import datetime
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time


def measured(command):
    """Wall and CPU seconds and peak memory in MiB of a command that must succeed."""
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    release, work, entries, rounds = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    bucket, name = os.environ["PDM_ML_TEST_S3_BUCKET"], f"log-{os.getpid()}"
    url, bench = f"s3://{bucket}/{name}", f"{release}/examples/registry_bench"
    os.chdir(work)
    print(f"writing {entries} entries", file=sys.stderr)
    filled = measured([bench, "fill", "long", url, entries])[0]
    lines = ["| | wall s | CPU s | peak MiB |", "| --- | --- | --- | --- |"]
    commands = {"list": ["list"], "history": ["history", "long"]}
    for kept in ("with snapshots", "without"):
        if kept == "without":
            subprocess.run([bench, "forget", bucket, f"{name}/snapshots"], check=True)
        for word, command in commands.items():
            found = [measured([f"{release}/pdm-ml", "registry", *command, "--registry", url]) for _ in range(rounds)]
            wall, cpu, peak = (statistics.median(values) for values in zip(*found))
            lines.append(f"| `registry {word}` {kept} | {wall:.2f} | {cpu:.2f} | {peak:.0f} |")
    machine = f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.machine()}, SeaweedFS on the same machine"
    lines += ["", f"{entries} entries, written in {filled:.0f} s; medians of {rounds} rounds. {machine}."]
    text = "\n".join(lines) + "\n"
    (work / "log.md").write_text(text)
    print(text, end="")


main()
