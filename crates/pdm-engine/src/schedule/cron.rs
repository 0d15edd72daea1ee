//! Reads a cron expression of five fields, and only what every scheduler interprets in the same way.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A field's name, range and words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CronField {
    name: &'static str,
    low: u8,
    high: u8,
    words: &'static [&'static str],
}

const MONTHS: &[&str] = &[
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// The longest month of each number, in a leap year.
const LENGTHS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const PARTS: [CronField; 5] = [
    CronField {
        name: "minute",
        low: 0,
        high: 59,
        words: &[],
    },
    CronField {
        name: "hour",
        low: 0,
        high: 23,
        words: &[],
    },
    CronField {
        name: "day of the month",
        low: 1,
        high: 31,
        words: &[],
    },
    CronField {
        name: "month",
        low: 1,
        high: 12,
        words: MONTHS,
    },
    // Sunday is 0 or 7.
    CronField {
        name: "day of the week",
        low: 0,
        high: 7,
        words: DAYS,
    },
];

/// What is wrong with a cron expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CronError {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl CronError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A cron expression: minute, hour, day of the month, month, day of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cron {
    pub(super) minute: Field,
    pub(super) hour: Field,
    pub(super) day: Field,
    pub(super) month: Field,
    pub(super) weekday: Field,
}

/// One field of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    part: CronField,
    items: Vec<Item>,
}

/// `*`, `*/2`, `5`, `1-5` or `1-5/2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Item {
    star: bool,
    from: u8,
    to: u8,
    step: u8,
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        if text.trim_start().starts_with('@') {
            return Err(CronError::new(format!(
                "`{text}` is a shorthand that not every scheduler supports"
            ))
            .hint("write five fields, such as \"0 3 * * 1\""));
        }
        let fields: Vec<_> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            let message = format!("has {} fields, but needs five", fields.len());
            return Err(CronError::new(message)
                .hint("minute, hour, day of the month, month, day of the week"));
        };
        let [a, b, c, d, e] = PARTS;
        let cron = Self {
            minute: Field::read(a, minute)?,
            hour: Field::read(b, hour)?,
            day: Field::read(c, day)?,
            month: Field::read(d, month)?,
            weekday: Field::read(e, weekday)?,
        };
        cron.refuse_dialects()?;
        cron.refuse_never()?;
        Ok(cron)
    }
}

impl Cron {
    /// Returns whether either of the two day fields is enough, as cron has it when both are restricted.
    pub(super) fn either_day(&self) -> bool {
        !self.day.is_any() && !self.weekday.is_any()
    }

    /// Returns the least number of minutes between two times of one day, at most 60.
    pub(super) fn shortest_gap_minutes(&self) -> u8 {
        let minutes: Vec<_> = self.minute.values().into_iter().collect();
        let hours = self.hour.values();
        let within = minutes
            .iter()
            .zip(minutes.iter().skip(1))
            .map(|(a, b)| b - a);
        let next_too = hours.iter().any(|hour| hours.contains(&((hour + 1) % 24)));
        let over = next_too.then(|| 60 + minutes[0] - minutes[minutes.len() - 1]);
        within.chain(over).min().unwrap_or(60)
    }

    /// Refuses expressions that schedulers disagree about: where both day fields are restricted, and one is not a plain list.
    fn refuse_dialects(&self) -> Result<(), CronError> {
        if !self.either_day() {
            return Ok(());
        }
        for field in [&self.day, &self.weekday] {
            if field.items.iter().any(|item| item.star) || field.is_whole() {
                let message = format!(
                    "the {} `{field}` with a restricted {}: schedulers disagree whether one or both must match",
                    field.part.name,
                    if field.part == self.day.part {
                        self.weekday.part.name
                    } else {
                        self.day.part.name
                    },
                );
                return Err(CronError::new(message)
                    .hint("list the days, or restrict only one of the two fields"));
            }
        }
        Ok(())
    }

    fn refuse_never(&self) -> Result<(), CronError> {
        let first = self.day.values().first().copied().unwrap_or(1);
        let months = self.month.values();
        if !self.weekday.is_any()
            || months
                .iter()
                .any(|month| first <= LENGTHS[usize::from(*month) - 1])
        {
            return Ok(());
        }
        Err(CronError::new(format!(
            "no month `{}` has a day `{}`: it would never run",
            self.month, self.day
        )))
    }
}

impl Field {
    fn read(part: CronField, text: &str) -> Result<Self, CronError> {
        let items = text
            .split(',')
            .map(|item| Item::read(&part, item))
            .collect::<Result<Vec<_>, _>>()?;
        if items.len() > 1 && items.iter().any(|item| item.star) {
            return Err(CronError::new(format!(
                "the {} `{text}`: `*` cannot be part of a list",
                part.name
            )));
        }
        Ok(Self { part, items })
    }

    /// Returns whether the field is a plain `*`.
    pub(super) fn is_any(&self) -> bool {
        matches!(
            self.items[..],
            [Item {
                star: true,
                step: 1,
                ..
            }]
        )
    }

    fn is_whole(&self) -> bool {
        let most = if self.part == PARTS[4] {
            7
        } else {
            usize::from(self.part.high - self.part.low) + 1
        };
        self.values().len() == most
    }

    /// Returns the numbers that match the field, at least one; Sunday is 0.
    pub(super) fn values(&self) -> BTreeSet<u8> {
        let numbers = self
            .items
            .iter()
            .flat_map(|item| (item.from..=item.to).step_by(usize::from(item.step)));
        numbers
            .map(|number| {
                if self.part == PARTS[4] {
                    number % 7
                } else {
                    number
                }
            })
            .collect()
    }
}

impl Item {
    fn read(part: &CronField, text: &str) -> Result<Self, CronError> {
        let (range, step) = match text.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (text, None),
        };
        let (star, from, to) = match range.split_once('-') {
            _ if range == "*" => (
                true,
                part.low,
                if *part == PARTS[4] { 6 } else { part.high },
            ),
            Some(("", _) | (_, "")) => return Err(part.unknown(range, true)),
            Some((from, to)) => (false, part.number(from)?, part.number(to)?),
            None => (false, part.number(range)?, part.number(range)?),
        };
        if from > to {
            let message = format!("the {} `{range}` runs backwards", part.name);
            return Err(CronError::new(message).hint("write two ranges with a comma between"));
        }
        let Some(step) = step else {
            return Ok(Self {
                star,
                from,
                to,
                step: 1,
            });
        };
        if from == to {
            let message = format!("the {} `{text}`: a step needs a range", part.name);
            return Err(CronError::new(message).hint(format!(
                "write `{range}-{}/{step}` or `*/{step}`",
                part.high
            )));
        }
        let most = to - from;
        match step.parse::<u8>() {
            Ok(step) if (1..=most).contains(&step) => Ok(Self {
                star,
                from,
                to,
                step,
            }),
            _ => Err(CronError::new(format!(
                "the {} `{text}`: the step must be from 1 to {most}",
                part.name
            ))),
        }
    }
}

impl CronField {
    fn number(&self, text: &str) -> Result<u8, CronError> {
        let word = self
            .words
            .iter()
            .zip(self.low..)
            .find(|(word, _)| word.eq_ignore_ascii_case(text));
        let number = match word {
            Some((_, number)) => Some(number),
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            None => None,
        };
        match number {
            Some(number) if (self.low..=self.high).contains(&number) => Ok(number),
            _ => Err(self.unknown(text, number.is_some())),
        }
    }

    fn unknown(&self, text: &str, is_number: bool) -> CronError {
        let range = format!("{} to {}", self.low, self.high);
        let error = CronError::new(format!("the {} `{text}` is not from {range}", self.name));
        let special = |c: char| matches!(c, 'L' | 'W' | '#' | '?' | 'H' | '+');
        match self.words {
            _ if !is_number
                && text.contains(special)
                && !text.contains(char::is_whitespace)
                && text.len() <= 4 =>
            {
                error.hint(
                    "`L`, `W`, `#`, `?`, `H` and `+` are extensions that not every scheduler supports",
                )
            }
            [first, .., last] if !is_number => {
                error.hint(format!("a number, or {first} to {last}"))
            }
            _ => error,
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.star, self.from == self.to) {
            (true, _) => f.write_str("*")?,
            (false, true) => write!(f, "{}", self.from)?,
            (false, false) => write!(f, "{}-{}", self.from, self.to)?,
        }
        if self.step > 1 {
            write!(f, "/{}", self.step)
        } else {
            Ok(())
        }
    }
}

/// In numbers, with Sunday as 0, which every scheduler understands.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_seven = self.part == PARTS[4] && self.items.iter().any(|item| item.to == 7);
        let items: Vec<_> = if with_seven {
            self.values().iter().map(ToString::to_string).collect()
        } else {
            self.items.iter().map(ToString::to_string).collect()
        };
        f.write_str(&items.join(","))
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {} {}",
            self.minute, self.hour, self.day, self.month, self.weekday
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let error = text.parse::<Cron>().unwrap_err();
        error.hint.map_or(error.message.clone(), |hint| {
            format!("{} ({hint})", error.message)
        })
    }

    #[test]
    fn an_expression_is_shown_in_numbers() {
        for (written, shown) in [
            ("0 3 * * 1", "0 3 * * 1"),
            (" */15   8-18/2 * JAN,jul mon-fri ", "*/15 8-18/2 * 1,7 1-5"),
            ("0 0 1,15 * *", "0 0 1,15 * *"),
            ("0 3 * * 7", "0 3 * * 0"),
            ("0 3 * * FRI,5-7", "0 3 * * 0,5,6"),
            ("0 3 1 * 5", "0 3 1 * 5"),
            ("0 3 29 2 *", "0 3 29 2 *"),
            ("0 3 */2 * *", "0 3 */2 * *"),
        ] {
            assert_eq!(
                written.parse::<Cron>().unwrap().to_string(),
                shown,
                "{written}"
            );
        }
    }

    #[test]
    fn mistakes_name_the_field_and_the_way_out() {
        insta::assert_snapshot!(
            [
                "0 3 * *", "@daily", "60 3 * * *", "0 25 * * *", "0 3 0 * *", "0 3 * 13 *", "0 3 * * 8", "0 3 * * MUN",
                "0 3 * FBR *", "0 3 L * *", "0 3 * * 5#2", "0 3 ? * 1", "0 3 * * 5-1", "5/15 * * * *", "*/0 * * * *",
                "*/60 * * * *", "0 3 30 2 *", "0 3 31 4,6 *", "0 3 */2 * 1", "0 3 1-31 * 1", "0 3 1 * */2", "*,5 * * * *",
                "0 -1 * * *", "0 3 * * 1-", "+1 3 * * *", "", "0 3 * * 1,",
            ]
            .map(|text| format!("{text:14} {}", refusal(text)))
            .join("\n"),
            @r#"
            0 3 * *        has 4 fields, but needs five (minute, hour, day of the month, month, day of the week)
            @daily         `@daily` is a shorthand that not every scheduler supports (write five fields, such as "0 3 * * 1")
            60 3 * * *     the minute `60` is not from 0 to 59
            0 25 * * *     the hour `25` is not from 0 to 23
            0 3 0 * *      the day of the month `0` is not from 1 to 31
            0 3 * 13 *     the month `13` is not from 1 to 12
            0 3 * * 8      the day of the week `8` is not from 0 to 7
            0 3 * * MUN    the day of the week `MUN` is not from 0 to 7 (a number, or SUN to SAT)
            0 3 * FBR *    the month `FBR` is not from 1 to 12 (a number, or JAN to DEC)
            0 3 L * *      the day of the month `L` is not from 1 to 31 (`L`, `W`, `#`, `?`, `H` and `+` are extensions that not every scheduler supports)
            0 3 * * 5#2    the day of the week `5#2` is not from 0 to 7 (`L`, `W`, `#`, `?`, `H` and `+` are extensions that not every scheduler supports)
            0 3 ? * 1      the day of the month `?` is not from 1 to 31 (`L`, `W`, `#`, `?`, `H` and `+` are extensions that not every scheduler supports)
            0 3 * * 5-1    the day of the week `5-1` runs backwards (write two ranges with a comma between)
            5/15 * * * *   the minute `5/15`: a step needs a range (write `5-59/15` or `*/15`)
            */0 * * * *    the minute `*/0`: the step must be from 1 to 59
            */60 * * * *   the minute `*/60`: the step must be from 1 to 59
            0 3 30 2 *     no month `2` has a day `30`: it would never run
            0 3 31 4,6 *   no month `4,6` has a day `31`: it would never run
            0 3 */2 * 1    the day of the month `*/2` with a restricted day of the week: schedulers disagree whether one or both must match (list the days, or restrict only one of the two fields)
            0 3 1-31 * 1   the day of the month `1-31` with a restricted day of the week: schedulers disagree whether one or both must match (list the days, or restrict only one of the two fields)
            0 3 1 * */2    the day of the week `*/2` with a restricted day of the month: schedulers disagree whether one or both must match (list the days, or restrict only one of the two fields)
            *,5 * * * *    the minute `*,5`: `*` cannot be part of a list
            0 -1 * * *     the hour `-1` is not from 0 to 23
            0 3 * * 1-     the day of the week `1-` is not from 0 to 7
            +1 3 * * *     the minute `+1` is not from 0 to 59 (`L`, `W`, `#`, `?`, `H` and `+` are extensions that not every scheduler supports)
                           has 0 fields, but needs five (minute, hour, day of the month, month, day of the week)
            0 3 * * 1,     the day of the week `` is not from 0 to 7 (a number, or SUN to SAT)
            "#
        );
    }

    #[test]
    fn the_shortest_gap_reaches_over_the_hour() {
        let gap = |text: &str| text.parse::<Cron>().unwrap().shortest_gap_minutes();
        assert_eq!(
            [
                gap("0 3 * * *"),
                gap("*/5 * * * *"),
                gap("1,58 * * * *"),
                gap("* * * * *")
            ],
            [60, 5, 3, 1]
        );
        assert_eq!(
            [
                gap("1,58 3 * * *"),
                gap("1,58 23,0 * * *"),
                gap("1,58 3,5 * * *")
            ],
            [57, 3, 57]
        );
    }
}
