//! A DAG of Airflow 3: a process on the worker, or with an image a pod.

use super::definition::{Definition, SchedulerKind};
use super::error::ScheduleError;
use super::plan::{DECISIONS, RETRIES, RETRY_SECONDS, SchedulePlan, TRY_AGAIN};
use super::pod;
use super::quote::{container_word, python, python_list, refuse_pattern};

const HERE: &str = include_str!("airflow/process.py");
const POD: &str = include_str!("airflow/pod.py");

pub(super) fn write(plan: &SchedulePlan<'_>) -> Result<Definition, ScheduleError> {
    let text = match &plan.options.image {
        None => process(plan),
        Some(image) => in_pod(plan, image)?,
    };
    let definition = Definition::one(format!("{}.py", plan.name().replace('-', "_")), text);
    Ok(match &plan.options.image {
        None => definition,
        Some(_) => definition.note(format!(
            "needs the provider apache-airflow-providers-cncf-kubernetes, and {}; Airflow does not distinguish the exit codes of \
             pods, so every failure is tried again, not only {TRY_AGAIN}",
            pod::needs(plan).join("; ")
        )),
    })
}

fn process(plan: &SchedulePlan<'_>) -> String {
    fill(
        HERE,
        plan,
        &[
            ("COMMAND", python_list(plan.words_here())),
            ("FOLDER", python(plan.folder_here())),
            ("NEEDED", python_list(plan.options.variables())),
            ("DELAY", plan.delay_seconds().unwrap_or(0).to_string()),
        ],
    )
}

fn in_pod(plan: &SchedulePlan<'_>, image: &str) -> Result<String, ScheduleError> {
    let words = plan.words_in_container();
    // Marks of Jinja, which Airflow renders.
    refuse_pattern(SchedulerKind::Airflow, &words, &["{{", "{%", "{#"])?;
    let args = words.iter().map(|word| container_word(word));
    let claim = plan.options.volume.as_deref();
    let amount = |value: Option<u64>| {
        value.map_or_else(
            || "None".to_owned(),
            |bytes| python(&format!("{}Mi", bytes.div_ceil(1 << 20))),
        )
    };
    Ok(fill(
        POD,
        plan,
        &[
            ("IMAGE", python(image)),
            ("SCRIPT", python(&pod::script(plan.delay_seconds()))),
            ("ARGUMENTS", python_list(args)),
            ("ENV", python_list(&plan.options.env)),
            ("CONFIG_MAP", python(&pod::config_map_name(plan))),
            ("SECRETS", python_list(&plan.options.secrets)),
            ("SECRET", python(&pod::secret_name(plan))),
            ("CLAIM", claim.map_or_else(|| "None".to_owned(), python)),
            ("FOLDER", python(plan.folder_in_container())),
            (
                "CPUS",
                plan.options
                    .threads
                    .map_or_else(|| "None".to_owned(), |threads| python(&threads.to_string())),
            ),
            ("MEMORY", amount(plan.job.memory_bytes)),
            ("MEMORY_LIMIT", amount(plan.memory_limit_bytes())),
        ],
    ))
}

/// Fills in the lines `NAME = ...` of a template; every value is a Python literal.
fn fill(template: &str, plan: &SchedulePlan<'_>, values: &[(&str, String)]) -> String {
    let common = [
        ("DAG_ID", python(&plan.name())),
        ("TITLE", python(&plan.title())),
        ("CRON", python(&plan.cron.to_string())),
        ("ZONE", python(&plan.options.timezone)),
        (
            "DEADLINE_SECONDS",
            plan.options.deadline.seconds().to_string(),
        ),
        ("RETRIES", RETRIES.to_string()),
        ("RETRY_SECONDS", RETRY_SECONDS.to_string()),
        (
            "DECISIONS",
            format!("({})", DECISIONS.map(|code| code.to_string()).join(", ")),
        ),
        ("TRY_AGAIN", TRY_AGAIN.to_string()),
    ];
    let value = |name: &str| {
        common
            .iter()
            .chain(values)
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    let line = |line: &str| match line
        .strip_suffix(" = ...")
        .and_then(|name| Some((name, value(name)?)))
    {
        Some((name, value)) => format!("{name} = {value}\n"),
        None => format!("{line}\n"),
    };
    template.lines().map(line).collect()
}
