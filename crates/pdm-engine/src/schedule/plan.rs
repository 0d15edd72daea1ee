use super::cron::Cron;
use super::error::ScheduleError;
use super::options::{ScheduleOptions, unreadable};
use pdm_core::content::Digest;

/// Exit codes that are decisions and no failures: a gate said no, could not tell, or somebody must approve first.
pub const DECISIONS: [u8; 3] = [20, 21, 22];
/// Exit code of a job that should be tried again: a server was not reachable.
pub const TRY_AGAIN: u8 = 75;
/// How often a job is tried again after [`TRY_AGAIN`], and how long after.
pub(super) const RETRIES: u32 = 3;
pub(super) const RETRY_SECONDS: u32 = 300;
/// A run that could not begin when it was due may begin this much later.
pub(super) const LATE_SECONDS: u32 = 3600;
/// How long a run may take to end once it was asked to.
pub(super) const GRACE_SECONDS: u32 = 60;
/// Where the project lies in a container.
const IN_CONTAINER: &str = "/project";
const PROGRAM: &str = "pdm-ml";
/// Folder of a project that is nobody's to keep in a repository.
const STATE: &str = ".pdm-ml";
const CONTROL_GROUP_SHARE: u64 = 4;

/// What is scheduled, apart from what `[schedule]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduledJob {
    /// Name of the project.
    pub project: String,
    /// The pipeline file, as seen from the project's folder.
    pub pipeline: String,
    /// The profile to lay over it.
    pub profile: Option<String>,
    /// Overrides of its values, `KEY=VALUE`.
    pub set: Vec<String>,
    /// The running program.
    pub program: String,
    /// The project's folder on this machine.
    pub folder: String,
    /// The project's folder as seen from the top of its repository; empty for the top.
    pub repository_folder: String,
    /// Most memory training may hold.
    pub memory_bytes: Option<u64>,
    /// Whether somebody wants to be told how a run ended.
    pub notifies: bool,
}

/// Options and job, checked, and what follows from them.
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

    /// Returns the job's name, of lower-case letters, digits and `-`: one that every scheduler takes.
    pub(super) fn name(&self) -> String {
        // Kubernetes adds to a CronJob's name and wants at most 63; Argo takes 52 as well.
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
        // Different names stay different.
        let digest = Digest::of(&self.job.project).to_string();
        let short: String = name.chars().take(LONGEST - 9).collect();
        format!("{}-{}", short.trim_end_matches('-'), &digest[..8])
    }

    /// Returns what the job does, in words.
    pub(super) fn title(&self) -> String {
        let what = self
            .options
            .command
            .first()
            .map_or("retrain", String::as_str);
        format!("pdm-ml: {what} {}", self.job.project)
    }

    /// Returns program and arguments on this machine, where the metrics of a run stay.
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

    /// Returns the file that a run's words are added to.
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
        let folder = Some(self.job.repository_folder.as_str()).filter(|folder| !folder.is_empty());
        self.words(PROGRAM, folder, self.options.metrics_file.as_deref())
    }

    fn words(
        &self,
        program: &str,
        folder: Option<&str>,
        metrics_file: Option<&str>,
    ) -> Vec<String> {
        let mut words = vec![program.to_owned()];
        words.extend(
            folder
                .into_iter()
                .flat_map(|folder| ["-C".to_owned(), folder.to_owned()]),
        );
        let threads = self.options.threads;
        words.extend(
            threads
                .into_iter()
                .flat_map(|threads| ["--threads".to_owned(), threads.to_string()]),
        );
        let metrics_file = metrics_file.filter(|_| self.has_metrics());
        words.extend(
            metrics_file
                .into_iter()
                .flat_map(|file| ["--metrics-file".to_owned(), file.to_owned()]),
        );
        if !self.options.command.is_empty() {
            words.extend(self.options.command.iter().cloned());
            return words;
        }
        words.extend(["retrain".to_owned(), self.job.pipeline.clone()]);
        words.extend(["--if".to_owned(), self.options.conditions.join(",")]);
        words.extend(
            self.job
                .profile
                .iter()
                .flat_map(|name| ["--profile".to_owned(), name.clone()]),
        );
        words.extend(
            self.job
                .set
                .iter()
                .flat_map(|set| ["--set".to_owned(), set.clone()]),
        );
        words.extend(self.job.notifies.then(|| "--notify".to_owned()));
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

    /// Returns a delay within the jitter that is always the same for one project, and seldom the same for two; none without
    /// jitter.
    pub(super) fn delay_seconds(&self) -> Option<u64> {
        let longest = self.options.jitter?.seconds();
        let digest = Digest::of(&self.job.project).to_string();
        let number = u64::from_str_radix(&digest[..15], 16).unwrap_or(0);
        Some(number % (longest + 1))
    }

    /// Returns the most memory that a control group should allow: a quarter more than the budget, which the program keeps by
    /// itself and ends at with words instead of a kill.
    pub(super) fn memory_limit_bytes(&self) -> Option<u64> {
        self.job
            .memory_bytes
            .map(|bytes| bytes.saturating_add(bytes / CONTROL_GROUP_SHARE))
    }
}
