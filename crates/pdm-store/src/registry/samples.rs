//! Versions, stores and accidents for the tests of this room.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::stream::BoxStream;
use jiff::{SignedDuration, Timestamp};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use super::*;
use pdm_core::content::Digest;
use pdm_core::domain::{Cycle, Interval, Prediction, Predictions, UnitId};
use pdm_core::gates::{GateOptions, GateReport, Rule};
use pdm_core::scoring::{
    BootstrapOptions, Cuts, Metric, Part, Protocol, Scorecard, ShortUnits, score,
};

/// Returns a store in the bucket that `scripts/services` made, empty.
pub(super) fn bucket() -> Store {
    bucket_at("", std::path::Path::new("/").into())
}

/// As [`bucket`], at a prefix that other stores of this test share.
pub(super) fn bucket_at(prefix: &str, options: OpenOptions<'_>) -> Store {
    let variable = |name: &str| std::env::var(name).ok();
    let bucket = variable("PDM_ML_TEST_S3_BUCKET")
        .expect("PDM_ML_TEST_S3_BUCKET is not set: run the tests with `scripts/test`");
    let prefix = if prefix.is_empty() {
        uuid::Uuid::now_v7().to_string()
    } else {
        prefix.to_owned()
    };
    let options = OpenOptions {
        variable: &variable,
        ..options
    };
    Store::open(&format!("s3://{bucket}/{prefix}"), options).unwrap()
}

pub(super) const UNITS: u32 = 60;

pub(super) fn model() -> ModelName {
    "fd001".parse().unwrap()
}

pub(super) fn champion() -> Alias {
    "champion".parse().unwrap()
}

/// Returns the moment this many minutes after the first, and who acts then.
pub(super) fn stamp(minute: i64) -> Stamp {
    let first: Timestamp = "2026-11-23T14:00:00Z".parse().unwrap();
    Stamp {
        time: first + SignedDuration::from_mins(minute),
        actor: "ada".to_owned(),
    }
}

/// Returns predictions whose errors are `scale` times those of every other model in these tests.
pub(super) fn predictions(scale: f64) -> Predictions {
    let error = |unit: u32| {
        11.0 * (1.7 * f64::from(unit)).sin() + 4.0 * (0.3 * f64::from(unit)).cos() + 1.5
    };
    let of_unit = |unit: u32| Prediction {
        unit: UnitId::from(unit),
        cycle: Cycle(50),
        rul: 60.0 + scale * error(unit),
        interval: None,
        truth: Some(60.0),
        flags: Vec::new(),
    };
    (1..=UNITS).map(of_unit).collect()
}

pub(super) fn protocol() -> Protocol {
    Protocol {
        part: Part::Test,
        data: Digest::of("fleet"),
        units: UNITS as usize,
        cuts: Cuts::LastCycle,
        truth_cap: None,
        clip: Interval {
            lower: 0.0,
            upper: 125.0,
        },
        short_units: ShortUnits::Scored,
    }
}

pub(super) fn card(predictions: &[Prediction], protocol: Protocol) -> Scorecard {
    score(
        predictions,
        protocol,
        60.0,
        &BootstrapOptions {
            resamples: 400,
            confidence: 0.95,
        },
        7,
    )
    .unwrap()
}

/// Returns a version whose bundle is named by `name` and whose errors are scaled.
pub(super) fn version(name: &str, scale: f64) -> NewVersion {
    let file = |path: &str| {
        let bytes = format!("{path} of {name}, {}", "weights ".repeat(20));
        NewFile::of_bytes(path.parse().unwrap(), bytes)
    };
    let predictions = predictions(scale);
    NewVersion {
        model: model(),
        bundle: Digest::of(name),
        files: vec![file("weights/gru.safetensors"), file("manifest.json")],
        scorecard: card(&predictions, protocol()),
        predictions,
        report: None,
        origin: VersionOrigin {
            kind: "gru".to_owned(),
            data: Digest::of("fleet"),
            pipeline: "fd001".to_owned(),
            run: format!("run-{name}"),
            seed: u64::MAX,
            created: stamp(0).time,
        },
    }
}

/// Returns the one gate most tests use: RMSE at most 0.5 cycles worse than the champion's.
pub(super) fn gates() -> Vec<GateOptions> {
    vec![GateOptions {
        margin: 0.5,
        ..GateOptions::new(Metric::Rmse, Rule::NonInferior)
    }]
}

pub(super) fn forced(version: u32) -> Promotion {
    Promotion {
        model: model(),
        version,
        alias: champion(),
        reason: "a drill".to_owned(),
        consent: Consent::Forced,
        policy: AliasPolicy::default(),
    }
}

pub(super) fn gated(version: u32, report: GateReport) -> Promotion {
    Promotion {
        reason: String::new(),
        consent: Consent::Gates(Box::new(report)),
        ..forced(version)
    }
}

/// Returns whether an object is an entry of the log.
fn is_entry(location: &Path) -> bool {
    location.as_ref().starts_with("log/")
        && !location.as_ref().ends_with("/00000000000000000000.json")
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What goes wrong in a [`Meddler`].
pub(super) enum Accident {
    /// Create-only writes overwrite, as on servers that ignore `If-None-Match`.
    Overwrites,
    /// Create-only writes of more bytes than this overwrite, as behind gateways that send long bodies another way.
    OverwritesAbove(usize),
    /// Every so manieth create-only write overwrites.
    OverwritesSometimes(usize),
    /// Create-only writes look whether something is there, and then write.
    ChecksThenActs,
    /// Create-only writes keep what is there, and say that they were done.
    KeepsAndSaysWritten,
    /// Someone else does this just before the first write to the log, which reports success without writing.
    Deceives(Boxed<'static, ()>),
    /// Someone else does this just before the first write to the log.
    Meanwhile(Boxed<'static, ()>),
    /// The first write to the log is done, and its answer is lost.
    Unanswered,
    /// The writer is killed instead of its first write to the log.
    Killed,
}

/// A store in memory that has one accident.
pub(super) struct Meddler {
    inner: Arc<InMemory>,
    accident: Mutex<Option<Accident>>,
    created: AtomicUsize,
}

/// What a store does that never obeys.
#[derive(Debug, Clone, Copy)]
enum Habit {
    Overwrites,
    Keeps,
    Checks,
}

impl Meddler {
    pub(super) fn over(inner: Arc<InMemory>, accident: Accident) -> Store {
        let meddler = Self {
            inner,
            accident: Mutex::new(Some(accident)),
            created: AtomicUsize::new(0),
        };
        Store::over(Arc::new(meddler), "meddler".to_owned())
    }

    fn accident_at(&self, location: &Path) -> Option<Accident> {
        let mut accident = self.accident.lock().unwrap();
        match *accident {
            Some(
                Accident::Meanwhile(_)
                | Accident::Deceives(_)
                | Accident::Unanswered
                | Accident::Killed,
            ) => {
                if is_entry(location) {
                    accident.take()
                } else {
                    None
                }
            }
            Some(
                Accident::Overwrites
                | Accident::OverwritesAbove(_)
                | Accident::OverwritesSometimes(_)
                | Accident::ChecksThenActs
                | Accident::KeepsAndSaysWritten,
            )
            | None => None,
        }
    }

    /// Returns what the store does with a create-only write of so many bytes instead of obeying.
    fn habit(&self, bytes: usize) -> Option<Habit> {
        let number = self.created.fetch_add(1, Ordering::Relaxed) + 1;
        match *self.accident.lock().unwrap() {
            Some(Accident::Overwrites) => Some(Habit::Overwrites),
            Some(Accident::OverwritesAbove(most)) => (bytes > most).then_some(Habit::Overwrites),
            Some(Accident::OverwritesSometimes(every)) => {
                number.is_multiple_of(every).then_some(Habit::Overwrites)
            }
            Some(Accident::KeepsAndSaysWritten) => Some(Habit::Keeps),
            Some(Accident::ChecksThenActs) => Some(Habit::Checks),
            Some(
                Accident::Meanwhile(_)
                | Accident::Deceives(_)
                | Accident::Unanswered
                | Accident::Killed,
            )
            | None => None,
        }
    }

    async fn by_habit(
        &self,
        habit: Habit,
        location: &Path,
        payload: PutPayload,
    ) -> Result<PutResult> {
        match habit {
            Habit::Overwrites => self.inner.put(location, payload).await,
            Habit::Keeps => {
                let done = PutResult {
                    e_tag: None,
                    version: None,
                    extensions: Default::default(),
                };
                let options = PutOptions {
                    mode: PutMode::Create,
                    ..PutOptions::default()
                };
                match self.inner.put_opts(location, payload, options).await {
                    Err(object_store::Error::AlreadyExists { .. }) => Ok(done),
                    other => other,
                }
            }
            Habit::Checks => {
                if self.inner.head(location).await.is_ok() {
                    let (path, source) = (location.to_string(), "it is there".into());
                    return Err(object_store::Error::AlreadyExists { path, source });
                }
                // Some of the racers look before the first has written, some do not.
                tokio::time::sleep(std::time::Duration::from_micros(300)).await;
                self.inner.put(location, payload).await
            }
        }
    }
}

impl fmt::Display for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddler")
    }
}

impl fmt::Debug for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddler")
    }
}

// Written as `async_trait` expands it: the crate is not among the dependencies.
impl ObjectStore for Meddler {
    fn put_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Boxed<'c, Result<PutResult>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(async move {
            if matches!(options.mode, PutMode::Create)
                && let Some(habit) = self.habit(payload.content_length())
            {
                return self.by_habit(habit, location, payload).await;
            }
            match self.accident_at(location) {
                Some(Accident::Meanwhile(other)) => other.await,
                Some(Accident::Deceives(other)) => {
                    other.await;
                    return Ok(PutResult {
                        e_tag: None,
                        version: None,
                        extensions: Default::default(),
                    });
                }
                Some(Accident::Unanswered) => {
                    self.inner.put_opts(location, payload, options).await?;
                    return Err(object_store::Error::Generic {
                        store: "Meddler",
                        source: "timed out".into(),
                    });
                }
                Some(Accident::Killed) => {
                    return Err(object_store::Error::Generic {
                        store: "Meddler",
                        source: "killed".into(),
                    });
                }
                Some(
                    Accident::Overwrites
                    | Accident::OverwritesAbove(_)
                    | Accident::OverwritesSometimes(_)
                    | Accident::ChecksThenActs
                    | Accident::KeepsAndSaysWritten,
                )
                | None => {}
            }
            self.inner.put_opts(location, payload, options).await
        })
    }

    fn put_multipart_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        options: PutMultipartOptions,
    ) -> Boxed<'c, Result<Box<dyn MultipartUpload>>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.inner.put_multipart_opts(location, options)
    }

    fn get_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b Path,
        options: GetOptions,
    ) -> Boxed<'c, Result<GetResult>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.inner.get_opts(location, options)
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_delimiter<'a, 'b, 'c>(
        &'a self,
        prefix: Option<&'b Path>,
    ) -> Boxed<'c, Result<ListResult>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.inner.list_with_delimiter(prefix)
    }

    fn copy_opts<'a, 'b, 'c, 'd>(
        &'a self,
        from: &'b Path,
        to: &'c Path,
        options: CopyOptions,
    ) -> Boxed<'d, Result<()>>
    where
        'a: 'd,
        'b: 'd,
        'c: 'd,
        Self: 'd,
    {
        self.inner.copy_opts(from, to, options)
    }
}
