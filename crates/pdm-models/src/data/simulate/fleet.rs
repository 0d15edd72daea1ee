//! Simulates a fleet and writes its files.

use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::super::write::write_file;
use super::super::{DataError, Role, Trajectory};
use super::engine::run_to_failure;
use super::{SimulateOptions, SimulationOrigin, text};
use pdm_core::content::Digest;
use pdm_core::domain::{Cycle, UnitId};

/// Minimum number of cycles of a test unit; the shortest of FD004 has 19.
const SHORTEST_TEST: u32 = 19;
/// Smallest and largest true remaining useful life of a test unit, in cycles, as in the published files.
const NEAREST_END: u32 = 6;
const FARTHEST_END: u32 = 195;
/// The random streams of test units start after those of training units, however many there are.
const TEST_STREAMS: u64 = 1 << 32;

/// A fleet as it would be read from its files.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedFleet {
    options: SimulateOptions,
    /// Histories that run to failure.
    pub train: Vec<Trajectory>,
    /// Histories that stop before failure.
    pub test: Vec<Trajectory>,
    /// True remaining useful life after the last row of each test unit, in cycles.
    pub rul: Vec<u32>,
}

/// Simulates a fleet; the same options give the same fleet at any number of threads.
///
/// Any number of regimes other than 6 is treated as 1, and any number of fault modes other than 2 as 1;
/// [`SimulateOptions::problems`] reports such options.
pub fn simulate(options: &SimulateOptions) -> SimulatedFleet {
    let train = units(options.train_units, |number| {
        whole_life(options, number, &mut stream(options, 0, number))
    });
    let cut: Vec<_> = units(options.test_units, |number| {
        let mut rng = stream(options, TEST_STREAMS, number);
        let whole = whole_life(options, number, &mut rng);
        cut_short(&whole, &mut rng)
    });
    let (test, rul) = cut.into_iter().unzip();
    SimulatedFleet {
        options: options.clone(),
        train,
        test,
        rul,
    }
}

fn units<T: Send>(count: u32, make: impl Fn(u32) -> T + Send + Sync) -> Vec<T> {
    (1..=count).into_par_iter().map(make).collect()
}

fn stream(options: &SimulateOptions, first: u64, number: u32) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    rng.set_stream(first + u64::from(number));
    rng
}

fn whole_life(options: &SimulateOptions, number: u32, rng: &mut ChaCha8Rng) -> Trajectory {
    let channels = run_to_failure(options, rng);
    let cycles = (1..).take(channels[0].len()).map(Cycle).collect();
    Trajectory {
        rest: 0,
        unit: UnitId::from(number),
        cycles,
        channels,
    }
}

/// Cuts a life at a random cycle, and also returns the remaining useful life.
fn cut_short(whole: &Trajectory, rng: &mut ChaCha8Rng) -> (Trajectory, u32) {
    let life = whole.last_cycle().0;
    let farthest = FARTHEST_END
        .min(life.saturating_sub(SHORTEST_TEST))
        .max(NEAREST_END);
    // The mean of two draws is closer to the published distribution than one draw: few units are at either end.
    let draws = [0, 1].map(|_| rng.random_range(NEAREST_END..=farthest));
    let rul = draws.iter().sum::<u32>() / 2;
    (whole.cut((life - rul) as usize), rul)
}

impl SimulatedFleet {
    /// Writes `train_<name>.txt`, `test_<name>.txt` and `RUL_<name>.txt` in the C-MAPSS format, and `<name>.json`, which
    /// records how they were simulated; returns their paths in that order.
    ///
    /// Files of an earlier simulation are replaced.
    ///
    /// # Errors
    /// The options are invalid, a file exists that was not simulated or was changed since, or the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
        self.write_where(folder, |path, text| self.may_replace(folder, path, text))
    }

    /// Like [`Self::write`], but replaces any existing files.
    ///
    /// # Errors
    /// The options are invalid, or the folder cannot be written.
    pub fn replace(&self, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
        self.write_where(folder, |_, _| true)
    }

    /// Returns whether a file is missing, or unchanged since this or the last simulation.
    fn may_replace(&self, folder: &Path, path: &Path, text: &str) -> bool {
        let Ok(existing) = Digest::of_file(path) else {
            return true;
        };
        let origin = SimulationOrigin::find(&self.options, folder);
        if path.ends_with(SimulationOrigin::file_name(&self.options)) {
            return origin.is_some();
        }
        let simulated = origin
            .iter()
            .flat_map(|origin| [Role::Train, Role::Test, Role::Rul].map(|r| origin.digest(r)))
            .flatten();
        simulated
            .chain([Digest::of(text)])
            .any(|digest| digest == existing)
    }

    fn write_where(
        &self,
        folder: &Path,
        may: impl Fn(&Path, &str) -> bool,
    ) -> Result<Vec<PathBuf>, DataError> {
        if let Some(problem) = self.options.problems().into_iter().next() {
            return Err(DataError::Simulate(problem));
        }
        let name = &self.options.name;
        let texts = [
            text::histories(&self.train),
            text::histories(&self.test),
            text::rul(&self.rul),
        ];
        let origin = SimulationOrigin::new(&self.options, texts.each_ref().map(Digest::of));
        let origin = serde_json::to_string_pretty(&origin)
            .expect("numbers and digests have a JSON form")
            + "\n";
        let names = ["train", "test", "RUL"].map(|prefix| format!("{prefix}_{name}.txt"));
        let files = names
            .into_iter()
            .chain([SimulationOrigin::file_name(&self.options)])
            .zip(texts.into_iter().chain([origin]));
        let files: Vec<_> = files.collect();
        for (name, text) in &files {
            let path = folder.join(name);
            if !may(&path, text) {
                return Err(DataError::InTheWay {
                    path,
                    what: "the file that was simulated",
                });
            }
        }
        files
            .into_iter()
            .map(|(name, text)| write_file(folder, &name, text.as_bytes()))
            .collect()
    }
}
