//! Scorecards as text.

use super::{Align, table};
use pdm_core::scoring::{Band, Measure, Metric, Score, Scorecard};

/// Returns a scorecard as a table: each score with its interval, compared with the best constant predictor.
pub fn scores(card: &Scorecard) -> String {
    let confidence = format!("{:.0} % interval", card.bootstrap.confidence * 100.0);
    let header = [
        ("score", Align::Left),
        ("value", Align::Right),
        (confidence.as_str(), Align::Right),
        ("constant", Align::Right),
        ("units", Align::Right),
    ];
    let rows = card.scores.iter().map(|score| {
        let constant = card
            .baseline
            .score(score.metric)
            .map_or_else(String::new, |s| s.metric.figure(s.value));
        [
            score.metric.heading(),
            score.metric.figure(score.value),
            interval(score),
            constant,
            card.units.to_string(),
        ]
    });
    let mut text = table(&header, rows);
    text.push_str(&format!(
        "\n{}\nconstant: always predicting {:.1} cycles, the mean of training",
        card.protocol, card.baseline.prediction
    ));
    for warning in &card.warnings {
        text.push_str(&format!("\nnote: {warning}"));
    }
    if let Some(bands) = bands(&card.bands) {
        text.push_str(&format!("\n\n{bands}"));
    }
    if let Some(groups) = group_scores(card) {
        text.push_str(&format!("\n\n{groups}"));
    }
    text
}

/// The scores of a card in one line.
const IN_A_LINE: [Metric; 4] = [
    Metric::Rmse,
    Metric::Mae,
    Metric::NasaMean,
    Metric::Coverage,
];

/// Returns the main scores of a card in one line, each with its interval.
pub fn scores_in_a_line(card: &Scorecard) -> String {
    let scores = IN_A_LINE
        .into_iter()
        .filter_map(|metric| card.score(metric));
    let texts: Vec<_> = scores
        .map(|score| {
            format!(
                "{} {} {}",
                score.metric,
                score.metric.figure(score.value),
                interval(score)
            )
        })
        .collect();
    format!("{}, {} units", texts.join(", "), card.units)
}

/// Returns the quality of predictions and intervals by true remaining life; `None` if all units are in one band.
fn bands(bands: &[Band]) -> Option<String> {
    if bands.len() < 2 {
        return None;
    }
    let life = Measure::Time.heading("remaining life");
    let header = [
        (life.as_str(), Align::Left),
        ("units", Align::Right),
        ("rmse", Align::Right),
        ("bias", Align::Right),
        ("coverage", Align::Right),
        ("width", Align::Right),
        ("", Align::Left),
    ];
    let worst = worst_covered(bands);
    let rows = bands.iter().enumerate().map(|(at, band)| {
        let cell = |metric: Metric, value: Option<f64>| {
            value.map(|value| metric.figure(value)).unwrap_or_default()
        };
        let mark = if worst == Some(at) {
            "least covered"
        } else {
            ""
        };
        [
            range(band),
            band.units.to_string(),
            Metric::Rmse.figure(band.rmse),
            Metric::Bias.figure(band.bias),
            cell(Metric::Coverage, band.coverage),
            cell(Metric::IntervalWidth, band.interval_width),
            mark.to_owned(),
        ]
    });
    Some(table(&header, rows))
}

fn range(band: &Band) -> String {
    match band.below {
        Some(below) => format!("{} to below {below}", band.from),
        None => format!("{} and more", band.from),
    }
}

/// Returns the band whose intervals contain the truth least often; `None` if all are equal.
fn worst_covered(bands: &[Band]) -> Option<usize> {
    let mut worst: Option<(usize, f64)> = None;
    let mut differ = false;
    for (at, band) in bands.iter().enumerate() {
        let coverage = band.coverage?;
        if let Some((_, least)) = worst {
            differ |= coverage != least;
        }
        if worst.is_none_or(|(_, least)| coverage < least) {
            worst = Some((at, coverage));
        }
    }
    if differ {
        worst.map(|(at, _)| at)
    } else {
        None
    }
}

/// The metrics shown for each group; the JSON holds all.
const OF_GROUPS: [Metric; 6] = [
    Metric::Rmse,
    Metric::Mae,
    Metric::Bias,
    Metric::NasaScore,
    Metric::Coverage,
    Metric::IntervalWidth,
];

/// Returns the scores of each group of units as a table; `None` if there are no groups.
pub fn group_scores(card: &Scorecard) -> Option<String> {
    if card.groups.is_empty() {
        return None;
    }
    let has = |metric: &Metric| {
        card.groups
            .iter()
            .any(|group| group.score(*metric).is_some())
    };
    let metrics: Vec<_> = OF_GROUPS.into_iter().filter(has).collect();
    let names: Vec<_> = metrics.iter().map(|metric| metric.heading()).collect();
    let mut header = vec![("group", Align::Left), ("units", Align::Right)];
    header.extend(names.iter().map(|name| (name.as_str(), Align::Right)));
    let rows = card.groups.iter().map(|group| {
        let cell = |metric: &Metric| {
            group.score(*metric).map_or_else(String::new, |s| {
                format!("{} {}", s.metric.figure(s.value), interval(s))
            })
        };
        [group.name.clone(), group.units.to_string()]
            .into_iter()
            .chain(metrics.iter().map(cell))
            .collect::<Vec<_>>()
    });
    Some(table(&header, rows))
}

fn interval(score: &Score) -> String {
    format!(
        "[{}, {}]",
        score.metric.figure(score.lower),
        score.metric.figure(score.upper)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(from: f64, below: Option<f64>, coverage: f64) -> Band {
        let (coverage, interval_width) = (Some(coverage), Some(31.0));
        Band {
            from,
            below,
            units: 9,
            rows: 9,
            rmse: 12.5,
            bias: -1.0,
            coverage,
            interval_width,
        }
    }

    #[test]
    fn the_least_covered_band_is_marked() {
        let found = [
            band(0.0, Some(25.0), 0.97),
            band(25.0, Some(50.0), 0.72),
            band(125.0, None, 0.9),
        ];
        insta::assert_snapshot!(bands(&found).unwrap(), @"
        remaining life (cycles)  units   rmse   bias  coverage  width
        ──────────────────────────────────────────────────────────────────────────────
        0 to below 25                9  12.50  -1.00      97 %  31.00
        25 to below 50               9  12.50  -1.00      72 %  31.00  least covered
        125 and more                 9  12.50  -1.00      90 %  31.00
        ");
    }

    #[test]
    fn where_all_are_covered_alike_none_is_marked() {
        let alike = [band(0.0, Some(25.0), 0.9), band(25.0, None, 0.9)];
        assert_eq!(worst_covered(&alike), None);
        assert!(bands(&alike[..1]).is_none());
    }
}
