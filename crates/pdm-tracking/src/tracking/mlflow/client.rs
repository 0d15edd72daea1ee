//! The HTTP client of an MLflow server.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;
use std::{fmt, io, thread};

use reqwest::blocking::{Body, Client, RequestBuilder, Response};
use reqwest::header::{CONTENT_TYPE, ETAG};
use reqwest::{Method, Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{body, decode, excerpt, refused, unreachable, without_query};
use super::{Connection, Latency, ServerAddress, search};
use crate::tracking::{Credentials, TrackingError};
use pdm_core::content::open_regular;
use pdm_core::domain::redact_json;
use pdm_core::retry::RetryPolicy;
use pdm_store::bucket::LoggedRequest;
use pdm_store::tls;

/// A client of one MLflow server. It blocks, so it must not be used on the thread that trains.
#[derive(Clone)]
pub struct MlflowClient {
    http: Client,
    base: ServerAddress,
    connection: Connection,
    latency: Latency,
}

impl fmt::Debug for MlflowClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MlflowClient")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

/// Whether a request may be repeated if it is unknown whether it arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Idempotency {
    Idempotent,
    NotIdempotent,
}

impl MlflowClient {
    /// Returns a client of the server at `url`; sends nothing yet.
    ///
    /// # Errors
    /// [`TrackingError::Url`], [`TrackingError::Credentials`], or [`TrackingError::Http`] if TLS cannot be set up.
    pub fn new(
        url: &str,
        credentials: Credentials,
        retry: RetryPolicy,
    ) -> Result<Self, TrackingError> {
        Self::connect(url, Connection::plain(credentials, retry))
    }

    /// Returns a client of the server at `url` with the options of a [`Connection`]; sends nothing yet.
    ///
    /// # Errors
    /// As [`Self::new`]; [`TrackingError::File`] for certificates that cannot be read.
    pub fn connect(url: &str, connection: Connection) -> Result<Self, TrackingError> {
        let base = ServerAddress::parse(url)?;
        check_sendable(&connection.credentials)?;
        tls::install_provider();
        let builder = Client::builder()
            .user_agent(concat!("pdm-ml/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connection.retry.connect)
            .redirect(redirect::Policy::none());
        let builder = if base.is_local() {
            builder.no_proxy()
        } else {
            builder
        };
        let http = connection
            .secure(builder)?
            .build()
            .map_err(TrackingError::Http)?;
        Ok(Self {
            http,
            base,
            connection,
            latency: Latency::default(),
        })
    }

    /// Returns a client of another server that this one refers to, with the same credentials, as MLflow's client does.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub(super) fn for_server(&self, url: &Url) -> Result<Self, TrackingError> {
        let other = Self::connect(&url.origin().ascii_serialization(), self.connection.clone())?;
        Ok(Self {
            latency: self.latency.clone(),
            ..other
        })
    }

    /// Returns this client with restoring enabled: deleted experiments, and deleted runs that are sent, are restored on the server.
    #[must_use]
    pub fn restoring(mut self) -> Self {
        self.connection.restores = true;
        self
    }

    /// Returns this client with other times than [`Connection::plain`] sets.
    #[cfg(test)]
    pub(super) fn with_times(mut self, pace: Duration, slow: Duration) -> Self {
        self.connection.pace = pace;
        self.connection.slow = slow;
        self
    }

    /// Returns whether deleted experiments and runs are restored.
    pub(super) fn restores(&self) -> bool {
        self.connection.restores
    }

    /// Returns the server's address, which holds no credentials.
    pub fn url(&self) -> &str {
        self.base.as_str()
    }

    /// Returns the server's version, such as `3.17.2`; the cheapest request to test whether it answers.
    ///
    /// # Errors
    /// [`TrackingError::Unreachable`] and [`TrackingError::Refused`].
    pub fn version(&self) -> Result<String, TrackingError> {
        let url = self.base.join(["version"]);
        let ask = |request: RequestBuilder| Ok(request.timeout(self.retry().answer));
        let text = |answer: Response| {
            let bytes = body(&Method::GET, &url, answer)?;
            Ok(excerpt(&String::from_utf8_lossy(&bytes)))
        };
        self.send(
            (Method::GET, url.clone()),
            Idempotency::Idempotent,
            ask,
            text,
        )
    }

    /// Returns the server's version, after checking that it accepts the credentials and has not deleted the experiment. Changes
    /// nothing there.
    ///
    /// # Errors
    /// As [`Self::version`]; [`TrackingError::ExperimentDeleted`].
    pub fn examine(&self, experiment: &str) -> Result<String, TrackingError> {
        let version = self.version()?;
        search::find_experiment(self, experiment)?;
        Ok(version)
    }

    pub(super) fn retry(&self) -> &RetryPolicy {
        &self.connection.retry
    }

    /// Waits before a retry after try number `tried`; returns the error if there is none.
    pub(super) fn wait_for_retry(
        &self,
        tried: u32,
        error: TrackingError,
    ) -> Result<(), TrackingError> {
        match self.retry().wait(tried, error.retry_after()) {
            Some(wait) if error.is_transient() => {
                thread::sleep(wait);
                Ok(())
            }
            _ => Err(error),
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the time between two copies of a running run.
    pub(in crate::tracking) fn pace(&self) -> Duration {
        self.connection.pace
    }

    /// Returns the time after which an answer counts as slow.
    pub(in crate::tracking) fn slow(&self) -> Duration {
        self.connection.slow
    }

    pub(in crate::tracking) fn latency(&self) -> &Latency {
        &self.latency
    }

    pub(super) fn base(&self) -> &ServerAddress {
        &self.base
    }

    pub(super) fn get<R: DeserializeOwned>(
        &self,
        call: &str,
        query: &[(&str, &str)],
    ) -> Result<R, TrackingError> {
        let mut url = self.api(call);
        url.query_pairs_mut().extend_pairs(query);
        self.ask((Method::GET, url), Idempotency::Idempotent, Ok)
    }

    pub(super) fn post<R: DeserializeOwned>(
        &self,
        call: &str,
        body: &impl Serialize,
        idempotency: Idempotency,
    ) -> Result<R, TrackingError> {
        // A journal of an earlier release may hold secrets that this one would have redacted.
        let body = json(body);
        let fill = |request: RequestBuilder| {
            Ok(request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone()))
        };
        self.ask((Method::POST, self.api(call)), idempotency, fill)
    }

    /// Posts to a call of the server's artifact interface.
    pub(super) fn post_artifact<R: DeserializeOwned>(
        &self,
        parts: &[&str],
        body: &impl Serialize,
    ) -> Result<R, TrackingError> {
        self.ask(
            (Method::POST, self.artifact(parts.iter().copied())),
            Idempotency::NotIdempotent,
            |request| Ok(request.json(body)),
        )
    }

    /// Streams a file to a path of the server's artifact store.
    pub(super) fn put(&self, path: &str, file: &Path) -> Result<(), TrackingError> {
        self.put_to(
            self.artifact(std::iter::once("artifacts").chain(path.split('/'))),
            file,
        )
    }

    /// Streams a file to an address.
    pub(super) fn put_to(&self, url: Url, file: &Path) -> Result<(), TrackingError> {
        let fill = |request| {
            let body = open_regular(file).and_then(|open| Ok((open.metadata()?.len(), open)));
            let (bytes, open) = body.map_err(TrackingError::file("read", file))?;
            Ok(self.upload_of(request, bytes, open))
        };
        self.send(
            (Method::PUT, url),
            Idempotency::Idempotent,
            fill,
            |_| Ok(()),
        )
    }

    /// Streams a piece of a file to an address the server has signed, and returns the piece's ETag.
    pub(super) fn put_signed(
        &self,
        url: &str,
        headers: &BTreeMap<String, String>,
        file: &Path,
        [from, bytes]: [u64; 2],
    ) -> Result<String, TrackingError> {
        let signed = Url::parse(url).map_err(|_| TrackingError::Url {
            url: without_query(url),
            why: "is not a URL",
        })?;
        let fill = |_: RequestBuilder| {
            let mut open = open_regular(file).map_err(TrackingError::file("read", file))?;
            open.seek(SeekFrom::Start(from))
                .map_err(TrackingError::file("read", file))?;
            let request = headers
                .iter()
                .fold(self.http.put(signed.clone()), |request, (name, value)| {
                    request.header(name, value)
                });
            Ok(self.upload_of(request, bytes, open.take(bytes)))
        };
        let etag = |answer: Response| {
            Ok(answer
                .headers()
                .get(ETAG)
                .and_then(|etag| etag.to_str().ok())
                .unwrap_or_default()
                .to_owned())
        };
        // The query holds the signature, which errors must not show.
        let location = Url::parse(&without_query(url)).unwrap_or_else(|_| self.base.join([]));
        self.send((Method::PUT, location), Idempotency::Idempotent, fill, etag)
    }

    /// Reads an artifact back.
    #[cfg(test)]
    pub(super) fn download(&self, path: &str) -> Result<Vec<u8>, TrackingError> {
        let url = self.artifact(std::iter::once("artifacts").chain(path.split('/')));
        let read = |answer: Response| body(&Method::GET, &url, answer);
        self.send(
            (Method::GET, url.clone()),
            Idempotency::Idempotent,
            Ok,
            read,
        )
    }

    fn upload_of(
        &self,
        request: RequestBuilder,
        bytes: u64,
        body: impl io::Read + Send + 'static,
    ) -> RequestBuilder {
        self.latency.allow(bytes);
        request
            .timeout(self.retry().upload(bytes))
            .body(Body::sized(body, bytes))
    }

    fn api(&self, call: &str) -> Url {
        self.base
            .join(["api", "2.0", "mlflow"].into_iter().chain(call.split('/')))
    }

    fn artifact<'a>(&self, parts: impl Iterator<Item = &'a str>) -> Url {
        self.base
            .join(["api", "2.0", "mlflow-artifacts"].into_iter().chain(parts))
    }

    /// Sends a request whose answer is JSON.
    fn ask<R: DeserializeOwned>(
        &self,
        (method, url): (Method, Url),
        idempotency: Idempotency,
        fill: impl Fn(RequestBuilder) -> Result<RequestBuilder, TrackingError>,
    ) -> Result<R, TrackingError> {
        let answer = self.retry().answer;
        let read = |answer: Response| decode(&method, &url, answer);
        self.send(
            (method.clone(), url.clone()),
            idempotency,
            |request| fill(request.timeout(answer)),
            read,
        )
    }

    /// Sends a request until it succeeds, with retries as [`RetryPolicy`] allows.
    fn send<T>(
        &self,
        (method, url): (Method, Url),
        idempotency: Idempotency,
        fill: impl Fn(RequestBuilder) -> Result<RequestBuilder, TrackingError>,
        read: impl Fn(Response) -> Result<T, TrackingError>,
    ) -> Result<T, TrackingError> {
        let mut tried = 0;
        loop {
            tried += 1;
            let request = fill(self.authorize(self.http.request(method.clone(), url.clone())))?;
            let logged = LoggedRequest::begin(method.as_str(), url.host_str(), url.path());
            let answer = self.latency.timed(|| {
                let sent = request.send();
                logged.answered(sent.as_ref().ok().map(|answer| answer.status().as_u16()));
                match sent {
                    Ok(answer) if answer.status().is_success() => read(answer),
                    Ok(answer) => Err(refused(&method, &url, answer)),
                    Err(source) => Err(unreachable(&method, &url, source)),
                }
            });
            let Err(error) = answer else { return answer };
            if idempotency == Idempotency::NotIdempotent {
                return Err(error);
            }
            self.wait_for_retry(tried, error)?;
        }
    }

    fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.connection.credentials {
            Credentials::Anonymous => request,
            Credentials::Token(token) => request.bearer_auth(token.expose()),
            Credentials::Password { username, password } => {
                request.basic_auth(username, Some(password.expose()))
            }
        }
    }
}

/// Returns a body as JSON, with secrets redacted.
fn json(body: &impl Serialize) -> String {
    let text = serde_json::to_string(body).expect("what goes over the wire has a JSON form");
    redact_json(&text).into_owned()
}

/// A header cannot hold control characters; the client would report that only with the first request.
fn check_sendable(credentials: &Credentials) -> Result<(), TrackingError> {
    match credentials {
        Credentials::Token(token) if !token.expose().chars().all(|c| c.is_ascii_graphic()) => {
            Err(TrackingError::Credentials {
                why: "the token holds blanks or characters outside ASCII".to_owned(),
            })
        }
        Credentials::Anonymous | Credentials::Token(_) | Credentials::Password { .. } => Ok(()),
    }
}
