//! Notifies people and programs how a run ended: by a signed webhook, or by mail.
//!
//! A [`Notice`] says what happened, `[[notify]]` tables ([`NotifyOptions`]) list the receivers of each [`Occasion`], and
//! [`send`] delivers. Nothing here fails a run: a receiver that cannot be reached is a [`NotifyProblem`], shown as a warning.
//!
//! - `webhook` posts the notice as JSON, signed by HMAC-SHA256 over time and body, and retries transient failures;
//! - `smtp` mails it, over TLS;
//! - secrets are [`pdm_core::domain::SecretName`]s until the moment they are used.

mod address;
mod error;
mod machine;
mod mail;
mod notice;
mod occasion;
mod options;
mod send;
mod signature;
mod smtp;
mod smtp_options;
mod webhook;
mod webhook_options;

pub use address::WebhookAddress;
pub use error::{NotifyError, NotifyProblem};
pub use notice::Notice;
pub use occasion::Occasion;
pub use options::NotifyOptions;
pub use send::{deliver, send};
pub use smtp_options::{SmtpOptions, SmtpTls};
pub use webhook_options::WebhookOptions;
