//! The sections of a pipeline file: one row for each with everything that the program needs to know about it.

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
    /// Yes: its keys change how a model learns, and not how it is judged.
    Allowed,
    /// No, for this reason.
    Refused(&'static str),
}

/// Which keys of a section may change the result of a stage. Where one of them is set outside the file, the lock is not updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Locked {
    /// All of them.
    All,
    /// All except for this key and those below it.
    AllBut(&'static str),
    /// None of them.
    Nothing,
}

/// Which keys of a section may hold a secret, although they should only name one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secrets {
    /// Only keys that end in `_env`, as in every section.
    Named,
    /// Every key.
    Everywhere,
    /// This key and those below it.
    Below(&'static str),
}

/// Everything that the program needs to know about a section.
struct SectionTraits {
    name: &'static str,
    search: Trials,
    locked: Locked,
    /// Whether it decides what a model is or how it is judged.
    is_of_recipe: bool,
    /// Keys whose text may hold `${env:NAME}` or `${env:NAME:-default}`: names, paths and URLs.
    with_variables: &'static [&'static str],
    secrets: Secrets,
    /// A key of another section, and the key of this one that is meant where it is written here.
    mistaken: Option<[&'static str; 2]>,
}

/// A section whose keys change the model or its scores.
const OF_MODEL: SectionTraits = SectionTraits {
    name: "",
    search: Trials::Allowed,
    locked: Locked::All,
    is_of_recipe: true,
    with_variables: &[],
    secrets: Secrets::Named,
    mistaken: None,
};

/// A section whose keys change no result.
const OF_NO_RESULT: SectionTraits = SectionTraits {
    name: "",
    search: Trials::Refused("it changes no model"),
    locked: Locked::Nothing,
    is_of_recipe: false,
    with_variables: &[],
    secrets: Secrets::Named,
    mistaken: None,
};

const SAME_DATA: Trials = Trials::Refused("every trial must learn from the same data");
const JUDGED_ALIKE: Trials = Trials::Refused("every trial must be judged alike");

impl Section {
    const fn traits(self) -> SectionTraits {
        match self {
            Self::Project => SectionTraits {
                name: "project",
                search: Trials::Refused("a lucky seed is not a better model"),
                locked: Locked::AllBut("budget"),
                with_variables: &["name"],
                ..OF_MODEL
            },
            Self::Dataset => SectionTraits {
                name: "dataset",
                search: SAME_DATA,
                with_variables: &["name", "path", "train", "test", "rul"],
                ..OF_MODEL
            },
            Self::Validate => SectionTraits {
                name: "validate",
                search: SAME_DATA,
                ..OF_MODEL
            },
            Self::Target => SectionTraits {
                name: "target",
                ..OF_MODEL
            },
            Self::Split => SectionTraits {
                name: "split",
                search: Trials::Refused("every trial must be judged on the same folds"),
                ..OF_MODEL
            },
            Self::Features => SectionTraits {
                name: "features",
                ..OF_MODEL
            },
            Self::Model => SectionTraits {
                name: "model",
                ..OF_MODEL
            },
            Self::Train => SectionTraits {
                name: "train",
                ..OF_MODEL
            },
            Self::Calibrate => SectionTraits {
                name: "calibrate",
                search: Trials::Refused(
                    "intervals are made after the score that trials are compared by",
                ),
                ..OF_MODEL
            },
            Self::Evaluate => SectionTraits {
                name: "evaluate",
                search: JUDGED_ALIKE,
                ..OF_MODEL
            },
            Self::Gate => SectionTraits {
                name: "gate",
                search: JUDGED_ALIKE,
                locked: Locked::Nothing,
                ..OF_MODEL
            },
            // The recipe has the digests of the data that programs make, not the programs.
            Self::Stage => SectionTraits {
                name: "stage",
                search: Trials::Refused(
                    "programs make the data, and every trial must learn from the same data",
                ),
                is_of_recipe: false,
                ..OF_MODEL
            },
            Self::Cache => SectionTraits {
                name: "cache",
                with_variables: &["url"],
                ..OF_NO_RESULT
            },
            Self::Registry => SectionTraits {
                name: "registry",
                with_variables: &["url", "model"],
                ..OF_NO_RESULT
            },
            Self::Tracking => SectionTraits {
                name: "tracking",
                with_variables: &["dir", "experiment", "mlflow_url"],
                ..OF_NO_RESULT
            },
            // The address of a receiver is a secret itself.
            Self::Notify => SectionTraits {
                name: "notify",
                secrets: Secrets::Everywhere,
                ..OF_NO_RESULT
            },
            Self::Tune => SectionTraits {
                name: "tune",
                ..OF_NO_RESULT
            },
            Self::Schedule => SectionTraits {
                name: "schedule",
                secrets: Secrets::Below("secrets"),
                mistaken: Some(["when", "if"]),
                ..OF_NO_RESULT
            },
            Self::Retrain => SectionTraits {
                name: "retrain",
                mistaken: Some(["if", "when"]),
                ..OF_NO_RESULT
            },
        }
    }

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
        self.traits().name
    }

    /// Returns whether a search may change the section.
    pub(crate) fn search(self) -> Trials {
        self.traits().search
    }

    /// Returns the sections that a search may change.
    pub(crate) fn searchable() -> Vec<&'static str> {
        Self::VARIANTS
            .iter()
            .filter(|section| section.search() == Trials::Allowed)
            .map(|section| section.name())
            .collect()
    }

    /// Returns whether the section decides what a model is or how it is judged.
    pub(crate) fn is_of_recipe(self) -> bool {
        self.traits().is_of_recipe
    }

    /// Returns whether the text of a key, such as `tracking.mlflow_url`, may hold variables.
    pub(crate) fn takes_variables(key: &str) -> bool {
        let Some((section, name)) = key.split_once('.') else {
            return false;
        };
        match Self::named(section) {
            Some(section) => section.traits().with_variables.contains(&name),
            None => false,
        }
    }

    /// Returns a key of another section, and the key of this one that is meant where it is written here.
    pub(crate) fn mistaken(self) -> Option<[&'static str; 2]> {
        self.traits().mistaken
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns whether a key may change the result of a stage; a key of no section may.
pub(crate) fn is_locked_key(key: &str) -> bool {
    let Some(section) = Section::of(key) else {
        return true;
    };
    match section.traits().locked {
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
    match section.traits().secrets {
        Secrets::Named => false,
        Secrets::Everywhere => key.len() > section.name().len(),
        Secrets::Below(name) => is_below(key, section, name),
    }
}

fn is_below(key: &str, section: Section, name: &str) -> bool {
    let path = format!("{}.{name}", section.name());
    key.strip_prefix(&path)
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
