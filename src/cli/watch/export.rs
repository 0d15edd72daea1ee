#[cfg(feature = "otlp")]
pub(super) use with::Export;
#[cfg(not(feature = "otlp"))]
pub(super) use without::Export;

/// In a program that can export.
#[cfg(feature = "otlp")]
mod with {
    use std::sync::{Mutex, PoisonError};

    use tracing::Subscriber;
    use tracing_subscriber::layer::Layer;
    use tracing_subscriber::registry::LookupSpan;

    use crate::cli::{environment, ui};
    use pdm_tracking::observe::{JobFacts, Spans, TraceContext, otlp};

    /// The export to a collector, if one is configured.
    pub(in crate::cli::watch) struct Export(Mutex<Option<otlp::OtlpExport>>);

    impl Export {
        pub(in crate::cli::watch) fn begin(trace: &TraceContext) -> Self {
            let begun = otlp::OtlpExport::begin(trace, &environment::variable);
            Self(Mutex::new(begun.unwrap_or_else(|why| {
                ui::warn(&format!(
                    "no traces or metrics are sent to OpenTelemetry: {why}"
                ));
                None
            })))
        }

        pub(in crate::cli::watch) fn off() -> Self {
            Self(Mutex::default())
        }

        pub(in crate::cli::watch) fn is_on(&self) -> bool {
            self.with(|export| export.is_some())
        }

        pub(in crate::cli::watch) fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
        where
            S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
        {
            self.with(|export| export.as_ref().and_then(otlp::OtlpExport::layer))
        }

        /// Makes the command part of the trace of its caller.
        pub(in crate::cli::watch) fn adopt(&self, spans: &Spans) {
            otlp::adopt(&spans.command(), spans.trace());
        }

        pub(in crate::cli::watch) fn end(&self, _is_job: bool, facts: Option<&JobFacts>) {
            let export = self.with(Option::take);
            if let Some(Err(why)) = export.map(|export| export.end(facts)) {
                ui::warn(&format!(
                    "not everything could be sent to the OpenTelemetry collector: {why}"
                ));
            }
        }

        fn with<T>(&self, act: impl FnOnce(&mut Option<otlp::OtlpExport>) -> T) -> T {
            act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

/// In a program that cannot export.
#[cfg(not(feature = "otlp"))]
mod without {
    use tracing_subscriber::layer::Identity;

    use crate::cli::{environment, ui};
    use pdm_tracking::observe::{JobFacts, Spans, TraceContext};

    /// Notes at the end that nothing was sent, if a collector is configured.
    pub(in crate::cli::watch) struct Export {
        is_asked_for: bool,
    }

    impl Export {
        pub(in crate::cli::watch) fn begin(_: &TraceContext) -> Self {
            Self {
                is_asked_for: environment::variable(environment::COLLECTOR).is_some(),
            }
        }

        pub(in crate::cli::watch) fn off() -> Self {
            Self {
                is_asked_for: false,
            }
        }

        pub(in crate::cli::watch) fn is_on(&self) -> bool {
            false
        }

        pub(in crate::cli::watch) fn layer(&self) -> Option<Identity> {
            None
        }

        pub(in crate::cli::watch) fn adopt(&self, _: &Spans) {}

        /// Only jobs note it; commands such as `runs list` do not.
        pub(in crate::cli::watch) fn end(&self, is_job: bool, _: Option<&JobFacts>) {
            if is_job && self.is_asked_for {
                let what = "nothing was sent to OpenTelemetry: this program was built without `--features otlp`";
                ui::note(&format!("{} is set, but {what}", environment::COLLECTOR));
            }
        }
    }
}
