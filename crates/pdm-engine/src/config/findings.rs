//! Collects what is wrong with a pipeline while it is read.

use std::collections::BTreeSet;

use super::source::{KeyIndex, SourceSpan, element_of};
use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// Something wrong, before its line and column are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpecFinding {
    pub(super) code: Code,
    /// Dotted path from the top of the file; empty where the finding is about no key.
    pub(super) path: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    pub(super) span: Option<SourceSpan>,
}

impl SpecFinding {
    pub(super) fn new(code: Code, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            path: path.into(),
            message: message.into(),
            hint: None,
            span: None,
        }
    }

    /// Returns the finding for a text that the `toml` crate refuses, in the words of that crate.
    pub(super) fn of_toml(error: &toml::de::Error) -> Self {
        let message = error.message();
        let is_duplicate = message == "duplicate key" || message.starts_with("cannot extend value");
        let code = if is_duplicate {
            Code::DuplicateKey
        } else {
            Code::TomlSyntax
        };
        let span = error.span().unwrap_or(0..0);
        Self::new(code, "", message).at(Some(span))
    }

    pub(super) fn at(mut self, span: Option<SourceSpan>) -> Self {
        self.span = span;
        self
    }

    pub(super) fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(super) struct SpecFindings {
    list: Vec<SpecFinding>,
    /// Paths whose written value could not be used: problems of the default in its place are not the user's mistakes.
    broken: BTreeSet<String>,
}

impl SpecFindings {
    pub(super) fn push(&mut self, finding: SpecFinding) {
        self.list.push(finding);
    }

    /// Adds a finding about a value that cannot be used.
    pub(super) fn push_broken(&mut self, finding: SpecFinding) {
        self.broken.insert(finding.path.clone());
        self.list.push(finding);
    }

    pub(super) fn mark_broken(&mut self, path: impl Into<String>) {
        self.broken.insert(path.into());
    }

    /// Returns whether the value at `path`, one around it or one within it could not be used.
    pub(super) fn touches_broken(&self, path: &str) -> bool {
        let mut above = path
            .match_indices('.')
            .map(|(dot, _)| &path[..dot])
            .chain([path]);
        let below = format!("{path}.");
        let first_below = || self.broken.range(below.clone()..).next();
        above.any(|table| self.broken.contains(table))
            || first_below().is_some_and(|broken| broken.starts_with(&below))
    }

    /// Adds the problems of options, except for values that could not be used.
    pub(super) fn add_problems(&mut self, index: &KeyIndex, problems: Vec<Problem>) {
        for Problem {
            code,
            path,
            message,
            hint,
        } in problems
        {
            let path = path.replace('[', ".").replace(']', "");
            if !self.touches_broken(&path) {
                let span = index.nearest(&path);
                self.push(
                    SpecFinding::new(code, &path, sentence(&path, &message))
                        .hint(hint)
                        .at(span),
                );
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns whether everything that was found is within a table.
    pub(super) fn only_within(&self, table: &str) -> bool {
        self.list
            .iter()
            .all(|finding| is_within(&finding.path, table))
    }

    pub(super) fn into_vec(self) -> Vec<SpecFinding> {
        self.list
    }
}

/// Returns the sentence about a key. Messages come in two forms: "is 0, and must be at least 1" and "0 cycles have no mean".
pub(super) fn sentence(path: &str, message: &str) -> String {
    const VERBS: [&str; 8] = [
        "is ", "must ", "names ", "needs ", "has ", "holds ", "would ", "begins ",
    ];
    let colon = if VERBS.iter().any(|verb| message.starts_with(verb)) {
        ""
    } else {
        ":"
    };
    match element_of(path) {
        Some(list) if !list.contains('.') => format!("[[{list}]]{colon} {message}"),
        _ => format!("`{path}`{colon} {message}"),
    }
}

fn is_within(path: &str, table: &str) -> bool {
    path.strip_prefix(table)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_with_a_broken_value_is_touched_and_its_neighbours_are_not() {
        let mut findings = SpecFindings::default();
        findings.mark_broken("features.window");
        let touched = [
            "features",
            "features.window",
            "features.window.length",
            "features.windows",
            "model",
        ];
        assert_eq!(
            touched.map(|path| findings.touches_broken(path)),
            [true, true, true, false, false]
        );
    }
}
