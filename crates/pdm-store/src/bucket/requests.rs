use std::pin::Pin;
use std::time::Instant;

use futures_util::TryStreamExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    ReqwestConnector,
};

use super::answer::{self, WebPage};
use pdm_core::domain::redact;

/// Most bytes of a list or an error; a page of a list has some hundred thousand.
const MOST: usize = 16 << 20;

/// Bytes of an answer that sends elsewhere, after which the rest of it is not read.
const LONGEST: usize = 64 << 10;

/// Says in which region a bucket is.
const REGION: &str = "x-amz-bucket-region";
/// A request to a server, logged at level debug once it is answered: where it went and how long that took. Its query,
/// headers and body are not, since keys and signatures stand there.
pub struct Request {
    method: String,
    host: String,
    path: String,
    begun: Instant,
}

impl Request {
    /// Notes that a request is sent.
    pub fn begin(method: &str, host: Option<&str>, path: &str) -> Self {
        let host = host.unwrap_or_default().to_owned();
        let address = format!("://{host}{path}");
        let path = redact(&address).get(3 + host.len()..).unwrap_or_default().to_owned();
        Self { method: method.to_owned(), host, path, begun: Instant::now() }
    }

    /// Tells the status of the answer; none where there was no answer.
    pub fn answered(self, status: Option<u16>) {
        let Self { method, host, path, begun } = self;
        let elapsed_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let answer = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let said = format!("{method} {host}{path}: {answer}");
        tracing::debug!(target: "pdm_ml::http", method, host, path, status, elapsed_ms, "{said}");
    }
}

/// Connects as the store does by itself, and logs its requests.
#[derive(Debug, Default)]
pub(super) struct Logged(ReqwestConnector);

impl HttpConnector for Logged {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service(self.0.connect(options)?)))
    }
}

#[derive(Debug)]
struct Service(HttpClient);

type Answer<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

/// As `async_trait` would write it.
impl HttpService for Service {
    fn call<'life0, 'async_trait>(&'life0 self, request: HttpRequest) -> Answer<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let uri = request.uri();
            let path = uri.path().to_owned();
            let asked = Request::begin(request.method().as_str(), uri.host(), &path);
            let asks_for_an_object = request.method() == Method::GET && uri.query().is_none();
            let answer = self.0.execute(request).await;
            asked.answered(answer.as_ref().ok().map(|answer| answer.status().as_u16()));
            let answer = answer?;
            if is_web_page(&path, &answer) {
                let page = WebPage { status: answer.status().as_u16() };
                return Err(HttpError::new(HttpErrorKind::Unknown, page));
            }
            if answer.status().is_redirection() && answer.status() != StatusCode::NOT_MODIFIED {
                return redirected(answer).await;
            }
            // Who asks for an object knows how large it may be; a list or an error is read whole.
            let is_an_object = asks_for_an_object && answer.status().is_success();
            Ok(if is_an_object { answer } else { answer.map(limited) })
        })
    }
}

/// Returns whether an answer is a page for people: a login of a proxy or network, or a store's console. Servers of objects answer
/// with data and XML; what a gateway says of a server that failed is for the retries.
fn is_web_page(path: &str, answer: &HttpResponse) -> bool {
    let content = answer.headers().get(CONTENT_TYPE).and_then(|content| content.to_str().ok()).unwrap_or_default();
    let is_html = content.trim_start().to_ascii_lowercase().starts_with("text/html");
    is_html && !answer.status().is_server_error() && !path.ends_with(".html")
}

/// Makes of an answer that sends a request elsewhere one that says no: only keys for the other region would be good there. Which
/// one that is, S3 says in a header, and in no body of an answer to `HEAD`.
async fn redirected(answer: HttpResponse) -> Result<HttpResponse, HttpError> {
    let region = answer.headers().get(REGION).and_then(|region| region.to_str().ok()).map(ToOwned::to_owned);
    let (mut parts, body) = answer.into_parts();
    let mut told = Vec::new();
    let mut chunks = body.bytes_stream();
    while let Some(chunk) = chunks.try_next().await? {
        told.extend_from_slice(&chunk);
        if told.len() > LONGEST {
            break;
        }
    }
    let told = String::from_utf8_lossy(&told);
    let code = answer::element(&told, "Code").unwrap_or("PermanentRedirect");
    let region = region.map(|region| format!("<Region>{region}</Region>")).unwrap_or_default();
    let message = format!("<Error><Code>{code}</Code>{region}<Status>{}</Status></Error>", parts.status.as_u16());
    parts.status = StatusCode::BAD_REQUEST;
    parts.headers.remove(CONTENT_LENGTH);
    Ok(HttpResponse::from_parts(parts, message.into()))
}

/// Returns a body that ends in an error once it is larger than any list or error of a store.
fn limited(body: HttpResponseBody) -> HttpResponseBody {
    let too_large = |error: Box<dyn std::error::Error + Send + Sync>| match error.downcast::<HttpError>() {
        Ok(error) => *error,
        Err(error) => HttpError::new_boxed(HttpErrorKind::Decode, error),
    };
    HttpResponseBody::new(Limited::new(body, MOST).map_err(too_large))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: usize) -> Result<usize, HttpError> {
        let body = limited(HttpResponseBody::from(vec![b'x'; bytes]));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(body.collect()).map(|collected| collected.to_bytes().len())
    }

    #[test]
    fn a_list_without_end_is_cut_off() {
        assert_eq!(read(MOST).unwrap(), MOST);
        assert_eq!(read(MOST + 1).unwrap_err().kind(), HttpErrorKind::Decode);
    }
}
