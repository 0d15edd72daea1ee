//! Shows problems as text for people: message, place, line, caret and hint, but no line that may hold a secret.

use annotate_snippets::renderer::Renderer;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Snippet};

use super::errors::SpecProblem;
use super::section::may_be_secret;
use super::source::Sources;

/// A longer hint is shown below the snippet, not next to the caret.
const LONGEST_LABEL: usize = 60;
/// Most bytes of a line and the one before it that are shown; of longer ones only the place is shown.
const LONGEST_EXCERPT: usize = 2000;

/// Shows each problem with its line.
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
    let Some(span) = &problem.span else {
        let group = title.element(Origin::path(problem.file.as_str()));
        return with_help(group, hint);
    };
    let place = sources.place(span);
    let is_secret =
        may_hold_secret(problem) || line_may_hold_secret(&place.source.text, place.span.start);
    let (excerpt, from, number) = place.source.excerpt(place.line);
    if is_secret || excerpt.len() > LONGEST_EXCERPT {
        let origin = Origin::path(&place.source.name)
            .line(place.line)
            .char_column(place.column);
        return with_help(title.element(origin), hint);
    }
    // Only this part of the text: the renderer searches all that it gets, once for each problem.
    let snippet = Snippet::source(excerpt)
        .line_start(number)
        .path(&place.source.name);
    let annotation = AnnotationKind::Primary.span(place.span.start - from..place.span.end - from);
    match hint {
        Some(hint) if hint.chars().count() <= LONGEST_LABEL => {
            title.element(snippet.annotation(annotation.label(hint)))
        }
        _ => with_help(title.element(snippet.annotation(annotation)), hint),
    }
}

fn with_help<'p>(group: Group<'p>, hint: Option<&'p str>) -> Group<'p> {
    match hint {
        Some(hint) => group.element(Level::HELP.message(hint)),
        None => group,
    }
}

/// A key that names an environment variable may hold the secret itself, put in the wrong place; so may the address of a
/// receiver.
fn may_hold_secret(problem: &SpecProblem) -> bool {
    problem.key.as_deref().is_some_and(may_be_secret)
}

/// Returns whether the line at an offset may hold a secret: by its words, by its section, or by the key whose value it is
/// part of. The text may be broken TOML, so lines are all there is to go by.
fn line_may_hold_secret(text: &str, at: usize) -> bool {
    let end = text[at..]
        .find('\n')
        .map_or(text.len(), |newline| at + newline);
    let Some(line) = text[..end].lines().next_back() else {
        return false;
    };
    if header_name(line).is_some() {
        return is_secretive(line);
    }
    let mut key = None;
    let mut header = "";
    for line in text[..end].lines().rev() {
        if key.is_none() && is_secretive(line) {
            return true;
        }
        if let Some(name) = header_name(line) {
            header = name;
            break;
        }
        if key.is_none() {
            key = assigned_key(line);
        }
    }
    let key = key.unwrap_or_else(|| first_word(line));
    let path = if header.is_empty() {
        key.to_owned()
    } else {
        format!("{}.{key}", without_profile(header))
    };
    // The value may be a table with secrets in it.
    may_be_secret(&path) || may_be_secret(&format!("{path}.value"))
}

/// Returns the name in a header such as `[[notify]]`, whether it is closed or not.
fn header_name(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix('[')?;
    rest.trim_start_matches('[')
        .split(']')
        .next()
        .map(str::trim)
}

/// Returns the key of a line such as `folds = 5`.
fn assigned_key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    let is_key = |c: char| c.is_ascii_alphanumeric() || "_-.\"'".contains(c);
    (!key.is_empty() && key.chars().all(is_key)).then_some(key)
}

fn first_word(line: &str) -> &str {
    line.split(['=', ':', ' ', '\t'])
        .map(|word| word.trim_matches('"'))
        .find(|word| !word.is_empty())
        .unwrap_or_default()
}

fn without_profile(header: &str) -> &str {
    let rest = header.strip_prefix("profile.");
    match rest.and_then(|rest| rest.split_once('.')) {
        Some((_, section)) => section,
        None => header,
    }
}

/// Returns whether a line seems to say something that must stay secret.
fn is_secretive(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["secret", "password", "token"]
        .iter()
        .any(|word| line.contains(word))
        || holds_credentials(&line)
}

/// Returns whether a line has an address with an `@`, which may hold a password before it.
fn holds_credentials(line: &str) -> bool {
    line.split_once("://")
        .is_some_and(|(_, rest)| rest.contains('@'))
}
