//! Evaluation protocols.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ScoringError;
use crate::content::{Digest, digest_of};
use crate::domain::Interval;

/// Defines what is scored: which units, at which cycles, against which truth.
///
/// On C-MAPSS the protocol changes RMSE as much as the model does, so scores are comparable only if the digests of their
/// protocols are equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Protocol {
    /// The part of the data set with the units.
    pub part: Part,
    /// Digest of the data set.
    pub data: Digest,
    /// Number of units of the part; all of them are scored.
    pub units: usize,
    /// The cycles at which each unit is predicted.
    pub cuts: Cuts,
    /// Largest true remaining useful life, in cycles; larger truths count as this. `None` means no cap.
    pub truth_cap: Option<f64>,
    /// Range predictions are clipped to before they are scored, in cycles.
    pub clip: Interval,
    /// Treatment of units that are shorter than the input of a model.
    pub short_units: ShortUnits,
}

/// The part of a data set whose units are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The test part, which no model learnt from.
    Test,
    /// The training part, each unit predicted by a model that did not learn from it.
    OutOfFold,
    /// Run-to-failure units that no model learnt from.
    Holdout,
}

/// The cycles at which a unit is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cuts {
    /// Once, at the last cycle of its history.
    LastCycle,
    /// At up to `per_unit` random cycles; fewer only if a history is shorter than that.
    RandomCuts {
        /// Cuts of one unit.
        per_unit: usize,
        /// Minimum number of rows up to a cut, if the history has as many.
        shortest_history: usize,
        /// Seed the cuts were drawn with.
        seed: u64,
    },
}

/// Treatment of units that are shorter than the input of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortUnits {
    /// Every unit is scored, however short its history.
    Scored,
}

impl Protocol {
    /// Returns the digest of the canonical form.
    ///
    /// # Panics
    /// Never: a struct of numbers and names has a JSON form.
    pub fn digest(&self) -> Digest {
        digest_of(self).expect("a struct of numbers and names has a JSON form")
    }

    /// Returns whether both protocols use predictions of the same units at the same cycles, and differ at most in the truth and
    /// in the clipping.
    pub fn predicts_as(&self, other: &Self) -> bool {
        let same = Self {
            truth_cap: self.truth_cap,
            clip: self.clip,
            ..other.clone()
        };
        same.digest() == self.digest()
    }

    /// Refuses to compare scores under this protocol with scores under a different one.
    ///
    /// # Errors
    /// [`ScoringError::UnlikeProtocols`] with both digests and both protocols in words.
    pub fn require_same(&self, other: &Self) -> Result<(), ScoringError> {
        if self.digest() == other.digest() {
            return Ok(());
        }
        let in_words = |protocol: &Self| format!("{} ({protocol})", protocol.digest().short());
        Err(ScoringError::UnlikeProtocols {
            left: in_words(self),
            right: in_words(other),
        })
    }

    /// Returns the truth the protocol scores against, for a true remaining useful life in cycles.
    pub(super) fn truth(&self, rul: f64) -> f64 {
        self.truth_cap.map_or(rul, |cap| rul.min(cap))
    }

    pub(super) fn check(&self) -> Result<(), ScoringError> {
        let Interval { lower, upper } = self.clip;
        let impossible = |problem: String| Err(ScoringError::Protocol(problem));
        if let Some(cap) = self.truth_cap
            && !(cap.is_finite() && cap > 0.0)
        {
            return impossible(format!("truth capped at {cap} cycles"));
        }
        if self.cuts.most_per_unit() == 0 {
            return impossible("no cut in any unit".to_owned());
        }
        if !(lower.is_finite() && upper.is_finite() && lower < upper) {
            return impossible(format!("predictions clipped to [{lower}, {upper}]"));
        }
        Ok(())
    }
}

impl Cuts {
    /// Returns the largest number of cuts in one unit.
    pub(super) fn most_per_unit(self) -> usize {
        match self {
            Self::LastCycle => 1,
            Self::RandomCuts { per_unit, .. } => per_unit,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            part,
            data,
            units,
            cuts,
            truth_cap,
            clip,
            short_units,
        } = self;
        write!(
            f,
            "{part} of {}: {units} units {cuts}, truth ",
            data.short()
        )?;
        match truth_cap {
            Some(cap) => write!(f, "capped at {cap}")?,
            None => f.write_str("uncapped")?,
        }
        write!(
            f,
            ", predictions clipped to [{}, {}], {short_units}",
            clip.lower, clip.upper
        )
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Test => "test part",
            Self::OutOfFold => "training part, out of fold",
            Self::Holdout => "holdout",
        })
    }
}

impl fmt::Display for Cuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LastCycle => f.write_str("at the last cycle"),
            Self::RandomCuts {
                per_unit,
                shortest_history,
                seed,
            } => {
                write!(
                    f,
                    "at {per_unit} random cycles each from row {shortest_history} (seed {seed})"
                )
            }
        }
    }
}

impl fmt::Display for ShortUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Scored => "every unit scored",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::samples::test_protocol;

    #[test]
    fn every_field_moves_the_digest() {
        let base = test_protocol(100);
        let others = [
            Protocol {
                part: Part::OutOfFold,
                ..base.clone()
            },
            Protocol {
                part: Part::Holdout,
                ..base.clone()
            },
            Protocol {
                data: Digest::of("other"),
                ..base.clone()
            },
            Protocol {
                units: 99,
                ..base.clone()
            },
            Protocol {
                cuts: Cuts::RandomCuts {
                    per_unit: 8,
                    shortest_history: 15,
                    seed: 1,
                },
                ..base.clone()
            },
            Protocol {
                cuts: Cuts::RandomCuts {
                    per_unit: 8,
                    shortest_history: 15,
                    seed: 2,
                },
                ..base.clone()
            },
            Protocol {
                truth_cap: Some(125.0),
                ..base.clone()
            },
            Protocol {
                clip: Interval {
                    lower: 0.0,
                    upper: 130.0,
                },
                ..base.clone()
            },
        ];
        let mut digests: Vec<_> = others.iter().chain([&base]).map(Protocol::digest).collect();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), 9);
    }

    #[test]
    fn json_round_trip_keeps_the_digest() {
        let protocol = Protocol {
            part: Part::OutOfFold,
            cuts: Cuts::RandomCuts {
                per_unit: 8,
                shortest_history: 15,
                seed: u64::MAX,
            },
            truth_cap: Some(125.0),
            ..test_protocol(100)
        };
        let back: Protocol =
            serde_json::from_str(&serde_json::to_string(&protocol).unwrap()).unwrap();
        assert_eq!((back.digest(), &back), (protocol.digest(), &protocol));
    }

    #[test]
    fn a_refusal_shows_both_digests_and_both_protocols() {
        let (plain, capped) = (
            test_protocol(100),
            Protocol {
                truth_cap: Some(125.0),
                ..test_protocol(100)
            },
        );
        assert_eq!(plain.require_same(&plain.clone()), Ok(()));
        let message = plain.require_same(&capped).unwrap_err().to_string();
        for part in [
            plain.digest().short(),
            capped.digest().short(),
            plain.to_string(),
            capped.to_string(),
        ] {
            assert!(message.contains(&part), "{message}");
        }
    }

    #[test]
    fn reads_as_one_line() {
        let protocol = test_protocol(100);
        assert_eq!(
            protocol.to_string(),
            format!(
                "test part of {}: 100 units at the last cycle, truth uncapped, predictions clipped to [0, 125], every \
                 unit scored",
                protocol.data.short()
            )
        );
    }
}
