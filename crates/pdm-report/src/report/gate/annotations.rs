//! Judgements as workflow commands of GitHub.

use super::judgement::{EarlyEnd, FileLine, GateLine, Judgement};
use super::words;
use pdm_core::scoring::Verdict;

/// Returns a judgement as workflow commands of GitHub: `::error file=…,line=…,title=…::message`, one per line.
///
/// Failed gates and early ends of the run are errors, undecided gates are warnings. Passed gates are summarized in one
/// notice, because GitHub shows only a few of each kind.
pub fn annotations(judgement: &Judgement) -> String {
    let mut lines: Vec<_> = judgement.troubles.iter().map(early_end).collect();
    lines.extend(judgement.gates.iter().filter_map(gate));
    lines.push(summary(judgement));
    lines.join("\n") + "\n"
}

fn gate(gate: &GateLine) -> Option<String> {
    let (level, verdict) = match gate.verdict {
        Verdict::Pass => return None,
        Verdict::Fail => ("error", "fails"),
        Verdict::Undecided => ("warning", "is undecided"),
    };
    Some(command(
        level,
        gate.place.as_ref(),
        &format!("gate {verdict}: {}", gate.title()),
        &gate.why,
    ))
}

fn early_end(end: &EarlyEnd) -> String {
    let title = end.kind.replace('_', " ");
    command("error", end.place.as_ref(), &title, &words::early_end(end))
}

fn summary(judgement: &Judgement) -> String {
    let verdict = words::verdict_line(judgement);
    let title = format!("gates of {}", judgement.pipeline);
    let message = match &judgement.evidence {
        None => verdict,
        Some(evidence) => format!(
            "{verdict}; {} units, {}; interval {}; against {}; {}",
            evidence.scorecard.units,
            words::protocol(evidence),
            words::interval_method(evidence),
            words::champion(evidence),
            words::seeds(evidence),
        ),
    };
    command("notice", None, &title, &message)
}

fn command(level: &str, place: Option<&FileLine>, title: &str, message: &str) -> String {
    let mut properties = Vec::new();
    if let Some(FileLine { file, line, column }) = place {
        properties.push(format!("file={}", property(file)));
        properties.push(format!("line={line}"));
        properties.extend(column.map(|column| format!("col={column}")));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{level} {}::{}", properties.join(","), data(message))
}

/// Escapes line breaks, which would start another command, as GitHub's own toolkit does.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_ends_its_command() {
        let place = FileLine {
            file: "a,b:c.toml".into(),
            line: 3,
            column: Some(7),
        };
        let seen = command(
            "error",
            Some(&place),
            "50 %, at\nmost",
            "one\r\n::error::two 5 %",
        );
        let expected = "::error file=a%2Cb%3Ac.toml,line=3,col=7,title=50 %25%2C at%0Amost::one%0D%0A::error::two 5 %25";
        assert_eq!(seen, expected);
    }
}
