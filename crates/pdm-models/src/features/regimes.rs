//! Operating regimes, found by clustering the settings.

use std::cmp::Ordering;

use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::kmeans::{self, ClusterPoint};
use super::options::MAX_REGIMES;
use super::rolling::Moments;
use super::scale::ColumnScale;
use crate::data::{Schema, Trajectory};

/// Largest number of regimes that detection tries.
const MAX_DETECTED: usize = 10;

/// Below this mean silhouette the settings are noise around one regime. On C-MAPSS the subsets with one regime reach
/// at most 0.52 with any number of clusters; those with six reach 0.998 at six and 0.97 at the adjacent numbers.
const MIN_SILHOUETTE: f64 = 0.8;

/// Number of rows in which the clusters are searched; the centroids are then refined with all rows.
const SAMPLE_ROWS: usize = 2000;

/// Minimum number of rows per regime, on average, for detection.
const ROWS_PER_REGIME: usize = 30;

/// The operating regimes: the clusters of the settings.
///
/// Regimes are numbered in ascending order of their settings, so the number does not depend on the seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Regimes {
    /// The settings that vary; empty with a single regime.
    settings: Vec<Setting>,
    /// Centres in standardised settings; empty with a single regime.
    centroids: Vec<ClusterPoint>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Setting {
    channel: usize,
    scale: ColumnScale,
}

impl Regimes {
    /// Learns `count` regimes, or detects their number if `count` is 0.
    pub(super) fn fit(schema: &Schema, units: &[&Trajectory], count: usize, seed: u64) -> Self {
        let settings = varying_settings(schema, units);
        if count == 1 || settings.is_empty() {
            return Self::single();
        }
        let rows = units
            .iter()
            .flat_map(|unit| (0..unit.len()).map(move |row| (*unit, row)));
        let points: Vec<_> = rows
            .map(|(unit, row)| point(&settings, unit, row))
            .collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let sample = sample(&points, &mut rng);
        let found = if count == 0 {
            detect(&sample, &mut rng)
        } else {
            kmeans::cluster(&sample, count, &mut rng)
        };
        if found.len() < 2 {
            return Self::single();
        }
        let mut centroids = kmeans::refine(&points, found);
        centroids.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
        Self {
            settings,
            centroids,
        }
    }

    /// Returns what is inconsistent with this many settings.
    pub(super) fn problem(&self, settings: usize) -> Option<String> {
        if self.centroids.len() > MAX_REGIMES {
            return Some(format!(
                "has {} regimes, more than {MAX_REGIMES}",
                self.centroids.len()
            ));
        }
        if self
            .settings
            .iter()
            .any(|setting| setting.channel >= settings)
        {
            return Some(format!(
                "has regimes for a setting beyond the {settings} of the schema"
            ));
        }
        let width = self.settings.len();
        let misshapen = self
            .centroids
            .iter()
            .any(|centroid| centroid.len() != width || width == 0);
        misshapen.then(|| format!("has a regime whose centre does not have {width} settings"))
    }

    /// Returns the number of regimes, at least 1.
    pub(super) fn count(&self) -> usize {
        self.centroids.len().max(1)
    }

    /// Returns the regime of one row, whose centre is nearest to its settings.
    pub(super) fn at(&self, trajectory: &Trajectory, row: usize) -> usize {
        if self.centroids.is_empty() {
            return 0;
        }
        kmeans::nearest(&point(&self.settings, trajectory, row), &self.centroids)
    }

    /// Returns the regime of every row.
    pub(super) fn of(&self, trajectory: &Trajectory) -> Vec<usize> {
        (0..trajectory.len())
            .map(|row| self.at(trajectory, row))
            .collect()
    }

    /// Groups the values of one channel as `[regime][row]`.
    pub(super) fn group_by_regime(
        &self,
        units: &[&Trajectory],
        regimes: &[Vec<usize>],
        channel: usize,
    ) -> Vec<Vec<f64>> {
        let mut grouped = vec![Vec::new(); self.count()];
        for (unit, regimes) in units.iter().zip(regimes) {
            for (value, regime) in unit.channels[channel].iter().zip(regimes) {
                grouped[*regime].push(*value);
            }
        }
        grouped
    }

    fn single() -> Self {
        Self {
            settings: Vec::new(),
            centroids: Vec::new(),
        }
    }
}

fn varying_settings(schema: &Schema, units: &[&Trajectory]) -> Vec<Setting> {
    let scale = |channel: usize| {
        let values = units.iter().flat_map(|unit| &unit.channels[channel]);
        ColumnScale::of(&values.fold(Moments::default(), |run, value| run.then(*value)))
    };
    let settings = (0..schema.settings.len()).map(|channel| Setting {
        channel,
        scale: scale(channel),
    });
    settings
        .filter(|setting| !setting.scale.is_constant())
        .collect()
}

fn point(settings: &[Setting], unit: &Trajectory, row: usize) -> ClusterPoint {
    settings
        .iter()
        .map(|setting| {
            setting
                .scale
                .apply(unit.channels[setting.channel][row], f64::MAX)
        })
        .collect()
}

fn sample(points: &[ClusterPoint], rng: &mut ChaCha8Rng) -> Vec<ClusterPoint> {
    let mut rows = index::sample(rng, points.len(), SAMPLE_ROWS.min(points.len())).into_vec();
    rows.sort_unstable();
    rows.into_iter().map(|row| points[row].clone()).collect()
}

/// Returns the clustering with the best mean silhouette, or no centroids if even that is poor.
fn detect(points: &[ClusterPoint], rng: &mut ChaCha8Rng) -> Vec<ClusterPoint> {
    let mut best = Vec::new();
    let mut best_silhouette = MIN_SILHOUETTE;
    for k in 2..=MAX_DETECTED.min(points.len() / ROWS_PER_REGIME) {
        let centroids = kmeans::cluster(points, k, rng);
        let silhouette = kmeans::silhouette(points, &centroids);
        if silhouette > best_silhouette {
            (best, best_silhouette) = (centroids, silhouette);
        }
    }
    best
}
