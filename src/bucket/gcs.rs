use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};

use super::Variable;
use super::{Bucket, Opened, network};

/// What Google's own tools read, and object_store obeys.
const VARIABLES: [&str; 5] = [
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BASE_URL",
    "GOOGLE_SKIP_SIGNATURE",
];

/// Allows endpoints without TLS.
const ALLOW_HTTP: &str = "GOOGLE_ALLOW_HTTP";

/// Opens a bucket. Without credentials the machine's own service account is asked for.
pub(super) fn open(bucket: &str, variable: Variable<'_>) -> Opened {
    let asked_for = variable(ALLOW_HTTP).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let allow_http = network::allows_http(variable("GOOGLE_BASE_URL").as_deref(), ALLOW_HTTP, asked_for)?;
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_client_options(network::client_options(variable, allow_http)?)
        .with_retry(network::retries());
    for (name, value) in VARIABLES.into_iter().filter_map(|name| Some((name, variable(name)?))) {
        builder = builder.with_config(key(name)?, value);
    }
    builder.build().map(Bucket::of).map_err(|error| error.to_string())
}

fn key(name: &str) -> Result<GoogleConfigKey, String> {
    name.to_ascii_lowercase().parse().map_err(|error: object_store::Error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_known_to_the_store() {
        VARIABLES.into_iter().for_each(|name| _ = key(name).unwrap());
    }
}
