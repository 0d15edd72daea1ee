use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::codes::Code;
use crate::domain::Problem;

/// Most regimes that can be asked for.
pub(super) const MAX_REGIMES: usize = 100;

/// Most half-lives; each is a column for every sensor.
const MOST_HALF_LIVES: usize = 100;

/// How histories become model inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct FeatureOptions {
    /// Sensors to use, in this order. Empty: all sensors that are not constant within their operating regime; a sensor
    /// that shows one and the same value in more than a third of the rows of a regime, on average, counts as constant.
    pub sensors: Vec<String>,
    /// Number of operating regimes among the settings. 0: detect it (1 to 10); 1: ignore the settings.
    pub regimes: usize,
    /// Largest distance of a sensor from the mean of its regime, in standard deviations; larger ones are clipped.
    pub clip_sd: f64,
    /// Half-lives of the exponential means of each sensor in the feature table, in cycles.
    pub half_lives: Vec<f64>,
    /// Number of first cycles whose mean is a unit's own healthy level.
    pub baseline_cycles: usize,
    /// Length of the trailing window for the slope and spread of each sensor in the feature table, in cycles.
    pub window_cycles: usize,
}

impl Default for FeatureOptions {
    fn default() -> Self {
        Self {
            sensors: Vec::new(),
            regimes: 0,
            clip_sd: 6.0,
            half_lives: vec![4.0, 15.0],
            baseline_cycles: 20,
            window_cycles: 40,
        }
    }
}

impl FeatureOptions {
    /// Returns what is out of range or contradicts itself.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(sensor) = repeated(&self.sensors) {
            problems.push(Problem::new("sensors", format!("sensor `{sensor}` is named twice")).of(Code::NamedTwice));
        }
        if self.regimes > MAX_REGIMES {
            let message = format!("{} regimes are more than the {MAX_REGIMES} supported", self.regimes);
            problems.push(Problem::new("regimes", message).hint("0 detects the number"));
        }
        if !(self.clip_sd.is_finite() && self.clip_sd > 0.0) {
            problems.push(Problem::new("clip_sd", format!("{} is not a positive number", self.clip_sd)).hint("6.0"));
        }
        problems.extend(self.half_life_problems());
        if self.baseline_cycles == 0 {
            problems.push(Problem::new("baseline_cycles", "0 cycles have no mean").hint("at least 1"));
        }
        if self.window_cycles < 2 {
            let message = format!("a window of {} cycles has no slope", self.window_cycles);
            problems.push(Problem::new("window_cycles", message).hint("at least 2"));
        }
        problems
    }

    fn half_life_problems(&self) -> Vec<Problem> {
        let odd = self.half_lives.iter().filter(|h| !(h.is_finite() && **h > 0.0));
        let mut problems: Vec<_> =
            odd.map(|h| Problem::new("half_lives", format!("{h} is not a positive number of cycles"))).collect();
        if self.half_lives.len() > MOST_HALF_LIVES {
            let message = format!("{} half-lives are more than the {MOST_HALF_LIVES} supported", self.half_lives.len());
            problems.push(Problem::new("half_lives", message));
        }
        let names: Vec<_> = self.half_lives.iter().map(f64::to_string).collect();
        if let Some(half_life) = repeated(&names) {
            let message = format!("half-life {half_life} stands twice");
            problems.push(Problem::new("half_lives", message).of(Code::NamedTwice));
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
        for text in ["", "half_lives = [4, 15]\nclip_sd = 6"] {
            assert_eq!(toml::from_str::<FeatureOptions>(text).unwrap(), options);
        }
        let text = toml::to_string(&options).unwrap();
        assert_eq!(toml::from_str::<FeatureOptions>(&text).unwrap(), options);
    }

    #[test]
    fn every_field_is_checked() {
        let names = |names: &[&str]| names.iter().map(|s| (*s).to_owned()).collect();
        let bad = FeatureOptions {
            sensors: names(&["s_2", "s_3", "s_2"]),
            regimes: 101,
            clip_sd: f64::NAN,
            half_lives: vec![4.0, -1.0, 4.0],
            baseline_cycles: 0,
            window_cycles: 1,
        };
        let expected =
            ["sensors", "regimes", "clip_sd", "half_lives", "half_lives", "baseline_cycles", "window_cycles"];
        assert_eq!(paths(&bad), expected);
    }
}
