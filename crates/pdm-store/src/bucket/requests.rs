//! Sends requests to buckets: logs each one, limits what is read, and recognizes web pages and redirects.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Limited};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService, ReqwestConnector,
};

use super::answer::{self, WebPage};
use pdm_core::domain::redact;

/// Most bytes read of a list or an error; one page of a list has some hundred thousand.
const MAX_BODY: usize = 16 << 20;

/// Most bytes read of a redirect.
const MAX_REDIRECT: usize = 64 << 10;

/// Bytes of a response that are checked for HTML.
const BEGINNING: usize = 512;

/// Header with the region of a bucket.
const REGION: &str = "x-amz-bucket-region";

/// A request to a server, logged at level debug with its address and duration once it is answered. Query, headers and body
/// are not logged, since they hold keys and signatures.
pub struct LoggedRequest {
    method: String,
    host: String,
    path: String,
    begun: Instant,
}

impl LoggedRequest {
    /// Starts the clock of a request.
    pub fn begin(method: &str, host: Option<&str>, path: &str) -> Self {
        let host = host.unwrap_or_default().to_owned();
        let address = format!("://{host}{path}");
        let path = redact(&address)
            .get(3 + host.len()..)
            .unwrap_or_default()
            .to_owned();
        Self {
            method: method.to_owned(),
            host,
            path,
            begun: Instant::now(),
        }
    }

    /// Logs the request with the status of the response, or `None` if there was no response.
    pub fn answered(self, status: Option<u16>) {
        let Self {
            method,
            host,
            path,
            begun,
        } = self;
        let elapsed_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let answer = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let message = format!("{method} {host}{path}: {answer}");
        tracing::debug!(target: "pdm_ml::http", method, host, path, status, elapsed_ms, "{message}");
    }
}

/// A connector that logs and checks the requests of a store.
#[derive(Debug, Default)]
pub(super) struct Logged {
    connector: ReqwestConnector,
    signs: bool,
}

impl Logged {
    /// Returns the connector. With `signs`, only requests with a signature header are for objects; the others ask for credentials.
    pub(super) fn signing(signs: bool) -> Self {
        Self {
            signs,
            ..Self::default()
        }
    }
}

impl HttpConnector for Logged {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service {
            client: self.connector.connect(options)?,
            signs: self.signs,
        }))
    }
}

#[derive(Debug)]
struct Service {
    client: HttpClient,
    signs: bool,
}

impl Service {
    /// Returns whether a request reads an object, whose length the caller limits. Credentials may come from any server, so those
    /// responses are limited here.
    fn asks_for_an_object(&self, request: &HttpRequest) -> bool {
        let is_signed = || {
            let signature = request
                .headers()
                .get(AUTHORIZATION)
                .and_then(|signature| signature.to_str().ok());
            signature.is_some_and(|signature| signature.starts_with("AWS4-"))
        };
        request.method() == Method::GET
            && request.uri().query().is_none()
            && (!self.signs || is_signed())
    }
}

type ServiceAnswer<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

// The signature that `async_trait` generates.
impl HttpService for Service {
    fn call<'life0, 'async_trait>(&'life0 self, request: HttpRequest) -> ServiceAnswer<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let uri = request.uri();
            let path = uri.path().to_owned();
            let logged = LoggedRequest::begin(request.method().as_str(), uri.host(), &path);
            let asks_for_an_object = self.asks_for_an_object(&request);
            let begins_as_data =
                request.method() == Method::GET && (uri.query().is_some() || is_json(&path));
            let answer = self.client.execute(request).await;
            logged.answered(answer.as_ref().ok().map(|answer| answer.status().as_u16()));
            let answer = answer.map_err(redirect_loop)?;
            if is_web_page(&path, &answer) {
                return Err(web_page(answer.status()));
            }
            if answer.status().is_redirection() && answer.status() != StatusCode::NOT_MODIFIED {
                return redirected(answer).await;
            }
            // The caller limits the length of an object; lists and errors are read whole.
            let is_an_object = asks_for_an_object && answer.status().is_success();
            let answer = if is_an_object {
                answer
            } else {
                answer.map(limited)
            };
            if begins_as_data {
                refuse_pages(answer).await
            } else {
                Ok(answer)
            }
        })
    }
}

/// Returns whether a response is a web page: the login of a proxy or network, or a store's console. Object stores send data and
/// XML. The error page of a gateway for a failed server is left to the retries.
fn is_web_page(path: &str, answer: &HttpResponse) -> bool {
    let content = answer
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|content| content.to_str().ok())
        .unwrap_or_default();
    let is_html = content
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("text/html");
    is_html && !is_retried(answer.status()) && !path.ends_with(".html")
}

/// Returns whether a status means that the server failed; 511 (login to the network needed) does not.
fn is_retried(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NETWORK_AUTHENTICATION_REQUIRED
}

fn web_page(status: StatusCode) -> HttpError {
    HttpError::new(
        HttpErrorKind::Unknown,
        WebPage {
            status: status.as_u16(),
        },
    )
}

fn is_json(path: &str) -> bool {
    path.ends_with(".json") || path.ends_with(".ndjson")
}

/// Turns a redirect loop into the error for web pages: object stores do not redirect in a loop, login pages do.
fn redirect_loop(error: HttpError) -> HttpError {
    let mut causes =
        std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
    let is_loop = causes.any(|cause| cause.to_string().contains("too many redirects"));
    if is_loop {
        web_page(StatusCode::FOUND)
    } else {
        error
    }
}

/// Refuses a response that begins like a web page, whatever its content type; failed servers are left to the retries.
async fn refuse_pages(answer: HttpResponse) -> Result<HttpResponse, HttpError> {
    let (parts, mut rest) = answer.into_parts();
    let mut begin = BytesMut::new();
    while begin.len() < BEGINNING
        && let Some(frame) = rest.frame().await
    {
        // Trailers are not used.
        if let Ok(bytes) = frame?.into_data() {
            begin.extend_from_slice(&bytes);
        }
    }
    if begins_as_page(&begin) && !is_retried(parts.status) {
        return Err(web_page(parts.status));
    }
    let body = HttpResponseBody::new(PeekedBody {
        begin: begin.freeze(),
        rest,
    });
    Ok(HttpResponse::from_parts(parts, body))
}

/// Returns whether data begin like HTML, with or without an XML declaration.
fn begins_as_page(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&data[..data.len().min(BEGINNING)]).to_ascii_lowercase();
    let mut text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with("<?xml")
        && let Some((_, rest)) = text.split_once("?>")
    {
        text = rest.trim_start();
    }
    text.starts_with("<!doctype html") || text.starts_with("<html")
}

/// A body whose beginning was already read.
struct PeekedBody {
    begin: Bytes,
    rest: HttpResponseBody,
}

impl Body for PeekedBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        if self.begin.is_empty() {
            return Pin::new(&mut self.rest).poll_frame(context);
        }
        let begin = std::mem::take(&mut self.begin);
        Poll::Ready(Some(Ok(Frame::data(begin))))
    }
}

/// Turns a redirect into an error, because the request is signed for another region. S3 names the right region in a header, and
/// in no body of a response to `HEAD`.
async fn redirected(answer: HttpResponse) -> Result<HttpResponse, HttpError> {
    let region = answer
        .headers()
        .get(REGION)
        .and_then(|region| region.to_str().ok())
        .map(ToOwned::to_owned);
    let (mut parts, body) = answer.into_parts();
    let mut text = Vec::new();
    let mut chunks = body.bytes_stream();
    while let Some(chunk) = chunks.try_next().await? {
        text.extend_from_slice(&chunk);
        if text.len() > MAX_REDIRECT {
            break;
        }
    }
    let text = String::from_utf8_lossy(&text);
    let code = answer::element(&text, "Code").unwrap_or("PermanentRedirect");
    let region = region
        .map(|region| format!("<Region>{region}</Region>"))
        .unwrap_or_default();
    let message = format!(
        "<Error><Code>{code}</Code>{region}<Status>{}</Status></Error>",
        parts.status.as_u16()
    );
    parts.status = StatusCode::BAD_REQUEST;
    parts.headers.remove(CONTENT_LENGTH);
    Ok(HttpResponse::from_parts(parts, message.into()))
}

/// Returns a body that fails once it is larger than any list or error of a store.
fn limited(body: HttpResponseBody) -> HttpResponseBody {
    let too_large =
        |error: Box<dyn std::error::Error + Send + Sync>| match error.downcast::<HttpError>() {
            Ok(error) => *error,
            Err(error) => HttpError::new_boxed(HttpErrorKind::Decode, error),
        };
    HttpResponseBody::new(Limited::new(body, MAX_BODY).map_err(too_large))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: usize) -> Result<usize, HttpError> {
        let body = limited(HttpResponseBody::from(vec![b'x'; bytes]));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime
            .block_on(body.collect())
            .map(|collected| collected.to_bytes().len())
    }

    #[test]
    fn a_page_is_recognized_by_its_beginning() {
        for page in [
            "<!DOCTYPE html>\n<html>",
            "\u{feff}  <HTML lang=\"en\">",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\">",
        ] {
            assert!(begins_as_page(page.as_bytes()), "{page}");
        }
        for data in [
            "",
            "{\"format\":2}",
            "<?xml version=\"1.0\"?><ListBucketResult>",
            "<Error><Code>html",
        ] {
            assert!(!begins_as_page(data.as_bytes()), "{data}");
        }
    }

    #[test]
    fn a_body_whose_beginning_was_read_is_whole() {
        for length in [0, 1, BEGINNING, 3 * BEGINNING] {
            let bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let answer = HttpResponse::new(HttpResponseBody::from(bytes.clone()));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let read = runtime.block_on(async {
                refuse_pages(answer)
                    .await
                    .unwrap()
                    .into_body()
                    .bytes()
                    .await
            });
            assert_eq!(read.unwrap(), bytes);
        }
    }

    #[test]
    fn a_list_without_end_is_cut_off() {
        assert_eq!(read(MAX_BODY).unwrap(), MAX_BODY);
        assert_eq!(
            read(MAX_BODY + 1).unwrap_err().kind(),
            HttpErrorKind::Decode
        );
    }
}
