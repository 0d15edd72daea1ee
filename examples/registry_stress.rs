//! Many writers promote at once, and then every promise of the registry's log is checked.
//!
//! `registry_stress URL SECONDS WRITERS` registers four versions and lets that many processes (threads for `memory://`) promote
//! one or another of them to the same alias by gates. Afterwards the log must be dense, chained and intact, hold every
//! promotion that was answered with its entry and no other, and the gates of each must have been judged against the version it
//! replaced. The keys of a bucket come from the environment.

// What it found is what it is for.
#![allow(clippy::print_stdout)]

mod support;

use std::error::Error;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pdm_ml::content::Digest;
use pdm_ml::gates::{GateOptions, Rule};
use pdm_ml::registry::blocking::Registry;
use pdm_ml::registry::{
    Alias, AliasPolicy, Consent, Failure, HistoryAction, ModelName, ModelRef, NewFile, NewVersion,
    OpenOptions, Promotion, Stamp, Store,
};
use pdm_ml::scoring::{Metric, Verdict};

const VERSIONS: u32 = 4;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let [url, seconds, writers, worker @ ..] = &words[..] else {
        return Err("usage: registry_stress URL SECONDS WRITERS".into());
    };
    let (length, writers) = (
        Duration::from_secs(seconds.parse()?),
        writers.parse::<u32>()?,
    );
    let store = open(url)?;
    if let [number] = worker {
        let entries = promote_for(&store, number.parse()?, length)?;
        println!("{}", serde_json::to_string(&entries)?);
        return Ok(());
    }
    let registry = Registry::new(store.clone())?;
    for version in 1..=VERSIONS {
        registry.register(&new_version(version)?, &stamp("setup"))?;
    }
    let entries = match *url {
        "memory://" => by_threads(&store, writers, length)?,
        _ => by_processes(&words, writers)?,
    };
    check(&registry, entries, writers, length)
}

fn open(url: &str) -> Outcome<Store> {
    let here = std::env::current_dir()?;
    let variable = |name: &str| std::env::var(name).ok();
    Ok(Store::open(
        url,
        OpenOptions {
            variable: &variable,
            ..here.as_path().into()
        },
    )?)
}

fn by_threads(store: &Store, writers: u32, length: Duration) -> Outcome<Vec<u64>> {
    std::thread::scope(|scope| {
        let spawn = |number| scope.spawn(move || promote_for(store, number, length));
        let threads: Vec<_> = (0..writers).map(spawn).collect();
        let entries = threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a writer panicked")?);
        Ok(entries.collect::<Outcome<Vec<_>>>()?.concat())
    })
}

fn by_processes(words: &[&str], writers: u32) -> Outcome<Vec<u64>> {
    let program = std::env::current_exe()?;
    let spawn = |number: u32| {
        Command::new(&program)
            .args(words)
            .arg(number.to_string())
            .stdout(Stdio::piped())
            .spawn()
    };
    let children = (0..writers).map(spawn).collect::<Result<Vec<_>, _>>()?;
    let mut entries = Vec::new();
    let outputs: Vec<_> = children
        .into_iter()
        .map(std::process::Child::wait_with_output)
        .collect();
    for output in outputs {
        let output = output?;
        if !output.status.success() {
            return Err(format!("a writer ended with {}", output.status).into());
        }
        entries.extend(serde_json::from_slice::<Vec<u64>>(&output.stdout)?);
    }
    Ok(entries)
}

/// Promotes one version after another until the time is over, and returns the entries that were written.
fn promote_for(store: &Store, number: u32, length: Duration) -> Outcome<Vec<u64>> {
    let (registry, actor, until) = (
        Registry::new(store.clone())?,
        format!("writer {number}"),
        Instant::now() + length,
    );
    let (mut entries, mut turn) = (Vec::new(), number);
    while Instant::now() < until {
        turn += 1;
        let version = turn % VERSIONS + 1;
        let report =
            registry.judge_version(&gates(), &ModelRef::version(model(), version), &alias())?;
        let promotion = Promotion {
            model: model(),
            version,
            alias: alias(),
            reason: String::new(),
            consent: Consent::Gates(Box::new(report)),
            policy: AliasPolicy::default(),
        };
        match registry.promote(&promotion, &stamp(&actor)) {
            Ok(moved) => entries.extend(moved.entry),
            Err(error) if error.failure() == Failure::Conflict => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(entries)
}

fn check(
    registry: &Registry,
    mut answered: Vec<u64>,
    writers: u32,
    length: Duration,
) -> Outcome<()> {
    let verified = registry.verify()?;
    if !verified.is_intact() {
        return Err(format!("damaged: {:?}", verified.findings).into());
    }
    let rows = registry.history(&model(), None, None)?;
    let promoted: Vec<_> = rows
        .iter()
        .filter(|row| row.action == HistoryAction::Promote)
        .collect();
    answered.sort_unstable();
    if answered != promoted.iter().map(|row| row.entry).collect::<Vec<_>>() {
        return Err("the promotions in the log are not those that were answered".into());
    }
    if verified.entries != u64::from(VERSIONS) + promoted.len() as u64 {
        return Err(format!(
            "{} entries for {} promotions",
            verified.entries,
            promoted.len()
        )
        .into());
    }
    if promoted.len() < writers as usize {
        return Err(format!(
            "only {} promotions of {writers} writers prove nothing",
            promoted.len()
        )
        .into());
    }
    let mut current = None;
    for row in &promoted {
        let report = registry.report(row.report.ok_or("a promotion without its gates")?)?;
        let judged = report.champion.map(|champion| champion.version);
        if (row.from, judged, report.verdict) != (current, current, Verdict::Pass) {
            return Err(format!(
                "entry {} replaced {current:?} and was judged against {judged:?}",
                row.entry
            )
            .into());
        }
        current = Some(row.version);
    }
    let (location, seconds) = (registry.store().location(), length.as_secs());
    println!(
        "{location}: {writers} writers, {seconds} s, {} promotions, each judged against the version it replaced; log intact",
        promoted.len()
    );
    Ok(())
}

fn model() -> ModelName {
    "stress".parse().expect("a name")
}

fn alias() -> Alias {
    "champion".parse().expect("an alias")
}

fn stamp(actor: &str) -> Stamp {
    Stamp {
        time: Timestamp::now(),
        actor: actor.to_owned(),
    }
}

/// A margin that every version keeps against every other.
fn gates() -> Vec<GateOptions> {
    vec![GateOptions {
        margin: 5.0,
        ..GateOptions::new(Metric::Rmse, Rule::NonInferior)
    }]
}

fn new_version(version: u32) -> Outcome<NewVersion> {
    let files = vec![NewFile::of_bytes(
        "weights".parse()?,
        format!("weights {version}"),
    )];
    let error = |unit: u32| f64::from((unit + version) % 5) - 2.0;
    support::new_version(model(), Digest::of(version.to_string()), files, error)
}
