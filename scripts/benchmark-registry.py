"""The rounds of `benchmark-registry`: `benchmark-registry.py RELEASE_FOLDER WORK_FOLDER MIB ROUNDS`, with an S3 server in
the environment."""

import datetime
import hashlib
import json
import os
import pathlib
import platform
import shutil
import statistics
import sys
import time

BOTO = """
import sys, boto3
client = boto3.client("s3", endpoint_url=sys.argv[5])
if sys.argv[1] == "put":
    client.upload_file(sys.argv[2], sys.argv[3], sys.argv[4])
else:
    client.download_file(sys.argv[3], sys.argv[4], sys.argv[2])
"""


def measured(command, cwd):
    """Wall and CPU seconds and peak memory in MiB of a command that must succeed."""
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, {**os.environ, "PWD": str(cwd)}, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
    return {"wall": time.perf_counter() - start, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1024}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rounds(release, work, size, count):
    bucket, endpoint = os.environ["PDM_ML_TEST_S3_BUCKET"], os.environ["AWS_ENDPOINT_URL"]
    bundle, local = work / "bundle", work / "local"
    for folder in (bundle, local):
        shutil.rmtree(folder, ignore_errors=True)
    bundle.mkdir()
    (work / "small").mkdir(exist_ok=True)
    (work / "small" / "weights").write_text("a few bytes")
    weights = bundle / "weights"
    with open(weights, "wb") as file:
        for _ in range(size):
            file.write(os.urandom(1 << 20))
    os.chdir(work)
    pdm, plain, boto = f"{release}/pdm-ml", f"{release}/examples/registry_bench", [sys.executable, "-c", BOTO]
    for model, folder in (("big", bundle), ("small", work / "small")):
        measured([plain, "register", model, str(folder), str(local)], work)
    expected, found = digest(weights), []
    # The server makes room at its first writes, from any client.
    measured([plain, "put", str(weights), bucket, "warm"], work)
    for number in range(count):
        url, key, fetched = f"s3://{bucket}/{number}", f"plain/{number}", work / "fetched"
        sides = {
            "pdm-ml": ([pdm, "registry", "push", "big/1", "--registry", str(local), "--to", url],
                       [pdm, "registry", "fetch", "big/1", "--registry", url, "--into", str(fetched)]),
            "object_store": ([plain, "put", str(weights), bucket, key], [plain, "get", str(fetched / "weights"), bucket, key]),
            "boto3": ([*boto, "put", str(weights), bucket, f"boto/{number}", endpoint],
                      [*boto, "get", str(fetched / "weights"), bucket, f"boto/{number}", endpoint]),
        }
        # A registry is proven by experiment at its first write, which takes this server some seconds.
        measured([pdm, "registry", "push", "small/1", "--registry", str(local), "--to", url], work)
        # Each side goes first once.
        names = list(sides)
        names = names[number % 3:] + names[:number % 3]
        one = {}
        for direction in (0, 1):
            for name in names:
                shutil.rmtree(fetched, ignore_errors=True)
                fetched.mkdir()
                one[name, direction] = measured(sides[name][direction], work)
                if direction and digest(fetched / "weights") != expected:
                    sys.exit(f"{name} fetched other bytes")
        found.append(one)
        print(f"round {number + 1} of {count}", file=sys.stderr)
    shutil.rmtree(bundle)
    shutil.rmtree(local)
    shutil.rmtree(work / "fetched")
    return found


def table(found, size):
    lines = ["| | by | wall s | MiB/s | of object_store's | CPU s | peak MiB |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for direction, word in enumerate(("push", "fetch")):
        plain = statistics.median(one["object_store", direction]["wall"] for one in found)
        for name in ("pdm-ml", "object_store", "boto3"):
            def median(what):
                return statistics.median(one[name, direction][what] for one in found)
            lines.append(f"| {word} | {name} | {median('wall'):.1f} | {size / median('wall'):.0f} | "
                         f"{100 * plain / median('wall'):.0f} % | {median('cpu'):.2f} | {median('peak'):.0f} |")
    return lines


def main():
    release, work, size, count = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    found = rounds(release, work, size, count)
    machine = f"{datetime.date.today()}, {os.cpu_count()} cores, {platform.machine()}, SeaweedFS on the same machine"
    text = "\n".join([*table(found, size), "", f"{size} MiB, medians of {count} rounds in turns. {machine}."]) + "\n"
    (work / "registry.md").write_text(text)
    flat = [{f"{name} {word}": one[name, d] for name in ("pdm-ml", "object_store", "boto3")
             for d, word in enumerate(("push", "fetch"))} for one in found]
    (work / "registry.json").write_text(json.dumps({"machine": machine, "mib": size, "rounds": flat}, indent=1))
    print(text, end="")


main()
