//! Recognises names of secrets.

/// Endings of names in lower case without separators: `X-Api-Key` ends with `apikey`.
const ENDINGS: [&str; 24] = [
    "accesskey",
    "accountkey",
    "apikey",
    "authkey",
    "authorization",
    "bearer",
    "clientsecret",
    "cookie",
    "functionkey",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "pwd",
    "secret",
    "secretkey",
    "sessionid",
    "sharedaccesskey",
    "sharedkey",
    "signingkey",
    "subscriptionkey",
    "token",
    "webhookkey",
];

/// Names of secrets in the query of an address that are too common elsewhere.
const IN_QUERIES: [&str; 9] = [
    "auth",
    "code",
    "credential",
    "key",
    "pass",
    "sas",
    "sig",
    "signature",
    "ticket",
];

/// Prefixes of the parameters that sign an address of a bucket, all of which are hidden.
const SIGNED: [&str; 3] = ["xamz", "xgoog", "awsaccesskeyid"];

/// Returns whether a name is that of a secret: `password`, `MLFLOW_TRACKING_TOKEN`, `X-Api-Key`.
pub fn names_a_secret(name: &str) -> bool {
    let plain = plain(name);
    ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

/// Returns whether the parameter of an address with this name is a secret.
pub(super) fn names_a_parameter(name: &str) -> bool {
    let plain = plain(name);
    IN_QUERIES.contains(&plain.as_str())
        || SIGNED.iter().any(|start| plain.starts_with(start))
        || ["signature", "credential"]
            .iter()
            .any(|ending| plain.ends_with(ending))
        || ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
