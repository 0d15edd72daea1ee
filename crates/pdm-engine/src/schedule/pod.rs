//! The container that Kubernetes, Argo and Airflow run.

use serde_json::{Map, Value, json};

use super::definition::SchedulerKind;
use super::error::ScheduleError;
use super::plan::{DECISIONS, SchedulePlan};
use super::quote::container_word;

/// Name of the container, and of the volume in it.
pub(super) const CONTAINER: &str = "pdm-ml";
const VOLUME: &str = "project";

/// Runs its arguments, passes on the request to end, and makes decisions a success, since a pod only succeeds or fails.
const SCRIPT: &str = r#"stopped= child=
run() {
  "$@" &
  child=$!
  while wait "$child"; code=$?; kill -0 "$child" 2>/dev/null; do :; done
}
trap 'stopped=yes; [ -z "$child" ] || kill -TERM "$child" 2>/dev/null' TERM INT
"#;

/// Returns the script that runs the job in a container, with the words as its arguments.
pub(super) fn script(delay_seconds: Option<u64>) -> String {
    let decisions = DECISIONS.map(|code| code.to_string()).join("|");
    let delay = match delay_seconds {
        Some(seconds) => format!("run sleep {seconds}\n[ -z \"$stopped\" ] || exit 143\n"),
        None => String::new(),
    };
    format!(
        "{SCRIPT}{delay}run \"$@\"\ncase $code in {decisions}) echo \"a decision, not a failure: exit code $code\" >&2; code=0 ;; esac\n\
         exit \"$code\"\n"
    )
}

/// Returns the container image.
pub(super) fn image<'p>(
    plan: &'p SchedulePlan<'_>,
    kind: SchedulerKind,
) -> Result<&'p str, ScheduleError> {
    let hint = "it runs containers: name an image with pdm-ml and /bin/sh, such as image = \"registry.example.org/pdm-ml:1.0\"";
    plan.options.image.as_deref().ok_or(ScheduleError::Missing {
        kind,
        key: "image",
        hint,
    })
}

/// Returns the container, without a name.
pub(super) fn container(plan: &SchedulePlan<'_>, image: &str) -> Map<String, Value> {
    let words = plan.words_in_container();
    let args: Vec<_> = words.iter().map(|word| container_word(word)).collect();
    let parts = [
        ("image", json!(image)),
        (
            "command",
            json!(["/bin/sh", "-c", script(plan.delay_seconds()), CONTAINER]),
        ),
        ("args", json!(args)),
        (
            "securityContext",
            json!({ "allowPrivilegeEscalation": false }),
        ),
        ("env", Value::Array(variables(plan))),
        ("resources", Value::Object(resources(plan))),
        ("volumeMounts", Value::Array(mounts(plan))),
    ];
    parts
        .into_iter()
        .filter(|(_, value)| !is_empty(value))
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// Returns the pod's volumes.
pub(super) fn volumes(plan: &SchedulePlan<'_>) -> Vec<Value> {
    let claim = plan.options.volume.iter();
    claim
        .map(|claim| json!({ "name": VOLUME, "persistentVolumeClaim": { "claimName": claim } }))
        .collect()
}

/// Returns the labels of an object.
pub(super) fn labels(plan: &SchedulePlan<'_>) -> Value {
    json!({ "app.kubernetes.io/name": CONTAINER, "app.kubernetes.io/instance": plan.name() })
}

/// Returns the name of the Secret with the variables.
pub(super) fn secret_name(plan: &SchedulePlan<'_>) -> String {
    plan.options.secret.clone().unwrap_or_else(|| plan.name())
}

/// Returns the name of the ConfigMap with the variables.
pub(super) fn config_map_name(plan: &SchedulePlan<'_>) -> String {
    plan.options
        .config_map
        .clone()
        .unwrap_or_else(|| plan.name())
}

/// Returns what must exist before the job, as texts.
pub(super) fn needs(plan: &SchedulePlan<'_>) -> Vec<String> {
    let options = plan.options;
    let all = |names: &[String]| names.join(", ");
    let mut needs = Vec::new();
    if !options.env.is_empty() {
        needs.push(format!(
            "ConfigMap {} with {}",
            config_map_name(plan),
            all(&options.env)
        ));
    }
    if !options.secrets.is_empty() {
        needs.push(format!(
            "Secret {} with {}",
            secret_name(plan),
            all(&options.secrets)
        ));
    }
    match &options.volume {
        Some(claim) => needs.push(format!("PersistentVolumeClaim {claim} with the project")),
        None => needs.push(format!(
            "the project in the image, at {}",
            plan.folder_in_container()
        )),
    }
    needs
}

fn variables(plan: &SchedulePlan<'_>) -> Vec<Value> {
    let map = config_map_name(plan);
    let secret = secret_name(plan);
    let from = |name: &String, source: &str, object: &str| json!({ "name": name, "valueFrom": { source: { "name": object, "key": name } } });
    let env = plan
        .options
        .env
        .iter()
        .map(|name| from(name, "configMapKeyRef", &map));
    env.chain(
        plan.options
            .secrets
            .iter()
            .map(|name| from(name, "secretKeyRef", &secret)),
    )
    .collect()
}

/// Returns requests and limits, for the resources that have one.
fn resources(plan: &SchedulePlan<'_>) -> Map<String, Value> {
    let mut requests = Map::new();
    let mut limits = Map::new();
    if let (Some(budget), Some(limit)) = (plan.job.memory_bytes, plan.memory_limit_bytes()) {
        requests.insert("memory".to_owned(), json!(mebibytes(budget)));
        limits.insert("memory".to_owned(), json!(mebibytes(limit)));
    }
    if let Some(threads) = plan.options.threads {
        requests.insert("cpu".to_owned(), json!(threads.to_string()));
        limits.insert("cpu".to_owned(), json!(threads.to_string()));
    }
    let mut resources = Map::new();
    for (key, amounts) in [("requests", requests), ("limits", limits)] {
        if !amounts.is_empty() {
            resources.insert(key.to_owned(), Value::Object(amounts));
        }
    }
    resources
}

fn mebibytes(bytes: u64) -> String {
    format!("{}Mi", bytes.div_ceil(1 << 20))
}

fn mounts(plan: &SchedulePlan<'_>) -> Vec<Value> {
    let mount = |_| json!({ "name": VOLUME, "mountPath": plan.folder_in_container() });
    plan.options.volume.iter().map(mount).collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(table) => table.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, ExitStatus};
    use std::time::Duration;

    use super::*;

    fn run(body: &str) -> ExitStatus {
        let script = script(None);
        Command::new("sh")
            .args(["-c", &script, CONTAINER, "sh", "-c", body])
            .status()
            .unwrap()
    }

    #[test]
    fn decisions_are_a_success_and_other_codes_stay() {
        let codes = [0, 1, 10, 20, 21, 22, 40, 75, 143]
            .map(|code| run(&format!("exit {code}")).code().unwrap());
        assert_eq!(codes, [0, 1, 10, 0, 0, 0, 40, 75, 143]);
    }

    #[test]
    fn the_request_to_end_reaches_the_job_which_ends_on_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready");
        let body = format!(
            "trap 'sleep 0.2; exit 143' TERM; touch '{}'; while :; do sleep 0.05; done",
            ready.display()
        );
        let mut child = Command::new("sh")
            .args(["-c", &script(None), CONTAINER, "sh", "-c", &body])
            .spawn()
            .unwrap();
        while !ready.exists() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(143));
    }

    #[test]
    fn a_job_that_was_asked_to_end_while_it_waits_does_not_begin() {
        let folder = tempfile::tempdir().unwrap();
        let begun = folder.path().join("begun");
        let script = script(Some(30));
        let mut child = Command::new("sh")
            .args(["-c", &script, CONTAINER, "touch"])
            .arg(&begun)
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(300));
        Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()
            .unwrap();
        assert_eq!(
            (child.wait().unwrap().code(), begun.exists()),
            (Some(143), false)
        );
    }
}
