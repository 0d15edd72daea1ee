//! Batches of entries for one request.

use super::names;
use super::wire::{WireMetric, WirePair};
use crate::tracking::Number;

/// Most metrics in a request to MLflow, and most metrics, parameters and tags together.
const MOST_IN_ALL: usize = 1000;
/// Most parameters, and most tags, in a request to MLflow.
const MOST_PAIRS: usize = 100;
/// MLflow refuses requests over a million bytes.
const MOST_BYTES: usize = 800_000;
/// Approximate size of an entry apart from its key and value.
const FRAME_BYTES: usize = 80;

/// Entries for one request; always within MLflow's limits.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct EntryBatch {
    pub(super) metrics: Vec<WireMetric>,
    pub(super) params: Vec<WirePair>,
    pub(super) tags: Vec<WirePair>,
    bytes: usize,
}

impl EntryBatch {
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.metrics.len() + self.params.len() + self.tags.len()
    }

    /// Returns whether the largest entry may no longer fit. One entry is reserved for the tag with the progress of the copy.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= MOST_IN_ALL - 1
            || self.params.len() >= MOST_PAIRS
            || self.tags.len() >= MOST_PAIRS - 1
            || self.bytes >= MOST_BYTES
    }

    pub(super) fn metric(&mut self, key: &str, step: u64, value: Number, timestamp: i64) {
        let key = names::key(key).into_owned();
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        self.bytes += FRAME_BYTES + key.len();
        self.metrics.push(WireMetric {
            key,
            value,
            timestamp,
            step,
        });
    }

    /// Adds a parameter. MLflow refuses a batch that holds one twice: `Err` is the key whose value would change.
    pub(super) fn param(&mut self, key: &str, value: &str) -> Result<(), String> {
        let key = names::key(key);
        let value = names::value(value);
        match self.params.iter().find(|known| known.key == key) {
            Some(known) if known.value == value => return Ok(()),
            Some(known) => return Err(known.key.clone()),
            None => {}
        }
        self.bytes += FRAME_BYTES + key.len() + value.len();
        self.params.push(WirePair::new(key, value));
        Ok(())
    }

    /// Adds a tag; replaces an earlier one with that name.
    pub(super) fn tag(&mut self, key: &str, value: &str) {
        let key = names::key(key);
        let value = names::value(value);
        self.tags.retain(|known| known.key != key);
        self.bytes += FRAME_BYTES + key.len() + value.len();
        self.tags.push(WirePair::new(key, value));
    }

    /// Splits a batch to find the entry the server refuses: by kind, then in halves. The last tag stays the last entry.
    pub(super) fn halves(self) -> (Self, Self) {
        let Self {
            mut metrics,
            mut params,
            mut tags,
            ..
        } = self;
        if !params.is_empty() && metrics.len() + tags.len() > 0 {
            return (
                Self {
                    params,
                    ..Self::default()
                },
                Self {
                    metrics,
                    tags,
                    ..Self::default()
                },
            );
        }
        if !metrics.is_empty() && !tags.is_empty() {
            return (
                Self {
                    metrics,
                    ..Self::default()
                },
                Self {
                    tags,
                    ..Self::default()
                },
            );
        }
        let second = Self {
            metrics: metrics.split_off(metrics.len() / 2),
            params: params.split_off(params.len() / 2),
            tags: tags.split_off(tags.len() / 2),
            bytes: 0,
        };
        (
            Self {
                metrics,
                params,
                tags,
                bytes: 0,
            },
            second,
        )
    }

    /// Returns the name of the only entry, for a report.
    pub(super) fn name(&self) -> String {
        let of = |kind: &str, key: &str| format!("{kind} `{key}`");
        match (self.params.first(), self.metrics.first(), self.tags.first()) {
            (Some(pair), ..) => of("parameter", &pair.key),
            (_, Some(metric), _) => of("metric", &metric.key),
            (_, _, Some(pair)) => of("tag", &pair.key),
            _ => "nothing".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_batch_is_within_the_limits() {
        let mut batch = EntryBatch::default();
        for at in 0.. {
            if batch.is_full() {
                break;
            }
            batch.param(&format!("p{at}"), &"é".repeat(7000)).unwrap();
        }
        assert!(batch.params.len() <= 100);
        assert!(serde_json::to_vec(&batch.params).unwrap().len() < 1_000_000);
        let mut batch = EntryBatch::default();
        while !batch.is_full() {
            batch.metric("m", batch.len() as u64, Number(0.5), 0);
        }
        batch.tag("cursor", "1");
        assert_eq!(batch.len(), 1000);
    }

    #[test]
    fn a_parameter_is_written_once_and_the_last_tag_holds() {
        let mut batch = EntryBatch::default();
        assert_eq!(batch.param("a", "1"), Ok(()));
        assert_eq!(batch.param("a", "1"), Ok(()));
        assert_eq!(batch.param("a", "2"), Err("a".to_owned()));
        batch.tag("t", "1");
        batch.tag("t", "2");
        assert_eq!(
            (batch.params, batch.tags),
            (vec![WirePair::new("a", "1")], vec![WirePair::new("t", "2")])
        );
    }

    #[test]
    fn halves_lose_nothing_and_end() {
        let mut batch = EntryBatch::default();
        for at in 0..7 {
            batch.metric("m", at, Number(0.0), 0);
            batch.param(&at.to_string(), "").unwrap();
            batch.tag(&at.to_string(), "");
        }
        let (mut open, mut names) = (vec![batch], Vec::new());
        while let Some(batch) = open.pop() {
            if batch.len() > 1 {
                let (first, second) = batch.halves();
                assert!(!first.is_empty() && !second.is_empty());
                open.extend([second, first]);
            } else {
                names.push(batch.name());
            }
        }
        assert_eq!(names.len(), 21);
        assert_eq!(names.last().unwrap(), "tag `6`");
    }
}
