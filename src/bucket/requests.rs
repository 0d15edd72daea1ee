use std::pin::Pin;
use std::time::Instant;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

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
        Self { method: method.to_owned(), host, path: path.to_owned(), begun: Instant::now() }
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
            let answer = self.0.execute(request).await;
            asked.answered(answer.as_ref().ok().map(|answer| answer.status().as_u16()));
            answer
        })
    }
}
