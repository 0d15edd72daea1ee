//! Options of `[dataset.life]`.

use std::path::PathBuf;

use pdm_core::codes::Code;
use pdm_core::domain::Problem;
use serde::{Deserialize, Serialize};

/// Where the lives of a machine end.
///
/// Without `[dataset.time]` the column `cycle` counts the steps. A machine that failed several times has several lives, called `P-101`, `P-101/2`, `P-101/3`, …, which are always on the same
/// side of a split. A life that has not ended in failure is running: it is not scored, and a row of it is learnt from if the unit worked for
/// at least `target.cap` cycles after it, since its label is known then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct LifeOptions {
    /// How the end of a life is known: by its last row, by a column, or by a file of events.
    pub end: EndOfLife,
    /// With `end = "column"`: a row in which this column is not 0 is the last of its life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// With `end = "events"`: a CSV file with a row for each event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<PathBuf>,
    /// Column of the events that names the unit; that of `[dataset]` if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Column of the events with the time, which is written as in `[dataset.time]`; that column's name if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Column of the events with their kind; every event is a failure if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Kinds of events that end a life in failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
    /// Kinds of events that end a life without failure, such as a replacement in time. Events of all other kinds are ignored.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replacements: Vec<String>,
    /// Column of the events with the failure mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Failure modes that count as failures; a life that ends by another mode ends without failure. Empty: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<String>,
}

/// How the end of a life is known.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EndOfLife {
    /// Every unit failed at its last row.
    #[default]
    LastRow,
    /// A column marks the last row of a life.
    Column,
    /// A file lists failures and replacements.
    Events,
}

impl LifeOptions {
    /// Returns what is out of range or contradicts itself.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let needs =
            |key: &str, message: &str| Problem::new(key, message).with_code(Code::KeyNeedsOther);
        match self.end {
            EndOfLife::Column if self.column.is_none() => {
                problems.push(needs(
                    "end",
                    "\"column\" needs `column`: the column that marks the last row of a life",
                ));
            }
            EndOfLife::Events if self.events.is_none() => {
                problems.push(needs(
                    "end",
                    "\"events\" needs `events`: a CSV file with a row for each event",
                ));
            }
            EndOfLife::LastRow | EndOfLife::Column | EndOfLife::Events => {}
        }
        let of_column = [("column", self.column.is_some())];
        let of_events = [
            ("events", self.events.is_some()),
            ("unit", self.unit.is_some()),
            ("time", self.time.is_some()),
            ("kind", self.kind.is_some()),
            ("failures", !self.failures.is_empty()),
            ("replacements", !self.replacements.is_empty()),
            ("mode", self.mode.is_some()),
            ("modes", !self.modes.is_empty()),
        ];
        if self.end != EndOfLife::Column {
            problems.extend(idle(&of_column, "column"));
        }
        if self.end != EndOfLife::Events {
            problems.extend(idle(&of_events, "events"));
        } else {
            problems.extend(self.incomplete_events());
        }
        problems
    }

    fn incomplete_events(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let pairs = [
            (
                "failures",
                !self.failures.is_empty(),
                "kind",
                self.kind.is_some(),
            ),
            (
                "replacements",
                !self.replacements.is_empty(),
                "kind",
                self.kind.is_some(),
            ),
            ("modes", !self.modes.is_empty(), "mode", self.mode.is_some()),
        ];
        for (key, is_set, other, has_other) in pairs {
            if is_set && !has_other {
                let message =
                    format!("needs `{other}`: the column of the events that holds these values");
                problems.push(Problem::new(key, message).with_code(Code::KeyNeedsOther));
            }
        }
        if self.kind.is_some() && self.failures.is_empty() {
            let message = "needs `failures`: the kinds of events that are failures";
            problems.push(Problem::new("kind", message).with_code(Code::KeyNeedsOther));
        }
        problems
    }
}

/// Returns the keys that are set and have no effect.
fn idle(keys: &[(&str, bool)], end: &str) -> Vec<Problem> {
    let set = keys.iter().filter(|(_, is_set)| *is_set);
    set.map(|(key, _)| {
        Problem::new(*key, format!("has an effect only with `end = \"{end}\"`"))
            .with_code(Code::KeyNeedsOther)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let options: LifeOptions = toml::from_str(text).unwrap();
        let paths = options.problems().into_iter().map(|problem| problem.path);
        paths.collect()
    }

    #[test]
    fn keys_belong_to_their_end() {
        let none: [&str; 0] = [];
        assert_eq!(problems(""), none);
        assert_eq!(problems("end = 'column'\ncolumn = 'failed'"), none);
        assert_eq!(problems("end = 'events'\nevents = 'e.csv'"), none);
        assert_eq!(problems("end = 'column'"), ["end"]);
        assert_eq!(problems("end = 'events'"), ["end"]);
        assert_eq!(
            problems("column = 'failed'\nmodes = ['seal']"),
            ["column", "modes"]
        );
        assert_eq!(
            problems("end = 'events'\nevents = 'e.csv'\nkind = 'k'\nmodes = ['seal']"),
            ["modes", "kind"]
        );
    }
}
