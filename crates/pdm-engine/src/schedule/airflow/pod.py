# Written by `pdm-ml schedule export airflow`, for Airflow 3 with apache-airflow-providers-cncf-kubernetes: the job is a pod.
# One run at a time, none for missed times; exit codes that are decisions are a success. Airflow does not
# distinguish the other exit codes of pods, so every failure is tried again.
from datetime import datetime, timedelta, timezone

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sdk import DAG, CronTriggerTimetable
from kubernetes.client import models as k8s

DAG_ID = ...
TITLE = ...
CRON = ...
ZONE = ...
IMAGE = ...
# Runs the arguments, passes on the request to end, and makes decisions a success.
SCRIPT = ...
ARGUMENTS = ...
# Variables by name: their values are in the ConfigMap and the Secret.
ENV = ...
CONFIG_MAP = ...
SECRETS = ...
SECRET = ...
CLAIM = ...
FOLDER = ...
CPUS = ...
MEMORY = ...
MEMORY_LIMIT = ...
DEADLINE_SECONDS = ...
RETRIES = ...
RETRY_SECONDS = ...


def variable(name):
    source = k8s.V1ConfigMapKeySelector(name=CONFIG_MAP, key=name)
    return k8s.V1EnvVar(name=name, value_from=k8s.V1EnvVarSource(config_map_key_ref=source))


def amounts(memory):
    return {name: value for name, value in (("cpu", CPUS), ("memory", memory)) if value}


volumes, mounts = [], []
if CLAIM:
    claim = k8s.V1PersistentVolumeClaimVolumeSource(claim_name=CLAIM)
    volumes = [k8s.V1Volume(name="project", persistent_volume_claim=claim)]
    mounts = [k8s.V1VolumeMount(name="project", mount_path=FOLDER)]

with DAG(
    dag_id=DAG_ID,
    description=TITLE,
    schedule=CronTriggerTimetable(CRON, timezone=ZONE),
    start_date=datetime(2020, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    tags=["pdm-ml"],
) as dag:
    KubernetesPodOperator(
        task_id="run",
        name=DAG_ID,
        image=IMAGE,
        cmds=["/bin/sh", "-c", SCRIPT, "pdm-ml"],
        arguments=ARGUMENTS,
        env_vars=[variable(name) for name in ENV],
        secrets=[Secret("env", name, SECRET, name) for name in SECRETS],
        container_resources=k8s.V1ResourceRequirements(requests=amounts(MEMORY), limits=amounts(MEMORY_LIMIT)),
        volumes=volumes,
        volume_mounts=mounts,
        termination_grace_period=60,
        automount_service_account_token=False,
        execution_timeout=timedelta(seconds=DEADLINE_SECONDS),
        retries=RETRIES,
        retry_delay=timedelta(seconds=RETRY_SECONDS),
    )
