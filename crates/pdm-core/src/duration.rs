//! Durations as people write them: `36h`, `20d`, `2 weeks`.

use jiff::{SignedDuration, Span, SpanRelativeTo};

/// Reads a duration in the forms that jiff reads, such as `36h`, `1d 12h`, `90 minutes` or `PT1H`; a day has 24 hours, and a
/// week 7 days. `None` for other texts, and for months and years, whose lengths vary.
pub fn parse(text: &str) -> Option<SignedDuration> {
    let span = text.trim().parse::<Span>().ok()?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return None;
    }
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_weeks_have_fixed_lengths() {
        assert_eq!(parse("36h"), Some(SignedDuration::from_hours(36)));
        assert_eq!(parse("20d"), Some(SignedDuration::from_hours(480)));
        assert_eq!(parse("1d 12h"), parse("36 hours"));
        assert_eq!(parse("2 weeks"), parse("14d"));
        assert_eq!(parse(" 10min "), Some(SignedDuration::from_mins(10)));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "h", "12", "1 month", "1y", "soon"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
