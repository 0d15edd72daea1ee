//! Spans and metrics to an OpenTelemetry collector: OTLP over HTTP, with protobuf bodies.
//!
//! It is configured by OpenTelemetry's environment variables, which the SDK reads. The collector never changes the result of
//! the command, which waits for it two seconds at most.

use std::io::Read;
use std::pin::Pin;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, Protocol, RetryPolicy, SpanExporter, WithExportConfig,
    WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracerProvider};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::registry::LookupSpan;

use super::{JobFacts, TraceContext};
use pdm_core::content::{MOST_OF_A_NOTE, read_at_most};
use pdm_core::domain::EnvLookup;
use pdm_core::domain::redact;
use pdm_store::tls;

/// How long a command waits for a collector at its end.
const LAST_WAIT: Duration = Duration::from_secs(2);
/// Timeout of one request.
const ANSWER: Duration = Duration::from_secs(5);
/// Timeout of a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// Most bytes of a collector's answer, which usually has some hundred.
const MOST_OF_AN_ANSWER: u64 = 1 << 20;
/// Metrics are sent once, at the end.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const NAME: &str = "pdm-ml";

/// Variables with the address of a collector; any of them enables the export.
pub const ADDRESSES: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
];

/// Sends spans and metrics to a collector.
pub struct OtlpExport {
    tracers: Option<SdkTracerProvider>,
    meters: Option<SdkMeterProvider>,
    failure: FirstFailure,
}

/// The first error.
type FirstFailure = Arc<Mutex<Option<String>>>;

impl OtlpExport {
    /// Starts the export if the environment names a collector.
    ///
    /// # Errors
    /// A wrong address, protocol or certificate.
    pub fn begin(trace: &TraceContext, variable: EnvLookup<'_>) -> Result<Option<Self>, String> {
        let [all, of_spans, of_metrics] = ADDRESSES.map(|name| variable(name).is_some());
        let is_on = |exporter: &str| variable(exporter).is_none_or(|exporter| exporter != "none");
        let is_disabled =
            variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let spans = !is_disabled && (all || of_spans) && is_on("OTEL_TRACES_EXPORTER");
        let metrics = !is_disabled && (all || of_metrics) && is_on("OTEL_METRICS_EXPORTER");
        if !spans && !metrics {
            return Ok(None);
        }
        let failure = FirstFailure::default();
        let post = Post {
            http: client(variable)?,
            failure: Arc::clone(&failure),
        };
        let refused = |error: ExporterBuildError| redact(&error.to_string()).into_owned();
        let tracers = if spans {
            Some(tracers(post.clone(), trace).map_err(refused)?)
        } else {
            None
        };
        let meters = if metrics {
            Some(meters(post).map_err(refused)?)
        } else {
            None
        };
        Ok(Some(Self {
            tracers,
            meters,
            failure,
        }))
    }

    /// Returns the layer that turns spans of `tracing` into OpenTelemetry's, if spans are exported.
    pub fn layer<S>(&self) -> Option<OpenTelemetryLayer<S, opentelemetry_sdk::trace::SdkTracer>>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let tracer = self.tracers.as_ref()?.tracer(NAME);
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false);
        Some(layer.with_tracked_inactivity(false).with_target(false))
    }

    /// Sends the remaining spans and the results of the job, and waits for that up to a limit.
    ///
    /// # Errors
    /// The first error since the start.
    pub fn end(self, facts: Option<&JobFacts>) -> Result<(), String> {
        let Self {
            tracers,
            meters,
            failure,
        } = self;
        if let (Some(meters), Some(facts)) = (&meters, facts) {
            measure(meters, facts);
        }
        let (done, ended) = mpsc::channel();
        // After the time limit the thread ends with the process.
        thread::spawn(move || {
            let spans = tracers.map_or(Ok(()), |tracers| tracers.shutdown_with_timeout(ANSWER));
            let metrics = meters.map_or(Ok(()), |meters| meters.shutdown());
            let _gone = done.send(spans.and(metrics));
        });
        let result = ended.recv_timeout(LAST_WAIT);
        match (
            failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
            result,
        ) {
            (Some(failure), _) => Err(failure),
            (None, Err(_)) => Err(format!("no answer within {} s", LAST_WAIT.as_secs())),
            (None, Ok(Err(error))) => Err(redact(&error.to_string()).into_owned()),
            (None, Ok(Ok(()))) => Ok(()),
        }
    }
}

/// Puts a span into the trace of the caller; a trace that begins here gets its id from `Ids`.
pub fn adopt(span: &Span, trace: &TraceContext) {
    let Some(parent) = trace.parent else { return };
    let flags = if trace.sampled {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::default()
    };
    let trace_id = TraceId::from_bytes(trace.trace_id);
    let span_id = SpanId::from_bytes(parent);
    let remote = SpanContext::new(trace_id, span_id, flags, true, TraceState::default());
    // Without a layer there is no trace.
    let _no_layer = span.set_parent(Context::new().with_remote_span_context(remote));
}

fn tracers(post: Post, trace: &TraceContext) -> Result<SdkTracerProvider, ExporterBuildError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(post)
        .with_protocol(Protocol::HttpBinary)
        .with_retry_policy(RetryPolicy::disabled())
        .build()?;
    let ids = Ids {
        trace: TraceId::from_bytes(trace.trace_id),
        spans: RandomIdGenerator::default(),
    };
    let tracers = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_id_generator(ids);
    Ok(tracers.with_resource(resource()).build())
}

fn meters(post: Post) -> Result<SdkMeterProvider, ExporterBuildError> {
    let exporter = MetricExporter::builder()
        .with_http()
        .with_http_client(post)
        .with_protocol(Protocol::HttpBinary)
        .with_retry_policy(RetryPolicy::disabled())
        .build()?;
    let reader = PeriodicReader::builder(exporter)
        .with_interval(NEVER)
        .build();
    Ok(SdkMeterProvider::builder()
        .with_reader(reader)
        .with_resource(resource())
        .build())
}

/// Returns the resource: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, and our own name if they have none.
fn resource() -> Resource {
    let found = Resource::builder()
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    let name = found
        .get(&"service.name".into())
        .map(|name| name.to_string())
        .unwrap_or_default();
    let name = if name.is_empty() || name.starts_with("unknown_service") {
        NAME.to_owned()
    } else {
        name
    };
    let more = found
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    Resource::builder_empty()
        .with_attributes(more)
        .with_service_name(name)
        .build()
}

/// Records the same metrics as the file for Prometheus.
fn measure(meters: &SdkMeterProvider, facts: &JobFacts) {
    let meter = meters.meter(NAME);
    let of_job = [
        KeyValue::new("pipeline", facts.pipeline.clone()),
        KeyValue::new("command", facts.command.clone()),
    ];
    let with = |more: &[(&'static str, String)]| {
        let more = more
            .iter()
            .map(|(key, value)| KeyValue::new(*key, value.clone()));
        of_job.iter().cloned().chain(more).collect::<Vec<_>>()
    };
    let elapsed = meter
        .f64_gauge("pdm_ml.run.duration")
        .with_unit("s")
        .build();
    elapsed.record(facts.elapsed.as_secs_f64(), &with(&[]));
    meter
        .u64_gauge("pdm_ml.exit_code")
        .build()
        .record(u64::from(facts.exit_code), &with(&[]));
    let stages = meter
        .f64_gauge("pdm_ml.stage.duration")
        .with_unit("s")
        .build();
    for (stage, elapsed) in &facts.stages {
        stages.record(elapsed.as_secs_f64(), &with(&[("stage", stage.clone())]));
    }
    let scores = meter.f64_gauge("pdm_ml.score").build();
    for score in &facts.scores {
        for (bound, value) in [
            ("value", score.value),
            ("lower", score.lower),
            ("upper", score.upper),
        ] {
            let labels = [
                ("metric", score.metric),
                ("part", score.part),
                ("bound", bound),
            ];
            scores.record(
                value,
                &with(&labels.map(|(key, value)| (key, value.to_owned()))),
            );
        }
    }
    let gates = meter.f64_gauge("pdm_ml.gate.margin").build();
    for gate in &facts.gates {
        if let Some(margin) = gate.margin() {
            let number = gate.number.to_string();
            let verdict = gate.verdict.to_string();
            let labels = [
                ("gate", number),
                ("metric", gate.metric.into()),
                ("rule", gate.rule.clone()),
                ("verdict", verdict),
            ];
            gates.record(margin, &with(&labels));
        }
    }
    let drift = meter.f64_gauge("pdm_ml.drift").build();
    for test in facts.drift.iter().flat_map(|drift| &drift.tests) {
        let regime = test
            .regime
            .map(|regime| regime.to_string())
            .unwrap_or_default();
        for (figure, value) in test.figures() {
            let named = [
                ("channel", test.channel.clone()),
                ("quantity", test.quantity.name().into()),
            ];
            let more = [("regime", regime.clone()), ("figure", figure.to_owned())];
            drift.record(value, &with(&[named, more].concat()));
        }
    }
    if let super::ChampionFact::Version { version, .. } = facts.champion {
        meter
            .u64_gauge("pdm_ml.champion.version")
            .build()
            .record(u64::from(version), &with(&[]));
    }
}

/// Gives every new span the id of the trace, so that log lines and spans can be matched.
#[derive(Debug)]
struct Ids {
    trace: TraceId,
    spans: RandomIdGenerator,
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        self.trace
    }

    fn new_span_id(&self) -> SpanId {
        self.spans.new_span_id()
    }
}

fn client(variable: EnvLookup<'_>) -> Result<reqwest::blocking::Client, String> {
    tls::install_provider();
    let builder = reqwest::blocking::Client::builder()
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .redirect(reqwest::redirect::Policy::none());
    let builder = if is_local(variable) {
        builder.no_proxy()
    } else {
        builder
    };
    let builder = match variable("OTEL_EXPORTER_OTLP_CERTIFICATE") {
        None => builder,
        Some(path) => {
            let read = read_at_most(path.as_ref(), MOST_OF_A_NOTE)
                .map_err(|error| format!("cannot read `{path}`: {error}"))?;
            let trusted = reqwest::Certificate::from_pem_bundle(&read)
                .map_err(|error| format!("`{path}`: {error}"))?;
            builder.tls_certs_only(trusted)
        }
    };
    builder.build().map_err(|error| error.to_string())
}

/// Returns whether the collector runs on this machine, so that no proxy is used.
fn is_local(variable: EnvLookup<'_>) -> bool {
    let mut named = ADDRESSES
        .iter()
        .filter_map(|name| variable(name))
        .filter_map(|url| reqwest::Url::parse(&url).ok());
    named.all(|url| {
        url.host_str()
            .is_some_and(|host| host == "localhost" || host == "[::1]" || host.starts_with("127."))
    })
}

/// The HTTP client, which keeps the first error, because the SDK does not report errors.
#[derive(Debug, Clone)]
struct Post {
    http: reqwest::blocking::Client,
    failure: FirstFailure,
}

type OtlpAnswer<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Post {
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> OtlpAnswer<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            let answer = self.send(request);
            let error = match &answer {
                Ok(answer) if answer.status().is_success() => None,
                Ok(answer) => Some(format!("{path} returned {}", answer.status())),
                Err(error) => Some(redact(&causes(error.as_ref())).into_owned()),
            };
            if let Some(error) = error {
                self.failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(error);
            }
            answer
        })
    }
}

impl Post {
    /// Sends a request, and limits the length of the answer.
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.http.execute(request.try_into()?)?;
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        let mut body = Vec::new();
        answer.take(MOST_OF_AN_ANSWER + 1).read_to_end(&mut body)?;
        if body.len() as u64 > MOST_OF_AN_ANSWER {
            return Err(format!("its answer has more than {MOST_OF_AN_ANSWER} bytes").into());
        }
        Ok(response.body(body.into())?)
    }
}

fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |words, cause| {
        format!("{words}: {cause}")
    })
}
