//! The job to export: its options, name, command and limits.

use super::cron::Cron;
use super::error::ScheduleError;
use super::options::{ScheduleOptions, unreadable};
use pdm_core::content::Digest;

/// Exit codes that are decisions, not failures: a gate failed, a gate is undecided, or an approval is missing.
pub const DECISIONS: [u8; 3] = [20, 21, 22];
/// Exit code of a job that should be tried again: a server was not reachable.
pub const TRY_AGAIN: u8 = 75;
/// How often a job is tried again after [`TRY_AGAIN`], and how long after.
pub(super) const RETRIES: u32 = 3;
pub(super) const RETRY_SECONDS: u32 = 300;
/// A run that could not begin when it was due may begin this much later.
pub(super) const LATE_SECONDS: u32 = 3600;
/// How long a run may take to end after it was asked to end.
pub(super) const GRACE_SECONDS: u32 = 60;
/// The project's folder in a container.
const IN_CONTAINER: &str = "/project";
const PROGRAM: &str = "pdm-ml";
/// The state folder, which does not belong into a repository.
const STATE: &str = ".pdm-ml";
const CONTROL_GROUP_SHARE: u64 = 4;

/// What is scheduled, in addition to the options of `[schedule]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledJob {
    /// Name of the project.
    pub project: String,
    /// The pipeline file, relative to the project's folder.
    pub pipeline: String,
    /// The chosen profile.
    pub profile: Option<String>,
    /// Overrides of its values, `KEY=VALUE`.
    pub set: Vec<String>,
    /// The running program.
    pub program: String,
    /// The project's folder on this machine.
    pub folder: String,
    /// The project's folder relative to the top of its repository; empty for the top.
    pub repository_folder: String,
    /// Most memory training may hold.
    pub memory_bytes: Option<u64>,
    /// Whether a notice is sent when a run ends.
    pub notifies: bool,
}

/// Options and job, after they were checked.
pub(super) struct SchedulePlan<'a> {
    pub(super) options: &'a ScheduleOptions,
    pub(super) job: &'a ScheduledJob,
    pub(super) cron: Cron,
}

impl<'a> SchedulePlan<'a> {
    pub(super) fn new(
        options: &'a ScheduleOptions,
        job: &'a ScheduledJob,
    ) -> Result<Self, ScheduleError> {
        options.zone()?;
        let texts = [
            ("program", &job.program),
            ("folder", &job.folder),
            ("command", &job.pipeline),
        ];
        let texts = texts.into_iter().chain(
            job.profile
                .iter()
                .chain(&job.set)
                .map(|text| ("command", text)),
        );
        for (key, text) in texts {
            if let Some(wrong) = unreadable(text) {
                return Err(ScheduleError::Invalid {
                    key,
                    message: format!("{text:?} {wrong}"),
                });
            }
        }
        Ok(Self {
            options,
            job,
            cron: options.expression()?,
        })
    }

    /// Returns the job's name, of lower-case letters, digits and `-`, which every scheduler accepts.
    pub(super) fn name(&self) -> String {
        // Kubernetes adds to a CronJob's name and accepts at most 63 characters; Argo accepts 52.
        const LONGEST: usize = 52;
        let plain: String = self
            .job
            .project
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let name = format!("{PROGRAM}-{}", plain.trim_matches('-').to_ascii_lowercase());
        if name.len() <= LONGEST && plain == self.job.project {
            return name;
        }
        // The digest keeps different names different.
        let digest = Digest::of(&self.job.project).to_string();
        let short: String = name.chars().take(LONGEST - 9).collect();
        format!("{}-{}", short.trim_end_matches('-'), &digest[..8])
    }

    /// Returns a short description of the job.
    pub(super) fn title(&self) -> String {
        let what = self
            .options
            .command
            .first()
            .map_or("retrain", String::as_str);
        format!("pdm-ml: {what} {}", self.job.project)
    }

    /// Returns program and arguments on this machine, with a file for metrics.
    pub(super) fn words_here(&self) -> Vec<String> {
        let metrics_file = self
            .options
            .metrics_file
            .clone()
            .unwrap_or(format!("{STATE}/{}.prom", self.name()));
        self.words(
            self.program_here(),
            Some(self.folder_here()),
            Some(&metrics_file),
        )
    }

    /// Returns the file that the output of a run is added to.
    pub(super) fn log_here(&self) -> String {
        let log = self
            .options
            .log
            .clone()
            .unwrap_or(format!("{STATE}/{}.log", self.name()));
        if log.starts_with('/') {
            log
        } else {
            format!("{}/{log}", self.folder_here().trim_end_matches('/'))
        }
    }

    /// Returns program and arguments in a container.
    pub(super) fn words_in_container(&self) -> Vec<String> {
        let program = self.options.program.as_deref().unwrap_or(PROGRAM);
        self.words(
            program,
            Some(self.folder_in_container()),
            self.options.metrics_file.as_deref(),
        )
    }

    /// Returns program and arguments in a check-out of the repository, where the program is installed first.
    pub(super) fn words_in_repository(&self) -> Vec<String> {
        let folder = match self.job.repository_folder.as_str() {
            "" => None,
            folder => Some(folder),
        };
        self.words(PROGRAM, folder, self.options.metrics_file.as_deref())
    }

    fn words(
        &self,
        program: &str,
        folder: Option<&str>,
        metrics_file: Option<&str>,
    ) -> Vec<String> {
        let mut words = vec![program.to_owned()];
        if let Some(folder) = folder {
            words.extend(["-C".to_owned(), folder.to_owned()]);
        }
        if let Some(threads) = self.options.threads {
            words.extend(["--threads".to_owned(), threads.to_string()]);
        }
        if let Some(file) = metrics_file
            && self.has_metrics()
        {
            words.extend(["--metrics-file".to_owned(), file.to_owned()]);
        }
        if !self.options.command.is_empty() {
            words.extend(self.options.command.iter().cloned());
            return words;
        }
        words.extend(["retrain".to_owned(), self.job.pipeline.clone()]);
        words.extend(["--if".to_owned(), self.options.conditions.join(",")]);
        if let Some(name) = &self.job.profile {
            words.extend(["--profile".to_owned(), name.clone()]);
        }
        for set in &self.job.set {
            words.extend(["--set".to_owned(), set.clone()]);
        }
        if self.job.notifies {
            words.push("--notify".to_owned());
        }
        words
    }

    /// Returns whether the command is one that writes metrics.
    fn has_metrics(&self) -> bool {
        let command = self
            .options
            .command
            .first()
            .map_or("retrain", String::as_str);
        ["run", "retrain", "gate", "promote"].contains(&command)
    }

    pub(super) fn program_here(&self) -> &str {
        self.options.program.as_deref().unwrap_or(&self.job.program)
    }

    pub(super) fn folder_here(&self) -> &str {
        self.options.folder.as_deref().unwrap_or(&self.job.folder)
    }

    pub(super) fn folder_in_container(&self) -> &str {
        self.options.folder.as_deref().unwrap_or(IN_CONTAINER)
    }

    /// Returns a delay within the jitter that is always the same for one project and usually differs between projects; none
    /// without jitter.
    pub(super) fn delay_seconds(&self) -> Option<u64> {
        let longest = self.options.jitter?.seconds();
        let digest = Digest::of(&self.job.project).to_string();
        let number = u64::from_str_radix(&digest[..15], 16).unwrap_or(0);
        Some(number % (longest + 1))
    }

    /// Returns the most memory that a control group should allow: a quarter more than the budget, so that the program stops at
    /// its own limit with a message before it is killed.
    pub(super) fn memory_limit_bytes(&self) -> Option<u64> {
        self.job
            .memory_bytes
            .map(|bytes| bytes.saturating_add(bytes / CONTROL_GROUP_SHARE))
    }
}
