//! The problems of a pipeline file, each with its place.

use std::fmt;

use serde::{Serialize, Serializer};

use super::findings::SpecFinding;
use super::render::render;
use super::source::{SourceSpan, Sources};
use pdm_core::codes::Code;

/// Something wrong in the pipeline file or an override, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpecProblem {
    /// What kind of mistake it is.
    pub code: Code,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// Name of the file, `environment` or `command line`.
    pub file: String,
    /// Line, from 1.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// Dotted path of the key, where the problem is about one.
    pub key: Option<String>,
    /// What to write instead, where that is known.
    pub hint: Option<String>,
    #[serde(skip)]
    pub(super) span: Option<SourceSpan>,
}

/// Most problems that are shown.
const MOST: usize = 100;
/// Most characters of a message: a name in the file may have millions.
const LONGEST: usize = 1000;

/// Everything that is wrong with a pipeline, or the first hundred problems of it.
#[derive(Debug, Clone)]
pub struct SpecErrors {
    sources: Sources,
    problems: Vec<SpecProblem>,
    more: usize,
}

impl SpecErrors {
    pub(super) fn new(sources: Sources, findings: Vec<SpecFinding>) -> Self {
        let mut findings = findings;
        // What is absent has no place, and comes last.
        findings.sort_by_key(|finding| match &finding.span {
            Some(span) => (span.start, span.end),
            None => (usize::MAX, 0),
        });
        findings.dedup();
        let more = findings.len().saturating_sub(MOST);
        findings.truncate(MOST);
        let problems = findings
            .into_iter()
            .map(|finding| locate(&sources, finding))
            .collect();
        Self {
            sources,
            problems,
            more,
        }
    }

    /// Returns how many problems there are in addition to those that are shown.
    pub fn more(&self) -> usize {
        self.more
    }

    /// Returns the problems: those of the file in its order, then those of the files it extends, of the environment and of the
    /// command line, then what is absent.
    pub fn problems(&self) -> &[SpecProblem] {
        &self.problems
    }

    /// Returns the problems as text for people, each with its line and a caret; with ANSI colours where `coloured`.
    pub fn render(&self, coloured: bool) -> String {
        let mut text = render(&self.sources, &self.problems, coloured);
        if self.more > 0 {
            text.push_str(&format!("\n\n… and {} more problems", self.more));
        }
        text
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for SpecErrors {}

impl Serialize for SpecErrors {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.problems.serialize(serializer)
    }
}

fn locate(sources: &Sources, finding: SpecFinding) -> SpecProblem {
    let SpecFinding {
        code,
        path,
        message,
        hint,
        span,
    } = finding;
    let place = span.as_ref().map(|span| sources.place(span));
    SpecProblem {
        code,
        message: cut(message),
        file: place
            .as_ref()
            .map_or_else(|| sources.file_name(), |place| &place.source.name)
            .to_owned(),
        line: place.as_ref().map(|place| place.line),
        column: place.as_ref().map(|place| place.column),
        key: Some(path).filter(|path| !path.is_empty()).map(cut),
        hint: hint.map(cut),
        span,
    }
}

fn cut(text: String) -> String {
    if text.chars().nth(LONGEST).is_none() {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
