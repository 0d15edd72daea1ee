//! Timeouts, retries and TLS of requests to buckets.

use std::net::Ipv4Addr;
use std::str::FromStr;
use std::time::Duration;

use object_store::{BackoffConfig, Certificate, ClientOptions, RetryConfig};

use crate::tls;
use pdm_core::content::{MOST_OF_A_NOTE, read_at_most};
use pdm_core::domain::EnvLookup;
use pdm_core::retry::RetryPolicy;

/// Time after which a failed request is not sent again, except that one that timed out may be sent once more.
const RETRY_TIMEOUT: Duration = Duration::from_secs(150);

/// Returns the HTTP options for an endpoint; the variable named `allow` permits connections without TLS.
pub(super) fn client_options(
    variable: EnvLookup<'_>,
    endpoint: Option<&str>,
    allow: &str,
) -> Result<ClientOptions, String> {
    let is_allowed = variable(allow).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let allow_http = allows_http(endpoint, allow, is_allowed)?;
    tls::install_provider();
    let agent = http::HeaderValue::from_static(concat!("pdm-ml/", env!("CARGO_PKG_VERSION")));
    let options = ClientOptions::new()
        .with_user_agent(agent)
        .with_allow_http(allow_http)
        .with_timeout(RetryPolicy::BUCKET.answer)
        .with_connect_timeout(RetryPolicy::BUCKET.connect);
    let Some(path) = variable("AWS_CA_BUNDLE").or_else(|| variable("SSL_CERT_FILE")) else {
        return Ok(options);
    };
    let pem = read_at_most(path.as_ref(), MOST_OF_A_NOTE)
        .map_err(|error| format!("cannot read the certificates in `{path}`: {error}"))?;
    let certificates =
        Certificate::from_pem_bundle(&pem).map_err(|error| format!("`{path}`: {error}"))?;
    Ok(certificates
        .into_iter()
        .fold(options, ClientOptions::with_root_certificate))
}

/// Returns the retry policy of buckets, in object_store's form.
pub(super) fn retries() -> RetryConfig {
    let RetryPolicy {
        tries,
        first_wait,
        longest_wait,
        ..
    } = RetryPolicy::BUCKET;
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: first_wait,
            max_backoff: longest_wait,
            base: 2.0,
        },
        max_retries: tries as usize - 1,
        retry_timeout: RETRY_TIMEOUT,
    }
}

/// Returns the settings of a store in the environment, each under object_store's key for the variable.
#[cfg(any(feature = "gcs", feature = "azure"))]
pub(super) fn settings<K: FromStr<Err = object_store::Error>>(
    names: &[&str],
    variable: EnvLookup<'_>,
) -> Result<Vec<(K, String)>, String> {
    let set = names
        .iter()
        .filter_map(|name| Some((name, variable(name)?)));
    // Secrets read from files often end in a line break.
    set.map(|(name, value)| Ok((key(name)?, value.trim().to_owned())))
        .collect()
}

/// Returns object_store's key for a variable.
pub(super) fn key<K: FromStr<Err = object_store::Error>>(name: &str) -> Result<K, String> {
    name.to_ascii_lowercase()
        .parse()
        .map_err(|error: object_store::Error| error.to_string())
}

/// Refuses an endpoint that would receive keys and models unencrypted on another machine, unless that is allowed.
fn allows_http(endpoint: Option<&str>, variable: &str, is_allowed: bool) -> Result<bool, String> {
    let Some(host) = endpoint.and_then(|endpoint| endpoint.strip_prefix("http://")) else {
        return Ok(false);
    };
    let host = host.split(['/', '?']).next().unwrap_or_default();
    if host.contains('@') {
        return Err("an endpoint must not contain a user or password".to_owned());
    }
    if is_allowed || !is_unencrypted(endpoint) {
        return Ok(true);
    }
    Err(format!(
        "http://{host} would receive keys and models unencrypted; use https://, or set {variable}=true"
    ))
}

/// Returns whether requests to an endpoint leave this machine without TLS.
pub(super) fn is_unencrypted(endpoint: Option<&str>) -> bool {
    let Some(host) = endpoint.and_then(|endpoint| endpoint.strip_prefix("http://")) else {
        return false;
    };
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    !matches!(name, "localhost" | "[::1]")
        && !name
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_in_the_open_unless_asked_for() {
        for (endpoint, is_allowed, expected) in [
            (None, false, Some(false)),
            (Some("https://s3.example.com"), false, Some(false)),
            (Some("http://127.0.0.1:9000"), false, Some(true)),
            (Some("http://localhost:9000/x"), false, Some(true)),
            (Some("http://[::1]:9000"), false, Some(true)),
            (Some("http://127.evil.example.com"), false, None),
            (Some("http://minio.plant:9000"), false, None),
            (Some("http://minio.plant:9000"), true, Some(true)),
            (Some("http://localhost:x@evil.example.com"), true, None),
        ] {
            assert_eq!(
                allows_http(endpoint, "AWS_ALLOW_HTTP", is_allowed).ok(),
                expected,
                "{endpoint:?}"
            );
        }
    }
}
