//! A CronWorkflow of Argo Workflows.

use serde_json::json;

use super::definition::{Definition, SchedulerKind};
use super::error::ScheduleError;
use super::plan::{LATE_SECONDS, RETRIES, RETRY_SECONDS, SchedulePlan, TRY_AGAIN};
use super::quote::refuse_pattern;
use super::{pod, yaml};

pub(super) fn write(plan: &SchedulePlan<'_>) -> Result<Definition, ScheduleError> {
    refuse_pattern(SchedulerKind::Argo, &plan.words_in_container(), &["{{"])?;
    let mut workflow = json!({
        "entrypoint": pod::CONTAINER,
        "activeDeadlineSeconds": plan.options.deadline.seconds(),
        "templates": [{
            "name": pod::CONTAINER,
            "retryStrategy": {
                "limit": RETRIES.to_string(),
                "retryPolicy": "Always",
                "expression": format!("asInt(lastRetry.exitCode) == {TRY_AGAIN}"),
                "backoff": { "duration": RETRY_SECONDS.to_string(), "factor": "2" },
            },
            "container": pod::container(plan, pod::image(plan, SchedulerKind::Argo)?),
        }],
    });
    let volumes = pod::volumes(plan);
    if !volumes.is_empty() {
        workflow["volumes"] = json!(volumes);
    }
    let object = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "CronWorkflow",
        "metadata": { "name": plan.name(), "labels": pod::labels(plan) },
        "spec": {
            "schedules": [plan.cron.to_string()],
            "timezone": plan.options.timezone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": LATE_SECONDS,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "workflowSpec": workflow,
        },
    });
    let comments = [
        format!(
            "{}. Written by `pdm-ml schedule export argo`; for Argo Workflows 3.6 or later.",
            plan.title()
        ),
        format!("Needs: {}.", pod::needs(plan).join("; ")),
        format!("A pod that ends with {TRY_AGAIN} is tried again, any other failure is not."),
    ];
    Ok(Definition::one(
        format!("{}.yaml", plan.name()),
        yaml::document(&comments, &object)?,
    ))
}
