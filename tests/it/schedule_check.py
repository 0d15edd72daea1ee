"""Validates what `pdm-ml schedule export` and `init --ci` write, by the tools of those who read it. Fails by an exception."""

import json
import os
import sys
from datetime import datetime
from pathlib import Path


def kubernetes(path):
    """Against the OpenAPI schemas of Kubernetes, refusing keys they do not know."""
    import kubernetes_validate
    import yaml

    kubernetes_validate.validate(yaml.safe_load(Path(path).read_text()), "1.37", strict=True)


def argo(path):
    """Against the models generated from Argo's schema, refusing keys they do not know."""
    import yaml
    from hera.workflows.models import CronWorkflow

    CronWorkflow.model_validate(yaml.safe_load(Path(path).read_text()), extra="forbid")


def cron(requests):
    """Reads `[[expression, zone, from, count], …]` and prints the times that croniter finds, in seconds."""
    from zoneinfo import ZoneInfo

    from croniter import croniter

    answers = []
    for expression, zone, start, count in json.loads(requests):
        found = croniter(expression, datetime.fromtimestamp(start, ZoneInfo(zone)))
        answers.append([int(found.get_next(float)) for _ in range(count)])
    print(json.dumps(answers))


def airflow(path, *codes):
    """Imports the DAG as Airflow does, and prints what it understood, and what the task raises for each exit code."""
    dag = dag_of(path)
    task = dag.get_task("run")
    understood = {
        "id": dag.dag_id,
        "timetable": [dag.timetable.expression, str(dag.timetable.timezone)],
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "operator": type(task).__name__,
        "retries": task.retries,
        "deadline": task.execution_timeout.total_seconds(),
        "raised": [raised(task, code) for code in codes],
    }
    print(json.dumps(understood))


def raised(task, code):
    os.environ["CODE"] = code
    try:
        task.execute({})
    except Exception as error:
        return type(error).__name__


def dag_of(path):
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(path)
    assert not bag.import_errors, bag.import_errors
    (dag,) = bag.dags.values()
    return dag


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
