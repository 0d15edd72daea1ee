//! Sends notices by mail.

use std::thread;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{SmtpTransport, Transport};

use super::mail;
use super::{Notice, NotifyError, SmtpOptions, SmtpTls};
use pdm_core::domain::EnvLookup;
use pdm_core::retry::RetryPolicy;

/// Mails a notice; returns the number of tries.
///
/// Transient failures are retried: no answer, and answers that the server marks as transient (4xx).
pub(super) fn deliver(
    options: &SmtpOptions,
    notice: &Notice,
    variable: EnvLookup<'_>,
) -> Result<u32, NotifyError> {
    let mail = mail::write(options, notice)?;
    let server = server(options, variable)?;
    let mut tries = 0;
    loop {
        tries += 1;
        let source = match server.send(&mail) {
            Ok(_) => return Ok(tries),
            Err(source) => source,
        };
        let is_transient = !source.is_permanent() && !source.is_client() && !source.is_tls();
        match RetryPolicy::NOTIFICATION.wait(tries, None) {
            Some(wait) if is_transient => thread::sleep(wait),
            _ => return Err(NotifyError::Smtp { tries, source }),
        }
    }
}

fn server(options: &SmtpOptions, variable: EnvLookup<'_>) -> Result<SmtpTransport, NotifyError> {
    let host = options.host.as_str();
    let parameters = || {
        TlsParameters::new(host.to_owned()).map_err(|source| NotifyError::Smtp { tries: 0, source })
    };
    let (port, tls) = match options.tls {
        SmtpTls::Starttls => (587, Tls::Required(parameters()?)),
        SmtpTls::Wrapper => (465, Tls::Wrapper(parameters()?)),
        SmtpTls::None => (25, Tls::None),
    };
    let server = SmtpTransport::builder_dangerous(host)
        .port(options.port.unwrap_or(port))
        .tls(tls)
        .timeout(Some(RetryPolicy::NOTIFICATION.answer));
    Ok(match (&options.username, &options.password) {
        (Some(username), Some(password)) => {
            let password = password.read(variable)?.expose().to_owned();
            server
                .credentials(Credentials::new(username.clone(), password))
                .build()
        }
        _ => server.build(),
    })
}
