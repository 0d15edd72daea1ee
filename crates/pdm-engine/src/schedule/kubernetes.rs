//! A CronJob of Kubernetes.

use serde_json::{Map, json};

use super::definition::{Definition, SchedulerKind};
use super::error::ScheduleError;
use super::plan::{GRACE_SECONDS, LATE_SECONDS, RETRIES, SchedulePlan, TRY_AGAIN};
use super::{pod, yaml};

pub(super) fn write(plan: &SchedulePlan<'_>) -> Result<Definition, ScheduleError> {
    let name = ("name".to_owned(), json!(pod::CONTAINER));
    let container = pod::container(plan, pod::image(plan, SchedulerKind::Kubernetes)?);
    let container: Map<_, _> = [name].into_iter().chain(container).collect();
    let mut pod = json!({
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "automountServiceAccountToken": false,
        "containers": [container],
    });
    let volumes = pod::volumes(plan);
    if !volumes.is_empty() {
        pod["volumes"] = json!(volumes);
    }
    let object = json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": { "name": plan.name(), "labels": pod::labels(plan) },
        "spec": {
            "schedule": plan.cron.to_string(),
            "timeZone": plan.options.timezone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": LATE_SECONDS,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {
                "spec": {
                    "activeDeadlineSeconds": plan.options.deadline.seconds(),
                    "backoffLimit": RETRIES,
                    "podFailurePolicy": failures(),
                    "template": { "metadata": { "labels": pod::labels(plan) }, "spec": pod },
                },
            },
        },
    });
    let comments = [
        format!(
            "{}. Written by `pdm-ml schedule export kubernetes`; for Kubernetes 1.31 or later.",
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

/// Returns the failure policy: a pod that was evicted does not count, and only [`TRY_AGAIN`] is tried again.
fn failures() -> serde_json::Value {
    json!({ "rules": [
        { "action": "Ignore", "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }] },
        { "action": "FailJob", "onExitCodes": {
            "containerName": pod::CONTAINER, "operator": "NotIn", "values": [TRY_AGAIN],
        } },
    ] })
}
