//! Compares two versions: files, scores, options and origin.

mod options;

use serde::Serialize;
use serde_json::Value;

use super::error::RegistryError;
use super::manifest::{FileEntry, ModelVersion, VersionId};
use super::name::Alias;
use super::reference::ModelRef;
use super::registry::Registry;
use pdm_core::content::Digest;
use pdm_core::scoring::{Scored, SideBySide, side_by_side};

/// The differences between two versions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// One version.
    pub a: Side,
    /// The other.
    pub b: Side,
    /// Every file of either bundle, in order of path.
    pub files: Vec<FileChange>,
    /// Their scores.
    pub scores: SideBySide,
    /// Differing options of model, target and features, and of the input schema, in order of name.
    pub options: Vec<ValueChange>,
    /// Differing origin, in order of name.
    pub origin: Vec<ValueChange>,
}

/// One of two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Its name.
    pub id: VersionId,
    /// The registry it is in.
    pub registry: String,
    /// Its bundle.
    pub bundle: Digest,
    /// Aliases that point to it.
    pub aliases: Vec<Alias>,
    /// Whether it was taken out of use.
    pub retired: bool,
}

/// How a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only the second version has it.
    Added,
    /// Only the first version has it.
    Removed,
    /// Both have it, with different bytes.
    Changed,
    /// Both have the same bytes.
    Same,
}

/// One file of two bundles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Path within the bundle.
    pub path: String,
    /// How it differs.
    pub change: Change,
    /// The file in the first version.
    pub a: Option<FileEntry>,
    /// The file in the second version.
    pub b: Option<FileEntry>,
}

/// A named value that differs; `None` if a version does not have it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueChange {
    /// Name of the value, with dots.
    pub name: String,
    /// Its value in the first version.
    pub a: Option<Value>,
    /// Its value in the second version.
    pub b: Option<Value>,
}

impl Registry {
    /// Compares a version with another, which may be in another registry.
    ///
    /// # Errors
    /// An unknown model or version, [`RegistryError::Collected`], damaged blobs, and errors of the stores.
    pub async fn diff(
        &self,
        a: &ModelRef,
        other: &Self,
        b: &ModelRef,
    ) -> Result<Difference, RegistryError> {
        let ((a, side_a), (b, side_b)) = (self.side(a).await?, other.side(b).await?);
        let ours = self.evidence(&a).await?;
        let theirs = other.evidence(&b).await?;
        let options = ValueChange::between(self.options(&a).await?, other.options(&b).await?);
        Ok(Difference {
            files: files(&a, &b),
            scores: side_by_side(
                Scored {
                    card: &ours.0,
                    predictions: &ours.1,
                },
                Scored {
                    card: &theirs.0,
                    predictions: &theirs.1,
                },
            ),
            options,
            origin: ValueChange::between(origin(&a), origin(&b)),
            a: side_a,
            b: side_b,
        })
    }

    async fn side(&self, reference: &ModelRef) -> Result<(ModelVersion, Side), RegistryError> {
        let state = self.state(None).await?;
        let version = state.resolve(reference)?.clone();
        let model = state.model(&version.model)?;
        let side = Side {
            id: version.id(),
            registry: self.store().location().to_owned(),
            bundle: version.bundle,
            aliases: model.aliases_of(version.version),
            retired: model.is_retired(version.version),
        };
        Ok((version, side))
    }
}

impl super::blocking::Registry {
    /// Compares two versions; see [`Registry::diff`].
    ///
    /// # Errors
    /// As there.
    pub fn diff(
        &self,
        a: &ModelRef,
        other: &Self,
        b: &ModelRef,
    ) -> Result<Difference, RegistryError> {
        self.wait(self.inner.diff(a, &other.inner, b))
    }
}

fn files(a: &ModelVersion, b: &ModelVersion) -> Vec<FileChange> {
    let find = |version: &ModelVersion, path: &str| {
        version
            .files
            .iter()
            .find(|f| f.path.as_str() == path)
            .cloned()
    };
    let mut paths: Vec<_> = a
        .files
        .iter()
        .chain(&b.files)
        .map(|file| file.path.as_str())
        .collect();
    paths.sort_unstable();
    paths.dedup();
    let change = |path: &str| {
        let a = find(a, path);
        let b = find(b, path);
        let change = match (&a, &b) {
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            (Some(a), Some(b)) if a.sha256 == b.sha256 => Change::Same,
            _ => Change::Changed,
        };
        FileChange {
            path: path.to_owned(),
            change,
            a,
            b,
        }
    };
    paths.into_iter().map(change).collect()
}

fn origin(version: &ModelVersion) -> Vec<(String, Value)> {
    let copied = version.copied.as_ref();
    let report = version.report.map(|report| report.to_string());
    let pairs = [
        ("bundle", Value::from(version.bundle.to_string())),
        ("scorecard", version.scorecard.to_string().into()),
        ("predictions", version.predictions.to_string().into()),
        ("gate_report", report.into()),
        ("kind", version.origin.kind.clone().into()),
        ("training_data", version.origin.data.to_string().into()),
        ("pipeline", version.origin.pipeline.clone().into()),
        ("run", version.origin.run.clone().into()),
        ("seed", version.origin.seed.into()),
        ("created", version.origin.created.to_string().into()),
        (
            "copied_from",
            copied
                .map(|from| format!("v{} of {}", from.version, from.registry))
                .into(),
        ),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

impl ValueChange {
    /// Returns the values that differ, in order of name; null counts as missing.
    fn between(a: Vec<(String, Value)>, b: Vec<(String, Value)>) -> Vec<Self> {
        let find = |values: &[(String, Value)], name: &str| {
            let value = values
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone());
            value.filter(|value| !value.is_null())
        };
        let mut names: Vec<_> = a.iter().chain(&b).map(|(name, _)| name.clone()).collect();
        names.sort();
        names.dedup();
        let change = |name: String| Self {
            a: find(&a, &name),
            b: find(&b, &name),
            name,
        };
        names
            .into_iter()
            .map(change)
            .filter(|change| change.a != change.b)
            .collect()
    }
}

#[cfg(test)]
mod tests;
