//! Reads the pipeline file and the files it extends.

use std::io;
use std::path::{Component, Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::EXTENDS;
use super::layer::{Layer, Layers};
use super::merge::lay_over;
use super::moved::{by, moved_table};
use crate::config::findings::SpecFinding;
use crate::config::format::{self, RenamedValue};
use crate::config::interpolate::fill;
use crate::config::source::{SourceSpan, Sources};
use crate::config::suggest;
use pdm_core::codes::Code;
use pdm_core::content::read_at_most;
use pdm_core::domain::EnvLookup;

/// Most bytes of a pipeline file; a long one has some thousand.
pub const MOST_OF_A_PIPELINE: u64 = 4 << 20;
/// Most files in a chain of files that extend each other.
const DEEPEST: usize = 16;
/// Most files in all; one that is extended twice counts twice.
const MOST: usize = 100;

/// A file that was read, and those it extends.
pub(in crate::config) struct PipelineText {
    canonical: Option<PathBuf>,
    text: String,
    base: usize,
    /// Values that are read by an old name, one sentence each.
    notes: Vec<String>,
    extends: Vec<PipelineText>,
}

/// Reads the pipeline file and all files it extends.
///
/// # Errors
/// Everything that is wrong with the files as such: they cannot be read, are not TOML, have an unknown version, or extend each
/// other in a cycle. Their keys and values are not checked.
pub(in crate::config) fn read(
    layers: &Layers,
    sources: &mut Sources,
    env: EnvLookup<'_>,
) -> Result<PipelineText, Vec<SpecFinding>> {
    let mut main = OpenFile {
        name: layers.name.clone(),
        folder: None,
        canonical: None,
    };
    if let Some(path) = &layers.path {
        main.folder = path.parent().map(Path::to_owned);
        main.canonical = Some(path.canonicalize().unwrap_or_else(|_| path.clone()));
    }
    let mut reader = FileReader {
        sources,
        env,
        findings: Vec::new(),
        count: 0,
    };
    let file = reader.file(layers.text.clone(), 0, &mut vec![main]);
    if reader.findings.is_empty() {
        Ok(file)
    } else {
        Err(reader.findings)
    }
}

impl PipelineText {
    /// Returns the paths of the file and of all files it extends.
    fn paths(&self) -> Vec<PathBuf> {
        let extended = self.extends.iter().flat_map(Self::paths);
        self.canonical.iter().cloned().chain(extended).collect()
    }

    /// Returns the notes on the file, and on all it extends.
    fn notes(&self) -> Vec<String> {
        let extended = self.extends.iter().flat_map(Self::notes);
        self.notes.iter().cloned().chain(extended).collect()
    }

    /// Returns the values of the file, laid over those of the files it extends.
    pub(in crate::config) fn laid(&self) -> DeTable<'_> {
        // A file that cannot be parsed or has an unknown version was refused when it was read.
        let mut root = DeTable::parse_recoverable(&self.text).0.into_inner();
        root.remove(EXTENDS);
        let _version = format::bring_up(&mut root);
        let under = self
            .extends
            .iter()
            .map(Self::laid)
            .fold(DeTable::new(), lay_over);
        lay_over(under, moved_table(root, &mut by(self.base)))
    }
}

impl Layers {
    /// Returns the pipeline file and all files it extends; none for a text that is not in a file.
    pub fn files(&self, env: EnvLookup<'_>) -> Vec<PathBuf> {
        let mut sources = Sources::new(&self.name, &self.text);
        match read(self, &mut sources, env) {
            Ok(file) => file.paths(),
            // Files that cannot be read were refused when the pipeline was composed.
            Err(_) => Vec::new(),
        }
    }

    /// Returns a sentence for each value of the files that is read as another, since a file of its version calls it so.
    pub fn notes(&self, env: EnvLookup<'_>) -> Vec<String> {
        let mut sources = Sources::new(&self.name, &self.text);
        read(self, &mut sources, env)
            .map(|file| file.notes())
            .unwrap_or_default()
    }
}

/// A file that is being read.
struct OpenFile {
    name: String,
    folder: Option<PathBuf>,
    /// The path without links and `..`; two files with the same one are the same file.
    canonical: Option<PathBuf>,
}

struct FileReader<'s, 'e> {
    sources: &'s mut Sources,
    env: EnvLookup<'e>,
    findings: Vec<SpecFinding>,
    count: usize,
}

impl FileReader<'_, '_> {
    /// Reads the files that a file extends; the file itself is the last of `chain`.
    fn file(&mut self, text: String, base: usize, chain: &mut Vec<OpenFile>) -> PipelineText {
        let notes = self.old_values(&text, base);
        let paths = self.extended_by(&text, base);
        let extends = paths
            .into_iter()
            .filter_map(|(path, span)| self.extended(&path, span, chain))
            .collect();
        let canonical = chain.last().and_then(|opened| opened.canonical.clone());
        PipelineText {
            canonical,
            text,
            base,
            notes,
            extends,
        }
    }

    /// Returns a sentence for each value of a text that is read by an old name.
    fn old_values(&self, text: &str, base: usize) -> Vec<String> {
        let root = DeTable::parse_recoverable(text).0.into_inner();
        let Ok(version) = format::version(&root) else {
            return Vec::new();
        };
        let sentence = |(span, renamed): (SourceSpan, &RenamedValue)| {
            let (key, old, new) = (renamed.path(), renamed.old, renamed.new);
            let place = self.sources.place(&by(base)(span));
            let (name, line) = (&place.source.name, place.line);
            format!(
                "{name}:{line}: in a file of version {version}, \"{old}\" for `{key}` means \"{new}\"; \
                 `pdm-ml config migrate --write {name}` renames it"
            )
        };
        let old = format::old_values(&root, version).into_iter();
        old.map(sentence).collect()
    }

    /// Returns the paths of the files that a text extends, each with its place.
    fn extended_by(&mut self, text: &str, base: usize) -> Vec<(String, SourceSpan)> {
        let mut root = match DeTable::parse(text) {
            Ok(root) => root.into_inner(),
            Err(error) => {
                self.note(base, vec![SpecFinding::of_toml(&error)]);
                return Vec::new();
            }
        };
        let problems = format::bring_up(&mut root);
        if !problems.is_empty() {
            self.note(base, problems);
            return Vec::new();
        }
        let Some(extends) = root.remove(EXTENDS) else {
            return Vec::new();
        };
        let items: Vec<_> = match extends.get_ref() {
            DeValue::Array(items) => items.iter().cloned().collect(),
            _ => vec![extends],
        };
        items
            .into_iter()
            .filter_map(|item| self.path(&item, base))
            .collect()
    }

    fn note(&mut self, base: usize, findings: Vec<SpecFinding>) {
        for finding in findings {
            let span = match &finding.span {
                Some(span) => Some(span.clone()),
                // What is absent has no place; the span is there to name a file other than the first.
                None if base > 0 => Some(0..0),
                None => None,
            };
            self.findings.push(finding.at(span.map(by(base))));
        }
    }

    fn path(&mut self, item: &Spanned<DeValue<'_>>, base: usize) -> Option<(String, SourceSpan)> {
        let span = by(base)(item.span());
        let finding = match item.get_ref().as_str().map(|text| fill(text, self.env)) {
            Some(Ok((path, _))) => return Some((path, span)),
            Some(Err(unfilled)) => unfilled.finding(EXTENDS),
            None => SpecFinding::new(
                Code::WrongType,
                EXTENDS,
                format!("expected a path for `{EXTENDS}`, or a list of paths"),
            )
            .hint(Some(format!("write {EXTENDS} = \"base.toml\""))),
        };
        self.findings.push(finding.at(Some(span)));
        None
    }

    /// Reads a file that the last of `chain` extends.
    fn extended(
        &mut self,
        path: &str,
        span: SourceSpan,
        chain: &mut Vec<OpenFile>,
    ) -> Option<PipelineText> {
        match self.open(path, chain) {
            Ok((text, opened)) => {
                let base = self.sources.add(&opened.name, &text, Layer::Extends);
                chain.push(opened);
                let file = self.file(text, base, chain);
                chain.pop();
                Some(file)
            }
            Err((code, message, hint)) => {
                self.findings.push(
                    SpecFinding::new(code, EXTENDS, message)
                        .hint(hint)
                        .at(Some(span)),
                );
                None
            }
        }
    }

    fn open(&mut self, path: &str, chain: &[OpenFile]) -> Result<(String, OpenFile), Refusal> {
        let Some(OpenFile {
            name,
            folder: Some(folder),
            ..
        }) = chain.last()
        else {
            return Err((
                Code::OnlyInAFile,
                "only a file can extend another".to_owned(),
                None,
            ));
        };
        let name = shown(name, path);
        let file = folder.join(path);
        let canonical = file
            .canonicalize()
            .map_err(|error| unreadable(path, folder, &error))?;
        self.count += 1;
        let trail = || {
            chain
                .iter()
                .map(|file| file.name.as_str())
                .chain([name.as_str()])
                .collect::<Vec<_>>()
                .join(" → ")
        };
        let refused = if chain
            .iter()
            .any(|file| file.canonical.as_ref() == Some(&canonical))
        {
            Some(format!("`{EXTENDS}` forms a cycle: {}", trail()))
        } else if chain.len() > DEEPEST {
            Some(format!(
                "`{EXTENDS}` is more than {DEEPEST} files deep: {}",
                trail()
            ))
        } else if self.count > MOST {
            Some(format!(
                "`{EXTENDS}` reads more than {MOST} files, the last one through {}",
                trail()
            ))
        } else {
            None
        };
        if let Some(message) = refused {
            return Err((Code::ExtendsWithoutEnd, message, None));
        }
        let text = read_at_most(&canonical, MOST_OF_A_PIPELINE).and_then(as_text);
        let text = text.map_err(|error| unreadable(path, folder, &error))?;
        Ok((
            text,
            OpenFile {
                name,
                folder: file.parent().map(Path::to_owned),
                canonical: Some(canonical),
            },
        ))
    }
}

fn as_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

/// The code, the message and the hint of a finding.
type Refusal = (Code, String, Option<String>);

fn unreadable(path: &str, folder: &Path, error: &io::Error) -> Refusal {
    let message = format!("cannot read `{path}`: {error}");
    let file = folder.join(path);
    let similar = file.parent().and_then(|parent| similar_file(&file, parent));
    let hint = match similar {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!(
            "paths are relative to the folder of the file that extends: `{}`",
            folder.display()
        ),
    };
    (Code::ExtendedFile, message, Some(hint))
}

/// Returns the name of a file in the folder that was probably meant.
fn similar_file(path: &Path, folder: &Path) -> Option<String> {
    let names = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let names: Vec<_> = names.filter(|name| name.ends_with(".toml")).collect();
    let meant = suggest::meant(
        path.file_name()?.to_str()?,
        names.iter().map(String::as_str),
    )?;
    Some(meant.to_owned())
}

/// Returns the name to show for a path that a shown file extends: relative to what that file's name is relative to.
fn shown(file: &str, path: &str) -> String {
    let joined = Path::new(file).parent().unwrap_or(Path::new("")).join(path);
    let mut clean = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(clean.components().next_back(), Some(Component::Normal(_))) =>
            {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_seen_from_the_first_file() {
        let names = [
            ("pdm.toml", "a.toml"),
            ("p/x.toml", "../c/./a.toml"),
            ("x.toml", "../a.toml"),
            ("p/x.toml", "/a.toml"),
        ]
        .map(|(file, path)| shown(file, path));
        assert_eq!(names, ["a.toml", "c/a.toml", "../a.toml", "/a.toml"]);
    }
}
