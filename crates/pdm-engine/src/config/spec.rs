//! The pipeline: all sections of a file, read and checked.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::budget::BudgetOptions;
use super::combinations::combination_problems;
use super::decode::{Decoder, Nest, TaggedOptions};
use super::errors::SpecErrors;
use super::exec::ExecOptions;
use super::findings::SpecFindings;
use super::format;
use super::interpolate::interpolate;
use super::keys::SchemaKeys;
use super::layers::{self, EXTENDS, Layers, PROFILE};
use super::origins::Origins;
use super::overrides;
use super::retrain::RetrainOptions;
use super::schema::{profile_schema, whole_schema};
use super::search::unusable_values;
use super::section::Section;
use super::source::Sources;
use crate::cache::CacheOptions;
use crate::schedule::ScheduleOptions;
use pdm_core::domain::EnvLookup;
use pdm_core::domain::{Problem, ResolvedValue};
use pdm_core::gates::GateOptions;
use pdm_core::scoring::{CalibrateOptions, EvaluateOptions};
use pdm_models::data::{DatasetOptions, Lives, SplitOptions, ValidateOptions};
use pdm_models::features::{FeatureOptions, TargetOptions};
use pdm_models::models::{ModelOptions, StackOptions};
use pdm_models::train::{Recipe, TrainOptions};
use pdm_models::tune::TuneOptions;
use pdm_store::registry::{ModelName, RegistryOptions};
use pdm_tracking::notify::NotifyOptions;
use pdm_tracking::tracking::TrackingOptions;

/// A pipeline, with all defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PipelineSpec {
    /// Version of the file's format: 3; files of versions 1 and 2 are also read.
    pub version: u32,
    /// Name, seed and budget of the pipeline.
    pub project: ProjectOptions,
    /// Where the data come from.
    pub dataset: DatasetOptions,
    /// Expectations that the data must meet.
    #[serde(default)]
    pub validate: ValidateOptions,
    /// What a model learns to predict.
    #[serde(default)]
    pub target: TargetOptions,
    /// How training units are divided.
    #[serde(default)]
    pub split: SplitOptions,
    /// How histories become model inputs.
    #[serde(default)]
    pub features: FeatureOptions,
    /// Which model is fitted.
    #[serde(default)]
    pub model: ModelOptions,
    /// What a model learns from.
    #[serde(default)]
    pub train: TrainOptions,
    /// How intervals are calibrated.
    #[serde(default)]
    pub calibrate: CalibrateOptions,
    /// How predictions are scored.
    #[serde(default)]
    pub evaluate: EvaluateOptions,
    /// Rules that a model must pass before it is promoted; one `[[gate]]` each.
    #[serde(rename = "gate", default)]
    pub gates: Vec<GateOptions>,
    /// Your own programs that run as stages of the pipeline; one `[[stage]]` each.
    #[serde(rename = "stage", default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<ExecOptions>,
    /// Where results of stages are shared between machines.
    #[serde(default)]
    pub cache: CacheOptions,
    /// Where model versions are kept.
    #[serde(default)]
    pub registry: RegistryOptions,
    /// Where runs are recorded.
    #[serde(default)]
    pub tracking: TrackingOptions,
    /// Who gets a notice when a run ends; one `[[notify]]` each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<NotifyOptions>,
    /// What `pdm-ml tune` searches, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tune: Option<TuneOptions>,
    /// When the pipeline runs automatically, for `pdm-ml schedule`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleOptions>,
    /// When `pdm-ml retrain` makes a new model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrain: Option<RetrainOptions>,
}

/// Name, seed and budget of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectOptions {
    /// Name of the pipeline, of its runs and of its model: lower-case letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Seed of everything random; the same seed gives the same bytes.
    #[serde(default)]
    pub seed: u64,
    /// The most that one command may use.
    #[serde(default, skip_serializing_if = "BudgetOptions::is_unlimited")]
    pub budget: BudgetOptions,
}

impl ProjectOptions {
    /// Returns what is out of range.
    pub fn problems(&self) -> Vec<Problem> {
        let name = self.name.parse::<ModelName>().err().map(|error| {
            let problem = Problem::new("name", error.to_string()).with_code(error.code());
            match near(&self.name) {
                Some(name) => problem.hint(format!("such as \"{name}\"")),
                None => problem,
            }
        });
        let budget = self
            .budget
            .problems()
            .into_iter()
            .map(|problem| problem.within("budget"));
        name.into_iter().chain(budget).collect()
    }
}

impl TaggedOptions for DatasetOptions {
    const KINDS: &'static [&'static str] = Self::KINDS;

    fn decode<'de, D: Deserializer<'de>>(kind: &str, options: D) -> Option<Result<Self, D::Error>> {
        Self::decode(kind, options)
    }
}

impl TaggedOptions for ModelOptions {
    const KINDS: &'static [&'static str] = Self::KINDS;
    const NEST: Option<Nest<Self>> = Some(Nest {
        kind: "stack",
        key: "member",
        kinds: Self::MEMBER_KINDS,
        fill: |model, member| {
            if model.stack().is_some() {
                Self::Stack(StackOptions { member })
            } else {
                model
            }
        },
    });

    fn decode<'de, D: Deserializer<'de>>(kind: &str, options: D) -> Option<Result<Self, D::Error>> {
        Self::decode(kind, options)
    }
}

impl TaggedOptions for NotifyOptions {
    const KINDS: &'static [&'static str] = Self::KINDS;

    fn decode<'de, D: Deserializer<'de>>(kind: &str, options: D) -> Option<Result<Self, D::Error>> {
        Self::decode(kind, options)
    }
}

impl PipelineSpec {
    /// Reads a single pipeline file, with `overrides` (`KEY=VALUE`) and the variables of `env`.
    ///
    /// `file_name` is only shown.
    ///
    /// # Errors
    /// Everything that is wrong with the file and the overrides, in one pass.
    pub fn load(
        text: &str,
        file_name: &str,
        overrides: &[String],
        env: EnvLookup<'_>,
    ) -> Result<(Self, Origins), SpecErrors> {
        Self::compose(
            &Layers::of_text(text, file_name).with_overrides(overrides),
            env,
        )
    }

    /// Reads a pipeline from all its layers, with the variables of `env`.
    ///
    /// # Errors
    /// Everything that is wrong with the layers, in one pass; where a file cannot be read or is not TOML, only that.
    pub fn compose(layers: &Layers, env: EnvLookup<'_>) -> Result<(Self, Origins), SpecErrors> {
        Self::compose_checked(layers, env, |_| Vec::new())
    }

    /// Reads a pipeline like [`PipelineSpec::compose`], for a search: every value of `[tune.space]` must be usable.
    ///
    /// # Errors
    /// As [`PipelineSpec::compose`]; and, where the other sections are valid, the values that no trial could use.
    pub fn compose_to_search(
        layers: &Layers,
        env: EnvLookup<'_>,
    ) -> Result<(Self, Origins), SpecErrors> {
        Self::compose_checked(layers, env, unusable_values)
    }

    fn compose_checked(
        layers: &Layers,
        env: EnvLookup<'_>,
        further: impl Fn(&Self) -> Vec<Problem>,
    ) -> Result<(Self, Origins), SpecErrors> {
        let mut sources = Sources::new(&layers.name, &layers.text);
        let file = match layers::read(layers, &mut sources, env) {
            Ok(file) => file,
            Err(findings) => return Err(SpecErrors::new(sources, findings)),
        };
        let mut root = file.laid();
        let mut findings = SpecFindings::default();
        let unchosen = layers::choose(&mut root, layers, &mut sources, &mut findings);
        layers::apply_variables(&mut root, &layers.variables, &mut sources, &mut findings);
        overrides::apply(&mut root, &layers.overrides, &mut sources, &mut findings);
        let version = match format::version(&root) {
            Ok(version) => version,
            Err(finding) => return Err(SpecErrors::new(sources, vec![finding])),
        };
        let filled = interpolate(&mut root, Section::takes_variables, env, &mut findings);
        let mut decoder = Decoder::new(root, findings, || SchemaKeys::new(whole_schema()));
        let spec = Self::decode(&mut decoder, version);
        let (index, mut findings) = decoder.finish();
        if let Some(spec) = &spec {
            let problems = combination_problems(spec, |path| findings.touches_broken(path));
            findings.add_problems(&index, problems);
            if findings.only_within("tune") {
                findings.add_problems(&index, further(spec));
            }
        }
        if !unchosen.is_empty() {
            for finding in layers::mistakes(&unchosen, &profile_schema()) {
                findings.push(finding);
            }
        }
        match spec {
            Some(spec) if findings.is_empty() => {
                let origins = Origins::of(&spec, &sources, &index, &filled);
                Ok((spec, origins))
            }
            _ => Err(SpecErrors::new(sources, findings.into_vec())),
        }
    }

    /// Reads all sections, so that the mistakes of all of them are found.
    fn decode(file: &mut Decoder<'_>, version: u32) -> Option<Self> {
        file.take("version");
        let project = file.required("project", "`name = \"…\"`", ProjectOptions::problems);
        let dataset = file.required_family("dataset", "`kind = \"…\"`", DatasetOptions::problems);
        let validate = file.section("validate", ValidateOptions::problems);
        let target = file.section("target", TargetOptions::problems);
        let split = file.section("split", SplitOptions::problems);
        let features = file.section("features", FeatureOptions::problems);
        let model = file.family("model", ModelOptions::problems);
        let train = file.section("train", TrainOptions::problems);
        let calibrate = file.section("calibrate", CalibrateOptions::problems);
        let evaluate = file.section("evaluate", EvaluateOptions::problems);
        let gates = file.list("gate", GateOptions::problems);
        let stages = file.list("stage", ExecOptions::problems);
        let cache = file.section("cache", CacheOptions::problems);
        let registry = file.section("registry", RegistryOptions::problems);
        let tracking = file.section("tracking", TrackingOptions::problems);
        let notify = file.family_list("notify", NotifyOptions::problems);
        let tune = file.optional("tune", TuneOptions::problems);
        let schedule = file.optional("schedule", ScheduleOptions::problems);
        let retrain = file.optional("retrain", RetrainOptions::problems);
        // They are removed already; taken here so that a misspelt one is recognized.
        for name in [EXTENDS, PROFILE] {
            file.take(name);
        }
        Some(Self {
            version: version.max(format::least_version(&train)),
            project: project?,
            dataset: dataset?,
            validate,
            target,
            split,
            features,
            model,
            train,
            calibrate,
            evaluate,
            gates,
            stages,
            cache,
            registry,
            tracking,
            notify,
            tune,
            schedule,
            retrain,
        })
    }

    /// Returns the options that features and a model are learnt by.
    pub fn recipe(&self) -> Recipe<'_> {
        Recipe {
            features: &self.features,
            target: &self.target,
            model: &self.model,
            training: &self.train,
        }
    }

    /// Returns this pipeline with a value for every option that is left to the data, given the lives of the training units.
    #[must_use]
    pub fn settled(&self, lives: &Lives) -> Self {
        let features = self.features.settled(lives);
        Self {
            model: self.model.settled(features.time_scale()),
            features,
            target: self.target.settled(lives),
            train: self.train.settled(lives),
            ..self.clone()
        }
    }

    /// Returns the options that are left to the data, with their values and the reason for them.
    pub fn found(&self, lives: &Lives) -> Vec<ResolvedValue> {
        let mut found: Vec<ResolvedValue> = self.target.found(lives).into_iter().collect();
        found.extend(self.features.found(lives));
        let time_scale = self.features.settled(lives).time_scale();
        if let Some(stride) = self.model.found_stride(time_scale) {
            found.push(ResolvedValue {
                key: "model.stride".to_owned(),
                value: stride.to_string(),
                why: format!("the median training life has {} rows", lives.median),
                usual: time_scale == 1.0,
            });
        }
        found.extend(self.train.found(lives));
        found
    }

    /// Returns the file with all defaults filled in; it loads back to the same pipeline.
    ///
    /// # Panics
    /// Never: a loaded pipeline holds only what TOML can hold.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a loaded pipeline holds only what TOML can hold")
    }
}

/// Returns a valid name that is similar to an invalid one.
fn near(name: &str) -> Option<String> {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let name: String = name.trim().chars().map(plain).collect();
    let name = name.trim_matches('-');
    name.parse::<ModelName>().is_ok().then(|| name.to_owned())
}
