//! Pushes and promotions are interrupted at random moments, by `kill -9` and by a proxy that drops, delays, cuts and falsifies.
//!
//! `registry_chaos RELEASE_FOLDER URL MOMENTS SEED` pushes versions from a folder into registries at the address, with the
//! command of the release folder, and promotes them. It interrupts them until so many interruptions have hit a command at
//! work. After each the registry must verify, straight from the server; then the same command must succeed, and the log must
//! be what it would be had nothing happened. Into every registry a stranger, who may only create objects, brings forged snapshots
//! and other things: `verify` must name them, and nothing else may change. A folder meets `kill -9` alone, a bucket also `flaky_proxy`. The keys of a
//! bucket come from the environment.

// What it found is what it is for.
#![allow(clippy::print_stdout)]

mod interruption;
mod ledger;
mod program;
mod stranger;
#[path = "../support/mod.rs"]
mod support;
mod tally;

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use interruption::{Interruption, Usual};
use ledger::Ledger;
use program::{Program, Step, VERSIONS};
use tally::Tally;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Entries after which the log is kept in one object, too.
const SNAPSHOT: usize = 128;

/// Share of the interrupted commands that are interrupted again before they may succeed.
const AGAIN: f64 = 0.25;

fn main() -> Outcome {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let [release, url, moments, seed] = words[..] else {
        return Err("usage: registry_chaos RELEASE_FOLDER URL MOMENTS SEED".into());
    };
    let project = tempfile::tempdir()?;
    let program = Program::new(Path::new(release), project.path())?;
    let usual = Usual::measure(&program, &format!("{url}/usual"))?;
    let random = ChaCha8Rng::seed_from_u64(seed.parse()?);
    let mut chaos = Chaos {
        program,
        usual,
        random,
        tally: Tally::default(),
        moments: moments.parse()?,
    };
    let start = Instant::now();
    for number in 1.. {
        chaos
            .registry(&format!("{url}/{number}"), number % 2 == 0)
            .map_err(|error| format!("seed {seed}: {error}"))?;
        if chaos.is_over() {
            break;
        }
    }
    println!(
        "{url}, seed {seed}, {:.0} s: {}",
        start.elapsed().as_secs_f64(),
        chaos.tally
    );
    Ok(())
}

struct Chaos {
    program: Program,
    usual: Usual,
    random: ChaCha8Rng,
    tally: Tally,
    /// Interruptions to be met.
    moments: u64,
}

impl Chaos {
    fn is_over(&self) -> bool {
        self.tally.moments() >= self.moments
    }

    /// Fills one registry, until it holds every version or enough was interrupted. One whose log is long ends a snapshot on
    /// the way.
    fn registry(&mut self, url: &str, is_long: bool) -> Outcome {
        let mut ledger = Ledger::new(url);
        for version in 1..=VERSIONS {
            if is_long && version == 2 {
                ledger.fill(SNAPSHOT - self.random.random_range(1..=8))?;
            }
            self.step(&mut ledger, Step::Push(version))?;
            if version == 1 {
                ledger.expect(stranger::visit(url)?);
            }
            let others: Vec<_> = (1..=version)
                .filter(|other| Some(*other) != ledger.champion())
                .collect();
            if let Some(other) = others.choose(&mut self.random) {
                self.step(&mut ledger, Step::Promote(*other))?;
            }
            if self.is_over() {
                break;
            }
        }
        ledger.check_blobs(&self.program)?;
        self.tally.registry();
        Ok(())
    }

    /// Interrupts one step, once or more often, and takes it then.
    fn step(&mut self, ledger: &mut Ledger, step: Step) -> Outcome {
        let kept_before = self.program.kept_uploads()?;
        while !self.is_over() {
            let interruption =
                Interruption::choose(ledger.url(), self.usual.of(step), &mut self.random);
            let described = |error| {
                format!(
                    "{step:?} in {} under {interruption:?}: {error}",
                    ledger.url()
                )
            };
            let struck = interruption
                .strike(&self.program, step, ledger.url())
                .map_err(described)?;
            let is_written = ledger.look(&self.program, &struck).map_err(described)?;
            self.tally.add(&struck, is_written);
            if !struck.is_hit() || !self.random.random_bool(AGAIN) {
                break;
            }
        }
        self.tally
            .kept(self.program.kept_uploads()?.saturating_sub(kept_before));
        let described = |error| format!("{step:?} in {}, again: {error}", ledger.url());
        self.program
            .must(&step.words(ledger.url()))
            .map_err(described)?;
        let place = format!("{step:?} in {}", ledger.url());
        ledger
            .written(step)
            .map_err(|error| format!("{place}, then: {error}").into())
    }
}
