//! The pipeline of a trial: the same one with other values.

use serde::de::DeserializeOwned;
use serde_json::{Error, Map, Value, json};

use super::combinations::combination_problems;
use super::decode::steps;
use super::spec::PipelineSpec;
use super::words;
use pdm_core::domain::Problem;
use pdm_models::models::ModelOptions;
use pdm_models::tune::SearchPoint;

/// The key that chooses a model family; another family starts from its own defaults.
pub(super) const KIND: &str = "model.kind";

impl PipelineSpec {
    /// Returns this pipeline with other values for keys of `[features]`, `[target]`, `[model]` and `[train]`, and without
    /// its `[tune]`. Where `model.kind` changes, all other keys of `[model]` have the defaults of the new family.
    ///
    /// # Errors
    /// What is wrong with these values, with paths from the top of the file.
    pub fn with_values(&self, values: &SearchPoint) -> Result<Self, Vec<Problem>> {
        let mut variant = Variant::of(self, values);
        for (key, value) in values {
            variant.put(key, value);
        }
        // All sections are read before any is refused, so that all problems are found.
        let features = variant.section("features");
        let target = variant.section("target");
        let model = variant.model();
        let train = variant.section("train");
        let (Some(features), Some(target), Some(model), Some(train)) =
            (features, target, model, train)
        else {
            return Err(variant.problems);
        };
        if !variant.problems.is_empty() {
            return Err(variant.problems);
        }
        let spec = Self {
            features,
            target,
            model,
            train,
            tune: None,
            ..self.clone()
        };
        let problems = spec.problems_of_variant();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(spec)
    }

    /// Returns the value of a dotted key, where it has one.
    pub fn value_of(&self, key: &str) -> Option<Value> {
        let spec = serde_json::to_value(self).ok()?;
        key.split('.').try_fold(spec, |value, step| match value {
            Value::Object(mut table) => table.remove(step),
            Value::Array(mut items) => step
                .parse()
                .ok()
                .filter(|at| *at < items.len())
                .map(|at| items.swap_remove(at)),
            _ => None,
        })
    }

    fn problems_of_variant(&self) -> Vec<Problem> {
        let sections = [
            ("features", self.features.problems()),
            ("target", self.target.problems()),
            ("model", self.model.problems()),
            ("train", self.train.problems()),
        ];
        let within = |(name, problems): (&str, Vec<Problem>)| {
            problems
                .into_iter()
                .map(|problem| problem.within(name))
                .collect::<Vec<_>>()
        };
        let problems: Vec<_> = sections.into_iter().flat_map(within).collect();
        if problems.is_empty() {
            combination_problems(self, |_| false)
        } else {
            problems
        }
    }
}

/// The sections that may change, with the values set so far.
struct Variant<'v> {
    sections: Map<String, Value>,
    values: &'v SearchPoint,
    problems: Vec<Problem>,
}

impl<'v> Variant<'v> {
    fn of(spec: &PipelineSpec, values: &'v SearchPoint) -> Self {
        let other_kind = values
            .get(KIND)
            .is_some_and(|kind| *kind != spec.model.kind());
        let model = if other_kind {
            json!({})
        } else {
            json!(spec.model)
        };
        let sections = [
            ("features", json!(spec.features)),
            ("target", json!(spec.target)),
            ("model", model),
            ("train", json!(spec.train)),
        ];
        let sections = sections
            .into_iter()
            .map(|(name, section)| (name.to_owned(), section))
            .collect();
        Self {
            sections,
            values,
            problems: Vec::new(),
        }
    }

    fn put(&mut self, key: &str, value: &Value) {
        let (section, rest) = key
            .split_once('.')
            .map_or((key, None), |(section, rest)| (section, Some(rest)));
        let place = self.sections.get_mut(section).and_then(|table| match rest {
            None => Some(table),
            Some(rest) => place_within(table, rest),
        });
        match place {
            Some(place) => *place = value.clone(),
            None => self
                .problems
                .push(Problem::new(key, "has no place in the file")),
        }
    }

    fn section<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value = self.sections.remove(name).unwrap_or_default();
        self.read(name, value, |value| T::deserialize(value))
    }

    fn model(&mut self) -> Option<ModelOptions> {
        let mut table = self.sections.remove("model").unwrap_or_default();
        let kind = table.as_object_mut().and_then(|table| table.remove("kind"));
        let kind = kind
            .as_ref()
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let unknown = || serde::de::Error::custom(format!("there is no kind `{kind}`"));
        self.read("model", table, |table| {
            ModelOptions::decode(&kind, table).unwrap_or_else(|| Err(unknown()))
        })
    }

    fn read<T>(
        &mut self,
        name: &str,
        value: Value,
        read: impl FnOnce(UnreadKeys<'_, '_>) -> Result<T, Error>,
    ) -> Option<T> {
        let mut unknown = Vec::new();
        let mut note = |path: serde_ignored::Path<'_>| unknown.push(steps(&path).join("."));
        let mut note: &mut dyn FnMut(serde_ignored::Path<'_>) = &mut note;
        let result = read(serde_ignored::Deserializer::new(value, &mut note));
        let ignored =
            |path: String| Problem::new(format!("{name}.{path}"), "is not a key of the pipeline");
        self.problems.extend(unknown.into_iter().map(ignored));
        match result {
            Ok(options) => Some(options),
            Err(error) => {
                let key = self.culprit(name);
                let problem = words::translate(&error.to_string(), &key, None);
                self.problems.push(Problem {
                    code: problem.code,
                    path: key,
                    message: problem.message,
                    hint: problem.hint,
                });
                None
            }
        }
    }

    /// Returns the key that is probably wrong where a section cannot be read: one that was set.
    fn culprit(&self, section: &str) -> String {
        let within = |key: &&String| key.split('.').next() == Some(section);
        let other_than_kind = self.values.keys().filter(within).rfind(|key| *key != KIND);
        other_than_kind
            .or_else(|| self.values.keys().find(within))
            .cloned()
            .unwrap_or_else(|| section.to_owned())
    }
}

/// A value that reports the keys that are not read.
type UnreadKeys<'b, 'n> =
    serde_ignored::Deserializer<'b, 'b, Value, &'n mut dyn FnMut(serde_ignored::Path<'_>)>;

/// Returns the place of a key in a table, which is added where it is absent; none where its place is taken by something else.
fn place_within<'t>(table: &'t mut Value, key: &str) -> Option<&'t mut Value> {
    let (step, rest) = key
        .split_once('.')
        .map_or((key, None), |(step, rest)| (step, Some(rest)));
    let place = match table {
        Value::Object(table) => table.entry(step).or_insert_with(|| json!({})),
        Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?)?,
        _ => return None,
    };
    match rest {
        None => Some(place),
        Some(rest) => place_within(place, rest),
    }
}
