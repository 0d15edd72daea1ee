//! The errors of notifications.

use pdm_core::domain::MissingSecret;

/// A notification was not delivered.
#[derive(Debug, thiserror::Error)]
#[error("cannot notify {target}")]
pub struct NotifyProblem {
    /// The receiver, without anything that may be secret.
    pub target: String,
    /// Why not.
    #[source]
    pub why: NotifyError,
}

/// Why a notification was not delivered. Messages contain no secrets: of a URL only scheme and host.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// A secret is missing.
    #[error(transparent)]
    Secret(#[from] MissingSecret),
    /// The URL cannot be used.
    #[error("the URL {0}")]
    Url(String),
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Client(#[source] reqwest::Error),
    /// No answer.
    #[error("no answer {}", after(*tries))]
    Unreachable {
        /// Number of tries.
        tries: u32,
        /// The last error.
        #[source]
        source: reqwest::Error,
    },
    /// The receiver refused.
    #[error("the server answered {status} {}", after(*tries))]
    Refused {
        /// Status of the last answer.
        status: u16,
        /// Number of tries.
        tries: u32,
    },
    /// The notice cannot be written as a mail.
    #[error("cannot write the mail: {0}")]
    Mail(String),
    /// The mail server refused, or did not answer.
    #[error("the mail server did not accept it {}", after(*tries))]
    Smtp {
        /// Number of tries.
        tries: u32,
        /// The last error.
        #[source]
        source: lettre::transport::smtp::Error,
    },
}

fn after(tries: u32) -> String {
    if tries == 1 {
        "after 1 try".to_owned()
    } else {
        format!("after {tries} tries")
    }
}

impl NotifyProblem {
    /// Returns the receiver and all causes, in one line.
    pub fn in_one_line(&self) -> String {
        let mut line = self.to_string();
        let mut cause: Option<&dyn std::error::Error> = Some(&self.why);
        while let Some(error) = cause {
            let text = error.to_string();
            if !line.contains(&text) {
                line.push_str(": ");
                line.push_str(&text);
            }
            cause = error.source();
        }
        line.replace(['\n', '\r'], " ")
    }

    /// Returns whether a later attempt may succeed.
    pub fn is_transient(&self) -> bool {
        match &self.why {
            NotifyError::Unreachable { .. } => true,
            NotifyError::Refused { status, .. } => *status == 429 || *status >= 500,
            NotifyError::Smtp { source, .. } => {
                !source.is_permanent() && !source.is_client() && !source.is_tls()
            }
            _ => false,
        }
    }
}
