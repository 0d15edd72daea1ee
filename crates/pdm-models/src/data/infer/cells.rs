//! Reads cells as numbers, and finds out how a file writes them.

/// The ways in which files write numbers; the earlier one wins if two explain a file equally well.
const FORMS: [NumberForm; 8] = [
    NumberForm {
        decimal: '.',
        thousands: None,
    },
    NumberForm {
        decimal: ',',
        thousands: None,
    },
    NumberForm {
        decimal: '.',
        thousands: Some('\''),
    },
    NumberForm {
        decimal: ',',
        thousands: Some('.'),
    },
    NumberForm {
        decimal: '.',
        thousands: Some(','),
    },
    NumberForm {
        decimal: ',',
        thousands: Some(' '),
    },
    NumberForm {
        decimal: '.',
        thousands: Some(' '),
    },
    NumberForm {
        decimal: ',',
        thousands: Some('\u{a0}'),
    },
];

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumberForm {
    pub(super) decimal: char,
    pub(super) thousands: Option<char>,
}

impl NumberForm {
    /// Returns the form that reads most of these cells as numbers.
    pub(super) fn of<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut best = FORMS[0];
        let mut most = read_by(best, cells.clone());
        for form in FORMS.into_iter().skip(1) {
            let read = read_by(form, cells.clone());
            if read > most {
                (best, most) = (form, read);
            }
        }
        best
    }

    /// Reads a finite number.
    pub(super) fn number(self, text: &str) -> Option<f64> {
        let first = text.bytes().next()?;
        if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.' | b',')) {
            return None;
        }
        let value =
            if self.decimal == '.' && !self.thousands.is_some_and(|mark| text.contains(mark)) {
                text.parse::<f64>().ok()
            } else {
                self.plain(text)?.parse::<f64>().ok()
            };
        value.filter(|value| value.is_finite())
    }

    /// Returns the number with a decimal point and without separators of thousands; `None` if a mark is in the wrong place.
    fn plain(self, text: &str) -> Option<String> {
        let (whole, rest) = match text.split_once(self.decimal) {
            Some((whole, rest)) => (whole, Some(rest)),
            None => (text, None),
        };
        let whole = match self.thousands {
            Some(mark) if whole.contains(mark) => without_thousands(whole, mark)?,
            Some(_) | None => whole.to_owned(),
        };
        let is_plain = |text: &str| !text.contains(['.', ',', '\'', ' ']);
        if !is_plain(&whole) || !rest.is_none_or(is_plain) {
            return None;
        }
        Some(rest.map_or(whole.clone(), |rest| format!("{whole}.{rest}")))
    }
}

fn read_by<'a>(form: NumberForm, cells: impl Iterator<Item = &'a str>) -> usize {
    cells.filter(|cell| form.number(cell).is_some()).count()
}

/// Returns `1234567` for `1'234'567`; `None` unless each group but the first has three digits.
fn without_thousands(whole: &str, mark: char) -> Option<String> {
    let unsigned = whole.trim_start_matches(['-', '+']);
    let mut groups = unsigned.split(mark);
    let first = groups.next()?;
    let is_number =
        |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let fits = is_number(first)
        && first.len() <= 3
        && groups.all(|group| is_number(group) && group.len() == 3);
    fits.then(|| whole.replace(mark, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(cells: &[&str]) -> (char, Option<char>) {
        let form = NumberForm::of(cells.iter().copied());
        (form.decimal, form.thousands)
    }

    #[test]
    fn the_form_follows_from_the_cells() {
        assert_eq!(form(&["1.5", "2", "-3e4"]), ('.', None));
        assert_eq!(form(&["1,5", "2", "0,25"]), (',', None));
        assert_eq!(form(&["1'234.5", "12'000", "3"]), ('.', Some('\'')));
        assert_eq!(form(&["1.234,5", "2,5"]), (',', Some('.')));
        assert_eq!(form(&["1,234.5", "2.5"]), ('.', Some(',')));
        assert_eq!(form(&["1 234,5", "2,5"]), (',', Some(' ')));
    }

    #[test]
    fn only_whole_numbers_in_the_form_are_read() {
        let swiss = NumberForm {
            decimal: '.',
            thousands: Some('\''),
        };
        assert_eq!(swiss.number("-1'234'567.25"), Some(-1_234_567.25));
        for text in ["12'34", "1''000", "nan", "inf", "", "1.2.3", "abc", "1e999"] {
            assert_eq!(swiss.number(text), None, "{text}");
        }
        let german = NumberForm {
            decimal: ',',
            thousands: None,
        };
        assert_eq!(
            (german.number("2,5"), german.number("2.5")),
            (Some(2.5), None)
        );
    }
}
