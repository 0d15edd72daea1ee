//! What a bucket's server says is wrong, by its own code: the same status stands for a wrong key, a wrong clock and a wrong
//! region.

use std::borrow::Cow;

use object_store::Error;

/// Put in place of an answer that is a web page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a web page answered, and no object store (status {status})")]
pub(super) struct WebPage {
    pub(super) status: u16,
}

/// What is wrong, as far as the next step depends on it.
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
    /// The store takes no more.
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

    fn hint(self, told: &str) -> Cow<'static, str> {
        match self {
            Self::Clock => match element(told, "ServerTime") {
                Some(time) => {
                    format!("the clock of this machine is wrong: by the server's it is {time}; set it").into()
                }
                None => "the clock of this machine is wrong: set it, such as with `timedatectl set-ntp true`".into(),
            },
            Self::ExpiredToken => "the session token has expired: get new keys, such as with `aws sso login` or \
                                   `aws configure export-credentials --format env`"
                .into(),
            Self::OtherToken => "the session token does not belong to the keys: take AWS_ACCESS_KEY_ID, \
                                 AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN from one place"
                .into(),
            Self::UnknownKey => "the server does not know the access key: look at AWS_ACCESS_KEY_ID, AWS_PROFILE and \
                                 AWS_ENDPOINT_URL; the keys in the environment go before those of a profile"
                .into(),
            Self::WrongSecret => {
                "the keys in the environment or profile are wrong: the secret key does not belong to the \
                                  access key, or a proxy changes the requests"
                    .into()
            }
            Self::NotAllowed => "the keys may not do this: `pdm-ml registry policy s3` prints what a job needs".into(),
            Self::NoBucket => "there is no such bucket here: look at its name and AWS_ENDPOINT_URL".into(),
            Self::Region => match element(told, "Region") {
                Some(region) => format!("the bucket is in the region {region}: set AWS_REGION={region}").into(),
                None => "the bucket is in another region: set AWS_REGION".into(),
            },
            Self::Conflict => "another request for the same object was under way: try again".into(),
            Self::NotImplemented => {
                "the server lacks a function of S3 that a registry needs, such as `If-None-Match: *`".into()
            }
            Self::Full => {
                "the store is full, or its quota is used up: `pdm-ml registry gc` removes what nothing needs".into()
            }
            Self::Busy => "the server is busy or failed: try again".into(),
        }
    }
}

/// Returns whether a server answered that another request for the same object is under way, and did nothing.
pub fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::AlreadyExists { .. })
        && cause(&error.to_string()) == Some(AnswerKind::Conflict)
}

/// Returns whether what answered is a web page, and no store.
pub fn is_web_page(error: &Error) -> bool {
    error
        .to_string()
        .contains("a web page answered, and no object store")
}

/// Returns whether trying again can help, by the code of the server's answer; `None` where it gives none that is known.
pub fn is_transient(error: &Error) -> Option<bool> {
    if is_web_page(error) {
        return Some(false);
    }
    cause(&error.to_string()).map(AnswerKind::is_transient)
}

/// Returns the next step after an answer that says no.
pub fn hint(error: &Error) -> Option<Cow<'static, str>> {
    // Where the AWS tools ask for the role of the machine they run on.
    const MACHINE: &str = "169.254.169.254";
    if is_web_page(error) {
        return Some(
            "the login page of a proxy or network, or a store's console: look at AWS_ENDPOINT_URL, HTTPS_PROXY and NO_PROXY".into(),
        );
    }
    let told = error.to_string();
    if let Some(cause) = cause(&told) {
        return Some(cause.hint(&told));
    }
    Some(match error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            "the keys in the environment or profile are wrong, or may not do this".into()
        }
        _ if told.contains(MACHINE) => {
            "no keys were found in the environment or a profile, and this machine has no role: set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
                .into()
        }
        Error::Generic { store: "S3", .. } => "look at AWS_ENDPOINT_URL, AWS_REGION and the name of the bucket".into(),
        // What a store says against itself.
        Error::Generic { store: "registry", .. } => "try again; where it is the same then, the server refuses to create objects, \
             such as by a rule that keeps them: `pdm-ml doctor --registry URL` tries what a registry needs"
            .into(),
        _ => return None,
    })
}

fn cause(told: &str) -> Option<AnswerKind> {
    AnswerKind::of_code(element(told, "Code")?)
}

/// Returns the text of the first XML element with this name in an answer.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let begin = text.find(&open)? + open.len();
    let length = text[begin..].find(&close)?;
    // A server's word in a hint is short.
    Some(text[begin..begin + length].trim()).filter(|found| !found.is_empty() && found.len() <= 100)
}
