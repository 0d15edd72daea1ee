//! Reads answers and errors of the server.

use std::io::{self, Read};
use std::time::Duration;

use reqwest::blocking::Response;
use reqwest::header::{LOCATION, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;

use super::wire::ErrorAnswer;
use crate::tracking::TrackingError;

/// Most bytes of an answer: a page of a thousand runs has some megabytes.
const MOST: u64 = 16 << 20;
/// Most pages of a list; each holds a thousand entries.
const MOST_PAGES: usize = 1000;

/// Reads the body of an answer, up to a limit.
pub(super) fn body(method: &Method, url: &Url, answer: Response) -> Result<Vec<u8>, TrackingError> {
    let mut bytes = Vec::new();
    let method = method.to_string();
    let url = url.to_string();
    match answer.take(MOST + 1).read_to_end(&mut bytes) {
        Err(source) => Err(TrackingError::BrokenOff {
            method,
            url,
            source,
        }),
        Ok(_) if bytes.len() as u64 > MOST => Err(TrackingError::AnswerTooLarge {
            method,
            url,
            most: MOST,
        }),
        Ok(_) => Ok(bytes),
    }
}

/// Follows a list from page to page, up to a limit.
pub(super) struct PageFollower {
    call: &'static str,
    seen: usize,
    last: String,
}

impl PageFollower {
    pub(super) fn of(call: &'static str) -> Self {
        Self {
            call,
            seen: 0,
            last: String::new(),
        }
    }

    /// Returns the token of the next page; `None` after the last one.
    pub(super) fn next(&mut self, token: String) -> Result<Option<String>, TrackingError> {
        self.seen += 1;
        if token.is_empty() {
            return Ok(None);
        }
        if token == self.last || self.seen >= MOST_PAGES {
            let excerpt = format!("an endless list, with more than {} pages", self.seen);
            return Err(TrackingError::NotMlflow {
                method: "POST".to_owned(),
                url: self.call.to_owned(),
                excerpt,
            });
        }
        self.last.clone_from(&token);
        Ok(Some(token))
    }
}

pub(super) fn decode<R: DeserializeOwned>(
    method: &Method,
    url: &Url,
    answer: Response,
) -> Result<R, TrackingError> {
    let bytes = body(method, url, answer)?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let method = method.to_string();
        let url = url.to_string();
        match error.is_eof() {
            true => TrackingError::CutShort { method, url },
            false => TrackingError::NotMlflow {
                method,
                url,
                excerpt: excerpt(&String::from_utf8_lossy(&bytes)),
            },
        }
    })
}

/// Returns an address without its query, which may hold a signature.
pub(super) fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

pub(super) fn unreachable(method: &Method, url: &Url, source: reqwest::Error) -> TrackingError {
    TrackingError::Unreachable {
        method: method.to_string(),
        url: url.to_string(),
        source: source.without_url(),
    }
}

/// Reads an error, and the requested time until the next request.
pub(super) fn refused(method: &Method, url: &Url, answer: Response) -> TrackingError {
    let status = answer.status();
    let retry_after = retry_after(&answer);
    let location = answer
        .headers()
        .get(LOCATION)
        .and_then(|to| to.to_str().ok())
        .map(str::to_owned);
    let text = read_some(answer);
    let ErrorAnswer {
        error_code,
        message,
    } = serde_json::from_str(&text).unwrap_or_default();
    let message = match location {
        Some(to) if status.is_redirection() => format!("moved to {}", excerpt(&to)),
        _ if message.is_empty() => excerpt(if text.trim().is_empty() {
            reason(status)
        } else {
            &text
        }),
        _ => excerpt(&message),
    };
    let method = method.to_string();
    let url = url.to_string();
    TrackingError::Refused {
        method,
        url,
        status: status.as_u16(),
        code: error_code,
        message,
        retry_after,
    }
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("no reason given")
}

fn read_some(answer: Response) -> String {
    const MOST: u64 = 64 * 1024;
    let mut bytes = Vec::new();
    // The part before a broken connection is still shown.
    let _ = io::copy(&mut answer.take(MOST), &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads `Retry-After` in both its forms (RFC 9110, section 10.2.3).
fn retry_after(answer: &Response) -> Option<Duration> {
    let text = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| {
        let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Some(
            until
                .duration_since(jiff::Timestamp::now())
                .try_into()
                .unwrap_or(Duration::ZERO),
        )
    })
}

/// Returns the beginning of a text on one line, without HTML tags.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 300;
    let after_tag = |piece: &str| {
        piece
            .split_once('>')
            .map_or(piece, |(_, after)| after)
            .to_owned()
    };
    let is_page = text.trim_start().starts_with('<');
    let words = if is_page {
        text.split('<').map(after_tag).collect::<Vec<_>>().join(" ")
    } else {
        text.to_owned()
    };
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        line
    } else {
        line.chars().take(LONGEST).collect::<String>() + "…"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_become_one_line() {
        let page =
            "<!doctype html>\n<html lang=en><title>404 Not Found</title>\n<h1>Not Found</h1>";
        assert_eq!(excerpt(page), "404 Not Found Not Found");
        assert_eq!(excerpt("a < b\n and c > d"), "a < b and c > d");
        assert_eq!(excerpt(&"ü".repeat(400)).chars().count(), 301);
    }
}
