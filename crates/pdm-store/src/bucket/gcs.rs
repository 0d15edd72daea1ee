//! Opens buckets of Google Cloud Storage.

use object_store::gcp::GoogleCloudStorageBuilder;

use super::{Bucket, OpenResult, network, requests};
use pdm_core::domain::EnvLookup;

/// The variables of Google's own tools that object_store understands.
const VARIABLES: [&str; 5] = [
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BASE_URL",
    "GOOGLE_SKIP_SIGNATURE",
];

/// Allows endpoints without TLS.
const ALLOW_HTTP: &str = "GOOGLE_ALLOW_HTTP";

/// Opens a bucket. Without credentials, the machine's service account is used.
pub(super) fn open(bucket: &str, variable: EnvLookup<'_>) -> OpenResult {
    let endpoint = variable("GOOGLE_BASE_URL");
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_client_options(network::client_options(
            variable,
            endpoint.as_deref(),
            ALLOW_HTTP,
        )?)
        .with_http_connector(requests::Logged::default())
        .with_retry(network::retries());
    for (key, value) in network::settings(&VARIABLES, variable)? {
        builder = builder.with_config(key, value);
    }
    builder
        .build()
        .map(Bucket::of)
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use object_store::gcp::GoogleConfigKey;

    use super::*;

    #[test]
    fn every_variable_is_known_to_the_store() {
        VARIABLES
            .into_iter()
            .for_each(|name| _ = network::key::<GoogleConfigKey>(name).unwrap());
    }
}
