use pdm_core::domain::MissingSecret;

/// Somebody could not be told.
#[derive(Debug, thiserror::Error)]
#[error("{target} was not told")]
pub struct NotifyProblem {
    /// Who, in words, without anything that may be secret.
    pub target: String,
    /// Why not.
    #[source]
    pub why: NotifyError,
}

/// Why somebody could not be told. What is shown holds no secret: of a URL no more than scheme and host.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// A secret is not there.
    #[error(transparent)]
    Secret(#[from] MissingSecret),
    /// The URL cannot be used.
    #[error("the URL {0}")]
    Url(String),
    /// TLS cannot be set up.
    #[error("the connection cannot be set up")]
    Client(#[source] reqwest::Error),
    /// Nobody answered.
    #[error("nobody answered, {}", after(*tries))]
    Unreachable {
        /// How often it was tried.
        tries: u32,
        /// The last answer.
        #[source]
        source: reqwest::Error,
    },
    /// The receiver refused.
    #[error("it answered {status}, {}", after(*tries))]
    Refused {
        /// Status of the last answer.
        status: u16,
        /// How often it was tried.
        tries: u32,
    },
    /// The notice cannot be written as a mail.
    #[error("the mail cannot be written: {0}")]
    Mail(String),
    /// The mail server refused, or nobody answered.
    #[error("the mail server did not take it, {}", after(*tries))]
    Smtp {
        /// How often it was tried.
        tries: u32,
        /// The last answer.
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
    /// Returns who was not told and why, in one line.
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

    /// Returns whether the same may succeed later.
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
