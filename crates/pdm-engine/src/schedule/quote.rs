//! Text made safe for who reads it. None of these readers may take a part of a path for its own syntax.

use super::definition::SchedulerKind;
use super::error::ScheduleError;

/// Returns words as a POSIX shell reads them back.
///
/// # Panics
/// Never: words hold no NUL, which options and job refuse with all control characters.
pub(super) fn shell(words: &[String]) -> String {
    shlex::try_join(words.iter().map(String::as_str)).expect("no word holds NUL")
}

/// Returns a shell's line as it stands in a crontab, where a bare `%` ends the command.
pub(super) fn crontab(line: &str) -> String {
    line.replace('%', "\\%")
}

/// Returns a word of systemd's `ExecStart=`, in quotes, with nothing left to expand. The line begins with `:`, so that `$` is
/// plain.
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

/// Returns a string of Python, which are those of JSON.
///
/// # Panics
/// Never: a string has a JSON form.
pub(super) fn python(text: &str) -> String {
    serde_json::to_string(text).expect("a string has a JSON form")
}

/// Returns a list of strings of Python.
pub(super) fn python_list(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let items: Vec<_> = items
        .into_iter()
        .map(|item| python(item.as_ref()))
        .collect();
    format!("[{}]", items.join(", "))
}

/// Returns an argument of a container: Kubernetes fills in `$(NAME)`, and reads `$$` as `$`.
pub(super) fn container_word(word: &str) -> String {
    word.replace('$', "$$")
}

/// Refuses words with a pattern that the kind would fill in.
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
            what: format!("`{word}`: it fills in what stands behind `{pattern}`"),
            hint: "rename the file or folder".to_owned(),
        }),
    }
}
