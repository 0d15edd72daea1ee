//! Removes secrets from all output: messages, JSON, logs, journals, notices, reports.
//!
//! Two methods are combined. Likely secrets are recognised by their context: the user of an address, a signing parameter, the
//! path of a webhook, the text after `password =` or `Bearer`. Secrets that were read as such, or given on the command line,
//! are recognised by value (see `known`), wherever another library repeats them.

mod address;
mod assigned;
mod json;
mod known;
mod name;
mod shape;

use std::borrow::Cow;

pub use json::redact_json;
pub use known::{learn, remember};
pub use name::names_a_secret;

/// The replacement of a secret.
pub const HIDDEN: &str = "***";

/// Characters that end a secret, since they end the text that contains it.
const QUOTES: [char; 6] = ['`', '"', '\'', '<', '>', '\\'];

/// A range of byte offsets.
type ByteSpan = (usize, usize);

/// Returns a text with every secret replaced by `***`.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut hidden = suspects(text);
    hidden.extend(known::found(text));
    if hidden.is_empty() {
        return Cow::Borrowed(text);
    }
    hidden.sort_unstable();
    let mut shown = String::with_capacity(text.len());
    let mut done = 0;
    for (from, to) in hidden {
        if from >= done {
            shown.push_str(&text[done..from]);
            shown.push_str(HIDDEN);
        }
        done = done.max(to);
    }
    shown.push_str(&text[done..]);
    Cow::Owned(shown)
}

/// Returns the locations of likely secrets, by their context.
fn suspects(text: &str) -> Vec<ByteSpan> {
    let mut found = Vec::new();
    address::users(text, &mut found);
    address::users_without_scheme(text, &mut found);
    address::parameters(text, &mut found);
    address::webhooks(text, &mut found);
    assigned::values(text, &mut found);
    assigned::flags(text, &mut found);
    assigned::schemes(text, &mut found);
    shape::tokens(text, &mut found);
    found.retain(|(from, to)| from < to && &text[*from..*to] != HIDDEN);
    found
}

/// Returns the offset of the first of some characters at or after an offset, else the end of the text.
fn until(text: &str, from: usize, ends: impl Fn(char) -> bool) -> usize {
    text[from..].find(ends).map_or(text.len(), |at| from + at)
}

/// Returns whether a value is an ordinary word, such as `must` or `Missing.`, which secrets seldom are.
fn is_plain_word(value: &str) -> bool {
    let word = value.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']']);
    let mut letters = word.chars();
    let first = letters.next();
    first.is_none_or(char::is_alphabetic) && letters.all(char::is_lowercase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_proves_who_asks_is_not_shown() {
        for (text, expected) in [
            (
                "cannot reach https://ann:hunter2@ml.plant/api",
                "cannot reach https://***@ml.plant/api",
            ),
            (
                "https://ann:pa/ss#w0?rd@ml.plant/api",
                "https://***@ml.plant/api",
            ),
            ("`s3://k@bucket/x?y=1`", "`s3://***@bucket/x?y=1`"),
            (
                "PUT https://b.s3/x?partNumber=1&X-Amz-Signature=0fab&X-Amz-Expires=60 failed",
                "PUT https://b.s3/x?partNumber=1&X-Amz-Signature=***&X-Amz-Expires=*** failed",
            ),
            (
                "https://a.blob/x?sv=1&sig=Zm9v%3D, then",
                "https://a.blob/x?sv=1&sig=*** then",
            ),
            ("https://a/x?t=9f8e7d6c5b4a3f2e1d0c", "https://a/x?t=***"),
            (
                "https://a/x#access_token=abc",
                "https://a/x#access_token=***",
            ),
            ("ann:K4Npass1@h:5000", "***@h:5000"),
            (
                "URI=ann:p@ss@127.0.0.1:1 and `ann:x@[::1]/a`",
                "URI=***@127.0.0.1:1 and `***@[::1]/a`",
            ),
            ("https:/ann:x@host/x.zip", "***@host/x.zip"),
            (
                "http://h/x.zip?Key-Pair-Id=K4NID&Policy=eyK4N&Signature=s",
                "http://h/x.zip?Key-Pair-Id=***&Policy=***&Signature=***",
            ),
            (
                "http://h/x?t=abc&access=x&page=2&prefix=log/",
                "http://h/x?t=***&access=***&page=2&prefix=log/",
            ),
            (
                "Authorization: Bearer eyJhbGciOi.x.y",
                "Authorization: Bearer ***",
            ),
            ("authorization: Token abc, then", "authorization: ***"),
            ("\"X-Api-Key\": \"abc\"", "\"X-Api-Key\": \"***\""),
            ("x-api-key: abc", "x-api-key: ***"),
            ("cookie: a=b; c=d", "cookie: ***"),
            (
                "http://a:b@c and http://d:e@f",
                "http://***@c and http://***@f",
            ),
            ("password=hunter2 and user=ann", "password=*** and user=ann"),
            ("password = \"a b c\" # old", "password = \"***\" # old"),
            ("db_password: hunter2", "db_password: ***"),
            ("run --password hunter2 --fast", "run --password *** --fast"),
            (
                "AWS_SECRET_ACCESS_KEY=wJalr/K7",
                "AWS_SECRET_ACCESS_KEY=***",
            ),
            (
                "https://hooks.slack.com/services/T0/B1/x9",
                "https://hooks.slack.com/***",
            ),
            (
                "https://discord.com/api/webhooks/1/x9",
                "https://discord.com/api/webhooks/***",
            ),
            (
                "https://plant.webhook.office.com/webhookb2/a@b/c",
                "https://plant.webhook.office.com/***",
            ),
            (
                "https://api.telegram.org/bot1:x9/sendMessage",
                "https://api.telegram.org/***",
            ),
            ("key AKIAIOSFODNN7EXAMPLE is old", "key *** is old"),
            (
                "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\nend",
                "***\nend",
            ),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn everything_else_stays_and_is_not_copied() {
        for text in [
            "",
            "stage `train` finished",
            "s3://models/plant-7",
            "mail ann@plant.example",
            "mailto:ann@plant.example",
            "models:/turbofan-fd001@champion",
            "GET http://127.0.0.1:5000/api/2.0/mlflow/experiments/get-by-name?experiment_name=plant+seven",
            "plant:1.0@sha256:9f8e",
            "git@plant.example:models/plant.git",
            "small:v3 and small@champion",
            "Basic authentication?",
            "?a=1&b",
            "http://127.0.0.1:5000/models/turbofan@champion",
            "https://host/mlflow/#/experiments/1/runs/0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            "password = { env = \"SMTP_PASSWORD\" }",
            "token_env = \"MLFLOW_TRACKING_TOKEN\"",
            "credentials: the token holds blanks",
            "the password: must not be empty",
            "secret = ${PLANT_KEY}",
            "--set model.rounds=500",
            "bundle sha256 9f8e7d6c5b4a3f2e1d0c9f8e7d6c5b4a3f2e1d0c9f8e7d6c5b4a3f2e1d0cabcd",
            "key: model.rounds",
        ] {
            assert!(
                matches!(redact(text), Cow::Borrowed(same) if same == text),
                "{text}: {}",
                redact(text)
            );
        }
    }

    proptest! {
        #[test]
        fn a_password_never_comes_through(before in ".*", password in "[a-z0-9%:]{3,20}", after in "(/.*)?") {
            let text = format!("{before} https://user:{password}@host{after}");
            let shown = redact(&text).into_owned();
            let leaked = format!(":{password}@host");
            prop_assert!(!shown.contains(&leaked), "{}", shown);
        }

        #[test]
        fn any_text_is_taken(text in "(.|[=:?&@/\"'\\\\]|password|token|://){0,60}") {
            let shown = redact(&text).into_owned();
            prop_assert!(shown.len() <= text.len() + 4 * text.len());
        }
    }
}
