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
/// Most files one above the other.
const DEEPEST: usize = 16;
/// Most files in all; one that is extended twice counts twice.
const MOST: usize = 100;

/// A file that was read, and those it extends.
pub(in crate::config) struct PipelineText {
    whole: Option<PathBuf>,
    text: String,
    base: usize,
    /// Values that are read by an old name, one sentence each.
    notes: Vec<String>,
    extends: Vec<PipelineText>,
}

/// Reads the pipeline file and all it extends.
///
/// # Errors
/// What is wrong with the files as such, all of it: they cannot be read, are no TOML, of another version, or extend each
/// other in a circle. What they say is not looked at.
pub(in crate::config) fn read(
    layers: &Layers,
    sources: &mut Sources,
    env: EnvLookup<'_>,
) -> Result<PipelineText, Vec<SpecFinding>> {
    let whole = layers
        .path
        .as_ref()
        .map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()));
    let folder = layers
        .path
        .as_ref()
        .and_then(|path| path.parent())
        .map(Path::to_owned);
    let main = OpenFile {
        name: layers.name.clone(),
        folder,
        whole,
    };
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
    /// Returns where the file lies, and all it extends.
    fn places(&self) -> Vec<PathBuf> {
        let extended = self.extends.iter().flat_map(Self::places);
        self.whole.iter().cloned().chain(extended).collect()
    }

    /// Returns the notes on the file, and on all it extends.
    fn notes(&self) -> Vec<String> {
        let extended = self.extends.iter().flat_map(Self::notes);
        self.notes.iter().cloned().chain(extended).collect()
    }

    /// Returns what the file says, laid over what it extends.
    pub(in crate::config) fn laid(&self) -> DeTable<'_> {
        // What cannot be parsed or is of another version was refused when it was read.
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
    /// Returns the pipeline file and all that it extends; none for a text that is in no file.
    pub fn files(&self, env: EnvLookup<'_>) -> Vec<PathBuf> {
        let mut sources = Sources::new(&self.name, &self.text);
        // Files that cannot be read were refused when the pipeline was put together.
        read(self, &mut sources, env)
            .map(|file| file.places())
            .unwrap_or_default()
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
    /// The path without links and detours; two that have the same are the same file.
    whole: Option<PathBuf>,
}

struct FileReader<'s, 'e> {
    sources: &'s mut Sources,
    env: EnvLookup<'e>,
    findings: Vec<SpecFinding>,
    count: usize,
}

impl FileReader<'_, '_> {
    /// Reads on from a file's text; the last of `chain` is the file.
    fn file(&mut self, text: String, base: usize, chain: &mut Vec<OpenFile>) -> PipelineText {
        let notes = self.old_values(&text, base);
        let paths = self.extended_by(&text, base);
        let extends = paths
            .into_iter()
            .filter_map(|(path, span)| self.extended(&path, span, chain))
            .collect();
        let whole = chain.last().and_then(|opened| opened.whole.clone());
        PipelineText {
            whole,
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
        let extends = root.remove(EXTENDS).filter(|_| problems.is_empty());
        self.note(base, problems);
        let items = extends.map_or_else(Vec::new, |value| match value.get_ref() {
            DeValue::Array(items) => items.iter().cloned().collect(),
            _ => vec![value],
        });
        items
            .into_iter()
            .filter_map(|item| self.path(&item, base))
            .collect()
    }

    fn note(&mut self, base: usize, findings: Vec<SpecFinding>) {
        self.findings.extend(findings.into_iter().map(|finding| {
            // What is absent has no place, and the file is to be named all the same; the first one is anyhow.
            let span = finding.span.clone().or((base > 0).then_some(0..0));
            finding.at(span.map(by(base)))
        }));
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
        let (name, place) = (shown(name, path), folder.join(path));
        let whole = place
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
        let refused = if chain.iter().any(|file| file.whole.as_ref() == Some(&whole)) {
            Some(format!("`{EXTENDS}` goes round in a circle: {}", trail()))
        } else if chain.len() > DEEPEST {
            Some(format!(
                "`{EXTENDS}` goes more than {DEEPEST} files deep: {}",
                trail()
            ))
        } else if self.count > MOST {
            Some(format!(
                "`{EXTENDS}` reads more than {MOST} files, the last by way of {}",
                trail()
            ))
        } else {
            None
        };
        if let Some(message) = refused {
            return Err((Code::ExtendsWithoutEnd, message, None));
        }
        let text = read_at_most(&whole, MOST_OF_A_PIPELINE).and_then(as_text);
        let text = text.map_err(|error| unreadable(path, folder, &error))?;
        Ok((
            text,
            OpenFile {
                name,
                folder: place.parent().map(Path::to_owned),
                whole: Some(whole),
            },
        ))
    }
}

fn as_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

/// Which kind of mistake it is, what is wrong, and what to do.
type Refusal = (Code, String, Option<String>);

fn unreadable(path: &str, folder: &Path, error: &io::Error) -> Refusal {
    let message = format!("cannot read `{path}`: {error}");
    let beside = folder.join(path);
    let hint = beside
        .parent()
        .and_then(|around| neighbour(&beside, around))
        .map(|name| format!("did you mean `{name}`?"));
    let begins = || {
        Some(format!(
            "paths begin at the folder of the file that extends: `{}`",
            folder.display()
        ))
    };
    (Code::ExtendedFile, message, hint.or_else(begins))
}

/// Returns the name of a file in the folder that was probably meant.
fn neighbour(path: &Path, folder: &Path) -> Option<String> {
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

/// Returns the name to show for a path that a shown file extends: as seen from where that one was named.
fn shown(file: &str, path: &str) -> String {
    let joined = Path::new(file).parent().unwrap_or(Path::new("")).join(path);
    let mut clean = PathBuf::new();
    for part in joined.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(clean.components().next_back(), Some(Component::Normal(_))) =>
            {
                _ = clean.pop()
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
