//! Data sets as MLflow records them.

use serde_json::json;

use super::names;
use super::wire::{Dataset, DatasetInput, WirePair};
use pdm_core::events::InputData;

/// Longest digest MLflow accepts, in characters.
const LONGEST_DIGEST: usize = 36;
/// Longest name of a data set MLflow accepts, in characters.
const LONGEST_NAME: usize = 500;
/// Tag with the purpose of a data set.
const CONTEXT: &str = "mlflow.data.context";

/// Returns data as MLflow records them: with the beginning of their digest, and the full digest in the profile.
pub(super) fn dataset(data: &InputData) -> DatasetInput {
    DatasetInput {
        tags: vec![WirePair::new(CONTEXT, data.used_for.word())],
        dataset: Dataset {
            name: names::shortened(&data.name, LONGEST_NAME).into_owned(),
            digest: data.digest.chars().take(LONGEST_DIGEST).collect(),
            source_type: "local",
            source: json!({ "uri": data.source }).to_string(),
            profile: json!({ "sha256": data.digest }).to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pdm_core::content::Digest;
    use pdm_core::events::UsedFor;

    #[test]
    fn data_fit_what_mlflow_takes() {
        let digest = Digest::of("rows").to_string();
        let data = InputData {
            name: "n".repeat(600),
            digest: digest.clone(),
            used_for: UsedFor::Test,
            source: "a\"b".into(),
        };
        let DatasetInput { dataset, tags } = dataset(&data);
        assert_eq!(
            (dataset.digest.as_str(), dataset.name.chars().count()),
            (&digest[..36], 500)
        );
        assert_eq!(dataset.source, r#"{"uri":"a\"b"}"#);
        assert!(dataset.profile.contains(&digest));
        assert_eq!(tags, [WirePair::new("mlflow.data.context", "test")]);
    }
}
