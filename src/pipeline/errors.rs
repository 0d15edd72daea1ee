use std::fmt;

use serde::{Serialize, Serializer};

use super::findings::Finding;
use super::render::render;
use super::source::{Sources, Span};
use crate::codes::Code;

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
    /// Dotted path of the key, where it is about one.
    pub key: Option<String>,
    /// What to write instead, where that is known.
    pub hint: Option<String>,
    #[serde(skip)]
    pub(super) span: Option<Span>,
}

/// All that is wrong with a specification.
#[derive(Debug, Clone)]
pub struct SpecErrors {
    sources: Sources,
    problems: Vec<SpecProblem>,
}

impl SpecErrors {
    pub(super) fn new(sources: Sources, findings: Vec<Finding>) -> Self {
        let mut problems: Vec<_> = findings.into_iter().map(|finding| locate(&sources, finding)).collect();
        // What is absent comes last: it has no place of its own.
        problems.sort_by_key(|problem| problem.span.clone().map_or((usize::MAX, 0), |span| (span.start, span.end)));
        problems.dedup();
        Self { sources, problems }
    }

    /// Returns the problems, in the order they stand in the file, then those of the files it extends, the
    /// environment and the command line, then what is absent.
    pub fn problems(&self) -> &[SpecProblem] {
        &self.problems
    }

    /// Returns the problems as text for people, each with the line it stands in and a caret; coloured by ANSI codes
    /// where `coloured`.
    pub fn render(&self, coloured: bool) -> String {
        render(&self.sources, &self.problems, coloured)
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

fn locate(sources: &Sources, finding: Finding) -> SpecProblem {
    let Finding { code, path, message, hint, span } = finding;
    let place = span.as_ref().map(|span| sources.place(span));
    SpecProblem {
        code,
        message,
        file: place.as_ref().map_or_else(|| sources.file_name(), |place| &place.source.name).to_owned(),
        line: place.as_ref().map(|place| place.line),
        column: place.as_ref().map(|place| place.column),
        key: Some(path).filter(|path| !path.is_empty()),
        hint,
        span,
    }
}
