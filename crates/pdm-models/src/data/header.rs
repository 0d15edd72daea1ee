//! Finds columns by name, tolerating differences in case, Unicode form and blanks.

use unicode_normalization::UnicodeNormalization;

use super::findings::{FindingLocation, FindingLog};
use super::number::shown;
use super::{Expectation, Severity};

/// Lowest Jaro-Winkler similarity at which a name is proposed for a missing column.
const SIMILAR: f64 = 0.8;

/// Number of missing columns for which a name is proposed: each search compares every name, and more findings are not useful.
const PROPOSALS: u64 = 20;

/// Result of looking up a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ColumnLookup {
    /// Found under exactly this name.
    Exactly(usize),
    /// Found under a name that differs in case, blanks, zero-width characters or Unicode form.
    Alike(usize),
    /// Found more than once.
    Several(Vec<usize>),
    /// Not found.
    Nowhere,
}

/// Looks up a column.
pub(super) fn look_for(names: &[String], column: &str) -> ColumnLookup {
    let exact: Vec<usize> = (0..names.len()).filter(|at| names[*at] == column).collect();
    match exact.as_slice() {
        [at] => return ColumnLookup::Exactly(*at),
        [] => {}
        _ => return ColumnLookup::Several(exact),
    }
    let wanted = folded(column);
    let alike: Vec<usize> = (0..names.len())
        .filter(|at| folded(&names[*at]) == wanted)
        .collect();
    match alike.as_slice() {
        [at] => ColumnLookup::Alike(*at),
        [] => ColumnLookup::Nowhere,
        _ => ColumnLookup::Several(alike),
    }
}

/// Returns the position of a column, or logs that it is missing or ambiguous.
pub(super) fn find(
    names: &[String],
    column: &str,
    location: FindingLocation<'_>,
    log: &mut FindingLog,
) -> Option<usize> {
    let location = location.column(column);
    match look_for(names, column) {
        ColumnLookup::Exactly(at) => Some(at),
        ColumnLookup::Alike(at) => {
            let message = format!("column {} is read as `{column}`", shown(&names[at]));
            log.add(Severity::Info, Expectation::Columns, location, message);
            Some(at)
        }
        ColumnLookup::Several(at) if names[at[0]] == column => {
            log.error(
                Expectation::Columns,
                location,
                format!("has more than one column `{column}`"),
            );
            None
        }
        ColumnLookup::Several(at) => {
            let alike = at
                .iter()
                .map(|at| shown(&names[*at]))
                .collect::<Vec<_>>()
                .join(" and ");
            let message = format!(
                "has no column `{column}`; {alike} are similar: name one of them under [dataset]"
            );
            log.error(Expectation::Columns, location, message);
            None
        }
        ColumnLookup::Nowhere => {
            let is_one_of_few = log.total(Expectation::Columns) < PROPOSALS;
            let proposal = if is_one_of_few {
                proposal(names, column)
            } else {
                None
            };
            let message = format!(
                "has no column `{column}`{}; it has {}",
                proposal.unwrap_or_default(),
                listed(names)
            );
            log.error(Expectation::Columns, location, message);
            None
        }
    }
}

/// Invisible characters: soft hyphen, zero-width spaces and joiners, byte-order mark.
const INVISIBLE: [char; 6] = [
    '\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}',
];

/// Normalises a name for comparison: NFKC, lower case, single blanks, no invisible characters.
fn folded(name: &str) -> String {
    let seen: String = name
        .chars()
        .filter(|character| !INVISIBLE.contains(character))
        .collect();
    let form = if seen.is_ascii() {
        seen
    } else {
        seen.nfkc().collect()
    };
    form.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

/// Lists the Greek and Cyrillic letters of a name, which may look like Latin ones, if the other name is ASCII.
fn look_alikes(name: &str, other: &str) -> Option<String> {
    let is_greek_or_cyrillic = |character: &char| ('\u{370}'..='\u{52f}').contains(character);
    let odd = name
        .chars()
        .filter(|character| is_greek_or_cyrillic(character) && !other.contains(*character));
    let codes: Vec<String> = odd
        .map(|character| format!("U+{:04X}", u32::from(character)))
        .collect();
    (!codes.is_empty() && other.is_ascii()).then(|| codes.join(", "))
}

/// Proposes a name for a missing column.
fn proposal(names: &[String], column: &str) -> Option<String> {
    let name = nearest(names, column)?;
    let form = match (look_alikes(name, column), look_alikes(column, name)) {
        (Some(odd), _) => format!(", written with {odd}"),
        (None, Some(odd)) => format!(", which lacks the {odd} of `{column}`"),
        (None, None) => String::new(),
    };
    Some(format!(" (did you mean {}{form}?)", shown(name)))
}

fn nearest<'a>(names: &'a [String], column: &str) -> Option<&'a str> {
    const LONGEST: usize = 100;
    let wanted = folded(column);
    let words = |name: &str| {
        name.chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
    };
    let similarity = |name: &String| {
        let name = folded(name);
        if words(&name) == words(&wanted) {
            1.0
        } else {
            strsim::jaro_winkler(&name, &wanted)
        }
    };
    let short = names
        .iter()
        .filter(|name| name.len() <= LONGEST)
        .map(|name| (similarity(name), name));
    let (best, name) = short.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best >= SIMILAR).then_some(name.as_str())
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 30;
    let mut listed = names
        .iter()
        .take(SHOWN)
        .map(|name| shown(name))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN {
        listed.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_may_differ_in_case_blanks_and_form() {
        let names = names(&["Unit", " cycle ", "Oeltemp", "Öltemp", "T", "t"]);
        assert_eq!(look_for(&names, "unit"), ColumnLookup::Alike(0));
        assert_eq!(look_for(&names, "CYCLE"), ColumnLookup::Alike(1));
        assert_eq!(look_for(&names, "O\u{308}ltemp"), ColumnLookup::Alike(3));
        assert_eq!(look_for(&names, "t"), ColumnLookup::Exactly(5));
        assert_eq!(look_for(&names, "rul"), ColumnLookup::Nowhere);
    }

    #[test]
    fn only_a_few_missing_columns_get_a_proposal() {
        let mut log = FindingLog::default();
        let there: Vec<_> = (0..2000).map(|at| format!("sensr_nmber_{at}x")).collect();
        let missing: Vec<_> = (0..2000).map(|at| format!("sensor_number_{at}")).collect();
        missing
            .iter()
            .for_each(|column| _ = find(&there, column, FindingLocation::default(), &mut log));
        assert_eq!(log.total(Expectation::Columns), 2000);
        let proposed = log
            .into_findings()
            .into_iter()
            .filter(|finding| finding.message.contains("did you mean"));
        assert_eq!(proposed.count(), 20);
    }

    #[test]
    fn names_that_look_the_same_are_equal() {
        let names = names(&[
            "\u{b5}bar",
            "oil\u{a0}temp",
            "\u{200b}rpm",
            "ｔ２",
            "flow  rate\n(free)",
        ]);
        for (at, column) in ["\u{3bc}bar", "oil temp", "rpm", "t2", "Flow rate (free)"]
            .into_iter()
            .enumerate()
        {
            assert_eq!(
                look_for(&names, column),
                ColumnLookup::Alike(at),
                "{column}"
            );
        }
    }

    #[test]
    fn a_letter_of_another_alphabet_is_named() {
        let mut log = FindingLog::default();
        assert_eq!(
            find(
                &names(&["tem\u{440}"]),
                "temp",
                FindingLocation::default(),
                &mut log
            ),
            None
        );
        assert_eq!(
            find(
                &names(&["temp"]),
                "tem\u{440}",
                FindingLocation::default(),
                &mut log
            ),
            None
        );
        let messages: Vec<_> = log
            .into_findings()
            .into_iter()
            .map(|finding| finding.message)
            .collect();
        assert!(
            messages[0].contains("(did you mean `tem\u{440}`, written with U+0440?)"),
            "{messages:?}"
        );
        assert!(
            messages[1].contains("(did you mean `temp`, which lacks the U+0440 of `tem\u{440}`?)"),
            "{messages:?}"
        );
    }

    #[test]
    fn a_missing_column_is_reported_with_the_nearest_name() {
        let mut log = FindingLog::default();
        let names = names(&["unit", "cycle", "sensor-1", "pressure"]);
        assert_eq!(
            find(&names, "sensor_1", FindingLocation::default(), &mut log),
            None
        );
        assert_eq!(
            find(&names, "presure", FindingLocation::default(), &mut log),
            None
        );
        assert_eq!(
            find(&names, "zzz", FindingLocation::default(), &mut log),
            None
        );
        let messages: Vec<_> = log
            .into_findings()
            .into_iter()
            .map(|finding| finding.message)
            .collect();
        let listed = "it has `unit`, `cycle`, `sensor-1`, `pressure`";
        assert_eq!(
            messages,
            [
                format!("has no column `sensor_1` (did you mean `sensor-1`?); {listed}"),
                format!("has no column `presure` (did you mean `pressure`?); {listed}"),
                format!("has no column `zzz`; {listed}"),
            ]
        );
    }
}
