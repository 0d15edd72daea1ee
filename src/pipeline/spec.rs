use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::budget::BudgetOptions;
use super::combinations::combination_problems;
use super::decode::{Decoder, Family, Nest};
use super::errors::SpecErrors;
use super::exec::ExecOptions;
use super::findings::{Finding, Findings};
use super::interpolate::{Environment, interpolate};
use super::keys::Keys;
use super::origins::Origins;
use super::overrides;
use super::schema::file_schema;
use super::search::unusable_values;
use super::source::Sources;
use crate::data::{DatasetOptions, SplitOptions, ValidateOptions};
use crate::domain::Problem;
use crate::features::{FeatureOptions, TargetOptions};
use crate::models::{ModelOptions, StackOptions};
use crate::registry::{GateOptions, ModelName, RegistryOptions};
use crate::scoring::{CalibrateOptions, EvaluateOptions};
use crate::tracking::TrackingOptions;
use crate::train::{Recipe, TrainOptions};
use crate::tune::TuneOptions;

/// The version of the file's format that this program reads and writes.
pub const VERSION: u32 = 1;

/// Keys whose text may hold `${env:NAME}` or `${env:NAME:-default}`: names, paths and URLs.
pub(super) const FROM_ENVIRONMENT: &[&str] = &[
    "project.name",
    "dataset.name",
    "dataset.path",
    "dataset.train",
    "dataset.test",
    "dataset.rul",
    "registry.url",
    "registry.model",
    "tracking.dir",
    "tracking.experiment",
    "tracking.mlflow_url",
];

/// One pipeline file, all defaults filled in: what every stage does.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PipelineSpec {
    /// Version of the file's format: 1.
    pub version: u32,
    /// What the pipeline is called.
    pub project: ProjectOptions,
    /// Where the data comes from.
    pub dataset: DatasetOptions,
    /// What the data must be like.
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
    /// What a model must show before it is promoted; one `[[gate]]` each.
    #[serde(rename = "gate", default)]
    pub gates: Vec<GateOptions>,
    /// Programs of yours that run as stages of the line; one `[[stage]]` each.
    #[serde(rename = "stage", default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<ExecOptions>,
    /// Where model versions are kept.
    #[serde(default)]
    pub registry: RegistryOptions,
    /// Where runs are remembered.
    #[serde(default)]
    pub tracking: TrackingOptions,
    /// What `pdm-ml tune` searches, and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tune: Option<TuneOptions>,
}

/// What the pipeline is called, the seed of all that is drawn at random, and what a command may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectOptions {
    /// Name of the pipeline: lower-case letters, digits, `-`, `_` and `.`; names its runs and its model.
    pub name: String,
    /// Seed of everything random; the same seed gives the same bytes.
    #[serde(default)]
    pub seed: u64,
    /// How much one command may spend.
    #[serde(default, skip_serializing_if = "BudgetOptions::is_unlimited")]
    pub budget: BudgetOptions,
}

impl ProjectOptions {
    /// Returns what is out of range.
    pub fn problems(&self) -> Vec<Problem> {
        let name = self.name.parse::<ModelName>().err().map(|error| Problem::new("name", error.to_string()));
        let budget = self.budget.problems().into_iter().map(|problem| problem.within("budget"));
        name.into_iter().chain(budget).collect()
    }
}

impl Family for DatasetOptions {
    const KINDS: &'static [&'static str] = Self::KINDS;

    fn decode<'de, D: Deserializer<'de>>(kind: &str, options: D) -> Option<Result<Self, D::Error>> {
        Self::decode(kind, options)
    }
}

impl Family for ModelOptions {
    const KINDS: &'static [&'static str] = Self::KINDS;
    const NEST: Option<Nest<Self>> = Some(Nest {
        kind: "stack",
        key: "member",
        kinds: Self::MEMBER_KINDS,
        fill: |stack, member| match stack {
            Self::Stack(_) => Self::Stack(StackOptions { member }),
            other => other,
        },
    });

    fn decode<'de, D: Deserializer<'de>>(kind: &str, options: D) -> Option<Result<Self, D::Error>> {
        Self::decode(kind, options)
    }
}

impl PipelineSpec {
    /// Reads a pipeline file, with what `overrides` (`KEY=VALUE`) set and what `env` fills in.
    ///
    /// `file_name` is only shown.
    ///
    /// # Errors
    /// Everything that is wrong with the file and the overrides, in one pass.
    pub fn load(
        text: &str,
        file_name: &str,
        overrides: &[String],
        env: Environment<'_>,
    ) -> Result<(Self, Origins), SpecErrors> {
        Self::load_checked(text, file_name, overrides, env, |_| Vec::new())
    }

    /// Reads a pipeline file as [`PipelineSpec::load`] does, for a search: every value of `[tune.space]` must make sense in it.
    ///
    /// # Errors
    /// As [`PipelineSpec::load`]; and, where the other sections are sound, the values that no trial could use.
    pub fn load_to_search(
        text: &str,
        file_name: &str,
        overrides: &[String],
        env: Environment<'_>,
    ) -> Result<(Self, Origins), SpecErrors> {
        Self::load_checked(text, file_name, overrides, env, unusable_values)
    }

    fn load_checked(
        text: &str,
        file_name: &str,
        overrides: &[String],
        env: Environment<'_>,
        further: impl Fn(&Self) -> Vec<Problem>,
    ) -> Result<(Self, Origins), SpecErrors> {
        let mut sources = Sources::new(file_name, text);
        let mut root = match parse(text) {
            Ok(root) => root,
            Err(findings) => return Err(SpecErrors::new(sources, findings)),
        };
        let mut findings = Findings::default();
        overrides::apply(&mut root, overrides, &mut sources, &mut findings);
        if let Some(finding) = version_finding(&root) {
            return Err(SpecErrors::new(sources, vec![finding]));
        }
        let filled = interpolate(&mut root, FROM_ENVIRONMENT, env, &mut findings);
        let mut decoder = Decoder::new(root, findings, || Keys::new(file_schema()));
        let spec = Self::decode(&mut decoder);
        let (index, mut findings) = decoder.finish();
        if let Some(spec) = &spec {
            let problems = combination_problems(spec, |path| findings.touches_broken(path));
            findings.add_problems(&index, problems);
            if findings.only_within("tune") {
                findings.add_problems(&index, further(spec));
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
    fn decode(file: &mut Decoder<'_>) -> Option<Self> {
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
        let registry = file.section("registry", RegistryOptions::problems);
        let tracking = file.section("tracking", TrackingOptions::problems);
        let tune = file.optional("tune", TuneOptions::problems);
        Some(Self {
            version: VERSION,
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
            registry,
            tracking,
            tune,
        })
    }

    /// Returns how features and a model are learnt.
    pub fn recipe(&self) -> Recipe<'_> {
        Recipe { features: &self.features, target: &self.target, model: &self.model, training: &self.train }
    }

    /// Returns the file with all defaults filled in; it loads back to the same specification.
    ///
    /// # Panics
    /// Never: a loaded specification holds only what TOML can hold.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a loaded specification holds only what TOML can hold")
    }
}

fn parse(text: &str) -> Result<DeTable<'_>, Vec<Finding>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(root.into_inner());
    }
    let mut findings: Vec<Finding> = Vec::new();
    for error in errors {
        // After its first mistake, the rest of a line is seldom understood as it was meant.
        let line = |span: &Option<std::ops::Range<usize>>| {
            span.as_ref()
                .map(|span| text.as_bytes()[..span.start.min(text.len())].iter().filter(|b| **b == b'\n').count())
        };
        let span = error.span();
        if findings.iter().all(|finding| line(&finding.span) != line(&span)) {
            let message = error.message().trim_end_matches(", expected nothing");
            findings.push(Finding::new("", message).at(span));
        }
    }
    Err(findings)
}

/// A file of another version is read no further: its keys may mean something else.
fn version_finding(root: &DeTable<'_>) -> Option<Finding> {
    let Some(version) = root.get("version") else {
        let hint = format!("write `version = {VERSION}` at the top");
        return Some(Finding::new("version", "missing key `version`").hint(Some(hint)));
    };
    if is_known(version) {
        return None;
    }
    let written = match version.get_ref() {
        DeValue::Integer(number) => number.to_string(),
        other => format!("of type {}", other.type_str()),
    };
    let message = format!("the format's version is {written}, and this program reads version {VERSION}");
    Some(Finding::new("version", message).at(Some(version.span())))
}

fn is_known(version: &Spanned<DeValue<'_>>) -> bool {
    version.get_ref().as_integer().is_some_and(|number| number.to_string() == VERSION.to_string())
}
