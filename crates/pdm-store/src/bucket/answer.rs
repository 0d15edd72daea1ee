//! Error codes of object stores: whether to retry, and the hint for each.

use std::borrow::Cow;

use object_store::Error;

/// Replaces a response that is a web page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent a web page instead of an object store response (status {status})")]
pub(super) struct WebPage {
    pub(super) status: u16,
}

/// The causes that need different hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AnswerKind {
    /// The clock of this machine is wrong.
    Clock,
    /// The session token has expired.
    ExpiredToken,
    /// The session token belongs to other keys.
    OtherToken,
    /// The server does not know the access key.
    UnknownKey,
    /// The secret key is wrong.
    WrongSecret,
    /// The keys may not do this.
    NotAllowed,
    /// There is no such bucket.
    NoBucket,
    /// The bucket is in another region.
    Region,
    /// Another request for the same object was under way.
    Conflict,
    /// The server has no such function.
    NotImplemented,
    /// The store is full.
    Full,
    /// The server is busy, or failed.
    Busy,
}

impl AnswerKind {
    fn of_code(code: &str) -> Option<Self> {
        Some(match code {
            "RequestTimeTooSkewed" | "RequestExpired" => Self::Clock,
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => Self::ExpiredToken,
            "InvalidToken" | "InvalidTokenId" => Self::OtherToken,
            "InvalidAccessKeyId" => Self::UnknownKey,
            "SignatureDoesNotMatch" => Self::WrongSecret,
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "InvalidPayer"
            | "NotSignedUp" => Self::NotAllowed,
            "NoSuchBucket" | "InvalidBucketName" => Self::NoBucket,
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "Redirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException" => Self::Region,
            "ConditionalRequestConflict" | "OperationAborted" => Self::Conflict,
            "NotImplemented" => Self::NotImplemented,
            "QuotaExceeded" | "XMinioStorageFull" | "InsufficientStorage" => Self::Full,
            "SlowDown"
            | "SlowDownWrite"
            | "SlowDownRead"
            | "ServiceUnavailable"
            | "InternalError"
            | "RequestTimeout"
            | "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException" => Self::Busy,
            _ => return None,
        })
    }

    fn is_transient(self) -> bool {
        match self {
            Self::Conflict | Self::Busy => true,
            Self::Clock
            | Self::ExpiredToken
            | Self::OtherToken
            | Self::UnknownKey
            | Self::WrongSecret
            | Self::NotAllowed
            | Self::NoBucket
            | Self::Region
            | Self::NotImplemented
            | Self::Full => false,
        }
    }

    fn hint(self, message: &str) -> Cow<'static, str> {
        match self {
            Self::Clock => match element(message, "ServerTime") {
                Some(time) => {
                    format!("the clock of this machine is wrong: the server's time is {time}; set the clock").into()
                }
                None => "the clock of this machine is wrong: set it, for example with `timedatectl set-ntp true`".into(),
            },
            Self::ExpiredToken => "the session token has expired: get new keys, for example with `aws sso login` or \
                                   `aws configure export-credentials --format env`"
                .into(),
            Self::OtherToken => "the session token does not match the keys: take AWS_ACCESS_KEY_ID, \
                                 AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN from the same source"
                .into(),
            Self::UnknownKey => "the server does not know the access key: check AWS_ACCESS_KEY_ID, AWS_PROFILE and \
                                 AWS_ENDPOINT_URL; keys in the environment take precedence over those of a profile"
                .into(),
            Self::WrongSecret => {
                "the keys in the environment or profile are wrong: the secret key does not belong to the \
                                  access key, or a proxy changes the requests"
                    .into()
            }
            Self::NotAllowed => "the keys lack the permission: `pdm-ml registry policy s3` prints the policy that a job needs".into(),
            Self::NoBucket => "the bucket does not exist: check its name and AWS_ENDPOINT_URL".into(),
            Self::Region => match element(message, "Region") {
                Some(region) => format!("the bucket is in the region {region}: set AWS_REGION={region}").into(),
                None => "the bucket is in another region: set AWS_REGION".into(),
            },
            Self::Conflict => "another request for the same object was in progress: try again".into(),
            Self::NotImplemented => {
                "the server does not implement an S3 feature that a registry needs, for example `If-None-Match: *`".into()
            }
            Self::Full => {
                "the store is full, or its quota is used up: `pdm-ml registry gc` removes files that are no longer needed".into()
            }
            Self::Busy => "the server is busy or failed: try again".into(),
        }
    }
}

/// Returns whether the server refused a request because another one for the same object was in progress.
pub fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::AlreadyExists { .. })
        && cause(&error.to_string()) == Some(AnswerKind::Conflict)
}

/// Returns whether the response was a web page instead of an object store's.
pub fn is_web_page(error: &Error) -> bool {
    error
        .to_string()
        .contains("a web page instead of an object store response")
}

/// Returns whether a retry can help, by the error code of the server; `None` if it sent no known code.
pub fn is_transient(error: &Error) -> Option<bool> {
    if is_web_page(error) {
        return Some(false);
    }
    cause(&error.to_string()).map(AnswerKind::is_transient)
}

/// Returns the hint for an error.
pub fn hint(error: &Error) -> Option<Cow<'static, str>> {
    // Address of the instance metadata service, which provides the role of the machine.
    const METADATA_SERVICE: &str = "169.254.169.254";
    if is_web_page(error) {
        return Some(
            "it may be the login page of a proxy or network, or a store's console: check AWS_ENDPOINT_URL, HTTPS_PROXY and NO_PROXY".into(),
        );
    }
    let message = error.to_string();
    if let Some(cause) = cause(&message) {
        return Some(cause.hint(&message));
    }
    Some(match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            "the keys in the environment or profile are wrong, or lack the permission".into()
        }
        _ if message.contains(METADATA_SERVICE) => {
            "no keys were found in the environment or a profile, and this machine has no role: set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
                .into()
        }
        Error::Generic { store: "S3", .. } => "check AWS_ENDPOINT_URL, AWS_REGION and the name of the bucket".into(),
// The store contradicted itself.
        Error::Generic { store: "registry", .. } => "try again; if the error remains, the server refuses to create objects, \
             for example because of a retention rule: `pdm-ml doctor --registry URL` tests what a registry needs"
            .into(),
        _ => return None,
    })
}

fn cause(message: &str) -> Option<AnswerKind> {
    AnswerKind::of_code(element(message, "Code")?)
}

/// Returns the text of the first XML element with this name.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let open = format!("<{name}>");
    let close = format!("</{name}>");
    let begin = text.find(&open)? + open.len();
    let length = text[begin..].find(&close)?;
    let found = text[begin..begin + length].trim();
    // Longer texts do not fit into a hint.
    (!found.is_empty() && found.len() <= 100).then_some(found)
}
