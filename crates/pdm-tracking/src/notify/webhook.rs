//! Posts notices to webhooks.

use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{StatusCode, Url, redirect};
use serde::Serialize;
use uuid::Uuid;

use super::machine::is_this_machine;
use super::signature::sign;
use super::{Notice, NotifyError, WebhookOptions};
use pdm_core::domain::EnvLookup;
use pdm_core::domain::Secret;
use pdm_core::retry::RetryPolicy;
use pdm_store::tls;

/// Version of the body's format.
const FORMAT: u32 = 1;

/// The JSON body of a request.
#[derive(Serialize)]
struct WebhookBody<'n> {
    format: u32,
    /// The same at every try, so that a receiver can recognize duplicates.
    id: String,
    time: Timestamp,
    #[serde(flatten)]
    notice: &'n Notice,
}

/// A receiver, ready to be posted to.
struct Receiver {
    http: Client,
    url: Url,
    secret: Option<Secret>,
}

/// Posts a notice; returns the number of tries.
///
/// Transient failures are retried: no answer, 429, and errors of the server. Redirects are not followed: they would send the
/// notice to another receiver.
pub(super) fn deliver(
    options: &WebhookOptions,
    notice: &Notice,
    variable: EnvLookup<'_>,
) -> Result<u32, NotifyError> {
    let receiver = Receiver::open(options, variable)?;
    let id = Uuid::now_v7().to_string();
    let body = WebhookBody {
        format: FORMAT,
        id: id.clone(),
        time: Timestamp::now(),
        notice,
    };
    let body = serde_json::to_vec(&body).expect("a notice has a JSON form");
    let mut tries = 0;
    loop {
        tries += 1;
        let (requested_wait, problem) = match receiver.request(&id, notice, &body).send() {
            Ok(answer) if answer.status().is_success() => return Ok(tries),
            Ok(answer) => {
                let status = answer.status();
                let problem = NotifyError::Refused {
                    status: status.as_u16(),
                    tries,
                };
                if !(status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()) {
                    return Err(problem);
                }
                (retry_after(&answer), problem)
            }
            // The URL may hold a key.
            Err(source) => (
                None,
                NotifyError::Unreachable {
                    tries,
                    source: source.without_url(),
                },
            ),
        };
        match RetryPolicy::NOTIFICATION.wait(tries, requested_wait) {
            Some(wait) => thread::sleep(wait),
            None => return Err(problem),
        }
    }
}

impl Receiver {
    fn open(options: &WebhookOptions, variable: EnvLookup<'_>) -> Result<Self, NotifyError> {
        let url = options.url.read(options.allow_http, variable)?;
        let secret = options
            .secret
            .as_ref()
            .map(|secret| secret.read(variable))
            .transpose()?;
        tls::install_provider();
        let builder = Client::builder()
            .user_agent(concat!("pdm-ml/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(RetryPolicy::NOTIFICATION.connect)
            .timeout(RetryPolicy::NOTIFICATION.answer)
            .redirect(redirect::Policy::none());
        let is_local = url.host_str().is_some_and(is_this_machine);
        let builder = if is_local {
            builder.no_proxy()
        } else {
            builder
        };
        let http = builder
            .build()
            .map_err(|source| NotifyError::Client(source.without_url()))?;
        Ok(Self { http, url, secret })
    }

    /// Returns a request with the current time and its signature.
    fn request(&self, id: &str, notice: &Notice, body: &[u8]) -> RequestBuilder {
        let seconds = Timestamp::now().as_second();
        let request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("X-Pdm-Ml-Event", notice.occasion.name())
            .header("X-Pdm-Ml-Delivery", id)
            .header("X-Pdm-Ml-Timestamp", seconds.to_string());
        let request = match &self.secret {
            Some(secret) => request.header("X-Pdm-Ml-Signature", sign(secret, seconds, body)),
            None => request,
        };
        request.body(body.to_vec())
    }
}

/// Returns the wait that an answer requests, if it is given in seconds.
fn retry_after(answer: &Response) -> Option<Duration> {
    answer
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}
