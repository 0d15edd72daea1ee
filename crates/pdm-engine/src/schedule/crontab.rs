//! A line of a crontab.

use super::definition::{Definition, SchedulerKind};
use super::error::ScheduleError;
use super::plan::{GRACE_SECONDS, SchedulePlan};
use super::quote::{crontab, shell};

/// The longest command that Debian's cron reads.
const LONGEST_COMMAND: usize = 998;

pub(super) fn write(plan: &SchedulePlan<'_>) -> Result<Definition, ScheduleError> {
    let command = crontab(&command(plan)?);
    if command.len() > LONGEST_COMMAND {
        return Err(ScheduleError::Unspeakable {
            kind: SchedulerKind::Cron,
            what: format!(
                "a command of {} characters; its limit is {LONGEST_COMMAND}",
                command.len()
            ),
            hint: "shorten the paths, or use systemd".to_owned(),
        });
    }
    let zone = &plan.options.timezone;
    let text = format!(
        "# {title}. Written by `pdm-ml schedule export cron`.\n\
         # A run that is due while another is running finds the project locked, and ends. cron does not retry on its own.\n\
         CRON_TZ={zone}\n\
         {cron} {command}\n",
        title = plan.title(),
        cron = plan.cron,
    );
    let note = format!(
        "CRON_TZ is read by cronie (Red Hat, Fedora, Arch, SUSE); Debian's cron ignores it and uses the machine's time zone, \
         which should then be {zone}"
    );
    let kept = format!(
        "the output of a run is added to {}; use `logrotate` to keep it small",
        plan.log_here()
    );
    Ok(Definition::one(format!("{}.cron", plan.name()), text)
        .note(note)
        .note(kept))
}

/// Returns the command for a shell.
fn command(plan: &SchedulePlan<'_>) -> Result<String, ScheduleError> {
    let mut parts = Vec::new();
    if let Some(seconds) = plan.delay_seconds() {
        parts.push(format!("sleep {seconds}"));
    }
    let names: Vec<_> = plan.options.variables().collect();
    if !names.is_empty() {
        let file = env_file(plan, SchedulerKind::Cron)?;
        parts.push(format!(
            "{} && export {}",
            shell(&[".".to_owned(), file.to_owned()]),
            names.join(" ")
        ));
    }
    let deadline = plan.options.deadline.seconds();
    let log = plan.log_here();
    let folder = log.rsplit_once('/').map_or(".", |(folder, _)| folder);
    parts.push(format!("mkdir -p {}", shell(&[folder.to_owned()])));
    let words = shell(&plan.words_here());
    let log = shell(&[log]);
    parts.push(format!(
        "exec timeout -k {GRACE_SECONDS} {deadline} {words} >>{log} 2>&1"
    ));
    Ok(parts.join(" && "))
}

/// Returns the file of variables, which is needed where variables are named.
pub(super) fn env_file<'p>(
    plan: &'p SchedulePlan<'_>,
    kind: SchedulerKind,
) -> Result<&'p str, ScheduleError> {
    let file = plan.options.env_file.as_deref();
    let missing = ScheduleError::Missing {
        kind,
        key: "env_file",
        hint: "`env` and `secrets` only name variables; set a file of NAME=value lines on that machine, readable only by the \
               job's user, such as env_file = \"/etc/pdm-ml/plant.env\"",
    };
    file.ok_or(missing)
}
