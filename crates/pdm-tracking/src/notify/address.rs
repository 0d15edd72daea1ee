//! The URL of a webhook, written or in an environment variable.

use std::fmt;

use reqwest::Url;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::NotifyError;
use super::machine::is_this_machine;
use pdm_core::codes::Code;
use pdm_core::domain::EnvLookup;
use pdm_core::domain::{Problem, SecretName, redact};

/// The URL of a webhook: the URL itself, or `{ env = "NAME" }` if the URL is secret because knowing it is enough to post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum WebhookAddress {
    /// The URL.
    Written(String),
    /// The environment variable that holds it.
    Secret(SecretName),
}

impl Default for WebhookAddress {
    fn default() -> Self {
        Self::Written(String::new())
    }
}

impl WebhookAddress {
    /// Returns what is wrong with a written address at a key.
    pub(super) fn problem(&self, key: &str, allow_http: bool) -> Option<Problem> {
        match self {
            Self::Written(url) => match parse(url) {
                Ok(url) if is_unencrypted(&url, allow_http) => {
                    Some(Problem::new(key, UNENCRYPTED).with_code(Code::Unencrypted))
                }
                Ok(_) => None,
                Err(what) => Some(Problem::new(key, what)),
            },
            Self::Secret(name) => name.problem(key),
        }
    }

    /// Returns the URL to post to.
    pub(super) fn read(
        &self,
        allow_http: bool,
        variable: EnvLookup<'_>,
    ) -> Result<Url, NotifyError> {
        match self {
            Self::Written(url) => check(url, allow_http),
            Self::Secret(name) => check(name.read(variable)?.expose(), allow_http),
        }
        .map_err(NotifyError::Url)
    }

    /// Returns the environment variable that holds the URL, if it is not written.
    pub(super) fn variable(&self) -> Option<&SecretName> {
        match self {
            Self::Written(_) => None,
            Self::Secret(name) => Some(name),
        }
    }

    /// Returns scheme and host, or the name of the variable; path and query may hold a key.
    pub(super) fn for_display(&self) -> String {
        match self {
            Self::Written(url) => {
                Url::parse(url).map_or_else(|_| "?".to_owned(), |url| origin(&url))
            }
            Self::Secret(name) => format!("in `{}`", name.env),
        }
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Message for a URL without TLS.
const UNENCRYPTED: &str = "would send unencrypted; use https://, or set `allow_http`";

fn check(url: &str, allow_http: bool) -> Result<Url, String> {
    let url = parse(url)?;
    if is_unencrypted(&url, allow_http) {
        Err(UNENCRYPTED.to_owned())
    } else {
        Ok(url)
    }
}

fn is_unencrypted(url: &Url, allow_http: bool) -> bool {
    url.scheme() == "http" && !allow_http && !is_this_machine(url.host_str().unwrap_or_default())
}

/// Messages do not contain the URL, which may hold a key.
fn parse(url: &str) -> Result<Url, String> {
    if url.is_empty() {
        return Err("is empty: write https://… or { env = \"NAME\" }".to_owned());
    }
    let url =
        Url::parse(url).map_err(|_| "is not a URL; it must begin with https://".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("begins with neither https:// nor http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("contains a user or password; put the whole URL into an environment variable: { env = \"NAME\" }".to_owned());
    }
    Ok(url)
}

impl<'de> Deserialize<'de> for WebhookAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AddressVisitor)
    }
}

struct AddressVisitor;

impl<'de> Visitor<'de> for AddressVisitor {
    type Value = WebhookAddress;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL or { env = \"NAME\" }")
    }

    fn visit_str<E: Error>(self, url: &str) -> Result<WebhookAddress, E> {
        // Path and query may be secret: they are redacted wherever they are shown, recorded or sent.
        if let Ok(url) = Url::parse(url) {
            let query = url
                .query()
                .map(|query| format!("?{query}"))
                .unwrap_or_default();
            redact::remember(&format!("{}{query}", url.path().trim_start_matches('/')));
        }
        Ok(WebhookAddress::Written(url.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<WebhookAddress, A::Error> {
        SecretName::deserialize(MapAccessDeserializer::new(table)).map(WebhookAddress::Secret)
    }
}
