//! Escapes texts for shells, crontabs, systemd, Python and containers, so that no part of a path is read as syntax.

use super::definition::SchedulerKind;
use super::error::ScheduleError;

/// Returns words quoted for a POSIX shell.
///
/// # Panics
/// Never: words contain no NUL, since options and job refuse all control characters.
pub(super) fn shell(words: &[String]) -> String {
    shlex::try_join(words.iter().map(String::as_str)).expect("no word contains NUL")
}

/// Returns a shell command for a crontab, where a bare `%` ends the command.
pub(super) fn crontab(line: &str) -> String {
    line.replace('%', "\\%")
}

/// Returns a word for `ExecStart=` of systemd, in quotes and with nothing to expand. The line begins with `:`, so `$` is not
/// expanded.
pub(super) fn systemd_word(word: &str) -> String {
    format!(
        "\"{}\"",
        systemd_value(&word.replace('\\', "\\\\").replace('"', "\\\""))
    )
}

/// Returns a value of a unit that is not split into words.
pub(super) fn systemd_value(text: &str) -> String {
    text.replace('%', "%%")
}

/// Returns a Python string, which is like one of JSON.
///
/// # Panics
/// Never: a string has a JSON form.
pub(super) fn python(text: &str) -> String {
    serde_json::to_string(text).expect("a string has a JSON form")
}

/// Returns a Python list of strings.
pub(super) fn python_list(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let items: Vec<_> = items
        .into_iter()
        .map(|item| python(item.as_ref()))
        .collect();
    format!("[{}]", items.join(", "))
}

/// Returns an argument of a container: Kubernetes replaces `$(NAME)`, and reads `$$` as `$`.
pub(super) fn container_word(word: &str) -> String {
    word.replace('$', "$$")
}

/// Refuses words with a pattern that the scheduler would replace.
pub(super) fn refuse_pattern(
    kind: SchedulerKind,
    words: &[String],
    patterns: &[&str],
) -> Result<(), ScheduleError> {
    let found = patterns
        .iter()
        .find_map(|pattern| Some((pattern, words.iter().find(|word| word.contains(pattern))?)));
    match found {
        None => Ok(()),
        Some((pattern, word)) => Err(ScheduleError::Unspeakable {
            kind,
            what: format!("`{word}`: it replaces what follows `{pattern}`"),
            hint: "rename the file or folder".to_owned(),
        }),
    }
}
