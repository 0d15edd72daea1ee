//! Sensors that freeze at the end of a history.

use super::super::Expectation;
use super::super::findings::FindingLog;
use super::super::ingest::RawPart;
use super::super::number::named;
use super::super::rows::{RowRun, Rows};
use super::values::is_constant;
use super::{Scope, Subject};

/// Number of endings in a whole data set that may look stuck by chance.
const EXPECTED_BY_CHANCE: f64 = 0.01;
/// Quantile of units that represents a unit with many repeated values.
const MUCH_REPEATING: f64 = 0.9;

/// No sensor freezes at the end of a history.
///
/// Healthy rounded sensors repeat values, too: if a value is followed by itself with probability `p`, an ending of `n` such
/// values has probability `p^(n − 1)` in each unit. An ending is logged only if it is unlikely to occur by chance anywhere
/// in the data, both with the `p` of a unit with many repeated values and with the `p` of this value.
pub(super) fn stuck_sensors(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    let schema = &subject.raw.schema;
    for (sensor, name) in schema.sensors.iter().enumerate() {
        let channel = schema.settings.len() + sensor;
        let histories = histories(subject, channel);
        if histories.iter().any(|history| !is_constant(history.values)) {
            for ending in odd_endings(&histories, subject.options.stuck_cycles.max(2) as usize) {
                note(subject, name, &ending, log);
            }
        }
    }
    subject.scope_of_units()
}

/// The values of one sensor in one unit.
struct SensorHistory<'a> {
    part: &'a RawPart,
    rows: &'a Rows,
    run: &'a RowRun,
    values: &'a [f64],
}

/// The last values of a history, all of them equal.
struct StuckEnding<'a> {
    history: &'a SensorHistory<'a>,
    cycles: usize,
    value: f64,
}

fn histories<'a>(subject: &Subject<'a>, channel: usize) -> Vec<SensorHistory<'a>> {
    let parts = subject.raw.histories();
    let of_part = |(part, rows): (&'a RawPart, &'a Rows)| {
        rows.runs.iter().map(move |run| SensorHistory {
            part,
            rows,
            run,
            values: &rows.channels[channel][run.rows.clone()],
        })
    };
    parts.flat_map(of_part).collect()
}

fn odd_endings<'a>(histories: &'a [SensorHistory<'a>], shortest: usize) -> Vec<StuckEnding<'a>> {
    let mut shares: Vec<f64> = histories
        .iter()
        .map(|history| share_of_repeats(history.values))
        .collect();
    shares.sort_by(f64::total_cmp);
    let much = shares[((shares.len() - 1) as f64 * MUCH_REPEATING) as usize];
    let hardly_chance = |cycles: usize, share: f64| {
        cycles >= shortest
            && histories.len() as f64 * share.powf((cycles - 1) as f64) <= EXPECTED_BY_CHANCE
    };
    let endings = histories
        .iter()
        .map(ending)
        .filter(|ending| hardly_chance(ending.cycles, much));
    endings
        .filter(|ending| hardly_chance(ending.cycles, chance_to_stay(ending, histories)))
        .collect()
}

fn share_of_repeats(values: &[f64]) -> f64 {
    let repeats = values.windows(2).filter(|pair| pair[0] == pair[1]).count();
    repeats as f64 / (values.len() - 1).max(1) as f64
}

fn ending<'a>(history: &'a SensorHistory<'a>) -> StuckEnding<'a> {
    let value = history.values[history.values.len() - 1];
    let cycles = history
        .values
        .iter()
        .rev()
        .take_while(|other| **other == value)
        .count();
    StuckEnding {
        history,
        cycles,
        value,
    }
}

/// Returns how often the value of an ending is followed by itself elsewhere.
fn chance_to_stay(ending: &StuckEnding<'_>, histories: &[SensorHistory<'_>]) -> f64 {
    let pairs = histories
        .iter()
        .flat_map(|history| history.values.windows(2));
    let mut seen = 0;
    let mut stayed = 0;
    for pair in pairs.filter(|pair| pair[0] == ending.value) {
        seen += 1;
        stayed += usize::from(pair[1] == ending.value);
    }
    let own = ending.cycles - 1;
    (stayed - own) as f64 / (seen - own).max(1) as f64
}

fn note(subject: &Subject<'_>, name: &str, ending: &StuckEnding<'_>, log: &mut FindingLog) {
    let StuckEnding {
        history: SensorHistory {
            part, rows, run, ..
        },
        cycles,
        value,
    } = ending;
    let message = format!(
        "{name} of unit {} is stuck at {value} for its last {cycles} cycles",
        named(&run.unit)
    );
    let location = rows
        .location(&part.file, run.rows.end - cycles)
        .column(name);
    log.add(
        subject.severity,
        Expectation::StuckSensors,
        location,
        message,
    );
}
