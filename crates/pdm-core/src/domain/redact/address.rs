//! Secrets in addresses: user and password, signing parameters, paths of webhooks.

use std::sync::LazyLock;

use regex::Regex;

use super::name::{names_a_parameter, names_a_secret};
use super::{ByteSpan, QUOTES, until};

/// Parts of host names of webhook services, whose whole path is the secret.
const WEBHOOK_HOSTS: [&str; 20] = [
    "hooks.slack.com",
    "hooks.slack-gov.com",
    "webhook.office.com",
    "outlook.office.com",
    "outlook.office365.com",
    "logic.azure.com",
    "powerplatform.com",
    "hooks.zapier.com",
    "hook.make.com",
    "maker.ifttt.com",
    "api.telegram.org",
    "chat.googleapis.com",
    "alert.victorops.com",
    "events.pagerduty.com",
    "hc-ping.com",
    "webhook.site",
    "open.feishu.cn",
    "open.larksuite.com",
    "oapi.dingtalk.com",
    "ntfy.sh",
];

/// Folders of a path after which the secret of a webhook follows.
const WEBHOOK_FOLDERS: [&str; 7] = [
    "hook",
    "hooks",
    "webhook",
    "webhooks",
    "webhookb2",
    "incomingwebhook",
    "triggers",
];

/// Parameters of an address whose values are shown, in lower case: harmless ones of stores, MLflow and downloads. Any other may
/// be a credential.
const HARMLESS: [&str; 27] = [
    "alias",
    "delimiter",
    "download",
    "experiment_id",
    "experiment_name",
    "file",
    "filename",
    "format",
    "lang",
    "limit",
    "list-type",
    "max-keys",
    "max_results",
    "name",
    "offset",
    "page",
    "partnumber",
    "path",
    "prefix",
    "raw",
    "region",
    "run_id",
    "run_uuid",
    "start-after",
    "status",
    "version",
    "view",
];

/// Numbers with at most this many digits are not secrets, but a page, a part or a version.
const DIGITS: usize = 6;

/// A user, a password and the beginning of a host, without a scheme or with an incomplete one.
static SCHEMELESS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?:^|[\s"'`<>\\=(,\[{])([A-Za-z0-9._%+~\-]{1,64}):([^\s"'`<>\\]+)@([A-Za-z0-9\[][A-Za-z0-9]*)"#;
    Regex::new(pattern).expect("the pattern above is well-formed")
});

/// Texts before the `@` of a digest or a mail address that are not user and password: `image:1.0@sha256:…`, `mailto:ann@plant`.
const DIGESTS: [&str; 2] = ["sha256", "sha512"];
const MAIL: &str = "mailto";

/// Returns the addresses in a text, without their schemes: from after `://` to the end of the word or the next address.
fn addresses(text: &str) -> impl Iterator<Item = ByteSpan> {
    text.match_indices("://").map(|(at, mark)| {
        let from = at + mark.len();
        let next = text[from..]
            .find("://")
            .map_or(text.len(), |next| from + next);
        (
            from,
            until(&text[..next], from, |c| {
                c.is_whitespace() || QUOTES.contains(&c)
            }),
        )
    })
}

/// Finds users and passwords: the part of an address before the `@`.
pub(super) fn users(text: &str, found: &mut Vec<ByteSpan>) {
    for (from, word) in addresses(text) {
        let host = until(&text[..word], from, |c| "/?#".contains(c));
        let end = if has_password(&text[from..host]) {
            word
        } else {
            host
        };
        if let Some(length) = text[from..end].rfind('@') {
            found.push((from, from + length));
        }
    }
}

/// Finds users and passwords of addresses that were written without `://`, such as `ann:password@host:5000`.
pub(super) fn users_without_scheme(text: &str, found: &mut Vec<ByteSpan>) {
    for address in SCHEMELESS.captures_iter(text) {
        let (Some(user), Some(password)) = (address.get(1), address.get(2)) else {
            continue;
        };
        let is_other = DIGESTS.contains(&&address[3]) || user.as_str() == MAIL;
        // `https:/ann:password@host` lacks a slash, and `models:/plant@champion` is a model of MLflow's.
        let is_scheme = match password.as_str().strip_prefix('/') {
            Some(rest) => rest.starts_with('/') || !rest.contains(':'),
            None => false,
        };
        if !is_other && !is_scheme {
            found.push((user.start(), password.end()));
        }
    }
}

/// Returns whether the text after a colon is not a port, but a password, which may contain `/`, `?` and `#`.
fn has_password(authority: &str) -> bool {
    let Some((_, after)) = authority.split_once(':') else {
        return false;
    };
    !authority.starts_with('[')
        && !after.contains('@')
        && !after.chars().all(|c| c.is_ascii_digit())
}

/// Finds the values of parameters with secret names, and in addresses of all parameters not known to be harmless.
pub(super) fn parameters(text: &str, found: &mut Vec<ByteSpan>) {
    let addresses: Vec<_> = addresses(text).collect();
    for (at, _) in text.match_indices(['?', '&', ';', '#']) {
        let from = at + 1;
        let end = until(text, from, |c| {
            c.is_whitespace() || "?&;#)".contains(c) || QUOTES.contains(&c)
        });
        let Some((name, value)) = text[from..end].split_once('=') else {
            continue;
        };
        let before = addresses.partition_point(|(begin, _)| *begin <= at);
        let is_of_an_address = before > 0 && at < addresses[before - 1].1;
        if names_a_parameter(name)
            && (is_of_an_address || names_a_secret(name) || text.starts_with('?'))
            || is_of_an_address && !is_harmless(name, value)
        {
            found.push((from + name.len() + 1, end));
        }
    }
}

fn is_harmless(name: &str, value: &str) -> bool {
    let is_number = value.len() <= DIGITS && value.chars().all(|c| c.is_ascii_digit());
    is_number || HARMLESS.contains(&name.to_ascii_lowercase().as_str()) && !looks_random(value)
}

/// Returns whether a value is long and mixes letters with digits, so that it counts as a token, whatever its name.
fn looks_random(value: &str) -> bool {
    const LONG: usize = 20;
    let of_a_token = |c: char| c.is_ascii_alphanumeric() || "-_.~+/=%".contains(c);
    value.len() >= LONG
        && value.chars().all(of_a_token)
        && value.contains(|c: char| c.is_ascii_digit())
        && value.contains(|c: char| c.is_ascii_alphabetic())
}

/// Finds the paths of webhooks, which authorise posting.
pub(super) fn webhooks(text: &str, found: &mut Vec<ByteSpan>) {
    for (from, word) in addresses(text) {
        let end = until(&text[..word], from, |c| ",;)".contains(c));
        let Some(slash) = text[from..end].find('/') else {
            continue;
        };
        let path = from + slash + 1;
        let host = text[from..path - 1].to_ascii_lowercase();
        let host = host.rsplit('@').next().unwrap_or_default();
        if WEBHOOK_HOSTS.iter().any(|known| host.contains(known)) {
            found.push((path, end));
        } else {
            found.extend(behind_a_folder(text, path, end));
        }
    }
}

/// Returns the part of a path after a folder of webhooks.
fn behind_a_folder(text: &str, path: usize, end: usize) -> Option<ByteSpan> {
    let mut from = path;
    for part in text[path..end].split('/') {
        from = (from + part.len() + 1).min(end);
        if WEBHOOK_FOLDERS.contains(&part.to_ascii_lowercase().as_str()) {
            return Some((from, end));
        }
    }
    None
}
