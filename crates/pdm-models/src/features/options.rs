//! Options of `[features]`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::data::Lives;
use pdm_core::codes::Code;
use pdm_core::domain::{FromData, Problem, ResolvedValue};

/// Maximum number of regimes.
pub(super) const MAX_REGIMES: usize = 100;

/// Maximum number of half-lives; each is a column for every sensor.
const MOST_HALF_LIVES: usize = 100;

/// How histories become model inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct FeatureOptions {
    /// Sensors to use, in this order. Empty: all sensors that are not constant within their operating regime; for C-MAPSS
    /// the 14 sensors in general use.
    pub sensors: Vec<String>,
    /// Number of operating regimes among the settings. 0: detect it (1 to 10); 1: ignore the settings.
    pub regimes: usize,
    /// Largest distance of a sensor from the mean of its regime, in standard deviations; larger ones are clipped.
    pub clip_sd: f64,
    /// Factor by which the times of all features are stretched; their defaults suit units that live about 200 cycles.
    /// `auto`: the power of two nearest to the median training life divided by 200.
    pub time_scale: FromData<f64>,
    /// Half-lives of the exponential means of each sensor in the feature table, in cycles; `auto`: 4 and 15, stretched.
    pub half_lives: FromData<Vec<f64>>,
    /// Number of first cycles whose mean is the healthy level of a unit; `auto`: 20, stretched.
    pub baseline_cycles: FromData<usize>,
    /// Length of the trailing window for the slope and spread of each sensor in the feature table, in cycles; `auto`: 40,
    /// stretched.
    pub window_cycles: FromData<usize>,
}

impl Default for FeatureOptions {
    fn default() -> Self {
        Self {
            sensors: Vec::new(),
            regimes: 0,
            clip_sd: 6.0,
            time_scale: FromData::Auto,
            half_lives: FromData::Auto,
            baseline_cycles: FromData::Auto,
            window_cycles: FromData::Auto,
        }
    }
}

/// Times that suit units that live about 200 cycles.
const HALF_LIVES: [f64; 2] = [4.0, 15.0];
const BASELINE_CYCLES: f64 = 20.0;
const WINDOW_CYCLES: f64 = 40.0;
const TRUSTED_ROWS: f64 = 20.0;

/// Minimum numbers of rows of a baseline and of a window.
const SHORTEST_BASELINE: usize = 2;
const SHORTEST_WINDOW: usize = 3;

/// Largest time scale; the smallest is its reciprocal.
const LARGEST_SCALE: f64 = 1e6;

impl FeatureOptions {
    /// Returns these options with numbers for all `auto` values.
    #[must_use]
    pub fn settled(&self, lives: &Lives) -> Self {
        let scaled = Self {
            time_scale: FromData::Set(self.time_scale.or(lives.time_scale())),
            ..self.clone()
        };
        Self {
            half_lives: FromData::Set(scaled.half_lives()),
            baseline_cycles: FromData::Set(scaled.baseline_cycles()),
            window_cycles: FromData::Set(scaled.window_cycles()),
            ..scaled
        }
    }

    /// Returns the `auto` values with their numbers and the reason for them.
    pub fn found(&self, lives: &Lives) -> Vec<ResolvedValue> {
        let settled = self.settled(lives);
        let keys = [
            (
                "time_scale",
                self.time_scale.set().is_none(),
                settled.time_scale().to_string(),
            ),
            (
                "half_lives",
                self.half_lives.set().is_none(),
                format!("{:?}", settled.half_lives()),
            ),
            (
                "baseline_cycles",
                self.baseline_cycles.set().is_none(),
                settled.baseline_cycles().to_string(),
            ),
            (
                "window_cycles",
                self.window_cycles.set().is_none(),
                settled.window_cycles().to_string(),
            ),
        ];
        let left = keys.into_iter().filter(|(_, is_left, _)| *is_left);
        let found = left.map(|(key, _, value)| ResolvedValue {
            key: format!("features.{key}"),
            value,
            why: format!("the median training life has {} rows", lives.median),
            usual: settled.time_scale() == self.time_scale(),
        });
        found.collect()
    }

    /// Returns the time scale; 1 while the lives are unknown, and in features fitted before the option existed.
    pub fn time_scale(&self) -> f64 {
        self.time_scale.or(1.0)
    }

    /// Returns the half-lives of the means of each sensor, in cycles.
    pub fn half_lives(&self) -> Vec<f64> {
        self.half_lives.or(HALF_LIVES
            .map(|half_life| half_life * self.time_scale())
            .to_vec())
    }

    /// Returns the number of first cycles whose mean is the healthy level.
    pub fn baseline_cycles(&self) -> usize {
        self.baseline_cycles
            .or(self.stretched(BASELINE_CYCLES).max(SHORTEST_BASELINE))
    }

    /// Returns the length of the trailing window, in cycles.
    pub fn window_cycles(&self) -> usize {
        self.window_cycles.or(self.window(WINDOW_CYCLES))
    }

    /// Returns a window of so many cycles, stretched.
    pub(super) fn window(&self, cycles: f64) -> usize {
        self.stretched(cycles).max(SHORTEST_WINDOW)
    }

    /// Returns the rows from which on a slope is trusted in full.
    pub(super) fn trusted_rows(&self) -> usize {
        self.window(TRUSTED_ROWS)
    }

    fn stretched(&self, cycles: f64) -> usize {
        (cycles * self.time_scale()).round() as usize
    }

    /// Returns what is out of range or contradicts itself.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(sensor) = repeated(&self.sensors) {
            problems.push(
                Problem::new("sensors", format!("sensor `{sensor}` is listed twice"))
                    .with_code(Code::NamedTwice),
            );
        }
        if self.regimes > MAX_REGIMES {
            let message = format!(
                "{} regimes are more than the {MAX_REGIMES} supported",
                self.regimes
            );
            problems.push(Problem::new("regimes", message).hint("0 detects the number"));
        }
        if !(self.clip_sd.is_finite() && self.clip_sd > 0.0) {
            problems.push(
                Problem::new(
                    "clip_sd",
                    format!("{} is not a positive number", self.clip_sd),
                )
                .hint("6.0"),
            );
        }
        problems.extend(self.half_life_problems());
        let scale = self.time_scale();
        if !(scale >= LARGEST_SCALE.recip() && scale <= LARGEST_SCALE) {
            let message = format!(
                "must be from {} to {LARGEST_SCALE}, not {scale:?}",
                LARGEST_SCALE.recip()
            );
            problems.push(
                Problem::new("time_scale", message)
                    .hint("\"auto\" follows from the lives of the units"),
            );
        }
        if self.baseline_cycles.set() == Some(&0) {
            problems
                .push(Problem::new("baseline_cycles", "0 cycles have no mean").hint("at least 1"));
        }
        if let Some(window) = self.window_cycles.set().filter(|window| **window < 2) {
            let message = format!("a window of {window} cycles has no slope");
            problems.push(Problem::new("window_cycles", message).hint("at least 2"));
        }
        problems
    }

    fn half_life_problems(&self) -> Vec<Problem> {
        let half_lives = self.half_lives.or(Vec::new());
        let odd = half_lives.iter().filter(|h| !(h.is_finite() && **h > 0.0));
        let mut problems: Vec<_> = odd
            .map(|h| {
                Problem::new(
                    "half_lives",
                    format!("{h} is not a positive number of cycles"),
                )
            })
            .collect();
        if half_lives.len() > MOST_HALF_LIVES {
            let message = format!(
                "{} half-lives are more than the {MOST_HALF_LIVES} supported",
                half_lives.len()
            );
            problems.push(Problem::new("half_lives", message));
        }
        let names: Vec<_> = half_lives.iter().map(f64::to_string).collect();
        if let Some(half_life) = repeated(&names) {
            let message = format!("half-life {half_life} is listed twice");
            problems.push(Problem::new("half_lives", message).with_code(Code::NamedTwice));
        }
        problems
    }
}

fn repeated(names: &[String]) -> Option<&String> {
    let mut seen = BTreeSet::new();
    names.iter().find(|name| !seen.insert(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(options: &FeatureOptions) -> Vec<String> {
        options.problems().into_iter().map(|p| p.path).collect()
    }

    #[test]
    fn defaults_have_no_problem_and_survive_toml() {
        let options = FeatureOptions::default();
        assert_eq!(options.problems(), []);
        for text in ["", "half_lives = \"auto\"\nclip_sd = 6"] {
            assert_eq!(toml::from_str::<FeatureOptions>(text).unwrap(), options);
        }
        let lists = toml::from_str::<FeatureOptions>("half_lives = [4, 15]").unwrap();
        assert_eq!(lists.half_lives(), options.half_lives());
        let text = toml::to_string(&options).unwrap();
        assert_eq!(toml::from_str::<FeatureOptions>(&text).unwrap(), options);
    }

    #[test]
    fn times_follow_the_median_life_unless_they_are_set() {
        let times = |median| {
            let lives = Lives {
                units: 9,
                shortest: 1,
                median,
                longest: median,
                longest_rul: 0.0,
            };
            let settled = FeatureOptions::default().settled(&lives);
            (
                settled.half_lives(),
                settled.baseline_cycles(),
                settled.window_cycles(),
            )
        };
        // The medians of FD001 and FD004.
        assert_eq!(times(199), (vec![4.0, 15.0], 20, 40));
        assert_eq!(times(234), times(199));
        assert_eq!(times(2500), (vec![64.0, 240.0], 320, 640));
        assert_eq!(times(11), (vec![0.25, 0.9375], 2, 3));
        let set = FeatureOptions {
            window_cycles: FromData::Set(7),
            ..Default::default()
        };
        let lives = Lives {
            units: 9,
            shortest: 1,
            median: 2500,
            longest: 2500,
            longest_rul: 0.0,
        };
        assert_eq!(
            (set.settled(&lives).window_cycles(), set.found(&lives).len()),
            (7, 3)
        );
        assert_eq!(set.found(&lives)[2].value, "320");
    }

    #[test]
    fn every_field_is_checked() {
        let names = |names: &[&str]| names.iter().map(|s| (*s).to_owned()).collect();
        let bad = FeatureOptions {
            sensors: names(&["s_2", "s_3", "s_2"]),
            regimes: 101,
            clip_sd: f64::NAN,
            time_scale: FromData::Set(0.0),
            half_lives: FromData::Set(vec![4.0, -1.0, 4.0]),
            baseline_cycles: FromData::Set(0),
            window_cycles: FromData::Set(1),
        };
        let expected = [
            "sensors",
            "regimes",
            "clip_sd",
            "half_lives",
            "half_lives",
            "time_scale",
            "baseline_cycles",
            "window_cycles",
        ];
        assert_eq!(paths(&bad), expected);
    }
}
