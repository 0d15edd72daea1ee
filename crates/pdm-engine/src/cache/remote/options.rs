//! `[cache]`: where results are shared between machines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use pdm_core::codes::Code;
use pdm_core::domain::Problem;
use pdm_store::bucket::BucketAddress;

/// Where results of stages are shared between machines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CacheOptions {
    /// The store: `s3://bucket/prefix`, and with the features `gcs` and `azure` also `gs://…` and `az://…`; or a path relative
    /// to the project, or `file:///…`. Keys, endpoint and region of a bucket come from the environment. Empty: not shared.
    pub url: String,
    /// Whether results are only fetched from the store and never uploaded, as for jobs of untrusted branches.
    pub read_only: bool,
}

impl CacheOptions {
    /// Returns what is wrong with the options.
    pub fn problems(&self) -> Vec<Problem> {
        if self.url.is_empty() {
            return Vec::new();
        }
        match BucketAddress::parse(&self.url) {
            Ok(_) => Vec::new(),
            Err(error) => {
                vec![Problem::new("url", error.to_string()).with_code(Code::StoreAddress)]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shared_by_default_and_a_wrong_address_is_reported() {
        assert_eq!(CacheOptions::default().problems(), []);
        let with = |url: &str| {
            CacheOptions {
                url: url.into(),
                read_only: false,
            }
            .problems()
        };
        for url in [
            "s3://results/plant",
            "../shared cache",
            "file:///srv/cache",
            "memory://",
        ] {
            assert_eq!(with(url), [], "{url}");
        }
        let unknown = with("ftp://results");
        assert!(
            unknown[0].path == "url" && unknown[0].message.contains("`ftp://` is not known"),
            "{unknown:?}"
        );
        assert!(
            !with("s3://AKIA:secret@results")[0]
                .message
                .contains("secret")
        );
    }
}
