use std::fs::File;
use std::path::Path;
use std::time::Duration;
use std::{fmt, io, thread};

use reqwest::blocking::{Body, Client, RequestBuilder, Response};
use reqwest::header::{LOCATION, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::wire::ErrorAnswer;
use super::{Base, Patience};
use crate::tracking::{Credentials, TrackingError};

/// Talks to one MLflow server. Blocking: keep it off the thread that works.
#[derive(Clone)]
pub struct MlflowClient {
    http: Client,
    base: Base,
    credentials: Credentials,
    patience: Patience,
}

impl fmt::Debug for MlflowClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MlflowClient").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// Whether a request may be sent again when nobody knows whether it arrived.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    Harmless,
    Never,
}

impl MlflowClient {
    /// Returns a client of the server at `url`; asks it nothing yet.
    ///
    /// # Errors
    /// [`TrackingError::Url`], [`TrackingError::Credentials`], or [`TrackingError::Http`] where TLS cannot be set up.
    pub fn new(url: &str, credentials: Credentials, patience: Patience) -> Result<Self, TrackingError> {
        let base = Base::parse(url)?;
        check_sendable(&credentials)?;
        // An error means that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("pdm-ml/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience.connect)
            .redirect(redirect::Policy::none());
        let builder = if base.is_local() { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(TrackingError::Http)?;
        Ok(Self { http, base, credentials, patience })
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
        let answer = self.send(Method::GET, url.clone(), Repeat::Harmless, |r| Ok(r.timeout(self.patience.answer)))?;
        answer.text().map_err(|source| unreachable(&Method::GET, &url, source))
    }

    pub(super) fn patience(&self) -> &Patience {
        &self.patience
    }

    pub(super) fn base(&self) -> &Base {
        &self.base
    }

    pub(super) fn get<R: DeserializeOwned>(&self, call: &str, query: &[(&str, &str)]) -> Result<R, TrackingError> {
        let mut url = self.api(call);
        url.query_pairs_mut().extend_pairs(query);
        self.call(Method::GET, url, Repeat::Harmless, |request| Ok(request.timeout(self.patience.answer)))
    }

    pub(super) fn post<R: DeserializeOwned>(
        &self,
        call: &str,
        body: &impl Serialize,
        repeat: Repeat,
    ) -> Result<R, TrackingError> {
        let answer = self.patience.answer;
        self.call(Method::POST, self.api(call), repeat, |request| Ok(request.timeout(answer).json(body)))
    }

    /// Streams a file to a path of the server's artifact store.
    pub(super) fn upload(&self, path: &str, file: &Path) -> Result<(), TrackingError> {
        let parts = ["api", "2.0", "mlflow-artifacts", "artifacts"].into_iter().chain(path.split('/'));
        let answer = self.send(Method::PUT, self.base.join(parts), Repeat::Harmless, |request| {
            let body = File::open(file).and_then(|open| Ok((open.metadata()?.len(), open)));
            let (bytes, open) = body.map_err(TrackingError::file("read", file))?;
            let body = Body::sized(open, bytes);
            Ok(request.timeout(self.patience.upload(bytes)).body(body))
        });
        answer.map(drop)
    }

    /// Reads an artifact back.
    #[cfg(test)]
    pub(super) fn download(&self, path: &str) -> Result<Vec<u8>, TrackingError> {
        let parts = ["api", "2.0", "mlflow-artifacts", "artifacts"].into_iter().chain(path.split('/'));
        let url = self.base.join(parts);
        let answer = self.send(Method::GET, url.clone(), Repeat::Harmless, Ok)?;
        answer.bytes().map(Vec::from).map_err(|source| unreachable(&Method::GET, &url, source))
    }

    fn api(&self, call: &str) -> Url {
        self.base.join(["api", "2.0", "mlflow"].into_iter().chain(call.split('/')))
    }

    fn call<R: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        repeat: Repeat,
        fill: impl Fn(RequestBuilder) -> Result<RequestBuilder, TrackingError>,
    ) -> Result<R, TrackingError> {
        let answer = self.send(method.clone(), url.clone(), repeat, fill)?;
        let bytes = answer.bytes().map_err(|source| unreachable(&method, &url, source))?;
        serde_json::from_slice(&bytes).map_err(|_| TrackingError::NotMlflow {
            method: method.to_string(),
            url: url.to_string(),
            excerpt: excerpt(&String::from_utf8_lossy(&bytes)),
        })
    }

    /// Sends a request, again and again as [`Patience`] allows, until it is answered well or refused for good.
    fn send(
        &self,
        method: Method,
        url: Url,
        repeat: Repeat,
        fill: impl Fn(RequestBuilder) -> Result<RequestBuilder, TrackingError>,
    ) -> Result<Response, TrackingError> {
        let mut tried = 0;
        loop {
            tried += 1;
            let request = fill(self.authorize(self.http.request(method.clone(), url.clone())))?;
            let (error, asked) = match request.send() {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) => refused(&method, &url, answer),
                Err(source) => (unreachable(&method, &url, source), None),
            };
            let again = repeat == Repeat::Harmless && error.is_passing();
            match self.patience.wait(tried, asked).filter(|_| again) {
                Some(wait) => thread::sleep(wait),
                None => return Err(error),
            }
        }
    }

    fn authorize(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.credentials {
            Credentials::Anonymous => request,
            Credentials::Token(token) => request.bearer_auth(token.expose()),
            Credentials::Password { username, password } => request.basic_auth(username, Some(password.expose())),
        }
    }
}

/// A header cannot hold control characters; the client would only say so with the first request.
fn check_sendable(credentials: &Credentials) -> Result<(), TrackingError> {
    match credentials {
        Credentials::Token(token) if !token.expose().chars().all(|c| c.is_ascii_graphic()) => {
            Err(TrackingError::Credentials { why: "the token holds blanks or characters outside ASCII".to_owned() })
        }
        _ => Ok(()),
    }
}

fn unreachable(method: &Method, url: &Url, source: reqwest::Error) -> TrackingError {
    TrackingError::Unreachable { method: method.to_string(), url: url.to_string(), source: source.without_url() }
}

/// Reads an error, and how long the server asks to be left alone.
fn refused(method: &Method, url: &Url, answer: Response) -> (TrackingError, Option<Duration>) {
    let (status, asked) = (answer.status(), retry_after(&answer));
    let location = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
    let text = read_some(answer);
    let ErrorAnswer { error_code, message } = serde_json::from_str(&text).unwrap_or_default();
    let message = match location {
        Some(to) if status.is_redirection() => format!("moved to {}", excerpt(&to)),
        _ if message.is_empty() => excerpt(if text.trim().is_empty() { reason(status) } else { &text }),
        _ => excerpt(&message),
    };
    let (method, url) = (method.to_string(), url.to_string());
    (TrackingError::Refused { method, url, status: status.as_u16(), code: error_code, message }, asked)
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("no reason given")
}

fn read_some(answer: Response) -> String {
    const MOST: u64 = 64 * 1024;
    let mut bytes = Vec::new();
    // What came before the line broke is still worth showing.
    let _ = io::copy(&mut io::Read::take(answer, MOST), &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads `Retry-After` in both its forms (RFC 9110, section 10.2.3).
fn retry_after(answer: &Response) -> Option<Duration> {
    let text = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| {
        let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Some(until.duration_since(jiff::Timestamp::now()).try_into().unwrap_or(Duration::ZERO))
    })
}

/// Returns the beginning of a text on one line, without HTML tags.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 300;
    let after_tag = |piece: &str| piece.split_once('>').map_or(piece, |(_, after)| after).to_owned();
    let is_page = text.trim_start().starts_with('<');
    let words = if is_page { text.split('<').map(after_tag).collect::<Vec<_>>().join(" ") } else { text.to_owned() };
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST { line } else { line.chars().take(LONGEST).collect::<String>() + "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_one_line() {
        let page = "<!doctype html>\n<html lang=en><title>404 Not Found</title>\n<h1>Not Found</h1>";
        assert_eq!(excerpt(page), "404 Not Found Not Found");
        assert_eq!(excerpt("a < b\n and c > d"), "a < b and c > d");
        assert_eq!(excerpt(&"ü".repeat(400)).chars().count(), 301);
    }
}
