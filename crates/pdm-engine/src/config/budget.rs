//! `[project.budget]`: the most memory, time and threads that a command may use.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use bytesize::ByteSize;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use pdm_core::domain::Problem;

/// The most that one command may use. A budget changes no result, so it is part of no cache key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BudgetOptions {
    /// Most memory the process may hold, such as `1GiB` or `700MB`; without it, there is no limit. A stage whose estimate
    /// exceeds it is refused before it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub memory: Option<MemoryLimit>,
    /// Longest time one command may train, such as `30min` or `1h 30m`; without it, there is no limit. What is finished by
    /// then is kept, and the next run continues from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub time: Option<TimeLimit>,
    /// Most threads, and most programs of `[[stage]]` at the same time; without it, one per core. `--threads` overrides it,
    /// and no result depends on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u16>,
}

/// More threads than any machine has.
const MOST_THREADS: u16 = 1024;

impl BudgetOptions {
    /// Returns what is out of range.
    pub fn problems(&self) -> Vec<Problem> {
        let zero =
            |key| Problem::new(key, "must be more than 0").hint("leave the key out for no limit");
        let mut problems = Vec::new();
        if let Some(memory) = self.memory
            && memory.bytes() == 0
        {
            problems.push(zero("memory"));
        }
        if let Some(time) = self.time
            && time.duration().is_zero()
        {
            problems.push(zero("time"));
        }
        if let Some(threads) = self.threads {
            let threads = [("threads", usize::from(threads))];
            problems.extend(Problem::out_of_range(&threads, MOST_THREADS.into()));
        }
        problems
    }

    /// Returns whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }
}

/// An amount of memory, written with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimit(ByteSize);

impl MemoryLimit {
    /// Returns a number of bytes as a limit.
    pub fn of(bytes: u64) -> Self {
        Self(ByteSize(bytes))
    }

    /// Returns the amount in bytes.
    pub fn bytes(self) -> u64 {
        self.0.as_u64()
    }
}

/// A length of time, written with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimit(SignedDuration);

impl TimeLimit {
    /// Returns the length; zero for a negative one.
    pub fn duration(self) -> Duration {
        Duration::try_from(self.0).unwrap_or_default()
    }
}

/// A value that is written in the file as text with a unit.
trait Written: Sized {
    const EXPECTED: &'static str;

    fn read(text: &str) -> Option<Self>;
}

impl Written for MemoryLimit {
    const EXPECTED: &'static str = "a size such as \"1GiB\"";

    fn read(text: &str) -> Option<Self> {
        // A bare number would not say which unit is meant.
        if !text.ends_with(|last: char| last.is_ascii_alphabetic()) {
            return None;
        }
        ByteSize::from_str(text).ok().map(Self)
    }
}

impl Written for TimeLimit {
    const EXPECTED: &'static str = "a length of time such as \"30min\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl Serialize for MemoryLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.bytes();
        let units = [
            ("TiB", bytesize::TIB),
            ("GiB", bytesize::GIB),
            ("MiB", bytesize::MIB),
            ("KiB", bytesize::KIB),
        ];
        let (unit, size) = units
            .into_iter()
            .find(|(_, size)| bytes.is_multiple_of(*size))
            .unwrap_or(("B", 1));
        serializer.serialize_str(&format!("{}{unit}", bytes / size))
    }
}

impl Serialize for TimeLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{:#}", self.0))
    }
}

impl<'de> Deserialize<'de> for MemoryLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(WrittenReader(PhantomData))
    }
}

impl<'de> Deserialize<'de> for TimeLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(WrittenReader(PhantomData))
    }
}

struct WrittenReader<T>(PhantomData<T>);

impl<T: Written> Visitor<'_> for WrittenReader<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::read(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(memory: &str, time: &str) -> Result<BudgetOptions, serde_json::Error> {
        serde_json::from_value(json!({ "memory": memory, "time": time }))
    }

    #[test]
    fn sizes_and_times_have_units_and_come_back() {
        let budget = read("1.5GiB", "1h 30min").unwrap();
        assert_eq!(budget.memory.unwrap().bytes(), 3 << 29);
        assert_eq!(budget.time.unwrap().duration(), Duration::from_secs(5400));
        let written = serde_json::to_value(&budget).unwrap();
        assert_eq!(written, json!({ "memory": "1536MiB", "time": "1h 30m" }));
        assert_eq!(
            serde_json::from_value::<BudgetOptions>(written).unwrap(),
            budget
        );
        assert_eq!(
            read("700 MB", "500ms").unwrap().memory.unwrap().bytes(),
            700_000_000
        );
        for (memory, time) in [
            ("1000", "30min"),
            ("much", "30min"),
            ("1GiB", "30"),
            ("1GiB", "soon"),
        ] {
            assert!(read(memory, time).is_err(), "{memory} {time}");
        }
    }

    #[test]
    fn nothing_is_no_budget() {
        assert!(
            BudgetOptions::default().is_unlimited()
                && BudgetOptions::default().problems().is_empty()
        );
        assert_eq!(read("0MB", "0s").unwrap().problems().len(), 2);
        assert_eq!(read("1MB", "-5s").unwrap().problems().len(), 1);
        let threads = |threads| {
            BudgetOptions {
                threads: Some(threads),
                ..Default::default()
            }
            .problems()
        };
        assert_eq!(
            [0, 1, 1024, 1025].map(|count| threads(count).len()),
            [1, 0, 0, 1]
        );
    }
}
