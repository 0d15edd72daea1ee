"""Reads a recorded run back from an MLflow server with MLflow's own client, and compares it with its journal.

    mlflow_read_back.py URL EXPERIMENT RUN_FOLDER

Prints what was compared, as JSON; ends with an error at the first difference. Shares nothing with the program but the
journal's format.
"""

import collections
import datetime
import hashlib
import json
import pathlib
import re
import sys
import tempfile

import mlflow
from mlflow.tracking import MlflowClient

PART = re.compile(r"final|(fold|seed)-[0-9]+")


def journal(folder):
    lines = (folder / "journal.ndjson").read_text().splitlines()
    return [json.loads(line) for line in lines]


def milliseconds(stamp):
    return round(datetime.datetime.fromisoformat(stamp).timestamp() * 1000)


def divided(key):
    """The part a metric belongs to, and its name there: the words before and after the last one that names a part."""
    words = key.split("/")
    last = max((at for at, word in enumerate(words[:-1]) if PART.fullmatch(word)), default=-1)
    return "/".join(words[: last + 1]), "/".join(words[last + 1 :])


def above(part):
    return divided(part)[0]


def same(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: the server has {found!r}, the journal {expected!r}")


def value(number):
    return float({"Infinity": "inf", "-Infinity": "-inf"}.get(number, number))


def expected_of(lines):
    """Parameters, metrics, inputs and times of each part; the run itself is the part ''."""
    parts = collections.defaultdict(lambda: {"params": {}, "metrics": collections.defaultdict(list), "inputs": set(), "end": None})
    for line in lines:
        event, at = line.get("event"), line.get("at")
        if event == "param":
            parts[""]["params"].setdefault(line["key"], line["value"])
        elif event == "metric":
            part, key = divided(line["key"])
            parts[part]["metrics"][key].append((line["step"], milliseconds(at), value(line["value"])))
        elif event == "part_started":
            parts[line["part"]]["params"].update(line["params"])
        elif event == "part_finished":
            parts[line["part"]]["end"] = milliseconds(at)
        elif event == "input":
            data = line["data"]
            parts[line["part"]]["inputs"].add((data["name"], data["digest"][:36], data["used_for"], data["digest"]))
    return parts


def inputs_of(run):
    found = set()
    for entry in run.inputs.dataset_inputs:
        context = {tag.key: tag.value for tag in entry.tags}["mlflow.data.context"]
        found.add((entry.dataset.name, entry.dataset.digest, context, json.loads(entry.dataset.profile)["sha256"]))
    return found


def compare_run(client, run, expected, counts):
    same("params", run.data.params, expected["params"])
    same("metrics", set(run.data.metrics), set(expected["metrics"]))
    for key, points in expected["metrics"].items():
        found = [(m.step, m.timestamp, m.value) for m in client.get_metric_history(run.info.run_id, key)]
        same(f"history of {key}", sorted(found), sorted(set(points)))
        counts["points"] += len(found)
    same("inputs", inputs_of(run), expected["inputs"])
    counts["params"] += len(run.data.params)
    counts["inputs"] += len(expected["inputs"])


def compare_artifacts(client, run, lines, folder, counts):
    with tempfile.TemporaryDirectory() as into:
        got = pathlib.Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=into))
        found = {str(path.relative_to(got)): path for path in got.rglob("*") if path.is_file()}
        digests = {line["name"]: line["digest"] for line in lines if line.get("event") == "artifact"}
        same("artifacts", set(found), set(digests) | {"pdm-ml/journal.ndjson"})
        for name, digest in digests.items():
            same(f"artifact {name}", hashlib.sha256(found[name].read_bytes()).hexdigest(), digest)
        same("the journal", found["pdm-ml/journal.ndjson"].read_bytes(), (folder / "journal.ndjson").read_bytes())
        counts["artifacts"] += len(found)


def children_of(client, run):
    found = client.search_runs([run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    names = [child.data.tags["pdm_ml.part"] for child in found]
    same("children there once", len(names), len(set(names)))
    return dict(zip(names, found))


def compare_children(client, run, above_part, parts, counts):
    expected = {part for part in parts if part and above(part) == above_part}
    found = children_of(client, run)
    same(f"children of {above_part or 'the run'}", set(found), expected)
    for part, child in found.items():
        child = client.get_run(child.info.run_id)
        compare_run(client, child, parts[part], counts)
        same(f"status of {part}", child.info.status, "FINISHED")
        same(f"end of {part}", child.info.end_time, parts[part]["end"])
        counts["children"] += 1
        compare_children(client, child, part, parts, counts)


def compare_models(client, run, counts):
    """Where the run registered a version: it is there with our number, its run, and our aliases."""
    tags = run.data.tags
    if "version" not in tags:
        return
    name, number = tags["version"].split("/")
    found = [v for v in client.search_model_versions(f"name='{name}'") if v.tags["pdm_ml.run_id"] == tags["pdm_ml.run_id"]]
    same("versions of the run", [v.tags["pdm_ml.version"] for v in found], [number])
    same("bundle", found[0].tags["pdm_ml.bundle"], tags["bundle"])
    same("run of the version", found[0].run_id, run.info.run_id)
    if "alias" in tags:
        same("alias", client.get_model_version_by_alias(name, tags["alias"]).version, found[0].version)
        counts["aliases"] += 1
    got = mlflow.artifacts.download_artifacts(artifact_uri=found[0].source)
    same("files of the version", any(pathlib.Path(got).iterdir()), True)
    counts["versions"] += 1


def main(url, experiment, folder):
    mlflow.set_tracking_uri(url)
    client, folder = MlflowClient(url), pathlib.Path(folder)
    lines = journal(folder)
    opening, end = lines[0], lines[-1]
    found = client.get_experiment_by_name(experiment)
    runs = client.search_runs([found.experiment_id], f"tags.`pdm_ml.run_id` = '{opening['run']}'")
    same("runs", len(runs), 1)
    run = client.get_run(runs[0].info.run_id)
    same("status", run.info.status, end["status"])
    same("start", run.info.start_time, milliseconds(opening["started"]))
    same("end", run.info.end_time, milliseconds(end["at"]))
    parts, counts = expected_of(lines), collections.Counter(children=0, versions=0, aliases=0)
    compare_run(client, run, parts[""], counts)
    for line in lines:
        if line.get("event") == "tag":
            last = [l["value"] for l in lines if l.get("event") == "tag" and l["key"] == line["key"]][-1]
            same(f"tag {line['key']}", run.data.tags.get(line["key"]), last)
    compare_artifacts(client, run, lines, folder, counts)
    compare_children(client, run, "", parts, counts)
    compare_models(client, run, counts)
    print(json.dumps({**counts, "metrics": sorted(run.data.metrics)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
