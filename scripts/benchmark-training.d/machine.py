"""What the numbers were taken on."""

import os
import platform
import subprocess
from importlib.metadata import version

import ours


def described():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": cpu(), "cores": len(os.sched_getaffinity(0)), "memory_gib": round(memory / 2**30),
            "architecture": platform.machine(), "system": f"{platform.system()} {platform.release()}"}


def cpu():
    with open("/proc/cpuinfo") as lines:
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def versions():
    packages = {name: version(name) for name in ("torch", "lightgbm", "numpy")}
    return {"pdm-ml": output_of("git", "describe", "--always", "--dirty"), "rustc": output_of("rustc", "--version").split()[1],
            "python": platform.python_version(), **packages}


def output_of(*command):
    return subprocess.check_output(command, cwd=ours.ROOT, text=True).strip()
