"""The peers' processes: one answers a question at a time, and waits while ours runs."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

IDLE_THREADS = {"spin": {}, "sleep": {"OMP_WAIT_POLICY": "passive"}}
# glibc would hand large tensors back to the system after every step, and fault them in again: a third of a cnn's step.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000"}


@contextmanager
def pinned(threads):
    """Gives both sides as many cores as threads: one that secretly uses more gains nothing."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(cores)[:threads])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


class Peer:
    """A Python script that answers lines on standard input with lines of JSON."""

    def __init__(self, script, threads, idle, *arguments):
        environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
        environment |= {"OMP_NUM_THREADS": str(threads), **KEEP_MEMORY, **IDLE_THREADS[idle]}
        command = [sys.executable, Path(__file__).with_name(script), str(threads), *arguments]
        self.script, self.idle = script, idle
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"benchmark-training: {self.script} ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, *question):
        self.process.stdin.write(" ".join(map(str, question)) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.communicate()


@contextmanager
def fastest(trial, script, threads, *arguments):
    """Of several OpenMP threads those that wait can spin or sleep; which is faster depends on the work and on what else
    the machine does, so both are tried, and the faster peer is compared with."""
    peers = [Peer(script, threads, idle, *arguments) for idle in (IDLE_THREADS if threads > 1 else ["sleep"])]
    times = [trial(peer) for peer in peers]
    best = peers.pop(times.index(min(times)))
    for peer in peers:
        peer.close()
    try:
        yield best
    finally:
        best.close()
