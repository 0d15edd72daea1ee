use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How often what goes wrong: shares of all requests, together at most 1.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Rates {
    /// Cuts the connection: before the request, within it, or when the server has done what it asks for.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    drop: f64,
    /// Ends the answer somewhere within its head or body.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    truncate: f64,
    /// Answers 500, 503 or 429 instead of the server, or 500 or 503 when the server has done what was asked for.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    error: f64,
    /// Waits before it passes the request on.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    delay: f64,
    /// Longest wait, in milliseconds.
    #[arg(long, default_value_t = 50, value_name = "MS")]
    delay_ms: u64,
    /// All requests after this many fail.
    #[arg(long, value_name = "REQUESTS")]
    outage_after: Option<u64>,
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// Nothing.
    Pass,
    /// It is passed on after a while.
    Delay(Duration),
    /// The connection ends before any of it is passed on.
    DropUnsent,
    /// The connection ends after this share of it.
    CutRequest(f64),
    /// The server does what it asks for, and the connection ends before the answer.
    LoseAnswer,
    /// The connection ends after this share of the answer.
    CutAnswer(f64),
    /// This is answered, and the server hears nothing of it.
    Error(u16),
    /// The server does what it asks for, and this is answered instead.
    LateError(u16),
    /// The line is dead.
    Outage,
}

/// Decides and counts what happens to requests.
pub(crate) struct Faults {
    rates: Rates,
    seed: u64,
    requests: AtomicU64,
    counts: Mutex<Counts>,
}

type Counts = BTreeMap<&'static str, u64>;

impl Rates {
    /// Returns an error where these are no shares.
    pub(crate) fn check(&self) -> Result<(), String> {
        let all = [self.drop, self.truncate, self.error, self.delay];
        let fit = all.iter().all(|rate| *rate >= 0.0) && all.iter().sum::<f64>() <= 1.0;
        if fit {
            Ok(())
        } else {
            Err(format!("{all:?} are no shares that add up to at most 1"))
        }
    }

    fn choose(&self, random: &mut impl Rng) -> Fault {
        let mut at = random.random::<f64>();
        let mut is_within = |rate: f64| {
            at -= rate;
            at < 0.0
        };
        if is_within(self.drop) {
            let cut = Fault::CutRequest(random.random());
            return one_of(&[Fault::DropUnsent, cut, Fault::LoseAnswer], random);
        }
        if is_within(self.truncate) {
            return Fault::CutAnswer(random.random());
        }
        if is_within(self.error) {
            let late = Fault::LateError(one_of(&[500, 503], random));
            return one_of(
                &[Fault::Error(one_of(&[500, 503, 429], random)), late],
                random,
            );
        }
        if is_within(self.delay) {
            return Fault::Delay(Duration::from_millis(
                random.random_range(0..=self.delay_ms),
            ));
        }
        Fault::Pass
    }
}

fn one_of<T: Copy>(choices: &[T], random: &mut impl Rng) -> T {
    *choices.choose(random).expect("there are some")
}

impl Faults {
    pub(crate) fn new(rates: Rates, seed: u64) -> Self {
        Self {
            rates,
            seed,
            requests: AtomicU64::new(0),
            counts: Mutex::default(),
        }
    }

    /// Decides what happens to the next request.
    pub(crate) fn next(&self) -> Fault {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(number);
        let fault = match self.rates.outage_after {
            Some(after) if number >= after => Fault::Outage,
            _ => self.rates.choose(&mut random),
        };
        let mut counts = self.counts.lock().expect("counting does not panic");
        *counts.entry(fault.name()).or_default() += 1;
        fault
    }

    /// Returns how often what was done, as JSON.
    pub(crate) fn counts(&self) -> String {
        let counts = self.counts.lock().expect("counting does not panic");
        serde_json::to_string(&*counts).expect("counts have a JSON form")
    }
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Pass => "passed",
            Self::Delay(_) => "delayed",
            Self::DropUnsent => "dropped_unsent",
            Self::CutRequest(_) => "cut_request",
            Self::LoseAnswer => "lost_answer",
            Self::CutAnswer(_) => "cut_answer",
            Self::Error(_) => "error",
            Self::LateError(_) => "late_error",
            Self::Outage => "outage",
        }
    }
}
