use std::pin::Pin;
use std::time::Instant;

use http::Method;
use http_body_util::{BodyExt, Limited};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    ReqwestConnector,
};

use crate::domain::redact;

/// Most bytes of a list or an error; a page of a list has some hundred thousand.
const MOST: usize = 16 << 20;

/// A request to a server, logged at level debug once it is answered: where it went and how long that took. Its query,
/// headers and body are not, since keys and signatures stand there.
pub(crate) struct Request {
    method: String,
    host: String,
    path: String,
    begun: Instant,
}

impl Request {
    pub(crate) fn begin(method: &str, host: Option<&str>, path: &str) -> Self {
        let host = host.unwrap_or_default().to_owned();
        let address = format!("://{host}{path}");
        let path = redact(&address).get(3 + host.len()..).unwrap_or_default().to_owned();
        Self { method: method.to_owned(), host, path, begun: Instant::now() }
    }

    /// Tells the status of the answer; none where there was no answer.
    pub(crate) fn answered(self, status: Option<u16>) {
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
            let asked = Request::begin(request.method().as_str(), uri.host(), uri.path());
            let asks_for_an_object = request.method() == Method::GET && uri.query().is_none();
            let answer = self.0.execute(request).await;
            asked.answered(answer.as_ref().ok().map(|answer| answer.status().as_u16()));
            let answer = answer?;
            // Who asks for an object knows how large it may be; a list or an error is read whole.
            let is_an_object = asks_for_an_object && answer.status().is_success();
            Ok(if is_an_object { answer } else { answer.map(limited) })
        })
    }
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
