//! Compares a history with the training data: unseen properties are flagged, and ages beyond those of training are clipped.
//!
//! Like the predictions, the flags at a row depend only on that row and the rows before it.

use std::borrow::Cow;

use super::histories::{Repetition, distances, repeated};
use super::{ChannelProfile, KnownHistories, ModelBundle};
use crate::data::Trajectory;
use pdm_core::domain::{Cycle, Flag, FlagKind};

/// How far a value may be outside the training values before it is flagged, as a share of their range: the values of a new
/// unit may be slightly outside by chance.
const RANGE_MARGIN: f64 = 0.25;

/// The same for a setting, as a share of its range over all regimes: a regime is often one value and its noise.
const SETTING_MARGIN: f64 = 0.01;

/// Minimum number of rows of a regime for its range to be meaningful.
const ROWS_OF_A_REGIME: usize = 30;

/// Minimum distance of a level from those of training that is flagged, in standard deviations of single rows.
const LEAST_SHIFT: f64 = 1.0;

/// Additional tolerance for the level of fewer rows, in standard errors.
const LEVEL_ERRORS: f64 = 3.0;

/// Minimum number of rows with the same value that is flagged; fewer are chance or rounding.
const FEWEST_STUCK: usize = 5;

/// Factor by which a stretch of equal values must exceed the longest one in training: in other units the longest stretch is
/// often slightly longer, but hardly ever twice as long.
const STUCK_TIMES: usize = 2;

/// Share of a value below which a difference is rounding.
const ROUNDING: f64 = 1e-9;

/// Properties of a history that were not in the training data, with the first row at which they occur.
pub(super) struct Examined<'a> {
    known: Cow<'a, KnownHistories>,
    says_age: bool,
    cycles: &'a [Cycle],
    begins_elsewhere: bool,
    found: Vec<(usize, Flag)>,
    outside: Vec<(usize, String)>,
    shifted: Vec<Vec<Option<String>>>,
    stuck: Vec<Repeats<'a>>,
}

/// How long one sensor has repeated its value, at each row of a history.
struct Repeats<'a> {
    sensor: &'a str,
    values: &'a [f64],
    rows: Vec<usize>,
    /// The longest stretch in training.
    longest: usize,
}

impl ModelBundle {
    /// Returns the unit with its age clipped to those of training.
    pub(super) fn within_age<'a>(&self, unit: &'a Trajectory) -> Cow<'a, Trajectory> {
        let Some(known) = &self.profile.histories else {
            return Cow::Borrowed(unit);
        };
        let [youngest, oldest] = known.cycles;
        if unit
            .cycles
            .iter()
            .all(|cycle| (youngest..=oldest).contains(&cycle.0))
        {
            return Cow::Borrowed(unit);
        }
        let clip = |cycle: &Cycle| Cycle(cycle.0.max(youngest).min(oldest));
        Cow::Owned(Trajectory {
            cycles: unit.cycles.iter().map(clip).collect(),
            ..unit.clone()
        })
    }

    /// Returns the unit as if its cycle counter had begun like those of training.
    pub(super) fn recounted(&self, unit: &Trajectory) -> Trajectory {
        let first = unit.cycles.first().map_or(0, |cycle| cycle.0);
        let [lowest, highest] = self.known_histories().first_cycle;
        let begin = first.max(lowest).min(highest);
        let move_to = |cycle: &Cycle| Cycle(cycle.0.saturating_sub(first).saturating_add(begin));
        Trajectory {
            cycles: unit.cycles.iter().map(move_to).collect(),
            ..unit.clone()
        }
    }

    /// Returns whether the profile has the ages and initial levels of units; those of format 1 do not.
    pub fn knows_histories(&self) -> bool {
        self.profile.histories.is_some()
    }

    fn known_histories(&self) -> Cow<'_, KnownHistories> {
        match &self.profile.histories {
            Some(known) => Cow::Borrowed(known),
            None => Cow::Owned(KnownHistories::usual()),
        }
    }

    /// Compares a history, which must have a row, with the training data.
    pub(super) fn examine<'a>(&'a self, unit: &'a Trajectory) -> Examined<'a> {
        let known = self.known_histories();
        let first = unit.cycles.first().map_or(0, |cycle| cycle.0);
        let [lowest, highest] = known.first_cycle;
        let mut found = Vec::new();
        found.extend(first_gap(unit, &known));
        found.extend(self.unknown_settings(unit));
        Examined {
            begins_elsewhere: !(lowest..=highest).contains(&first),
            says_age: self.knows_histories(),
            cycles: &unit.cycles,
            outside: self.outside_ranges(unit),
            shifted: self.shifted_levels(unit, &known),
            stuck: self.repeats(unit),
            known,
            found,
        }
    }

    /// Returns the first row at which a setting is in no regime of the training data.
    fn unknown_settings(&self, unit: &Trajectory) -> Option<(usize, Flag)> {
        let settings = &self.manifest.schema.settings;
        let mut first: Option<(usize, Flag)> = None;
        for (channel, name) in settings.iter().enumerate() {
            let own: Vec<&ChannelProfile> = self
                .profile
                .channels
                .iter()
                .filter(|of| of.channel == *name)
                .collect();
            let lowest = own.iter().map(|of| of.min).fold(f64::INFINITY, f64::min);
            let highest = own
                .iter()
                .map(|of| of.max)
                .fold(f64::NEG_INFINITY, f64::max);
            for (row, value) in unit.channels[channel].iter().enumerate() {
                if first.as_ref().is_some_and(|(known, _)| *known <= row) {
                    break;
                }
                let regime = self.features.regime(unit, row);
                let Some(of) = self.common_channel(regime, name) else {
                    continue;
                };
                let margin =
                    (RANGE_MARGIN * (of.max - of.min)).max(SETTING_MARGIN * (highest - lowest));
                if is_outside(*value, of, margin) {
                    let cycle = unit.cycles[row];
                    let [min, max] = [of.min, of.max].map(shown);
                    let value = shown(*value);
                    let nearest = if own.len() > 1 {
                        " in the nearest regime"
                    } else {
                        ""
                    };
                    let message = format!(
                        "{name} is {value} at cycle {cycle}; training had {min} to {max}{nearest}"
                    );
                    first = Some((
                        row,
                        Flag {
                            kind: FlagKind::Settings,
                            message,
                        },
                    ));
                    break;
                }
            }
        }
        first
    }

    /// Returns the first row of each used sensor at which it is far outside the training values.
    fn outside_ranges(&self, unit: &Trajectory) -> Vec<(usize, String)> {
        let regimes: Vec<usize> = (0..unit.len())
            .map(|row| self.features.regime(unit, row))
            .collect();
        let mut outside = Vec::new();
        for sensor in self.features.sensors() {
            let Some(channel) = self.manifest.schema.channel(sensor) else {
                continue;
            };
            let of_regime: Vec<Option<&ChannelProfile>> = (0..self.features.regime_count())
                .map(|regime| self.common_channel(regime, sensor))
                .collect();
            for (row, value) in unit.channels[channel].iter().enumerate() {
                let Some(of) = of_regime[regimes[row]] else {
                    continue;
                };
                if is_outside(*value, of, RANGE_MARGIN * (of.max - of.min)) {
                    let cycle = unit.cycles[row];
                    let value = shown(*value);
                    let [min, max] = [of.min, of.max].map(shown);
                    outside.push((
                        row,
                        format!(
                            "{sensor} is {value} at cycle {cycle}; training had {min} to {max}"
                        ),
                    ));
                    break;
                }
            }
        }
        outside
    }

    /// Returns, for each used sensor and each of the first rows, whether its initial level is unusual.
    fn shifted_levels(
        &self,
        unit: &Trajectory,
        known: &KnownHistories,
    ) -> Vec<Vec<Option<String>>> {
        let mut shifted = Vec::new();
        for level in &known.levels {
            let of_rows = distances(
                unit,
                &self.features,
                &self.profile,
                &level.channel,
                known.level_rows,
            );
            let width = (level.highest - level.lowest).max(LEAST_SHIFT);
            let mut messages = Vec::new();
            for (row, distance) in of_rows.into_iter().enumerate() {
                let missing = (1.0 / (row + 1) as f64 - 1.0 / known.level_rows as f64).max(0.0);
                let margin = width + LEVEL_ERRORS * missing.sqrt();
                let odd = distance
                    .filter(|at| *at > level.highest + margin || *at < level.lowest - margin);
                messages.push(odd.map(|at| {
                    let name = &level.channel;
                    let lowest = level.lowest;
                    let highest = level.highest;
                    format!("{name} begins {at:+.1} sd from its mean, training units {lowest:+.1} to {highest:+.1}")
                }));
            }
            shifted.push(messages);
        }
        shifted
    }

    /// Returns how long the used sensors repeat their values; nothing if the profile has no repetitions.
    fn repeats<'a>(&'a self, unit: &'a Trajectory) -> Vec<Repeats<'a>> {
        let mut found = Vec::new();
        let known = self
            .profile
            .histories
            .as_ref()
            .map_or(&[] as &[Repetition], |known| &known.repetitions);
        for Repetition {
            channel: sensor,
            rows: longest,
        } in known
        {
            let Some(channel) = self.manifest.schema.channel(sensor) else {
                continue;
            };
            let values = unit.channels[channel].as_slice();
            found.push(Repeats {
                sensor,
                values,
                rows: repeated(values),
                longest: *longest,
            });
        }
        found
    }

    /// Returns the profile of a channel in a regime with enough rows.
    fn common_channel(&self, regime: usize, channel: &str) -> Option<&ChannelProfile> {
        if self.is_common(regime) {
            self.profile.channel(regime, channel)
        } else {
            None
        }
    }

    /// Returns whether training had enough rows in a regime for its range to be meaningful.
    fn is_common(&self, regime: usize) -> bool {
        self.profile
            .rows
            .get(regime)
            .is_some_and(|rows| *rows >= ROWS_OF_A_REGIME)
    }
}

impl Examined<'_> {
    /// Returns whether the cycle counter begins at another cycle than those of training.
    pub(super) fn begins_elsewhere(&self) -> bool {
        self.begins_elsewhere
    }

    /// Returns the flags at a row; `recounted` is the prediction there if the counter had begun like those of training.
    pub(super) fn at(&self, row: usize, recounted: Option<f64>) -> Vec<Flag> {
        let mut flags = Vec::new();
        if self.begins_elsewhere
            && let Some(rul) = recounted
        {
            flags.push(Flag {
                kind: FlagKind::FirstCycle,
                message: self.first_cycle(rul),
            });
        }
        let cycle = self.cycles[row].0;
        let [youngest, oldest] = self.known.cycles;
        if self.says_age && cycle > oldest {
            let message = format!(
                "cycle {cycle} is beyond {oldest}, the last cycle of training: the age counts as {oldest}"
            );
            flags.push(Flag {
                kind: FlagKind::Age,
                message,
            });
        } else if self.says_age && cycle < youngest {
            let message = format!(
                "cycle {cycle} is before {youngest}, the first cycle of training: the age counts as {youngest}"
            );
            flags.push(Flag {
                kind: FlagKind::Age,
                message,
            });
        }
        let rows = row + 1;
        let shortest = self.known.shortest_history;
        if rows < shortest {
            let plural = if rows == 1 { "row" } else { "rows" };
            let message =
                format!("{rows} {plural} of history; the model was scored from {shortest} on");
            flags.push(Flag {
                kind: FlagKind::ShortHistory,
                message,
            });
        }
        flags.extend(
            self.found
                .iter()
                .filter(|(from, _)| *from <= row)
                .map(|(_, flag)| flag.clone()),
        );
        flags.extend(joined(
            FlagKind::SensorRange,
            self.outside
                .iter()
                .filter(|(from, _)| *from <= row)
                .map(|(_, m)| m),
        ));
        let shifted = self
            .shifted
            .iter()
            .filter_map(|rows| rows.get(row.min(rows.len().checked_sub(1)?))?.as_ref());
        flags.extend(joined(FlagKind::SensorLevel, shifted));
        let stuck: Vec<String> = self
            .stuck
            .iter()
            .filter_map(|repeats| repeats.stuck_at(row))
            .collect();
        flags.extend(joined(FlagKind::Stuck, stuck.iter()));
        flags.sort_by_key(|flag| flag.kind);
        flags
    }

    fn first_cycle(&self, rul: f64) -> String {
        let first = self.cycles[0];
        let [lowest, highest] = self.known.first_cycle;
        let begins = if lowest == highest {
            format!("at {lowest}")
        } else {
            format!("from {lowest} to {highest}")
        };
        format!(
            "begins at cycle {first}, training units {begins}; counted from there its RUL would be {rul:.1}"
        )
    }
}

impl Repeats<'_> {
    /// Returns a flag if the value at a row has been repeated for too long.
    fn stuck_at(&self, row: usize) -> Option<String> {
        let Self {
            sensor,
            values,
            rows,
            longest,
        } = self;
        let rows = rows[row];
        let value = shown(values[row]);
        if rows < FEWEST_STUCK.max(longest.saturating_mul(STUCK_TIMES).saturating_add(1)) {
            return None;
        }
        let usual = match longest {
            1 => "training units never repeat a value".to_owned(),
            most => format!("training units repeat a value in at most {most}"),
        };
        Some(format!(
            "{sensor} is {value} in each of the last {rows} rows; {usual}"
        ))
    }
}

/// Returns the first step from row to row that is longer than any in training.
fn first_gap(unit: &Trajectory, known: &KnownHistories) -> Option<(usize, Flag)> {
    let row = (1..unit.len()).find(|row| {
        let step = unit.cycles[*row].0.saturating_sub(unit.cycles[row - 1].0);
        step > known.largest_step
    })?;
    let before = unit.cycles[row - 1];
    let cycle = unit.cycles[row];
    let usual = match known.largest_step {
        1 => "training units have no gap".to_owned(),
        most => format!("training units have steps of at most {most}"),
    };
    Some((
        row,
        Flag {
            kind: FlagKind::Gaps,
            message: format!("goes from cycle {before} to {cycle}; {usual}"),
        },
    ))
}

fn is_outside(value: f64, of: &ChannelProfile, margin: f64) -> bool {
    let margin = margin + ROUNDING * of.min.abs().max(of.max.abs());
    value > of.max + margin || value < of.min - margin
}

fn joined<'a>(kind: FlagKind, messages: impl Iterator<Item = &'a String>) -> Option<Flag> {
    let messages: Vec<&str> = messages.map(String::as_str).collect();
    let message = messages.join("; ");
    (!messages.is_empty()).then_some(Flag { kind, message })
}

/// Formats a value with a suitable number of digits.
fn shown(value: f64) -> String {
    let digits = if value == 0.0 {
        0
    } else {
        (4 - value.abs().log10().floor() as i32).clamp(0, 6)
    };
    let text = if value.abs() >= 1e9 {
        format!("{value:e}")
    } else {
        format!("{value:.0$}", digits as usize)
    };
    if text.contains('.') && !text.contains('e') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}
