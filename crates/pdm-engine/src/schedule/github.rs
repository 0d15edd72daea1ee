//! A workflow of GitHub Actions.

use serde_json::{Map, Value, json};

use super::definition::{Definition, SchedulerKind};
use super::error::ScheduleError;
use super::plan::{DECISIONS, RETRIES, RETRY_SECONDS, SchedulePlan, TRY_AGAIN};
use super::quote::{refuse_pattern, shell};
use super::yaml;

/// The step that installs the program with the command in `PDM_ML_INSTALL`, or fails where that is not set.
pub const INSTALL: &str = include_str!("github/install.sh");
const MACHINE: &str = "ubuntu-24.04";
const CHECKOUT: &str = "actions/checkout@v6";
const CACHE: &str = "actions/cache@v5";
/// GitHub's shortest interval between runs, and the longest time of a job on its machines.
const SHORTEST_GAP_MINUTES: u8 = 5;
const LONGEST_MINUTES: u64 = 360;

pub(super) fn write(plan: &SchedulePlan<'_>) -> Result<Definition, ScheduleError> {
    let words = plan.words_in_repository();
    refuse_pattern(SchedulerKind::Github, &words, &["${{"])?;
    refuse_often(plan)?;
    let minutes = plan.options.deadline.seconds().div_ceil(60);
    let workflow = json!({
        "name": plan.title(),
        "on": {
            "schedule": [when(plan)],
            "workflow_dispatch": null,
        },
        "permissions": { "contents": "read" },
        "concurrency": { "group": plan.name(), "cancel-in-progress": false },
        "jobs": {
            "run": {
                "runs-on": MACHINE,
                "timeout-minutes": minutes,
                "steps": steps(plan, &words),
            },
        },
    });
    let mut comments = vec![
        format!("{}. Written by `pdm-ml schedule export github`, for .github/workflows.", plan.title()),
        "Needs the repository variable PDM_ML_INSTALL: a command that installs pdm-ml (docs/ci.md).".to_owned(),
    ];
    comments.extend(needs(plan));
    let text = yaml::document(&comments, &workflow)?;
    let mut definition = Definition::one(format!("{}.yml", plan.name()), text).note(
        "GitHub starts workflows late when it is busy, and stops schedules of public repositories after 60 days without a \
         commit",
    );
    if plan.options.jitter.is_some() {
        definition = definition.note(
            "`jitter` is left out: GitHub's own delays are larger, and waiting costs paid minutes",
        );
    }
    if minutes > LONGEST_MINUTES {
        definition =
            definition.note("`deadline` is more than the 6 hours that GitHub's own machines allow");
    }
    Ok(definition)
}

/// Returns the trigger. Without a zone it is in UTC, which older checkers accept, too.
fn when(plan: &SchedulePlan<'_>) -> Value {
    match plan.options.timezone.as_str() {
        "UTC" => json!({ "cron": plan.cron.to_string() }),
        zone => json!({ "cron": plan.cron.to_string(), "timezone": zone }),
    }
}

fn refuse_often(plan: &SchedulePlan<'_>) -> Result<(), ScheduleError> {
    let gap = plan.cron.shortest_gap_minutes();
    if gap >= SHORTEST_GAP_MINUTES {
        return Ok(());
    }
    Err(ScheduleError::Unspeakable {
        kind: SchedulerKind::Github,
        what: format!(
            "`{}`: times {gap} min apart, but its shortest interval is {SHORTEST_GAP_MINUTES}",
            plan.cron
        ),
        hint: "use fewer minutes in `cron`".to_owned(),
    })
}

fn needs(plan: &SchedulePlan<'_>) -> Vec<String> {
    let lists = [
        ("Variables", &plan.options.env),
        ("Secrets", &plan.options.secrets),
    ];
    let named = lists.into_iter().filter(|(_, names)| !names.is_empty());
    named
        .map(|(what, names)| format!("{what} of the repository: {}.", names.join(", ")))
        .collect()
}

fn steps(plan: &SchedulePlan<'_>, words: &[String]) -> Value {
    let folder = match plan.job.repository_folder.trim_matches('/') {
        "" => String::new(),
        folder => format!("{folder}/"),
    };
    let mut run = json!({ "name": "Run", "run": script(words) });
    let variables = variables(plan);
    if !variables.is_empty() {
        run["env"] = Value::Object(variables);
    }
    json!([
        { "uses": CHECKOUT, "with": { "persist-credentials": false } },
        { "name": "Install pdm-ml", "env": { "PDM_ML_INSTALL": "${{ vars.PDM_ML_INSTALL }}" }, "run": INSTALL },
        { "uses": CACHE, "with": {
            "path": format!("{folder}.pdm-ml"),
            "key": format!("{}-${{{{ github.run_id }}}}", plan.name()),
            "restore-keys": format!("{}-", plan.name()),
        } },
        run,
    ])
}

fn variables(plan: &SchedulePlan<'_>) -> Map<String, Value> {
    let value =
        |source: &str, name: &String| (name.clone(), json!(format!("${{{{ {source}.{name} }}}}")));
    let env = plan.options.env.iter().map(|name| value("vars", name));
    env.chain(
        plan.options
            .secrets
            .iter()
            .map(|name| value("secrets", name)),
    )
    .collect()
}

/// Returns the shell script that runs the job, tries it again where that may help, and treats decisions as a success.
fn script(words: &[String]) -> String {
    let decisions = DECISIONS.map(|code| code.to_string()).join(" | ");
    let tries = (0..=RETRIES)
        .map(|number| number.to_string())
        .collect::<Vec<_>>()
        .join(" ");
    format!(
        "for try in {tries}; do\n  \
           code=0\n  \
           {} || code=$?\n  \
           if [ \"$code\" -ne {TRY_AGAIN} ] || [ \"$try\" -eq {RETRIES} ]; then break; fi\n  \
           sleep {RETRY_SECONDS}\n\
         done\n\
         case \"$code\" in\n  \
           {decisions}) echo \"::notice::a decision, not a failure: exit code $code\" ;;\n  \
           *) exit \"$code\" ;;\n\
         esac\n",
        shell(words)
    )
}
