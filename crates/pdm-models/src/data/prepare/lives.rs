//! Divides the rows of a machine into lives.

use pdm_core::domain::UnitId;

use super::super::rows::Rows;
use super::Ends;
use super::order::TimedRow;

/// How the life of a history ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LifeEnd {
    /// By failure, with its mode if the events name it.
    Failed {
        /// The failure mode.
        mode: Option<String>,
    },
    /// Not by a failure: the unit was replaced, or failed by a mode that does not count.
    Replaced,
    /// It has not ended.
    Running,
}

/// What is known about a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifeRecord {
    /// The machine, as the data name it.
    pub machine: UnitId,
    /// How the life ended.
    pub end: LifeEnd,
    /// Steps from the last row of the history to the end of the life.
    pub rest: u32,
}

/// A time at which a life ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EndPoint {
    pub(super) at: i64,
    pub(super) end: LifeEnd,
}

/// The rows of one life.
pub(super) struct LifeSpan<'a> {
    pub(super) rows: &'a [TimedRow],
    pub(super) end: EndPoint,
}

/// Returns the lives of a machine in the order of time. Rows after the last end belong to a running life.
pub(super) fn divided<'a>(
    rows: &Rows,
    unit: &UnitId,
    ordered: &'a [TimedRow],
    ends: Ends<'_>,
) -> Vec<LifeSpan<'a>> {
    let mut lives = Vec::new();
    let mut rest = ordered;
    for end in end_points(rows, unit, ordered, ends) {
        let length = rest.partition_point(|timed| timed.at <= end.at);
        let (life, after) = rest.split_at(length);
        rest = after;
        if !life.is_empty() {
            lives.push(LifeSpan { rows: life, end });
        }
    }
    if let Some(last) = rest.last() {
        let end = EndPoint {
            at: last.at,
            end: LifeEnd::Running,
        };
        lives.push(LifeSpan { rows: rest, end });
    }
    lives
}

fn end_points(rows: &Rows, unit: &UnitId, ordered: &[TimedRow], ends: Ends<'_>) -> Vec<EndPoint> {
    let failed = |at: i64| EndPoint {
        at,
        end: LifeEnd::Failed { mode: None },
    };
    match ends {
        Ends::LastRow => ordered
            .last()
            .map(|last| failed(last.at))
            .into_iter()
            .collect(),
        Ends::LastChannel => {
            let Some(marks) = rows.channels.last() else {
                return Vec::new();
            };
            let is_marked = |timed: &&TimedRow| {
                let mark = marks[timed.row];
                mark != 0.0 && !mark.is_nan()
            };
            ordered
                .iter()
                .filter(is_marked)
                .map(|timed| failed(timed.at))
                .collect()
        }
        Ends::Events(events) => events.of(unit).to_vec(),
        Ends::Unknown => Vec::new(),
    }
}
