//! The target that models learn to predict.

use serde::{Deserialize, Serialize};

use crate::data::Lives;
use pdm_core::domain::{FromData, Problem, ResolvedValue};

/// The target of training: the remaining useful life, constant while the unit is young.
///
/// The piecewise-linear target of Heimes (PHM 2008): `min(cap, rul)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct TargetOptions {
    /// Largest label used for fitting, in cycles; `[evaluate] truth` decides whether the truth of scores is capped, too.
    /// `auto`: the longest training life, rounded up to two digits, which caps no label; a lower cap helps if sensors show
    /// nothing while a unit is young.
    pub cap: FromData<f64>,
}

impl Default for TargetOptions {
    fn default() -> Self {
        Self {
            cap: FromData::Set(USUAL_CAP),
        }
    }
}

/// Largest cap; larger errors could not be squared in single precision.
const LONGEST_LIFE: f64 = 1e12;

/// The cap of most papers on C-MAPSS, and the default while the lives are unknown.
const USUAL_CAP: f64 = 125.0;

impl TargetOptions {
    /// Returns these options with a number for a cap of `auto`.
    #[must_use]
    pub fn settled(&self, lives: &Lives) -> Self {
        Self {
            cap: FromData::Set(self.cap.or(Self::cap_of(lives))),
        }
    }

    /// Returns a cap that caps no label of units with these lives, rounded to two digits so that it seldom changes as the fleet
    /// grows.
    pub fn cap_of(lives: &Lives) -> f64 {
        let longest = lives.longest_rul.max(1.0);
        let step = 10_f64.powi((longest.log10().floor() as i32 - 1).max(0));
        (longest / step).ceil() * step
    }

    /// Returns the cap in cycles; the usual one while the lives are unknown.
    pub fn cap(&self) -> f64 {
        self.cap.or(USUAL_CAP)
    }

    /// Returns the cap if it is `auto`, and the reason for its value.
    pub fn found(&self, lives: &Lives) -> Option<ResolvedValue> {
        self.cap.set().is_none().then(|| ResolvedValue {
            key: "target.cap".to_owned(),
            value: self.settled(lives).cap().to_string(),
            why: format!("the longest training life is {} cycles", lives.longest_rul),
            usual: false,
        })
    }

    /// Returns the label for a true remaining useful life, both in cycles.
    pub fn label(&self, rul: f64) -> f64 {
        rul.min(self.cap())
    }

    /// Returns what is out of range.
    pub fn problems(&self) -> Vec<Problem> {
        let cap = self.cap();
        if cap > 0.0 && cap <= LONGEST_LIFE {
            return Vec::new();
        }
        let message = format!("must be more than 0 and at most {LONGEST_LIFE} cycles, not {cap:?}");
        vec![
            Problem::new("cap", message)
                .hint("\"auto\", the longest training life, leaves the labels uncapped"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_flat_above_the_cap() {
        let target = TargetOptions::default();
        assert_eq!(
            [0.0, 124.0, 125.0, 300.0].map(|rul| target.label(rul)),
            [0.0, 124.0, 125.0, 125.0]
        );
    }

    #[test]
    fn a_cap_left_to_the_data_is_the_longest_life_in_two_digits() {
        let auto = TargetOptions {
            cap: FromData::Auto,
        };
        let cap = |longest_rul| {
            let lives = Lives {
                units: 9,
                shortest: 1,
                median: 1,
                longest: 1,
                longest_rul,
            };
            auto.settled(&lives).cap()
        };
        let longest = [0.0, 3.0, 17.0, 39.0, 100.0, 361.0, 2987.0];
        assert_eq!(
            longest.map(cap),
            [1.0, 3.0, 17.0, 39.0, 100.0, 370.0, 3000.0]
        );
        assert_eq!(
            TargetOptions::default().settled(&Lives::of(&[])).cap(),
            125.0
        );
    }

    #[test]
    fn the_cap_must_be_a_positive_number() {
        assert_eq!(TargetOptions::default().problems(), []);
        for cap in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e308] {
            assert_eq!(
                TargetOptions { cap: cap.into() }.problems()[0].path,
                "cap",
                "{cap}"
            );
        }
    }
}
