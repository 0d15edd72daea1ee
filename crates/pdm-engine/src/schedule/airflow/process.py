# Written by `pdm-ml schedule export airflow`, for Airflow 3: the job is a process on the worker.
# One run at a time, none for missed times; exit codes that are decisions skip the task, and only a server that was
# not reachable is tried again.
import os
import time
from datetime import datetime, timedelta, timezone

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, BaseOperator, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

DAG_ID = ...
TITLE = ...
CRON = ...
ZONE = ...
COMMAND = ...
FOLDER = ...
# Variables the worker must have; their values are not in this file.
NEEDED = ...
DELAY = ...
DEADLINE_SECONDS = ...
RETRIES = ...
RETRY_SECONDS = ...
DECISIONS = ...
TRY_AGAIN = ...


class PdmMl(BaseOperator):
    """Runs the command without a shell, and reads its exit code."""

    def execute(self, context):
        missing = [name for name in NEEDED if not os.environ.get(name)]
        if missing:
            raise AirflowFailException(f"the worker's environment lacks {', '.join(missing)}")
        time.sleep(DELAY)
        self.hook = SubprocessHook()
        code = self.hook.run_command(COMMAND, cwd=FOLDER).exit_code
        if code in DECISIONS:
            raise AirflowSkipException(f"a decision, not a failure: exit code {code}")
        if code == TRY_AGAIN:
            raise AirflowException(f"a server is not reachable: exit code {code}")
        if code != 0:
            raise AirflowFailException(f"exit code {code}")

    def on_kill(self):
        if getattr(self, "hook", None):
            self.hook.send_sigterm()


with DAG(
    dag_id=DAG_ID,
    description=TITLE,
    schedule=CronTriggerTimetable(CRON, timezone=ZONE),
    start_date=datetime(2020, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    tags=["pdm-ml"],
) as dag:
    PdmMl(
        task_id="run",
        execution_timeout=timedelta(seconds=DEADLINE_SECONDS),
        retries=RETRIES,
        retry_delay=timedelta(seconds=RETRY_SECONDS),
    )
