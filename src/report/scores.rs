use super::{Align, table};
use crate::scoring::{Metric, Score, Scorecard};

/// Returns a scorecard as a table: each score with its interval, beside the best constant predictor.
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
        let constant = card.baseline.score(score.metric).map_or_else(String::new, |s| figure(s.metric, s.value));
        [named(score.metric), figure(score.metric, score.value), interval(score), constant, card.units.to_string()]
    });
    let mut text = table(&header, rows);
    text.push_str(&format!(
        "\n{}\nconstant: always predicting {:.1} cycles, the mean of training",
        card.protocol, card.baseline.prediction
    ));
    card.warnings.iter().for_each(|warning| text.push_str(&format!("\nnote: {warning}")));
    if let Some(groups) = group_scores(card) {
        text.push_str(&format!("\n\n{groups}"));
    }
    text
}

/// What is told of a card in one line.
const IN_A_LINE: [Metric; 4] = [Metric::Rmse, Metric::Mae, Metric::NasaMean, Metric::Coverage];

/// Returns the most asked-for scores of a card in one line, each with its interval.
pub fn scores_in_a_line(card: &Scorecard) -> String {
    let scores = IN_A_LINE.into_iter().filter_map(|metric| card.score(metric));
    let told: Vec<_> = scores
        .map(|score| format!("{} {} {}", score.metric, figure(score.metric, score.value), interval(score)))
        .collect();
    format!("{}, {} units", told.join(", "), card.units)
}

/// What is told of each group; the JSON holds every metric.
const OF_GROUPS: [Metric; 6] =
    [Metric::Rmse, Metric::Mae, Metric::Bias, Metric::NasaScore, Metric::Coverage, Metric::IntervalWidth];

/// Returns the scores of each group of units as a table; none where units come in no groups.
pub fn group_scores(card: &Scorecard) -> Option<String> {
    if card.groups.is_empty() {
        return None;
    }
    let has = |metric: &Metric| card.groups.iter().any(|group| group.score(*metric).is_some());
    let metrics: Vec<_> = OF_GROUPS.into_iter().filter(has).collect();
    let names: Vec<_> = metrics.iter().map(|metric| named(*metric)).collect();
    let mut header = vec![("group", Align::Left), ("units", Align::Right)];
    header.extend(names.iter().map(|name| (name.as_str(), Align::Right)));
    let rows = card.groups.iter().map(|group| {
        let cell = |metric: &Metric| {
            group.score(*metric).map_or_else(String::new, |s| format!("{} {}", figure(s.metric, s.value), interval(s)))
        };
        [group.name.clone(), group.units.to_string()].into_iter().chain(metrics.iter().map(cell)).collect::<Vec<_>>()
    });
    Some(table(&header, rows))
}

/// Returns the name of a metric, with its unit where that is cycles.
pub fn named(metric: Metric) -> String {
    match metric.unit() {
        "cycles" => format!("{metric} (cycles)"),
        _ => metric.to_string(),
    }
}

fn interval(score: &Score) -> String {
    format!("[{}, {}]", figure(score.metric, score.lower), figure(score.metric, score.upper))
}

/// Returns a score for people: shares as percent, penalties and cycles with the digits their intervals deserve.
pub fn figure(metric: Metric, value: f64) -> String {
    match metric {
        Metric::NasaScore => format!("{value:.0}"),
        _ if metric.unit() == "share" => format!("{:.0} %", value * 100.0),
        _ => format!("{value:.2}"),
    }
}
