//! The options of a webhook.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Occasion, WebhookAddress};
use pdm_core::domain::{Problem, SecretName};

/// A program that is notified by an HTTP POST of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WebhookOptions {
    /// Its URL: https, or http on this machine. `{ env = "NAME" }` if the URL itself is secret.
    pub url: WebhookAddress,
    /// The key of the signature; without it, requests are not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretName>,
    /// Whether http to another machine is allowed: the notice can be read on the network.
    pub allow_http: bool,
    /// The occasions to notify of.
    pub on: Vec<Occasion>,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            url: WebhookAddress::default(),
            secret: None,
            allow_http: false,
            on: Occasion::defaults(),
        }
    }
}

impl WebhookOptions {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let secret = self
            .secret
            .as_ref()
            .and_then(|secret| secret.problem("secret"));
        self.url
            .problem("url", self.allow_http)
            .into_iter()
            .chain(secret)
            .collect()
    }
}
