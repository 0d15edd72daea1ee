//! A service of systemd and its timer.

use std::collections::BTreeSet;

use super::cron::{Cron, Field};
use super::crontab::env_file;
use super::definition::{Definition, DefinitionFile, SchedulerKind};
use super::error::ScheduleError;
use super::plan::{DECISIONS, GRACE_SECONDS, RETRY_SECONDS, SchedulePlan, TRY_AGAIN};
use super::quote::{systemd_value, systemd_word};

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

pub(super) fn write(plan: &SchedulePlan<'_>) -> Result<Definition, ScheduleError> {
    let name = plan.name();
    let program = plan.program_here();
    if !program.starts_with('/') {
        let message = format!("`{program}` must be an absolute path for systemd");
        return Err(ScheduleError::Invalid {
            key: "program",
            message,
        });
    }
    let files = vec![
        DefinitionFile {
            name: format!("{name}.service"),
            text: service(plan)?,
        },
        DefinitionFile {
            name: format!("{name}.timer"),
            text: timer(plan, &name),
        },
    ];
    let note = format!(
        "as a user: put both into ~/.config/systemd/user, then run `systemctl --user enable --now {name}.timer` and \
         `loginctl enable-linger`; for the machine: put both into /etc/systemd/system, with `User=` in the service"
    );
    Ok(Definition {
        files,
        notes: vec![note],
    })
}

/// Returns the service. `Type=exec`, because older systemd refuses `RestartForceExitStatus=` in a oneshot service; a timer
/// starts neither of them a second time while it is running.
fn service(plan: &SchedulePlan<'_>) -> Result<String, ScheduleError> {
    let words: Vec<_> = plan
        .words_here()
        .iter()
        .map(|word| systemd_word(word))
        .collect();
    let decisions = DECISIONS.map(|code| code.to_string()).join(" ");
    let deadline = plan.options.deadline.seconds();
    let mut text = format!(
        "# Written by `pdm-ml schedule export systemd`.\n\
         [Unit]\n\
         Description={title}\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         # Tried again until the server is reachable; the starts by the timer must not count against that.\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         Type=exec\n\
         ExecStart=:{command}\n",
        title = systemd_value(&plan.title()),
        command = words.join(" "),
    );
    if plan.options.variables().next().is_some() {
        text.push_str(&format!(
            "EnvironmentFile={}\n",
            systemd_value(env_file(plan, SchedulerKind::Systemd)?)
        ));
    }
    text.push_str(&format!(
        "# Decisions of a gate, and missing approvals, are not failures.\n\
         SuccessExitStatus={decisions}\n\
         RestartForceExitStatus={TRY_AGAIN}\n\
         RestartSec={RETRY_SECONDS}\n\
         RuntimeMaxSec={deadline}\n\
         TimeoutStopSec={GRACE_SECONDS}\n\
         NoNewPrivileges=yes\n"
    ));
    if let Some(limit) = plan.memory_limit_bytes() {
        text.push_str("# A quarter more than `memory` in the project's budget, which the program checks on its own.\n");
        text.push_str(&format!("MemoryMax={limit}\n"));
    }
    if let Some(threads) = plan.options.threads {
        text.push_str(&format!("CPUQuota={}%\n", u32::from(threads) * 100));
    }
    Ok(text)
}

fn timer(plan: &SchedulePlan<'_>, name: &str) -> String {
    let zone = &plan.options.timezone;
    let calendars: String = calendars(&plan.cron)
        .iter()
        .map(|calendar| format!("OnCalendar={calendar} {zone}\n"))
        .collect();
    let jitter = plan
        .options
        .jitter
        .map(|jitter| format!("RandomizedDelaySec={}\n", jitter.seconds()));
    format!(
        "# Written by `pdm-ml schedule export systemd`: cron's `{cron}`.\n\
         [Unit]\n\
         Description=When: {title}\n\
         \n\
         [Timer]\n\
         {calendars}\
         {jitter}\
         # Once, when the machine was off at the time.\n\
         Persistent=true\n\
         Unit={name}.service\n\
         \n\
         [Install]\n\
         WantedBy=timers.target\n",
        cron = plan.cron,
        title = systemd_value(&plan.title()),
        jitter = jitter.unwrap_or_default(),
    )
}

/// Returns the calendar events that together match the expression: two where either day field is enough, since the lines of a
/// timer are alternatives.
pub(super) fn calendars(cron: &Cron) -> Vec<String> {
    let time = format!("{}:{}:00", numbers(&cron.hour), numbers(&cron.minute));
    let month = numbers(&cron.month);
    let on_days = format!("*-{month}-{} {time}", numbers(&cron.day));
    let weekdays = weekdays(&cron.weekday);
    match (cron.weekday.is_any(), cron.either_day()) {
        (true, _) => vec![on_days],
        (false, false) => vec![format!("{weekdays} {on_days}")],
        (false, true) => vec![on_days, format!("{weekdays} *-{month}-* {time}")],
    }
}

fn weekdays(field: &Field) -> String {
    field
        .values()
        .iter()
        .map(|day| WEEKDAYS[usize::from(*day)])
        .collect::<Vec<_>>()
        .join(",")
}

fn numbers(field: &Field) -> String {
    if field.is_any() {
        return "*".to_owned();
    }
    runs(&field.values())
        .iter()
        .map(|(from, to)| run(*from, *to))
        .collect::<Vec<_>>()
        .join(",")
}

fn run(from: u8, to: u8) -> String {
    match to - from {
        0 => format!("{from:02}"),
        1 => format!("{from:02},{to:02}"),
        _ => format!("{from:02}..{to:02}"),
    }
}

/// Returns the numbers as ranges without a gap.
fn runs(numbers: &BTreeSet<u8>) -> Vec<(u8, u8)> {
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, to)) if *to + 1 == *number => *to = *number,
            _ => runs.push((*number, *number)),
        }
    }
    runs
}
