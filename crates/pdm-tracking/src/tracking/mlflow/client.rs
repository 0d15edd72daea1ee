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

use super::answer::{body, decode, excerpt, refused, shown, unreachable};
use super::{Connection, Latency, RetryPolicy, ServerAddress, search};
use crate::tracking::{Credentials, TrackingError};
use pdm_core::content::open_regular;
use pdm_core::domain::redact_json;
use pdm_store::bucket::LoggedRequest as Asked;

/// Talks to one MLflow server. Blocking: keep it off the thread that works.
#[derive(Clone)]
pub struct MlflowClient {
    http: Client,
    base: ServerAddress,
    connection: Connection,
    pulse: Latency,
}

impl fmt::Debug for MlflowClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MlflowClient")
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

/// Whether a request may be sent again when nobody knows whether it arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Idempotency {
    Harmless,
    Never,
}

impl MlflowClient {
    /// Returns a client of the server at `url`; asks it nothing yet.
    ///
    /// # Errors
    /// [`TrackingError::Url`], [`TrackingError::Credentials`], or [`TrackingError::Http`] where TLS cannot be set up.
    pub fn new(
        url: &str,
        credentials: Credentials,
        patience: RetryPolicy,
    ) -> Result<Self, TrackingError> {
        Self::connect(url, Connection::plain(credentials, patience))
    }

    /// Returns a client of the server at `url`, with all that [`Connection`] tells; asks it nothing yet.
    ///
    /// # Errors
    /// As [`Self::new`]; [`TrackingError::File`] for certificates that cannot be read.
    pub fn connect(url: &str, connection: Connection) -> Result<Self, TrackingError> {
        let base = ServerAddress::parse(url)?;
        check_sendable(&connection.credentials)?;
        // An error means that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("pdm-ml/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connection.patience.connect)
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
            pulse: Latency::default(),
        })
    }

    /// Returns a client of another server that this one names, which is told the same credentials, as MLflow's client does.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub(super) fn beside(&self, url: &Url) -> Result<Self, TrackingError> {
        let other = Self::connect(&url.origin().ascii_serialization(), self.connection.clone())?;
        Ok(Self {
            pulse: self.pulse.clone(),
            ..other
        })
    }

    /// Returns this client as one that brings back what was deleted on the server: experiments, and runs that are sent.
    #[must_use]
    pub fn restoring(mut self) -> Self {
        self.connection.restores = true;
        self
    }

    /// Whether what was deleted on the server is brought back.
    pub(super) fn restores(&self) -> bool {
        self.connection.restores
    }

    /// Returns the server's address, which holds no credentials.
    pub fn url(&self) -> &str {
        self.base.as_str()
    }

    /// Returns the server's version, such as `3.17.2`; the cheapest question that shows whether it answers.
    ///
    /// # Errors
    /// [`TrackingError::Unreachable`] and [`TrackingError::Refused`].
    pub fn version(&self) -> Result<String, TrackingError> {
        let url = self.base.join(["version"]);
        let ask = |request: RequestBuilder| Ok(request.timeout(self.patience().answer));
        let text = |answer: Response| {
            let bytes = body(&Method::GET, &url, answer)?;
            Ok(excerpt(&String::from_utf8_lossy(&bytes)))
        };
        self.send((Method::GET, url.clone()), Idempotency::Harmless, ask, text)
    }

    /// Returns the server's version once it has let us in, and has not deleted the experiment; changes nothing there.
    ///
    /// # Errors
    /// As [`Self::version`]; [`TrackingError::ExperimentDeleted`].
    pub fn examine(&self, experiment: &str) -> Result<String, TrackingError> {
        let version = self.version()?;
        search::look_for_experiment(self, experiment)?;
        Ok(version)
    }

    pub(super) fn patience(&self) -> &RetryPolicy {
        &self.connection.patience
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the time between two copies of a run that goes on.
    pub(in crate::tracking) fn pace(&self) -> Duration {
        self.connection.patience.pace
    }

    /// Returns the time from which on an answer is slow.
    pub(in crate::tracking) fn slow(&self) -> Duration {
        self.connection.patience.slow
    }

    pub(in crate::tracking) fn pulse(&self) -> &Latency {
        &self.pulse
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
        self.ask((Method::GET, url), Idempotency::Harmless, Ok)
    }

    pub(super) fn post<R: DeserializeOwned>(
        &self,
        call: &str,
        body: &impl Serialize,
        repeat: Idempotency,
    ) -> Result<R, TrackingError> {
        // A journal of an earlier release may hold what this one would not have written.
        let body = json(body);
        let fill = |request: RequestBuilder| {
            Ok(request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone()))
        };
        self.ask((Method::POST, self.api(call)), repeat, fill)
    }

    /// Posts to a call of the server's artifact interface.
    pub(super) fn post_artifact<R: DeserializeOwned>(
        &self,
        parts: &[&str],
        body: &impl Serialize,
    ) -> Result<R, TrackingError> {
        self.ask(
            (Method::POST, self.artifact(parts.iter().copied())),
            Idempotency::Never,
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
        self.send((Method::PUT, url), Idempotency::Harmless, fill, |_| Ok(()))
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
            url: shown(url),
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
        // What signs the address is a secret for as long as it is valid: errors must not show it.
        let place = Url::parse(&shown(url)).unwrap_or_else(|_| self.base.join([]));
        self.send((Method::PUT, place), Idempotency::Harmless, fill, etag)
    }

    /// Reads an artifact back.
    #[cfg(test)]
    pub(super) fn download(&self, path: &str) -> Result<Vec<u8>, TrackingError> {
        let url = self.artifact(std::iter::once("artifacts").chain(path.split('/')));
        let read = |answer: Response| body(&Method::GET, &url, answer);
        self.send((Method::GET, url.clone()), Idempotency::Harmless, Ok, read)
    }

    fn upload_of(
        &self,
        request: RequestBuilder,
        bytes: u64,
        body: impl io::Read + Send + 'static,
    ) -> RequestBuilder {
        self.pulse.allow(bytes);
        request
            .timeout(self.patience().upload(bytes))
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
        repeat: Idempotency,
        fill: impl Fn(RequestBuilder) -> Result<RequestBuilder, TrackingError>,
    ) -> Result<R, TrackingError> {
        let answer = self.patience().answer;
        let read = |answer: Response| decode(&method, &url, answer);
        self.send(
            (method.clone(), url.clone()),
            repeat,
            |request| fill(request.timeout(answer)),
            read,
        )
    }

    /// Sends a request, again and again as [`Patience`] allows, until it is answered well and in full, or refused for good.
    fn send<T>(
        &self,
        (method, url): (Method, Url),
        repeat: Idempotency,
        fill: impl Fn(RequestBuilder) -> Result<RequestBuilder, TrackingError>,
        read: impl Fn(Response) -> Result<T, TrackingError>,
    ) -> Result<T, TrackingError> {
        let mut tried = 0;
        loop {
            tried += 1;
            let request = fill(self.authorize(self.http.request(method.clone(), url.clone())))?;
            let asked = Asked::begin(method.as_str(), url.host_str(), url.path());
            let answer = self.pulse.timed(|| {
                let sent = request.send();
                asked.answered(sent.as_ref().ok().map(|answer| answer.status().as_u16()));
                match sent {
                    Ok(answer) if answer.status().is_success() => read(answer),
                    Ok(answer) => Err(refused(&method, &url, answer)),
                    Err(source) => Err(unreachable(&method, &url, source)),
                }
            });
            let Err(error) = answer else { return answer };
            let again = repeat == Idempotency::Harmless && error.is_transient();
            match self
                .patience()
                .wait(tried, error.retry_after())
                .filter(|_| again)
            {
                Some(wait) => thread::sleep(wait),
                None => return Err(error),
            }
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

/// Returns a body as JSON, without the secrets in it.
fn json(body: &impl Serialize) -> String {
    let text = serde_json::to_string(body).expect("what goes over the wire has a JSON form");
    redact_json(&text).into_owned()
}

/// A header cannot hold control characters; the client would only say so with the first request.
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
