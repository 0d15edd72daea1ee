//! The options of a mail receiver.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Occasion;
use super::machine::is_this_machine;
use super::mail::mailbox;
use pdm_core::codes::Code;
use pdm_core::domain::{Problem, SecretName};

/// Receivers of mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SmtpOptions {
    /// The mail server.
    pub host: String,
    /// Its port; by default 587 for `starttls`, 465 for `wrapper`, 25 for `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is encrypted.
    pub tls: SmtpTls,
    /// Whether `tls = "none"` is allowed to another machine: notice and password can be read on the network.
    pub allow_plain: bool,
    /// The sender, such as `pdm-ml <pdm-ml@plant.example>`.
    pub from: String,
    /// The receivers.
    pub to: Vec<String>,
    /// User name at the server; without it there is no login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The user's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretName>,
    /// The occasions to notify of.
    pub on: Vec<Occasion>,
}

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// Unencrypted at first, and encrypted before any mail is sent; a server without support is refused.
    #[default]
    Starttls,
    /// Encrypted from the first byte.
    Wrapper,
    /// Not at all; only to this machine, unless `allow_plain` is set.
    None,
}

impl Default for SmtpOptions {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: None,
            tls: SmtpTls::default(),
            allow_plain: false,
            from: String::new(),
            to: Vec::new(),
            username: None,
            password: None,
            on: Occasion::defaults(),
        }
    }
}

impl SmtpOptions {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.host.is_empty() || self.host.contains(['/', '@', ' ']) {
            let what = if self.host.is_empty() {
                "is empty"
            } else {
                "is not the name of a host"
            };
            problems.push(
                Problem::new("host", what).hint("the mail server, such as mail.plant.example"),
            );
        }
        if self.tls == SmtpTls::None && !self.allow_plain && !is_this_machine(&self.host) {
            let hint = "use \"starttls\" or \"wrapper\", or set `allow_plain`";
            let problem = Problem::new(
                "tls",
                "`none` would send unencrypted mail to another machine",
            );
            problems.push(problem.with_code(Code::Unencrypted).hint(hint));
        }
        problems.extend(self.addresses());
        problems.extend(self.login());
        problems
    }

    fn addresses(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.to.is_empty() {
            problems.push(Problem::new("to", "is empty: give at least one address"));
        }
        let all = std::iter::once(("from", &self.from)).chain(self.to.iter().map(|to| ("to", to)));
        for (key, address) in all.filter(|(_, address)| mailbox(address).is_err()) {
            let hint = "write name@host, or Name <name@host>";
            problems
                .push(Problem::new(key, format!("`{address}` is not a mail address")).hint(hint));
        }
        problems
    }

    fn login(&self) -> Option<Problem> {
        let alone =
            |key: &str, message: &str| Problem::new(key, message).with_code(Code::KeyNeedsOther);
        match (&self.username, &self.password) {
            (Some(_), None) => {
                Some(alone("username", "needs `password`").hint("password = { env = \"NAME\" }"))
            }
            (None, Some(_)) => Some(alone("password", "needs `username`")),
            (_, Some(password)) => password.problem("password"),
            (None, None) => None,
        }
    }
}
