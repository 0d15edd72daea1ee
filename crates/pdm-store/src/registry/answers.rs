//! Tests with responses of Amazon S3 and of proxies, byte for byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::blocking::{Registry, wait};
use super::keys::ObjectKey;
use super::samples::{stamp, version};
use super::store::Created;
use super::{Failure, OpenOptions, RegistryError, Store};

const DENIED: &str = "HTTP/1.1 403 Forbidden\r\nx-amz-request-id: 3E57427F33A59F07\r\nContent-Type: application/xml\r\nServer: AmazonS3\r\n";
const BAD: &str = "HTTP/1.1 400 Bad Request\r\nx-amz-request-id: 3E57427F33A59F07\r\nContent-Type: application/xml\r\nServer: AmazonS3\r\n";
const CONFLICT: &str = "HTTP/1.1 409 Conflict\r\nx-amz-request-id: 3E57427F33A59F07\r\nContent-Type: application/xml\r\nServer: AmazonS3\r\n";
const MISSING: &str =
    "HTTP/1.1 404 Not Found\r\nContent-Type: application/xml\r\nServer: AmazonS3\r\n";
const FINE: &str =
    "HTTP/1.1 200 OK\r\nServer: AmazonS3\r\nETag: \"900150983cd24fb0d6963f7d28e17f72\"\r\n";
const LIST: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nServer: AmazonS3\r\n";

const SKEWED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and the current time is too large.</Message><RequestTime>20261130T101500Z</RequestTime><ServerTime>2026-11-30T11:15:00Z</ServerTime><MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds><RequestId>3E57427F33A59F07</RequestId></Error>";
const EXPIRED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message><Token-0>FwoGZXIvYXdzEJr</Token-0><RequestId>3E57427F33A59F07</RequestId></Error>";
const UNKNOWN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InvalidAccessKeyId</Code><Message>The AWS Access Key Id you provided does not exist in our records.</Message><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
const SIGNATURE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match the signature you provided.</Message></Error>";
const REFUSED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
const REDIRECT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must be addressed using the specified endpoint.</Message><Endpoint>models.s3.eu-central-1.amazonaws.com</Endpoint><Bucket>models</Bucket></Error>";
const MALFORMED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'</Message><Region>eu-central-1</Region></Error>";
const UNDER_WAY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>ConditionalRequestConflict</Code><Message>The conditional request cannot succeed due to a conflicting operation against this resource.</Message></Error>";
const NO_KEY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";
const NOTHING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>models</Name><Prefix></Prefix><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>";
const LOGIN: &str = "<!DOCTYPE html>\n<html><head><title>Guest network</title></head><body><form action=\"/login\">…</form></body></html>";

/// The parts of a request that a response depends on.
struct TestRequest {
    method: String,
    path: String,
    body: Vec<u8>,
}

/// Answers every request with a function until the test ends; returns the address.
fn serve(answer: impl Fn(&TestRequest) -> (String, String) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || reply(stream, answer.as_ref()));
        }
    });
    endpoint
}

fn reply(
    stream: TcpStream,
    answer: &(dyn Fn(&TestRequest) -> (String, String) + Send + Sync),
) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace().map(ToOwned::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let request = TestRequest { method, path, body };
    let (head, body) = answer(&request);
    let shown = if request.method == "HEAD" {
        ""
    } else {
        body.as_str()
    };
    let mut stream = stream;
    let length = body.len();
    write!(
        stream,
        "{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{shown}"
    )
    .ok()
}

fn always(head: &'static str, body: &'static str) -> String {
    serve(move |_| (head.to_owned(), body.to_owned()))
}

fn open(endpoint: &str) -> Store {
    let variable = |name: &str| {
        let value = match name {
            "AWS_ENDPOINT_URL" => endpoint,
            "AWS_ACCESS_KEY_ID" => "AKIA",
            "AWS_SECRET_ACCESS_KEY" => "secret",
            "AWS_REGION" => "us-east-1",
            _ => return None,
        };
        Some(value.to_owned())
    };
    Store::open(
        "s3://models/plant-7",
        OpenOptions {
            variable: &variable,
            ..Path::new("/").into()
        },
    )
    .unwrap()
}

/// The errors of a reader and of a writer.
fn errors(endpoint: &str) -> [RegistryError; 2] {
    let registry = Registry::new(open(endpoint)).unwrap();
    [
        registry.list(None).unwrap_err(),
        registry
            .register(&version("a", 1.0), &stamp(0))
            .unwrap_err(),
    ]
}

#[test]
fn the_hint_depends_on_the_servers_error_code() {
    let redirect = "HTTP/1.1 301 Moved Permanently\r\nx-amz-bucket-region: eu-central-1\r\n\
                    Content-Type: application/xml\r\nServer: AmazonS3\r\n";
    let cases = [
        (
            DENIED,
            SKEWED,
            "the clock of this machine is wrong: the server's time is 2026-11-30T11:15:00Z",
        ),
        (BAD, EXPIRED, "the session token has expired"),
        (DENIED, UNKNOWN, "does not know the access key"),
        (
            DENIED,
            SIGNATURE,
            "the secret key does not belong to the access key",
        ),
        (DENIED, REFUSED, "registry policy s3"),
        (redirect, REDIRECT, "set AWS_REGION=eu-central-1"),
        (redirect, "", "set AWS_REGION=eu-central-1"),
        (BAD, MALFORMED, "set AWS_REGION=eu-central-1"),
    ];
    for (head, body, word) in cases {
        let endpoint = always(head, body);
        for error in errors(&endpoint) {
            let hint = error.hint().unwrap_or_default();
            assert!(hint.contains(word), "{word}: {error:?}: {hint}");
            assert_eq!(
                (error.failure(), error.code().exit()),
                (Failure::Failed, 1),
                "{word}: {error:?}"
            );
        }
    }
}

#[test]
fn a_region_is_read_from_the_header_of_a_redirect() {
    let endpoint = always(
        "HTTP/1.1 301 Moved Permanently\r\nx-amz-bucket-region: ap-south-1\r\nServer: AmazonS3\r\n",
        "",
    );
    let error = wait(open(&endpoint).stat(ObjectKey::Marker)).unwrap_err();
    assert_eq!(
        error.hint().unwrap(),
        "the bucket is in the region ap-south-1: set AWS_REGION=ap-south-1"
    );
}

#[test]
fn a_login_page_is_no_store_and_no_damage() {
    for status in [
        "200 OK",
        "403 Forbidden",
        "404 Not Found",
        "511 Network Authentication Required",
    ] {
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n");
        let endpoint = serve(move |_| (head.clone(), LOGIN.to_owned()));
        for error in errors(&endpoint) {
            assert_eq!(
                (error.code().exit(), error.code().to_string().as_str()),
                (1, "E0534"),
                "{status}: {error:?}"
            );
            assert!(
                error.hint().unwrap().contains("login page"),
                "{status}: {error:?}"
            );
        }
    }
}

#[test]
fn a_login_page_is_no_store_whatever_it_calls_itself() {
    for content in [
        "application/xhtml+xml",
        "text/plain",
        "application/octet-stream",
        "",
    ] {
        let content = if content.is_empty() {
            String::new()
        } else {
            format!("Content-Type: {content}\r\n")
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nLast-Modified: Mon, 02 Nov 2026 10:00:00 GMT\r\nETag: \"a\"\r\n{content}"
        );
        let endpoint = serve(move |_| (head.clone(), LOGIN.to_owned()));
        for error in errors(&endpoint) {
            assert_eq!(
                (error.code().exit(), error.code().to_string().as_str()),
                (1, "E0534"),
                "{content}: {error:?}"
            );
        }
    }
}

#[test]
fn a_redirect_loop_is_no_store() {
    let endpoint = always("HTTP/1.1 302 Found\r\nLocation: /login\r\n", "");
    for error in errors(&endpoint) {
        assert_eq!(
            (error.code().exit(), error.code().to_string().as_str()),
            (1, "E0534"),
            "{error:?}"
        );
        assert!(error.hint().unwrap().contains("login page"), "{error:?}");
    }
}

#[test]
fn a_list_that_leads_back_is_given_up() {
    let endless = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken></ListBucketResult>";
    let endpoint = serve(move |request| match request.path.contains("list-type=2") {
        true => (LIST.to_owned(), endless.to_owned()),
        false => (MISSING.to_owned(), NO_KEY.to_owned()),
    });
    for error in errors(&endpoint) {
        assert!(
            matches!(error, RegistryError::EndlessList { .. }),
            "{error:?}"
        );
        assert_eq!(
            (error.code().exit(), error.code().to_string().as_str()),
            (1, "E0534"),
            "{error:?}"
        );
    }
}

/// Responses of a server for credentials have a limit, too.
#[test]
fn keys_without_end_are_given_up() {
    let endpoint = serve(|_| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n".to_owned();
        (
            head,
            format!("{{\"AccessKeyId\":\"{}", "a".repeat(17 << 20)),
        )
    });
    let token = tempfile::NamedTempFile::new().unwrap();
    let variable = |name: &str| match name {
        "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE" => Some(token.path().to_str().unwrap().to_owned()),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI" => Some(format!("{endpoint}/keys")),
        _ => None,
    };
    let options = OpenOptions {
        variable: &variable,
        ..Path::new("/").into()
    };
    let registry = Registry::new(Store::open("s3://models/plant-7", options).unwrap()).unwrap();
    let error = registry.list(None).unwrap_err();
    let causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    let messages: Vec<_> = causes.map(ToString::to_string).collect();
    assert!(
        messages
            .iter()
            .any(|cause| cause.contains("length limit exceeded")),
        "{messages:?}"
    );
}

/// An empty bucket that answers the first `times` writes with a conflict.
fn conflicting(times: usize) -> String {
    let writes = AtomicUsize::new(0);
    serve(move |request| {
        let (head, body) = match request.method.as_str() {
            "PUT" if writes.fetch_add(1, Ordering::Relaxed) < times => (CONFLICT, UNDER_WAY),
            "PUT" => {
                assert!(!request.body.is_empty());
                (FINE, "")
            }
            "GET" if request.path.contains("list-type=2") => (LIST, NOTHING),
            _ => (MISSING, NO_KEY),
        };
        (head.to_owned(), body.to_owned())
    })
}

#[test]
fn a_conflict_is_retried_and_is_no_existing_object() {
    let store = open(&conflicting(2));
    assert_eq!(
        wait(store.create(ObjectKey::Marker, "x")).unwrap(),
        Created::Written
    );
    let registry = Registry::new(open(&conflicting(usize::MAX))).unwrap();
    let error = registry
        .register(&version("a", 1.0), &stamp(0))
        .unwrap_err();
    assert!(!matches!(error, RegistryError::Unsafe { .. }), "{error}");
    assert_eq!(
        (error.failure(), error.code().exit()),
        (Failure::Unavailable, 75),
        "{error:?}"
    );
    assert!(
        error
            .hint()
            .unwrap()
            .contains("another request for the same object was in progress"),
        "{error:?}"
    );
}
