//! The options of a connection to a server.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::blocking::ClientBuilder;
use reqwest::{Certificate, Identity};

use crate::tracking::{Credentials, TrackingError};
use pdm_core::content::{MOST_OF_A_NOTE, read_at_most};
use pdm_core::domain::EnvLookup;
use pdm_core::retry::RetryPolicy;

const INSECURE: &str = "MLFLOW_TRACKING_INSECURE_TLS";
const SERVER_CERT: &str = "MLFLOW_TRACKING_SERVER_CERT_PATH";
const CLIENT_CERT: &str = "MLFLOW_TRACKING_CLIENT_CERT_PATH";
const TIMEOUT: &str = "MLFLOW_HTTP_REQUEST_TIMEOUT";
const RETRIES: &str = "MLFLOW_HTTP_REQUEST_MAX_RETRIES";
const BACKOFF: &str = "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR";
const JITTER: &str = "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER";
const RESPECT_RETRY_AFTER: &str = "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER";
const MULTIPART: &str = "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD";
const MULTIPART_FROM: &str = "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE";
const MULTIPART_CHUNK: &str = "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE";
/// As many as MLflow's own client allows.
const MOST_RETRIES: u32 = 10;

/// Looks up an environment variable.
pub(super) type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The options of a connection. The environment variables are those of MLflow's own client.
#[derive(Clone)]
pub struct Connection {
    /// The credentials of the client.
    pub credentials: Credentials,
    /// Timeouts and retries.
    pub retry: RetryPolicy,
    pub(super) tls: Tls,
    pub(super) parts: PartLimits,
    pub(super) variable: Lookup,
    /// Whether deleted experiments and runs are restored on the server.
    pub(super) restores: bool,
    /// Time between two copies of a running run.
    pub(super) pace: Duration,
    /// Time after which an answer counts as slow; a run hardly waits for a slow server at its end.
    pub(super) slow: Duration,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("retry", &self.retry)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Tls {
    /// Certificates are not verified.
    insecure: bool,
    /// Trusted certificates, in place of the system's.
    server: Option<PathBuf>,
    /// The client's certificate and key, in one PEM file.
    client: Option<PathBuf>,
}

/// When a file is sent in parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartLimits {
    enabled: bool,
    from: u64,
    /// Bytes of a part.
    pub(super) chunk: u64,
}

impl Default for PartLimits {
    fn default() -> Self {
        Self {
            enabled: true,
            from: 100 << 20,
            chunk: 10 << 20,
        }
    }
}

impl PartLimits {
    /// Most parts that stores accept.
    const MOST: u64 = 10_000;

    /// Returns the number of parts for a file of this length, and their size; `None` if it is sent in one request.
    pub(super) fn of(self, bytes: u64) -> Option<(u64, u64)> {
        if !self.enabled || bytes < self.from.max(1) {
            return None;
        }
        let chunk = self.chunk.max(bytes.div_ceil(Self::MOST)).max(1);
        Some((bytes.div_ceil(chunk), chunk))
    }
}

impl Connection {
    /// Returns a connection without an environment.
    pub fn plain(credentials: Credentials, retry: RetryPolicy) -> Self {
        let variable: Lookup = Arc::new(|_| None);
        Self {
            credentials,
            retry,
            tls: Tls::default(),
            parts: PartLimits::default(),
            variable,
            restores: false,
            pace: Duration::from_secs(2),
            slow: Duration::from_millis(300),
        }
    }

    /// Returns a connection with the options in the environment; `retry` is the default.
    pub(in crate::tracking) fn read(
        credentials: Credentials,
        retry: RetryPolicy,
        variable: Lookup,
    ) -> Result<Self, TrackingError> {
        let path = |name: &str| variable(name).map(PathBuf::from);
        let tls = Tls {
            insecure: flag(&*variable, INSECURE)? == Some(true),
            server: path(SERVER_CERT),
            client: path(CLIENT_CERT),
        };
        if tls.insecure && tls.server.is_some() {
            let why = format!("{INSECURE} and {SERVER_CERT} exclude each other");
            return Err(TrackingError::Credentials { why });
        }
        let plain = PartLimits::default();
        let parts = PartLimits {
            enabled: flag(&*variable, MULTIPART)?.unwrap_or(plain.enabled),
            from: number(&*variable, MULTIPART_FROM)?.unwrap_or(plain.from),
            chunk: number(&*variable, MULTIPART_CHUNK)?.unwrap_or(plain.chunk),
        };
        Ok(Self {
            tls,
            parts,
            variable: Arc::clone(&variable),
            ..Self::plain(credentials, retry_options(retry, &variable)?)
        })
    }

    /// Configures TLS of a client.
    pub(super) fn secure(&self, builder: ClientBuilder) -> Result<ClientBuilder, TrackingError> {
        let read = |path: &PathBuf| {
            read_at_most(path, MOST_OF_A_NOTE).map_err(TrackingError::file("read", path))
        };
        let mut builder = builder;
        if self.tls.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        if let Some(path) = &self.tls.server {
            builder = builder.tls_certs_only(
                Certificate::from_pem_bundle(&read(path)?).map_err(TrackingError::Http)?,
            );
        }
        if let Some(path) = &self.tls.client {
            builder =
                builder.identity(Identity::from_pem(&read(path)?).map_err(TrackingError::Http)?);
        }
        Ok(builder)
    }
}

/// Applies the variables for retries. A policy without retries, for a thread that repeats its work anyway, keeps its one try.
fn retry_options(default: RetryPolicy, variable: &Lookup) -> Result<RetryPolicy, TrackingError> {
    let mut retry = default;
    if let Some(seconds) = number::<f64>(&**variable, TIMEOUT)? {
        retry.answer = seconds_of(TIMEOUT, seconds)?;
        retry.connect = retry.connect.min(retry.answer);
    }
    if let Some(retries) = number::<u32>(&**variable, RETRIES)?
        && default.tries > 1
    {
        retry.tries = retries.min(MOST_RETRIES) + 1;
    }
    if let Some(seconds) = number::<f64>(&**variable, BACKOFF)?
        && default.tries > 1
    {
        retry.first_wait = seconds_of(BACKOFF, seconds)?;
        retry.longest_wait = retry.longest_wait.max(retry.first_wait);
    }
    if let Some(seconds) = number::<f64>(&**variable, JITTER)? {
        retry.jitter = seconds_of(JITTER, seconds)?;
    }
    if let Some(respected) = flag(&**variable, RESPECT_RETRY_AFTER)? {
        retry.respects_retry_after = respected;
    }
    Ok(retry)
}

fn seconds_of(name: &'static str, seconds: f64) -> Result<Duration, TrackingError> {
    let refuse = |_| TrackingError::Setting {
        name,
        value: seconds.to_string(),
        expected: "a length of time in seconds",
    };
    Duration::try_from_secs_f64(seconds).map_err(refuse)
}

/// Reads a number.
pub(in crate::tracking) fn number<T: FromStr>(
    variable: EnvLookup<'_>,
    name: &'static str,
) -> Result<Option<T>, TrackingError> {
    let read = |value: String| {
        value.trim().parse().map_err(|_| TrackingError::Setting {
            name,
            value,
            expected: "a number",
        })
    };
    variable(name).map(read).transpose()
}

/// Reads a boolean as MLflow's client does.
pub(in crate::tracking) fn flag(
    variable: EnvLookup<'_>,
    name: &'static str,
) -> Result<Option<bool>, TrackingError> {
    let read = |value: String| match value.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(TrackingError::Setting {
            name,
            value,
            expected: "true or false",
        }),
    };
    variable(name).map(read).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        variables: &'static [(&str, &str)],
        retry: RetryPolicy,
    ) -> Result<Connection, TrackingError> {
        let look = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Connection::read(Credentials::Anonymous, retry, Arc::new(look))
    }

    #[test]
    fn mlflow_s_own_variables_decide() {
        let variables = &[
            (TIMEOUT, "2"),
            (RETRIES, "3"),
            (BACKOFF, "1"),
            (JITTER, "0"),
            (MULTIPART_FROM, "5"),
        ];
        let Connection { retry, parts, .. } = read(variables, RetryPolicy::FOREGROUND).unwrap();
        assert_eq!(
            (retry.answer, retry.connect),
            (Duration::from_secs(2), Duration::from_secs(2))
        );
        assert_eq!((retry.tries, retry.first_wait), (4, Duration::from_secs(1)));
        assert_eq!((parts.of(4), parts.of(5)), (None, Some((1, 10 << 20))));
        assert_eq!(
            read(variables, RetryPolicy::BACKGROUND)
                .unwrap()
                .retry
                .tries,
            1
        );
    }

    #[test]
    fn what_cannot_be_meant_names_its_variable() {
        for variables in [
            &[(TIMEOUT, "soon")] as &[_],
            &[(TIMEOUT, "-1")],
            &[(INSECURE, "maybe")],
        ] {
            let retry = read(variables, RetryPolicy::FOREGROUND)
                .unwrap_err()
                .to_string();
            assert!(retry.contains(variables[0].0), "{retry}");
        }
        let both = read(
            &[(INSECURE, "true"), (SERVER_CERT, "ca.pem")],
            RetryPolicy::FOREGROUND,
        );
        assert!(both.unwrap_err().to_string().contains(SERVER_CERT));
        let missing = read(&[(SERVER_CERT, "/nowhere/ca.pem")], RetryPolicy::FOREGROUND).unwrap();
        let retry = missing
            .secure(ClientBuilder::new())
            .unwrap_err()
            .to_string();
        assert!(retry.contains("/nowhere/ca.pem"), "{retry}");
    }

    #[test]
    fn a_huge_file_has_no_more_parts_than_a_store_takes() {
        let (count, chunk) = PartLimits::default().of(1 << 40).unwrap();
        assert!(
            count <= 10_000 && count * chunk >= 1 << 40,
            "{count} of {chunk}"
        );
        assert_eq!(PartLimits::default().of(25 << 20), None);
        assert_eq!(PartLimits::default().of(105 << 20), Some((11, 10 << 20)));
    }
}
