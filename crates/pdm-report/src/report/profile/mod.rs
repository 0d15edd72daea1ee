//! The description of a data set as text and as an HTML page, and the comparison of two data sets as text.

mod changes;
mod curve;
mod html;
mod text;

pub use changes::comparison;
pub use html::{GENERATOR, page};
pub use text::text;

use pdm_models::data::{ColumnSummary, DataSummary, OperatingRegime, SurvivalStep};

/// Steps of a survival curve that a table shows; of more steps, every n-th and the last.
const STEPS: usize = 12;

/// A table of texts, which both forms of the description show.
struct ShownTable {
    title: String,
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// Returns what the description says about the whole data set, in one sentence.
fn headline(summary: &DataSummary) -> String {
    let DataSummary {
        dataset,
        units,
        rows,
        counted_in,
        ..
    } = summary;
    format!("{dataset}: {units} units, {rows} rows; lives are counted in {counted_in}")
}

/// Returns all tables of a description.
fn tables(summary: &DataSummary) -> Vec<ShownTable> {
    let mut tables = vec![distributions(summary), prognostic(summary)];
    if summary.regimes.len() > 1 {
        tables.push(regimes(summary));
    }
    if !summary.lives.survival.steps.is_empty() {
        tables.push(survival(summary));
    }
    tables
}

fn distributions(summary: &DataSummary) -> ShownTable {
    let row = |column: &ColumnSummary| {
        let figures = [
            column.min,
            column.q05,
            column.q25,
            column.median,
            column.q75,
            column.q95,
            column.max,
            column.mean,
            column.sd,
        ];
        let counts = [column.missing, column.distinct].map(|count| count.to_string());
        std::iter::once(column.name.clone())
            .chain(counts)
            .chain(figures.map(figure))
            .collect()
    };
    ShownTable {
        title: "Distributions".to_owned(),
        header: vec![
            "column", "missing", "distinct", "min", "5 %", "25 %", "median", "75 %", "95 %", "max",
            "mean", "sd",
        ],
        rows: summary.columns.iter().map(row).collect(),
    }
}

fn prognostic(summary: &DataSummary) -> ShownTable {
    let row = |column: &ColumnSummary| {
        let share = |value: Option<f64>| {
            value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
        };
        let found = column.prognostic;
        vec![
            column.name.clone(),
            if column.is_setting {
                "setting"
            } else {
                "sensor"
            }
            .to_owned(),
            if column.constant_within_regimes {
                "constant in regimes"
            } else {
                ""
            }
            .to_owned(),
            share(column.correlation),
            share(found.map(|found| found.monotonicity)),
            share(found.map(|found| found.trendability)),
            share(found.map(|found| found.prognosability)),
        ]
    };
    let rows = if summary.smoothed_rows == 1 {
        "1 row".to_owned()
    } else {
        format!("{} rows", summary.smoothed_rows)
    };
    ShownTable {
        title: format!(
            "Prognostic value (values standardised within regimes, smoothed over {rows})"
        ),
        header: vec![
            "column",
            "role",
            "",
            "correlation with RUL",
            "monotonicity",
            "trendability",
            "prognosability",
        ],
        rows: summary.columns.iter().map(row).collect(),
    }
}

fn regimes(summary: &DataSummary) -> ShownTable {
    let row = |(at, regime): (usize, &OperatingRegime)| {
        let levels: Vec<_> = regime
            .levels
            .iter()
            .map(|(name, level)| format!("{name} = {}", figure(Some(*level))))
            .collect();
        let share = 100.0 * regime.rows as f64 / summary.rows.max(1) as f64;
        vec![
            (at + 1).to_string(),
            levels.join(", "),
            regime.rows.to_string(),
            format!("{share:.1} %"),
            regime.units.to_string(),
        ]
    };
    ShownTable {
        title: "Operating regimes".to_owned(),
        header: vec!["regime", "settings", "rows", "share", "units"],
        rows: summary.regimes.iter().enumerate().map(row).collect(),
    }
}

fn survival(summary: &DataSummary) -> ShownTable {
    let row = |step: &SurvivalStep| {
        vec![
            figure(Some(step.time)),
            step.at_risk.to_string(),
            step.failed.to_string(),
            format!("{:.3}", step.survival),
            format!("{:.3} to {:.3}", step.lower, step.upper),
        ]
    };
    let steps = &summary.lives.survival.steps;
    let every = steps.len().div_ceil(STEPS);
    let last = steps.len().saturating_sub(1);
    let shown = steps
        .iter()
        .enumerate()
        .filter(|(at, _)| at % every == 0 || *at == last);
    ShownTable {
        title: "Survival (Kaplan-Meier)".to_owned(),
        header: vec!["time", "at risk", "failed", "survival", "95 % interval"],
        rows: shown.map(|(_, step)| row(step)).collect(),
    }
}

/// Returns what is known about the lengths of lives, in one sentence.
fn lives(summary: &DataSummary) -> String {
    let lives = &summary.lives;
    let found = &lives.survival;
    let median = match found.median {
        Some(median) => format!("half of the units fail by {}", figure(Some(median))),
        None => "fewer than half of the units failed, so the median life is unknown".to_owned(),
    };
    format!(
        "Lives: {} of {} ended by failure; seen from {} to {}, median {}; {median}",
        found.ended,
        found.lives,
        figure(Some(lives.shortest)),
        figure(Some(lives.longest)),
        figure(Some(lives.median))
    )
}

/// Returns a number with about five digits; `-` without one.
fn figure(value: Option<f64>) -> String {
    let Some(value) = value else {
        return "-".to_owned();
    };
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e9 {
        format!("{value}")
    } else if (1e-3..1e6).contains(&size) {
        let decimals = (4 - size.log10().floor() as i32).clamp(0, 7) as usize;
        format!("{value:.decimals$}")
    } else {
        format!("{value:.4e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_about_five_digits() {
        let cases = [
            (0.0, "0"),
            (1234.0, "1234"),
            (1234.567, "1234.6"),
            (0.012_345_6, "0.012346"),
            (1e-9, "1.0000e-9"),
            (2.5e7, "25000000"),
        ];
        for (value, text) in cases {
            assert_eq!(figure(Some(value)), text);
        }
        assert_eq!(figure(None), "-");
    }
}
