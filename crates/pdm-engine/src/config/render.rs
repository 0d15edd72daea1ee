use annotate_snippets::renderer::Renderer;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Snippet};

use super::errors::SpecProblem;
use super::section::may_be_secret;
use super::source::{SourceLocation, Sources};

/// A longer hint stands below the snippet instead of beside the caret.
const LONGEST_LABEL: usize = 60;
/// Bytes of a line, and the one before it, that are shown; of longer ones the place is enough.
const LONGEST_EXCERPT: usize = 2000;

/// Shows each problem with the line it stands in.
pub(super) fn render(sources: &Sources, problems: &[SpecProblem], coloured: bool) -> String {
    let renderer = if coloured {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let shown = problems
        .iter()
        .map(|problem| renderer.render(&[group(sources, problem)]));
    shown.collect::<Vec<_>>().join("\n\n")
}

fn group<'p>(sources: &'p Sources, problem: &'p SpecProblem) -> Group<'p> {
    let title = Level::ERROR
        .primary_title(problem.message.as_str())
        .id(problem.code.to_string());
    let hint = problem.hint.as_deref();
    let place = problem.span.as_ref().map(|span| sources.place(span));
    let secret =
        may_hold_secret(problem) || place.as_ref().is_some_and(|place| speaks_of_secret(place));
    let beside = place.is_some() && !secret;
    let label = hint.filter(|hint| beside && hint.chars().count() <= LONGEST_LABEL);
    let below = hint
        .filter(|_| label.is_none())
        .map(|hint| Level::HELP.message(hint));
    let group = match place {
        Some(place) if secret || excerpt_of(&place).0.len() > LONGEST_EXCERPT => title.element(
            Origin::path(&place.source.name)
                .line(place.line)
                .char_column(place.column),
        ),
        Some(place) => {
            // The line alone: a renderer looks through all it is given, for each problem once more.
            let (excerpt, from, number) = excerpt_of(&place);
            let span = place.span.start - from..place.span.end - from;
            let annotation = AnnotationKind::Primary.span(span).label(label);
            let snippet = Snippet::source(excerpt)
                .line_start(number)
                .path(&place.source.name);
            title.element(snippet.annotation(annotation))
        }
        None => title.element(Origin::path(problem.file.as_str())),
    };
    match below {
        Some(message) => group.element(message),
        None => group,
    }
}

/// Returns the line of a place with the one before it, and the offset and number of the first of the two.
fn excerpt_of<'s>(place: &SourceLocation<'s>) -> (&'s str, usize, usize) {
    place.source.excerpt(place.line)
}

/// A key that should name an environment variable may hold the secret itself, put in the wrong place; so may the address of a
/// receiver.
fn may_hold_secret(problem: &SpecProblem) -> bool {
    problem.key.as_deref().is_some_and(may_be_secret)
}

/// A line that breaks the grammar has no key yet, and may hold a secret all the same.
fn speaks_of_secret(place: &SourceLocation<'_>) -> bool {
    let text = &place.source.text;
    let start = text[..place.span.start]
        .rfind('\n')
        .map_or(0, |newline| newline + 1);
    is_secretive(text[start..].lines().next().unwrap_or_default())
}

/// Returns whether a line seems to say something that nobody else should read.
pub(super) fn is_secretive(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["secret", "password", "token"]
        .iter()
        .any(|word| line.contains(word))
        || holds_credentials(&line)
}

/// An address with an `@` may hold a password before it.
fn holds_credentials(line: &str) -> bool {
    line.split_once("://")
        .is_some_and(|(_, rest)| rest.contains('@'))
}
