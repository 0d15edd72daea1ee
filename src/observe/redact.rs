use std::borrow::Cow;

const HIDDEN: &str = "***";

/// Parameters of an address that prove who asks; in small letters.
const SECRETS: [&str; 18] = [
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "auth",
    "awsaccesskeyid",
    "key",
    "pass",
    "password",
    "secret",
    "sig",
    "signature",
    "token",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "x-goog-credential",
    "x-goog-signature",
];

/// Ways to write credentials in a header.
const SCHEMES: [&str; 2] = ["Bearer ", "Basic "];

/// Returns a text as it may be logged: users and passwords in addresses, values that sign an address, and what follows
/// `Bearer` or `Basic` become `***`.
///
/// What is logged holds none of these as far as its authors know; this is for the messages of others.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut hidden: Vec<(usize, usize)> = Vec::new();
    hidden.extend(text.match_indices("://").filter_map(|(at, mark)| user(text, at + mark.len())));
    hidden.extend(text.match_indices(['?', '&']).filter_map(|(at, _)| parameter(text, at + 1)));
    for scheme in SCHEMES {
        hidden.extend(text.match_indices(scheme).filter_map(|(at, _)| {
            let from = at + scheme.len();
            let word = until(text, from, |c| c.is_whitespace() || QUOTES.contains(&c));
            // Shorter ones are words: "Basic text".
            (word - from >= 8).then_some((from, word))
        }));
    }
    if hidden.is_empty() {
        return Cow::Borrowed(text);
    }
    hidden.sort_unstable();
    let (mut shown, mut done) = (String::with_capacity(text.len()), 0);
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

const QUOTES: [char; 5] = ['`', '"', '\'', '<', '>'];

fn until(text: &str, from: usize, ends: impl Fn(char) -> bool) -> usize {
    text[from..].find(ends).map_or(text.len(), |at| from + at)
}

/// Returns where the user and password stand in the address whose host begins at `from`.
fn user(text: &str, from: usize) -> Option<(usize, usize)> {
    let end = until(text, from, |c| c.is_whitespace() || "/?#".contains(c) || QUOTES.contains(&c));
    text[from..end].rfind('@').filter(|length| *length > 0).map(|length| (from, from + length))
}

/// Returns where the value stands of the parameter that begins at `from`, where that is a secret.
fn parameter(text: &str, from: usize) -> Option<(usize, usize)> {
    let end = until(text, from, |c| c.is_whitespace() || "&#)".contains(c) || QUOTES.contains(&c));
    let (name, value) = text[from..end].split_once('=')?;
    let is_secret = SECRETS.contains(&name.to_ascii_lowercase().as_str()) && !value.is_empty();
    is_secret.then_some((from + name.len() + 1, end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_proves_who_asks_is_not_shown() {
        for (text, expected) in [
            ("cannot reach https://ann:hunter2@ml.plant/api", "cannot reach https://***@ml.plant/api"),
            ("`s3://k@bucket/x?y=1`", "`s3://***@bucket/x?y=1`"),
            (
                "PUT https://b.s3/x?partNumber=1&X-Amz-Signature=0fab&X-Amz-Expires=60 failed",
                "PUT https://b.s3/x?partNumber=1&X-Amz-Signature=***&X-Amz-Expires=60 failed",
            ),
            ("https://a.blob/x?sv=1&sig=Zm9v%3D, then", "https://a.blob/x?sv=1&sig=*** then"),
            ("Authorization: Bearer eyJhbGciOi.x.y", "Authorization: Bearer ***"),
            ("http://a:b@c and http://d:e@f", "http://***@c and http://***@f"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn everything_else_stays_and_is_not_copied() {
        for text in
            ["", "stage `train` finished", "s3://models/plant-7", "mail ann@plant.example", "Basic text?", "?a=1&b"]
        {
            assert!(matches!(redact(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_password_never_comes_through(before in ".*", password in "[a-z0-9%:]{3,20}", after in "(/.*)?") {
            let text = format!("{before} https://user:{password}@host{after}");
            let shown = redact(&text).into_owned();
            let leaked = format!(":{password}@host");
            prop_assert!(!shown.contains(&leaked), "{}", shown);
            prop_assert_eq!(redact(&shown), shown.clone());
        }
    }
}
