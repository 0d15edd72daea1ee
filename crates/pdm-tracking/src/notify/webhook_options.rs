use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Occasion, WebhookAddress};
use pdm_core::domain::{Problem, SecretName};

/// A program that is told by an HTTP POST of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WebhookOptions {
    /// Where it listens: https, or http on this machine. `{ env = "NAME" }` where the URL itself is a secret.
    pub url: WebhookAddress,
    /// The key of the signature; without it nothing is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretName>,
    /// Whether http to another machine is allowed: whoever is on the line can read the notice.
    pub allow_http: bool,
    /// What it is told of.
    pub on: Vec<Occasion>,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            url: WebhookAddress::default(),
            secret: None,
            allow_http: false,
            on: Occasion::usual(),
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
