//! The units of measure of scores, and the formatting of numbers with their unit.

/// The unit of measure of a number. (Elsewhere a unit is a machine.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A time span, in the unit by which the data count their rows.
    Time,
    /// A share, from 0 to 1; shown as a percentage.
    Share,
    /// A number without a unit, such as a penalty.
    Plain,
}

/// The unit by which the data count their rows. A declared unit of time would be inserted only here.
const UNIT_OF_TIME: &str = "cycles";

impl Measure {
    /// Returns whether values are between 0 and 1.
    pub const fn is_share(self) -> bool {
        match self {
            Self::Share => true,
            Self::Time | Self::Plain => false,
        }
    }

    /// Returns the title of a column of such numbers; a percentage has its sign at each number.
    pub fn heading(self, name: &str) -> String {
        match self {
            Self::Time => format!("{name} ({UNIT_OF_TIME})"),
            Self::Share | Self::Plain => name.to_owned(),
        }
    }

    /// Formats a number for a table.
    pub fn figure(self, value: f64, digits: usize) -> String {
        match self {
            Self::Time | Self::Plain => format!("{value:.digits$}"),
            Self::Share => format!("{:.digits$} %", value * 100.0),
        }
    }

    /// Formats a difference for a table, with its sign.
    pub fn difference(self, value: f64, digits: usize) -> String {
        match self {
            Self::Time | Self::Plain => format!("{value:+.digits$}"),
            Self::Share => format!("{:+.digits$} %", value * 100.0),
        }
    }

    /// Formats a number for a sentence, with all its digits.
    pub fn exact(self, value: f64) -> String {
        match self {
            Self::Time => format!("{value} {UNIT_OF_TIME}"),
            Self::Share => format!("{} %", self.bare(value)),
            Self::Plain => self.bare(value),
        }
    }

    /// Formats a number without its unit, for the first of two numbers that share a unit.
    pub fn bare(self, value: f64) -> String {
        match self {
            Self::Time | Self::Plain => value.to_string(),
            Self::Share => without_noise(value * 100.0).to_string(),
        }
    }

    /// Formats a number as in the pipeline file, where a share is not a percentage.
    pub fn as_written(self, value: f64) -> String {
        match self {
            Self::Time | Self::Plain => format!("{value:.2}"),
            Self::Share => format!("{value:.3}"),
        }
    }

    /// Appends the unit to a formatted number without one.
    pub fn with_unit(self, figure: String) -> String {
        match self {
            Self::Time => format!("{figure} {UNIT_OF_TIME}"),
            Self::Share | Self::Plain => figure,
        }
    }
}

/// Rounds away the noise that scaling leaves in the last digits.
fn without_noise(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_their_unit() {
        let formatted = |measure: Measure, value: f64| {
            [
                measure.heading("x"),
                measure.figure(value, 1),
                measure.difference(value, 1),
                measure.exact(value),
                measure.bare(value),
                measure.as_written(value),
                measure.with_unit("x".to_owned()),
            ]
        };
        let time = [
            "x (cycles)",
            "0.1",
            "+0.1",
            "0.07 cycles",
            "0.07",
            "0.07",
            "x cycles",
        ];
        assert_eq!(formatted(Measure::Time, 0.07), time);
        assert_eq!(
            formatted(Measure::Share, 0.07),
            ["x", "7.0 %", "+7.0 %", "7 %", "7", "0.070", "x"]
        );
        assert_eq!(
            formatted(Measure::Plain, 0.07),
            ["x", "0.1", "+0.1", "0.07", "0.07", "0.07", "x"]
        );
    }
}
