//! Judgements as Markdown.

use super::judgement::{EarlyEnd, FileLine, GateLine, JudgedModel, Judgement};
use super::{bar, words};
use pdm_core::scoring::{Band, Score, Verdict};

/// A drawing in a file next to the Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkedDrawing<'l> {
    /// What it shows.
    pub title: &'l str,
    /// Its path or address, as the Markdown links it.
    pub target: &'l str,
}

/// Returns a judgement as GitHub's Markdown.
///
/// It is complete without the drawings: intervals and errors are also drawn with text characters, because GitHub shows an SVG
/// in a comment only if it is committed or uploaded.
pub fn markdown(judgement: &Judgement, drawings: &[LinkedDrawing<'_>]) -> String {
    let mut parts = vec![
        format!(
            "## {} Gates of {}",
            mark(judgement.verdict),
            text(&judgement.pipeline)
        ),
        format!("**{}**", text(&words::verdict_line(judgement))),
    ];
    parts.extend((!judgement.troubles.is_empty()).then(|| early_ends(&judgement.troubles)));
    if !judgement.gates.is_empty() {
        parts.push(gates(&judgement.gates, judgement.evidence.as_ref()));
        parts.push(legend().to_owned());
    }
    if let Some(evidence) = &judgement.evidence {
        parts.push(facts(evidence));
        parts.push(scores(evidence));
        parts.extend(bands(&evidence.scorecard.bands));
    }
    parts.extend(
        drawings
            .iter()
            .map(|drawing| format!("![{}]({})", text(drawing.title), target(drawing.target))),
    );
    parts.join("\n\n") + "\n"
}

fn mark(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Pass) => "✅",
        Some(Verdict::Fail) => "❌",
        Some(Verdict::Undecided) => "❔",
        None => "⛔",
    }
}

fn early_ends(ends: &[EarlyEnd]) -> String {
    let item = |end: &EarlyEnd| {
        let place = end
            .place
            .as_ref()
            .map(|place| format!(" ({})", at(place)))
            .unwrap_or_default();
        let lines: Vec<_> = words::early_end(end)
            .lines()
            .map(|line| format!("  {line}"))
            .collect();
        format!(
            "- {}{place}\n\n  ```text\n{}\n  ```",
            end.kind.replace('_', " "),
            lines.join("\n")
        )
    };
    ends.iter().map(item).collect::<Vec<_>>().join("\n")
}

fn gates(gates: &[GateLine], evidence: Option<&JudgedModel>) -> String {
    let level = evidence
        .map(|evidence| format!(" [{} interval]", words::level(evidence)))
        .unwrap_or_default();
    let row = |gate: &GateLine| {
        let place = gate.place.as_ref().map(at).unwrap_or_default();
        let bar = bar::interval(gate)
            .map(|bar| format!("`{bar}`"))
            .unwrap_or_default();
        [
            format!("{} {}", mark(Some(gate.verdict)), verdict(gate.verdict)),
            text(&gate.title()),
            text(&words::observed(gate)),
            bar,
            gate.units.to_string(),
            place,
            text(&gate.why),
        ]
    };
    let observed = format!("observed{level}");
    let header = [
        "verdict",
        "gate",
        &observed,
        "interval and limit",
        "units",
        "line",
        "why",
    ];
    table(
        &header,
        &["", "", "", "", "right", "", ""],
        gates.iter().map(row),
    )
}

fn legend() -> &'static str {
    "`├─●─┤` is the interval, `┃` a limit, `×` refused values. A gate passes only if the whole interval is allowed. \
Differences are to the champion on the same units; negative is better."
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Undecided => "undecided",
    }
}

fn facts(evidence: &JudgedModel) -> String {
    let version = evidence
        .version
        .map(|version| format!("version {version} of {}, ", evidence.model));
    let facts = [
        (
            "judged",
            format!(
                "{}bundle {}",
                version.unwrap_or_default(),
                evidence.bundle.short()
            ),
        ),
        ("against", words::champion(evidence)),
        (
            "units",
            format!(
                "{} ({} predictions)",
                evidence.scorecard.units, evidence.scorecard.rows
            ),
        ),
        ("protocol", words::protocol(evidence)),
        ("interval", words::interval_method(evidence)),
        ("training", words::seeds(evidence)),
    ];
    let item = |(name, value): (&str, String)| format!("- {name}: {}", text(&value));
    facts.map(item).join("\n")
}

fn scores(evidence: &JudgedModel) -> String {
    let card = &evidence.scorecard;
    let row = |score: &Score| {
        let constant = card
            .baseline
            .score(score.metric)
            .map(|s| s.metric.figure(s.value))
            .unwrap_or_default();
        let interval = format!(
            "[{}, {}]",
            score.metric.figure(score.lower),
            score.metric.figure(score.upper)
        );
        [
            text(&score.metric.heading()),
            score.metric.figure(score.value),
            interval,
            constant,
        ]
    };
    let level = format!("{} interval", words::level(evidence));
    let table = table(
        &["score", "value", &level, "constant"],
        &["", "right", "right", "right"],
        card.scores.iter().map(row),
    );
    let notes = card
        .warnings
        .iter()
        .map(|warning| format!("\n- {}", text(warning)))
        .collect::<String>();
    let notes = if notes.is_empty() {
        notes
    } else {
        format!("\n{notes}\n")
    };
    format!("<details><summary>All scores</summary>\n\n{table}\n{notes}\n</details>")
}

fn bands(bands: &[Band]) -> Option<String> {
    let first = bands.first()?;
    let last = bands.last()?;
    let end = last.below.map_or_else(
        || format!("{} or more", last.from),
        |below| format!("below {below}"),
    );
    let worst = bands.iter().map(|band| band.rmse).fold(0.0, f64::max);
    let spark = bar::spark(bands);
    Some(format!(
        "RMSE by true remaining life, from {} to {end} cycles: `{spark}` (highest {worst:.1} cycles)",
        first.from
    ))
}

fn at(place: &FileLine) -> String {
    format!(
        "`{}:{}`",
        place.file.replace('`', "'").replace('|', "\\|"),
        place.line
    )
}

fn table<const N: usize>(
    header: &[&str; N],
    sides: &[&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let rule = sides.map(|side| {
        if side == "right" {
            "---:".to_owned()
        } else {
            "---".to_owned()
        }
    });
    let header: Vec<_> = header.iter().map(|cell| text(cell)).collect();
    let rows = rows.into_iter().map(|row| line(&row));
    [line(&header), line(&rule)]
        .into_iter()
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Escapes text for Markdown, on one line, also in tables.
fn text(plain: &str) -> String {
    let mut shown = String::new();
    for c in plain.chars() {
        match c {
            '\n' | '\r' => shown.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '&' | '!' => {
                shown.extend(['\\', c])
            }
            // Otherwise a name in a comment would notify that user.
            '@' => shown.push_str("@\u{200b}"),
            other => shown.push(other),
        }
    }
    shown
}

/// Returns a path as the target of a link.
fn target(path: &str) -> String {
    path.replace('%', "%25")
        .replace(' ', "%20")
        .replace('(', "%28")
        .replace(')', "%29")
        .replace('<', "%3C")
}
