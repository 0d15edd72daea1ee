//! The sections of a pipeline file: all that is asked of one is answered here, and a new one answers before it compiles.

use std::fmt;

use strum::VariantArray;

/// A section of a pipeline file, as it is written: `[project]`, `[[gate]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, VariantArray)]
pub enum Section {
    /// `[project]`.
    Project,
    /// `[dataset]`.
    Dataset,
    /// `[validate]`.
    Validate,
    /// `[target]`.
    Target,
    /// `[split]`.
    Split,
    /// `[features]`.
    Features,
    /// `[model]`.
    Model,
    /// `[train]`.
    Train,
    /// `[calibrate]`.
    Calibrate,
    /// `[evaluate]`.
    Evaluate,
    /// `[[gate]]`.
    Gate,
    /// `[[stage]]`.
    Stage,
    /// `[cache]`.
    Cache,
    /// `[registry]`.
    Registry,
    /// `[tracking]`.
    Tracking,
    /// `[[notify]]`.
    Notify,
    /// `[tune]`.
    Tune,
    /// `[schedule]`.
    Schedule,
    /// `[retrain]`.
    Retrain,
}

/// Whether `[tune.space]` may search the keys of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trials {
    /// Its keys change how a model learns, and not how it is judged.
    Allowed,
    /// It must not be searched, for this reason.
    Refused(&'static str),
}

/// Which keys of a section a stage's result may follow from; what is set there beside the file keeps the run out of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locked {
    /// All of them.
    All,
    /// All but this key and what is below it.
    AllBut(&'static str),
    /// None of them.
    Nothing,
}

/// Which keys of a section may hold a secret although they should name one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrets {
    /// Only keys that end in `_env`, as in every section.
    Named,
    /// Every key.
    Everywhere,
    /// This key and what is below it.
    Below(&'static str),
}

const SAME_DATA: Trials = Trials::Refused("every trial must learn from the same data");
const JUDGED_ALIKE: Trials = Trials::Refused("every trial must be judged alike");
const NO_MODEL: Trials = Trials::Refused("it changes no model");

impl Section {
    /// Returns the section with that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::VARIANTS
            .iter()
            .copied()
            .find(|section| section.name() == name)
    }

    /// Returns the section of a key such as `train.folds`.
    pub(crate) fn of(key: &str) -> Option<Self> {
        Self::named(key.split('.').next().unwrap_or_default())
    }

    /// Returns the name, as it is written in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Dataset => "dataset",
            Self::Validate => "validate",
            Self::Target => "target",
            Self::Split => "split",
            Self::Features => "features",
            Self::Model => "model",
            Self::Train => "train",
            Self::Calibrate => "calibrate",
            Self::Evaluate => "evaluate",
            Self::Gate => "gate",
            Self::Stage => "stage",
            Self::Cache => "cache",
            Self::Registry => "registry",
            Self::Tracking => "tracking",
            Self::Notify => "notify",
            Self::Tune => "tune",
            Self::Schedule => "schedule",
            Self::Retrain => "retrain",
        }
    }

    /// Returns whether a search may change the section.
    pub(crate) fn search(self) -> Trials {
        match self {
            Self::Features | Self::Target | Self::Model | Self::Train => Trials::Allowed,
            Self::Project => Trials::Refused("a lucky seed is no better model"),
            Self::Dataset | Self::Validate => SAME_DATA,
            Self::Stage => Trials::Refused(
                "programs make the data, and every trial must learn from the same data",
            ),
            Self::Split => Trials::Refused("every trial must be judged on the same folds"),
            Self::Calibrate => {
                Trials::Refused("intervals are made after the score that trials are compared by")
            }
            Self::Evaluate | Self::Gate => JUDGED_ALIKE,
            Self::Cache
            | Self::Registry
            | Self::Tracking
            | Self::Notify
            | Self::Tune
            | Self::Schedule
            | Self::Retrain => NO_MODEL,
        }
    }

    /// Returns the sections that a search may change.
    pub(crate) fn searchable() -> Vec<&'static str> {
        let allowed = Self::VARIANTS
            .iter()
            .filter(|section| section.search() == Trials::Allowed);
        allowed.map(|section| section.name()).collect()
    }

    /// Returns which keys the results of stages follow from.
    pub(crate) fn locked(self) -> Locked {
        match self {
            Self::Project => Locked::AllBut("budget"),
            Self::Dataset
            | Self::Validate
            | Self::Target
            | Self::Split
            | Self::Features
            | Self::Model
            | Self::Train
            | Self::Calibrate
            | Self::Evaluate
            | Self::Stage => Locked::All,
            Self::Gate
            | Self::Cache
            | Self::Registry
            | Self::Tracking
            | Self::Notify
            | Self::Tune
            | Self::Schedule
            | Self::Retrain => Locked::Nothing,
        }
    }

    /// Returns whether the section decides what a model is or how it is judged. Of `[[stage]]`, the data it makes do.
    pub(crate) fn is_of_recipe(self) -> bool {
        match self {
            Self::Project
            | Self::Dataset
            | Self::Validate
            | Self::Target
            | Self::Split
            | Self::Features
            | Self::Model
            | Self::Train
            | Self::Calibrate
            | Self::Evaluate
            | Self::Gate => true,
            Self::Stage
            | Self::Cache
            | Self::Registry
            | Self::Tracking
            | Self::Notify
            | Self::Tune
            | Self::Schedule
            | Self::Retrain => false,
        }
    }

    /// Returns the keys whose text may hold `${env:NAME}` or `${env:NAME:-default}`: names, paths and URLs.
    pub(crate) fn with_variables(self) -> &'static [&'static str] {
        match self {
            Self::Project => &["name"],
            Self::Dataset => &["name", "path", "train", "test", "rul"],
            Self::Cache => &["url"],
            Self::Registry => &["url", "model"],
            Self::Tracking => &["dir", "experiment", "mlflow_url"],
            Self::Validate
            | Self::Target
            | Self::Split
            | Self::Features
            | Self::Model
            | Self::Train
            | Self::Calibrate
            | Self::Evaluate
            | Self::Gate
            | Self::Stage
            | Self::Notify
            | Self::Tune
            | Self::Schedule
            | Self::Retrain => &[],
        }
    }

    /// Returns whether a key of the section, such as `mlflow_url`, may hold variables.
    pub(crate) fn takes_variables(key: &str) -> bool {
        let Some(section) = Self::of(key) else {
            return false;
        };
        section
            .with_variables()
            .iter()
            .any(|name| key.strip_prefix(section.name()) == Some(&format!(".{name}")))
    }

    /// Returns which keys may hold a secret in the wrong place: that of the receiver of a notice is one in itself.
    pub(crate) fn secrets(self) -> Secrets {
        match self {
            Self::Notify => Secrets::Everywhere,
            Self::Schedule => Secrets::Below("secrets"),
            Self::Project
            | Self::Dataset
            | Self::Validate
            | Self::Target
            | Self::Split
            | Self::Features
            | Self::Model
            | Self::Train
            | Self::Calibrate
            | Self::Evaluate
            | Self::Gate
            | Self::Stage
            | Self::Cache
            | Self::Registry
            | Self::Tracking
            | Self::Tune
            | Self::Retrain => Secrets::Named,
        }
    }

    /// Returns a key of another section, and the own one that is meant where the other is written here.
    pub(crate) fn mistaken(self) -> Option<[&'static str; 2]> {
        match self {
            Self::Retrain => Some(["if", "when"]),
            Self::Schedule => Some(["when", "if"]),
            Self::Project
            | Self::Dataset
            | Self::Validate
            | Self::Target
            | Self::Split
            | Self::Features
            | Self::Model
            | Self::Train
            | Self::Calibrate
            | Self::Evaluate
            | Self::Gate
            | Self::Stage
            | Self::Cache
            | Self::Registry
            | Self::Tracking
            | Self::Notify
            | Self::Tune => None,
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns whether a key is one that the results of stages follow from; a key of no section is.
pub(crate) fn is_locked_key(key: &str) -> bool {
    let Some(section) = Section::of(key) else {
        return true;
    };
    match section.locked() {
        Locked::All => true,
        Locked::Nothing => false,
        Locked::AllBut(name) => !is_below(key, section, name),
    }
}

/// Returns whether the value of a key may be a secret that was put in the wrong place.
pub(crate) fn may_be_secret(key: &str) -> bool {
    if key.ends_with("_env") {
        return true;
    }
    let Some(section) = Section::of(key) else {
        return false;
    };
    match section.secrets() {
        Secrets::Named => false,
        Secrets::Everywhere => key.len() > section.name().len(),
        Secrets::Below(name) => is_below(key, section, name),
    }
}

fn is_below(key: &str, section: Section, name: &str) -> bool {
    let own = key
        .strip_prefix(section.name())
        .and_then(|rest| rest.strip_prefix('.'));
    own.and_then(|own| own.strip_prefix(name))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::schema::whole_schema;
    use super::*;

    #[test]
    fn every_section_of_the_schema_is_here_and_no_other() {
        let schema = whole_schema();
        let written: BTreeSet<_> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let known: BTreeSet<_> = Section::VARIANTS
            .iter()
            .map(|section| section.name())
            .chain(["version"])
            .collect();
        assert_eq!(written, known);
    }

    #[test]
    fn keys_find_their_section() {
        assert_eq!(Section::of("train.folds"), Some(Section::Train));
        assert_eq!(Section::of("training.folds"), None);
        assert!(is_locked_key("project.seed") && !is_locked_key("project.budget.memory"));
        assert!(is_locked_key("stage.0.exec") && !is_locked_key("gate.0.margin"));
        assert!(may_be_secret("tracking.token_env") && may_be_secret("notify.0.url"));
        assert!(may_be_secret("schedule.secrets.TOKEN") && !may_be_secret("schedule.cron"));
        assert!(
            Section::takes_variables("registry.url") && !Section::takes_variables("registry.id")
        );
        assert_eq!(
            Section::searchable(),
            ["target", "features", "model", "train"]
        );
    }
}
