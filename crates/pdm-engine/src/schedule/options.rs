//! `[schedule]`: when the pipeline runs automatically, and how.

use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cron::Cron;
use super::error::ScheduleError;
use super::lasting::Lasting;
use super::zone;
use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// Conditions of `retrain` without a value.
const CONDITIONS: [&str; 3] = ["new-data", "drift", "always"];
const OLDER_THAN: &str = "older-than=";
const NEW_UNITS: &str = "new-units=";
const LONGEST_JITTER_SECONDS: u64 = 12 * 3600;
const SHORTEST_DEADLINE_SECONDS: u64 = 60;

/// When the pipeline runs automatically, and how. `pdm-ml schedule export` writes it for a scheduler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleOptions {
    /// The times, in the five fields of cron: minute, hour, day of the month, month, day of the week; such as `0 3 * * 1`.
    pub cron: String,
    /// Time zone of `cron`, by its IANA name, such as `Europe/Berlin`.
    #[serde(default = "utc")]
    pub timezone: String,
    /// Conditions of which one must hold for a retraining: `new-data`, `new-units=N`, `drift`, `older-than=<time>` such as
    /// `older-than=7d`, or `always`.
    #[serde(rename = "if", default = "conditions")]
    pub conditions: Vec<String>,
    /// Another command to run, without `pdm-ml`, such as `["run", "pdm.toml"]`; empty means `retrain` of this pipeline.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// Longest delay of a start, such as `10min`, so that many jobs do not start at once; without it, there is no delay.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub jitter: Option<Lasting>,
    /// Longest time a run may take before it is stopped, such as `6h`.
    #[serde(default = "deadline")]
    #[schemars(with = "String")]
    pub deadline: Lasting,
    /// Most threads of a run; without it, `project.budget.threads`, or one per core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u16>,
    /// Names of environment variables that a run gets from the scheduler's environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
    /// Names of environment variables that hold secrets; the values stay with the scheduler.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// For cron and systemd: a file of `NAME=value` lines on the machine, with the variables of `env` and `secrets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_file: Option<String>,
    /// For cron: the file that the output of a run is added to, relative to the project's folder; without it, one named like
    /// the job in `.pdm-ml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// File for the metrics of a run, ending in `.prom`, relative to the project's folder; without it, one named like the job
    /// in `.pdm-ml`, and none in a container or on GitHub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_file: Option<String>,
    /// Path of the program where the job runs; without it, the running program for cron, systemd and Airflow without an
    /// image, and `pdm-ml` in a container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The project's folder where the job runs; without it, the current one, and `/project` in a container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Container image with the program and `/bin/sh`: for Kubernetes and Argo, and for Airflow to run a pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// PersistentVolumeClaim mounted at the project's folder in a container; without it, the image contains the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// Kubernetes Secret with the variables of `secrets`; without it, one named like the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Kubernetes ConfigMap with the variables of `env`; without it, one named like the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map: Option<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn conditions() -> Vec<String> {
    ["new-data", "drift", "older-than=7d"]
        .map(str::to_owned)
        .to_vec()
}

/// The longest time of a job on GitHub's own machines.
fn deadline() -> Lasting {
    Lasting::hours(6)
}

impl ScheduleOptions {
    /// Returns what is wrong with the options.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(self.cron_problem());
        problems.extend(self.zone_problem());
        problems.extend(self.condition_problems());
        problems.extend(self.length_problems());
        problems.extend(self.name_problems());
        problems.extend(self.text_problems());
        problems
    }

    /// Returns the parsed expression.
    pub(super) fn expression(&self) -> Result<Cron, ScheduleError> {
        self.cron
            .parse()
            .map_err(|error: super::cron::CronError| ScheduleError::Invalid {
                key: "cron",
                message: error.message,
            })
    }

    /// Returns the time zone.
    pub(super) fn zone(&self) -> Result<TimeZone, ScheduleError> {
        let unknown = || ScheduleError::Invalid {
            key: "timezone",
            message: unknown_zone(&self.timezone),
        };
        zone::zone(&self.timezone).ok_or_else(unknown)
    }

    /// Returns the names of all variables a run gets.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.env.iter().chain(&self.secrets).map(String::as_str)
    }

    fn cron_problem(&self) -> Option<Problem> {
        let error = self.cron.parse::<Cron>().err()?;
        let problem = Problem::new("cron", error.message).with_code(Code::Cron);
        Some(match error.hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        })
    }

    fn zone_problem(&self) -> Option<Problem> {
        if zone::zone(&self.timezone).is_some() {
            return None;
        }
        let problem = Problem::new("timezone", unknown_zone(&self.timezone));
        Some(match zone::meant(&self.timezone) {
            Some(name) => problem.hint(format!("did you mean `{name}`?")),
            None => problem.hint("a name such as `UTC` or `Europe/Berlin`"),
        })
    }

    fn condition_problems(&self) -> Vec<Problem> {
        if self.conditions.is_empty() {
            let problem = Problem::new("if", "names no condition, so it would never retrain");
            return vec![problem.hint("`always` retrains every time")];
        }
        let wrong = self
            .conditions
            .iter()
            .enumerate()
            .filter(|(_, condition)| !is_condition(condition));
        let problem = |(i, condition): (usize, &String)| {
            let message = format!("`{condition}` is not a condition of a retraining");
            let hint = "`new-data`, `new-units=5`, `drift`, `older-than=7d` or `always`";
            Problem::new(format!("if.{i}"), message).hint(hint)
        };
        wrong.map(problem).collect()
    }

    fn length_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(jitter) = self.jitter
            && !(1..=LONGEST_JITTER_SECONDS).contains(&jitter.seconds())
        {
            let problem = Problem::new("jitter", "must be from 1s to 12h");
            problems.push(problem.hint("leave the key out for no delay"));
        }
        if self.deadline.seconds() < SHORTEST_DEADLINE_SECONDS {
            problems.push(Problem::new("deadline", "must be at least 1min"));
        }
        if let Some(threads) = self.threads
            && !(1..=1024).contains(&threads)
        {
            let message = format!("must be from 1 to 1024, not {threads}");
            problems.push(Problem::new("threads", message));
        }
        problems
    }

    /// Returns what is wrong with the names of variables. A wrong name is not repeated, since it may be the secret itself.
    fn name_problems(&self) -> Vec<Problem> {
        let lists = [("env", &self.env), ("secrets", &self.secrets)];
        let named = lists
            .iter()
            .flat_map(|(key, names)| (0..).zip(*names).map(move |(i, name)| (*key, i, name)));
        let wrong = named
            .clone()
            .filter(|(_, _, name)| !is_variable(name))
            .map(|(key, i, _)| {
                let message = "is not the name of an environment variable";
                Problem::new(format!("{key}.{i}"), message)
                    .with_code(Code::NotAVariableName)
                    .hint("letters, digits and `_`; the value is set where the job runs")
            });
        let seen: Vec<_> = named.collect();
        let twice = seen
            .iter()
            .enumerate()
            .filter(|(at, named)| seen[..*at].iter().any(|before| before.2 == named.2));
        let again =
            |key: &str, i: usize| Problem::new(format!("{key}.{i}"), "names a variable twice");
        let twice = twice.map(|(_, (key, i, _))| again(key, *i).with_code(Code::NamedTwice));
        wrong.chain(twice).collect()
    }

    fn text_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let texts = [
            ("env_file", &self.env_file),
            ("program", &self.program),
            ("folder", &self.folder),
            ("image", &self.image),
            ("log", &self.log),
            ("metrics_file", &self.metrics_file),
        ];
        for (key, text) in texts {
            if let Some(text) = text
                && let Some(message) = unreadable(text)
            {
                problems.push(Problem::new(key, message));
            }
        }
        for (key, text) in [("env_file", &self.env_file), ("folder", &self.folder)] {
            if text
                .as_ref()
                .is_some_and(|text| !text.is_empty() && !text.starts_with('/'))
            {
                problems.push(
                    Problem::new(key, "must be an absolute path")
                        .hint("a scheduler starts in an unknown folder"),
                );
            }
        }
        if self
            .metrics_file
            .as_ref()
            .is_some_and(|file| !file.ends_with(".prom"))
        {
            problems.push(Problem::new(
                "metrics_file",
                "must end in .prom: the node exporter reads no other files",
            ));
        }
        for (i, word) in self.command.iter().enumerate() {
            if let Some(message) = unreadable(word) {
                problems.push(Problem::new(format!("command.{i}"), message));
            }
        }
        if self.command.first().is_some_and(|word| word == "pdm-ml") {
            problems.push(
                Problem::new("command.0", "is the program itself")
                    .hint("start with the subcommand"),
            );
        }
        if self
            .image
            .as_ref()
            .is_some_and(|image| image.contains(char::is_whitespace))
        {
            problems.push(
                Problem::new("image", "contains a space")
                    .hint("such as \"registry.example.org/plant/pdm-ml:1.0\""),
            );
        }
        let objects = [
            ("volume", &self.volume),
            ("secret", &self.secret),
            ("config_map", &self.config_map),
        ];
        for (key, name) in objects {
            if let Some(name) = name
                && !is_object(name)
            {
                let message = "is not a valid name of a Kubernetes object";
                problems.push(
                    Problem::new(key, message).hint("lower-case letters, digits, `-` and `.`"),
                );
            }
        }
        problems
    }
}

fn unknown_zone(name: &str) -> String {
    format!("`{name}` is not a time zone's IANA name")
}

fn is_condition(text: &str) -> bool {
    if CONDITIONS.contains(&text) {
        return true;
    }
    if let Some(units) = text.strip_prefix(NEW_UNITS) {
        return units.parse::<u32>().is_ok_and(|units| units > 0);
    }
    let length = text
        .strip_prefix(OLDER_THAN)
        .and_then(|time| time.parse::<Span>().ok());
    let length = length.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    length.is_some_and(|length| length.is_positive()) && !text.contains([',', ' '])
}

pub(super) fn is_variable(name: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(start) && name.chars().all(|c| start(c) || c.is_ascii_digit())
}

fn is_object(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = name.starts_with(inner) && name.ends_with(inner);
    ends && name.len() <= 253 && name.chars().all(|c| inner(c) || c == '-' || c == '.')
}

/// Returns why a text cannot be part of a definition, where it cannot.
pub(super) fn unreadable(text: &str) -> Option<&'static str> {
    match text {
        "" => Some("is empty"),
        text if text.contains(char::is_control) => {
            Some("contains a line break or another control character")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ScheduleOptions {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn one_key_is_enough_and_the_defaults_have_no_problem() {
        let options = read("cron = '0 3 * * 1'");
        assert_eq!(options.problems(), []);
        assert_eq!(options.conditions, ["new-data", "drift", "older-than=7d"]);
        let again: ScheduleOptions = toml::from_str(&toml::to_string(&options).unwrap()).unwrap();
        assert_eq!(again, options);
    }

    #[test]
    fn every_wrong_key_is_reported() {
        let options = read(
            "cron = '0 25 * * *'\ntimezone = 'Europe/Berln'\nif = ['drift', 'older-than=soon', 'never', 'older-than=-1d']\n\
             jitter = '2d'\ndeadline = '10s'\nthreads = 0\nenv = ['A', 'B C']\nsecrets = ['A', 'sk-12345']\n\
             env_file = ''\nfolder = 'plant'\ncommand = ['pdm-ml', \"a\\nb\"]\nimage = 'a b'\nsecret = 'My_Secret'\nvolume = 'ok.x-1'"
                .replace("'2d'", "'48h'")
                .as_str(),
        );
        let reported = options
            .problems()
            .into_iter()
            .map(|problem| format!("{}: {}", problem.path, problem.message));
        let reported = reported.collect::<Vec<_>>().join("\n");
        assert!(!reported.contains("12345"), "{reported}");
        insta::assert_snapshot!(reported, @r"
        cron: the hour `25` is not from 0 to 23
        timezone: `Europe/Berln` is not a time zone's IANA name
        if.1: `older-than=soon` is not a condition of a retraining
        if.2: `never` is not a condition of a retraining
        if.3: `older-than=-1d` is not a condition of a retraining
        jitter: must be from 1s to 12h
        deadline: must be at least 1min
        threads: must be from 1 to 1024, not 0
        env.1: is not the name of an environment variable
        secrets.1: is not the name of an environment variable
        secrets.0: names a variable twice
        env_file: is empty
        folder: must be an absolute path
        command.1: contains a line break or another control character
        command.0: is the program itself
        image: contains a space
        secret: is not a valid name of a Kubernetes object
        ");
    }
}
