use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, Subcommand, ValueEnum};
use jiff::{Span, SpanRelativeTo};

use super::PipelineArgs;
use pdm_engine::config::Stage;
use pdm_engine::engine::LockMode;

/// How the lock of the pipeline is used.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct LockArgs {
    /// Fail if the run would change the lock of the pipeline, such as `pdm.lock`
    #[arg(long, conflicts_with = "frozen")]
    locked: bool,
    /// Use only the data files recorded in the lock of the pipeline, and do not change the lock
    #[arg(long)]
    frozen: bool,
}

impl LockArgs {
    pub(super) fn mode(&self) -> LockMode {
        match (self.locked, self.frozen) {
            (true, _) => LockMode::Locked,
            (_, true) => LockMode::Frozen,
            _ => LockMode::Update,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum CacheCommand {
    /// List cached results: size, age, last use, and whether the last run of a pipeline uses them
    List(PipelineArgs),
    /// Remove results that were not used for a long time, after listing them and asking
    #[command(
        after_help = "Examples:\n  pdm-ml cache gc --dry-run\n  pdm-ml cache gc --older-than 7d --keep-last 3 --yes\n  pdm-ml cache gc --max-size 5GiB --yes"
    )]
    Gc(CacheGcArgs),
    /// Show what a stage depends on, and why it would or would not run
    #[command(after_help = "Example:\n  pdm-ml cache why train pipelines/fd001.toml")]
    Why {
        /// Stage
        #[arg(value_enum)]
        stage: CachedStage,
        #[command(flatten)]
        pipeline: PipelineArgs,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CacheGcArgs {
    #[command(flatten)]
    pub(in crate::cli) pipeline: PipelineArgs,
    /// Only list what would be removed
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Minimum time since a result was last used
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = patience)]
    pub(in crate::cli) older_than: Duration,
    /// Keep the N most recently used results of each stage and pipeline, regardless of age
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(in crate::cli) keep_last: usize,
    /// Remove more results, least recently used first, until the cache is at most this size, such as 5GiB; results that the
    /// last run of a pipeline uses are removed last
    #[arg(long, value_name = "SIZE")]
    pub(in crate::cli) max_size: Option<ByteSize>,
    /// Do not ask for confirmation
    #[arg(long, conflicts_with = "dry_run")]
    pub(in crate::cli) yes: bool,
}

/// A stage whose result is cached.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum CachedStage {
    Validate,
    Features,
    Train,
    Calibrate,
    Evaluate,
    Gate,
}

impl From<CachedStage> for Stage {
    fn from(stage: CachedStage) -> Self {
        match stage {
            CachedStage::Validate => Self::Validate,
            CachedStage::Features => Self::Features,
            CachedStage::Train => Self::Train,
            CachedStage::Calibrate => Self::Calibrate,
            CachedStage::Evaluate => Self::Evaluate,
            CachedStage::Gate => Self::Gate,
        }
    }
}

/// Reads `60s`, `10 minutes`, `7d` or `0`.
pub(super) fn patience(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    let span = text.parse::<Span>();
    let time = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    let time = time.ok().and_then(|time| Duration::try_from(time).ok());
    time.ok_or_else(|| "expected a time such as 60s, 10m or 7d, or 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("0", 0),
            ("60s", 60),
            ("10m", 600),
            ("2 hours", 7200),
            ("7d", 604_800),
        ] {
            assert_eq!(patience(text).unwrap().as_secs(), seconds, "{text}");
        }
        for text in ["", "60", "-5s", "soon"] {
            assert!(patience(text).is_err(), "{text}");
        }
    }
}
