//! The JSON schemas of the documents that `--format json` prints, and the commands that print them.

use serde_json::Value;

/// A document that commands print.
pub(super) struct OutputSchema {
    /// Its name, which is also that of the file in `docs/schemas`.
    pub(super) name: &'static str,
    /// The commands that print it.
    pub(super) commands: &'static [&'static str],
    /// Its JSON schema.
    pub(super) text: &'static str,
}

macro_rules! output {
    ($name:literal, $commands:expr) => {
        OutputSchema {
            name: $name,
            commands: &$commands,
            text: include_str!(concat!("../../docs/schemas/", $name, ".schema.json")),
        }
    };
}

/// Every document.
pub(super) const OUTPUTS: [OutputSchema; 56] = [
    output!("error", ["every command that fails"]),
    output!(
        "outcome",
        [
            "features",
            "train",
            "evaluate",
            "gate",
            "run",
            "promote",
            "registry register"
        ]
    ),
    output!("promotion", ["promote --model"]),
    output!("approval", ["promote --approve"]),
    output!("plan", ["plan"]),
    output!("retrain", ["retrain"]),
    output!("drift", ["drift"]),
    output!("predictions", ["predict"]),
    output!("predictions-written", ["predict --output"]),
    output!("init", ["init"]),
    output!("doctor", ["doctor"]),
    output!("doctor-ci", ["doctor --for"]),
    output!("data-fetch", ["data fetch"]),
    output!("data-simulate", ["data simulate"]),
    output!("quality", ["data validate"]),
    output!("data-infer", ["data infer"]),
    output!("data-profile", ["data profile"]),
    output!("data-diff", ["data diff"]),
    output!("tune", ["tune"]),
    output!("tune-plan", ["tune --dry-run"]),
    output!("cache-list", ["cache list"]),
    output!("cache-why", ["cache why"]),
    output!("cache-gc", ["cache gc"]),
    output!("runs-list", ["runs list"]),
    output!("runs-show", ["runs show"]),
    output!("runs-compare", ["runs compare"]),
    output!("runs-gc", ["runs gc"]),
    output!("runs-ui", ["runs ui"]),
    output!("runs-trace", ["runs trace"]),
    output!("track-sync", ["track sync"]),
    output!("notify-test", ["notify test"]),
    output!("registry-list", ["registry list"]),
    output!("registry-show", ["registry show"]),
    output!("registry-diff", ["registry diff"]),
    output!("registry-history", ["registry history"]),
    output!("registry-verify", ["registry verify"]),
    output!(
        "registry-copy",
        ["registry push", "registry pull", "registry copy"]
    ),
    output!("registry-fetch", ["registry fetch"]),
    output!("registry-export", ["registry export"]),
    output!("registry-gc", ["registry gc"]),
    output!("registry-policy", ["registry policy"]),
    output!("registry-keygen", ["registry keygen"]),
    output!("registry-remark", ["registry annotate", "registry retire"]),
    output!("registry-rollback", ["registry rollback"]),
    output!("export-onnx", ["export onnx"]),
    output!("export-mlflow", ["export mlflow"]),
    output!("export-inputs", ["export inputs"]),
    output!("schedule-next", ["schedule next"]),
    output!("schedule-export", ["schedule export"]),
    output!("schedule-written", ["schedule export --output"]),
    output!("config-show", ["config show"]),
    output!("config-origin", ["config show --origin"]),
    output!("config-migrate", ["config migrate"]),
    output!("explain-list", ["explain"]),
    output!("explain-code", ["explain CODE"]),
    output!("outputs", ["schema outputs"]),
];

impl OutputSchema {
    /// Returns the document of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        OUTPUTS.iter().find(|schema| schema.name == name)
    }

    /// Returns what the document is, in a few words.
    pub(super) fn title(&self) -> String {
        let schema: Value = serde_json::from_str(self.text).unwrap_or_default();
        schema["title"].as_str().unwrap_or_default().to_owned()
    }
}
