//! One sample of a metric in the text format of Prometheus.

use std::fmt::{self, Write};

/// One number of a metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MetricSample {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
}

impl MetricSample {
    pub(super) fn new(name: &str, labels: &[(&str, &str)], value: f64) -> Self {
        let labels = labels
            .iter()
            .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
            .collect();
        Self {
            name: name.to_owned(),
            labels,
            value,
        }
    }

    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(label, _)| label == name)
            .map(|(_, value)| value.as_str())
    }

    /// Parses a line such as `name{label="value"} 1.5`.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let name = line.split(['{', ' ']).next()?;
        let rest = &line[name.len()..];
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(rest) => labels(rest)?,
            None => (Vec::new(), rest),
        };
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let value = number(rest.trim())?;
        is_name.then(|| Self {
            name: name.to_owned(),
            labels,
            value,
        })
    }
}

/// The text format of Prometheus, version 0.0.4.
impl fmt::Display for MetricSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (at, (label, value)) in self.labels.iter().enumerate() {
            f.write_char(if at == 0 { '{' } else { ',' })?;
            write!(f, "{label}=\"")?;
            for character in value.chars() {
                match character {
                    '\\' => f.write_str("\\\\")?,
                    '"' => f.write_str("\\\"")?,
                    '\n' => f.write_str("\\n")?,
                    other => f.write_char(other)?,
                }
            }
            f.write_char('"')?;
        }
        if !self.labels.is_empty() {
            f.write_char('}')?;
        }
        match self.value {
            value if value.is_infinite() => {
                write!(f, " {}Inf", if value > 0.0 { '+' } else { '-' })
            }
            value => write!(f, " {value}"),
        }
    }
}

fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        text => text.parse().ok(),
    }
}

type Labels = Vec<(String, String)>;

/// Reads labels up to their closing brace, and returns what follows it.
fn labels(text: &str) -> Option<(Labels, &str)> {
    let mut labels = Vec::new();
    let mut rest = text;
    while !rest.starts_with('}') {
        let (label, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        labels.push((label.to_owned(), value));
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    Some((labels, &rest[1..]))
}

/// Reads up to the closing quotation mark, and returns what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_and_labels_are_written_as_prometheus_reads_them() {
        let sample = MetricSample::new(
            "pdm_ml_score",
            &[("pipeline", "a \"b\"\\\nc"), ("part", "test")],
            11.75,
        );
        assert_eq!(
            sample.to_string(),
            r#"pdm_ml_score{pipeline="a \"b\"\\\nc",part="test"} 11.75"#
        );
        assert_eq!(
            MetricSample::new("up", &[], f64::INFINITY).to_string(),
            "up +Inf"
        );
        assert_eq!(
            MetricSample::new("up", &[], 1_795_862_400.0).to_string(),
            "up 1795862400"
        );
    }

    #[test]
    fn what_is_no_sample_is_not_read() {
        for line in [
            "",
            "name",
            "name{a=\"b\" 1",
            "name{a=b} 1",
            "na-me 1",
            "name x",
            "{} 1",
        ] {
            assert_eq!(MetricSample::parse(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in proptest::num::f64::ANY, text in ".*", other in "[a-z\\\\\"\n,}{]*") {
            prop_assume!(!value.is_nan());
            let sample = MetricSample::new("pdm_ml_score", &[("pipeline", &text), ("part", &other)], value);
            let line = sample.to_string();
            prop_assert_eq!(MetricSample::parse(&line), Some(sample));
            prop_assert_eq!(line.lines().count(), 1);
        }
    }
}
