//! Reads the sections of a document one by one, and goes on after a mistake.

use std::cell::LazyCell;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error, ValueDeserializer};

use super::findings::{SpecFinding, SpecFindings};
use super::keys::{KindAt, SchemaKeys};
use super::section::Section;
use super::source::{KeyIndex, SourceSpan, element_of, join};
use super::{culprit, durations, format, suggest, unbounded, words};
use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// Options that have several kinds, chosen by the key `kind`.
pub(super) trait TaggedOptions: Default {
    /// The values of `kind`.
    const KINDS: &'static [&'static str];

    /// The kind, if any, that contains tables of other kinds.
    const NEST: Option<Nest<Self>> = None;

    /// Reads the options of a kind from its table without `kind`; `None` for an unknown kind.
    fn decode<'de, D: Deserializer<'de>>(kind: &str, options: D) -> Option<Result<Self, D::Error>>;
}

/// A kind that contains tables of other kinds, such as `stack` with `[[model.member]]`.
pub(super) struct Nest<T> {
    /// The kind that contains the others.
    pub(super) kind: &'static str,
    /// The key of the list.
    pub(super) key: &'static str,
    /// The kinds that may be in the list.
    pub(super) kinds: &'static [&'static str],
    /// Adds the others, where any are written, to the options of the kind.
    pub(super) fill: fn(T, Vec<T>) -> T,
}

/// Reads the sections of a document one by one, and collects everything that is wrong.
///
/// After a value of the wrong type, the value is reported and removed, and the section is read again.
pub(super) struct Decoder<'t> {
    root: DeTable<'t>,
    index: KeyIndex,
    keys: LazyCell<SchemaKeys, fn() -> SchemaKeys>,
    sections: Vec<&'static str>,
    pub(super) findings: SpecFindings,
}

/// A table that is being read.
struct TableReading<'r> {
    path: &'r str,
    kind: Option<&'r str>,
}

impl<'r> TableReading<'r> {
    fn kind_at(&self) -> Option<KindAt<'r>> {
        self.kind.map(|name| KindAt {
            name,
            depth: self.path.split('.').count(),
        })
    }
}

/// Most wrong values of one section before the rest of it is skipped: for each, the section is read again.
const MOST_WRONG: usize = 150;

/// What a section holds.
enum SectionContent<'t> {
    Absent,
    Unusable,
    Table(Spanned<DeValue<'t>>),
}

impl<'t> Decoder<'t> {
    pub(super) fn new(
        mut root: DeTable<'t>,
        findings: SpecFindings,
        keys: fn() -> SchemaKeys,
    ) -> Self {
        let index = KeyIndex::of(&root);
        durations::to_steps(&mut root);
        let mut decoder = Self {
            root,
            index,
            keys: LazyCell::new(keys),
            sections: Vec::new(),
            findings,
        };
        decoder.refuse_unbounded();
        decoder
    }

    /// Takes a plain value from the top of the file.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Spanned<DeValue<'t>>> {
        self.sections.push(name);
        self.root.remove(name)
    }

    /// Reads a section that may be absent.
    pub(super) fn section<T>(&mut self, name: &'static str, problems: fn(&T) -> Vec<Problem>) -> T
    where
        T: DeserializeOwned + Default,
    {
        self.optional(name, problems).unwrap_or_default()
    }

    /// Reads a section that may be absent and has no default.
    pub(super) fn optional<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        problems: fn(&T) -> Vec<Problem>,
    ) -> Option<T> {
        let content = self.content(name);
        self.table(name, content, problems)
    }

    /// Reads a section that must be present; `example` is what the user might write in it.
    pub(super) fn required<T>(
        &mut self,
        name: &'static str,
        example: &str,
        problems: fn(&T) -> Vec<Problem>,
    ) -> Option<T>
    where
        T: DeserializeOwned,
    {
        let content = self.content(name);
        self.require(name, &content, example);
        self.table(name, content, problems)
    }

    /// Reads a section of some `kind` that may be absent.
    pub(super) fn family<T: TaggedOptions>(
        &mut self,
        name: &'static str,
        problems: fn(&T) -> Vec<Problem>,
    ) -> T {
        let content = self.content(name);
        self.member(name, content, T::KINDS, problems)
            .unwrap_or_default()
    }

    /// Reads a section of some `kind` that must be present.
    pub(super) fn required_family<T: TaggedOptions>(
        &mut self,
        name: &'static str,
        example: &str,
        problems: fn(&T) -> Vec<Problem>,
    ) -> Option<T> {
        let content = self.content(name);
        self.require(name, &content, example);
        self.member(name, content, T::KINDS, problems)
    }

    /// Reads the tables of an array, `[[name]]`, which may be absent.
    pub(super) fn list<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        problems: fn(&T) -> Vec<Problem>,
    ) -> Vec<T> {
        let Some(items) = self.take(name) else {
            return Vec::new();
        };
        let elements = self.elements(name, items).into_iter();
        elements
            .filter_map(|(path, content)| self.table(&path, content, problems))
            .collect()
    }

    /// Reads the tables of an array, each of some `kind`; the array may be absent.
    pub(super) fn family_list<T: TaggedOptions>(
        &mut self,
        name: &'static str,
        problems: fn(&T) -> Vec<Problem>,
    ) -> Vec<T> {
        let Some(items) = self.take(name) else {
            return Vec::new();
        };
        let elements = self.elements(name, items).into_iter();
        elements
            .filter_map(|(path, content)| self.member(&path, content, T::KINDS, problems))
            .collect()
    }

    /// Returns the tables of an array with their paths.
    fn elements(
        &mut self,
        name: &str,
        items: Spanned<DeValue<'t>>,
    ) -> Vec<(String, SectionContent<'t>)> {
        let span = items.span();
        let DeValue::Array(items) = items.into_inner() else {
            self.findings.push_broken(
                SpecFinding::new(
                    Code::NotAList,
                    name,
                    format!("`{name}` is a list of tables"),
                )
                .hint(Some(format!("write [[{name}]]")))
                .at(Some(span)),
            );
            return Vec::new();
        };
        let element = |(i, item): (usize, _)| {
            let path = join(name, &i.to_string());
            let content = self.as_table(&path, item);
            (path, content)
        };
        items.into_iter().enumerate().map(element).collect()
    }

    /// Reports the sections that no one has read.
    pub(super) fn finish(mut self) -> (KeyIndex, SpecFindings) {
        let rest: Vec<_> = std::mem::take(&mut self.root).into_iter().collect();
        for (key, value) in rest {
            let name = key.get_ref().as_ref();
            let what = if is_section(value.get_ref()) {
                "section"
            } else {
                "key"
            };
            let message = format!("unknown {what} `{name}` at the top level");
            let hint = match self.keys.sections_with(name).as_slice() {
                [] => self
                    .dotted(name)
                    .or_else(|| suggest::hint(name, &self.sections)),
                homes => suggest::meant(name, self.sections.iter().copied())
                    .map(|section| format!("did you mean `{section}`?"))
                    .or_else(|| Some(format!("`{name}` belongs in {}", bracketed(homes)))),
            };
            self.findings.push(
                SpecFinding::new(Code::UnknownSection, join("", name), message)
                    .hint(hint)
                    .at(Some(key.span())),
            );
        }
        (self.index, self.findings)
    }

    /// Returns a hint for a key that has `_` instead of the dot between section and key.
    fn dotted(&self, name: &str) -> Option<String> {
        let mut ways = name
            .match_indices('_')
            .map(|(at, _)| (&name[..at], &name[at + 1..]));
        let (section, key) = ways.find(|(section, key)| {
            self.sections.contains(section) && self.keys.known(&[section], None).contains(key)
        })?;
        Some(format!("did you mean `{section}.{key}`?"))
    }

    fn content(&mut self, name: &'static str) -> SectionContent<'t> {
        match self.take(name) {
            Some(value) => self.as_table(name, value),
            None => SectionContent::Absent,
        }
    }

    fn as_table(&mut self, path: &str, value: Spanned<DeValue<'t>>) -> SectionContent<'t> {
        if value.get_ref().is_table() {
            return SectionContent::Table(value);
        }
        let message = format!(
            "expected a table for `{path}`, found {}",
            described(value.get_ref())
        );
        let hint = Some(format!("write {} and the keys below it", shown(path)));
        self.findings.push_broken(
            SpecFinding::new(Code::WrongType, path, message)
                .hint(hint)
                .at(Some(value.span())),
        );
        SectionContent::Unusable
    }

    fn require(&mut self, name: &str, content: &SectionContent<'_>, example: &str) {
        if matches!(content, SectionContent::Absent) {
            let hint = format!("add [{name}] with {example}");
            let message = format!("section [{name}] is missing");
            self.findings.push_broken(
                SpecFinding::new(Code::MissingSection, name, message).hint(Some(hint)),
            );
        }
    }

    fn table<T: DeserializeOwned>(
        &mut self,
        path: &str,
        content: SectionContent<'t>,
        problems: fn(&T) -> Vec<Problem>,
    ) -> Option<T> {
        let SectionContent::Table(table) = content else {
            return None;
        };
        let options = self.read(&TableReading { path, kind: None }, table, PhantomData::<T>)?;
        self.check(path, problems(&options));
        Some(options)
    }

    fn member<T: TaggedOptions>(
        &mut self,
        path: &str,
        content: SectionContent<'t>,
        kinds: &'static [&'static str],
        problems: fn(&T) -> Vec<Problem>,
    ) -> Option<T> {
        let SectionContent::Table(mut table) = content else {
            return None;
        };
        let Some(kind) = self.kind(path, &mut table, kinds) else {
            self.findings.mark_broken(path);
            return None;
        };
        let nest = T::NEST.filter(|nest| nest.kind == kind);
        let others = nest.and_then(|nest| Some((nest.fill, self.nested(path, &nest, &mut table)?)));
        let options = self.read(
            &TableReading {
                path,
                kind: Some(kind),
            },
            table,
            KindReader {
                kind,
                family: PhantomData,
            },
        )?;
        let options = match others {
            Some((fill, others)) => fill(options, others),
            None => options,
        };
        self.check(path, problems(&options));
        Some(options)
    }

    /// Takes the list of others out of the table of a nest, where it is written, and reads it.
    fn nested<T: TaggedOptions>(
        &mut self,
        path: &str,
        nest: &Nest<T>,
        table: &mut Spanned<DeValue<'t>>,
    ) -> Option<Vec<T>> {
        let DeValue::Table(table) = table.get_mut() else {
            return None;
        };
        let elements = self.elements(&join(path, nest.key), table.remove(nest.key)?);
        // The problems of the others are reported by the whole; one that cannot be read is a default, so that positions stay.
        let mut read =
            |(path, content): (String, _)| self.member(&path, content, nest.kinds, |_| Vec::new());
        Some(
            elements
                .into_iter()
                .map(|element| read(element).unwrap_or_default())
                .collect(),
        )
    }

    fn check(&mut self, path: &str, problems: Vec<Problem>) {
        let problems = problems
            .into_iter()
            .map(|problem| problem.within(path))
            .collect();
        self.findings.add_problems(&self.index, problems);
    }

    /// Removes `kind` from a table and returns it.
    fn kind(
        &mut self,
        path: &str,
        table: &mut Spanned<DeValue<'_>>,
        kinds: &'static [&'static str],
    ) -> Option<&'static str> {
        let DeValue::Table(table) = table.get_mut() else {
            return None;
        };
        let key = join(path, "kind");
        let kind = table.remove("kind");
        if kind.is_some() && self.findings.touches_broken(&key) {
            return None;
        }
        let finding = match kind {
            Some(kind) => match kind.get_ref().as_str() {
                Some(written) => return self.known_kind(path, written, kind.span(), kinds),
                None => {
                    let message = format!(
                        "expected a string for `{key}`, found {}",
                        described(kind.get_ref())
                    );
                    SpecFinding::new(Code::WrongType, &key, message).at(Some(kind.span()))
                }
            },
            None => {
                let message = format!("missing key `kind` in {}", shown(path));
                SpecFinding::new(Code::MissingKey, &key, message).at(self.header(path))
            }
        };
        self.findings
            .push_broken(finding.hint(Some(format!("expected {}", suggest::one_of(kinds)))));
        None
    }

    /// Returns the kind that is written, or, to find the mistakes in the rest of the table, the one that was meant.
    fn known_kind(
        &mut self,
        path: &str,
        written: &str,
        span: SourceSpan,
        kinds: &'static [&'static str],
    ) -> Option<&'static str> {
        let known = |name: &str| kinds.iter().copied().find(|kind| *kind == name);
        known(written).or_else(|| {
            let message = format!("unknown kind \"{written}\" in {}", shown(path));
            let finding = SpecFinding::new(Code::UnknownKind, join(path, "kind"), message);
            self.findings
                .push_broken(finding.hint(suggest::hint(written, kinds)).at(Some(span)));
            known(suggest::meant(written, kinds.iter().copied())?)
        })
    }

    fn header(&self, path: &str) -> Option<SourceSpan> {
        self.index.get(path).map(|spans| spans.key.clone())
    }

    fn read<T, S>(
        &mut self,
        reading: &TableReading<'_>,
        mut table: Spanned<DeValue<'t>>,
        seed: S,
    ) -> Option<T>
    where
        S: for<'de> DeserializeSeed<'de, Value = T> + Copy,
    {
        let before = self.findings.len();
        loop {
            let (attempt, unknown) = attempt(table.clone(), seed);
            let error = match attempt {
                Ok(options) => {
                    self.note_unknown(reading, &unknown);
                    return Some(options);
                }
                Err(error) => error,
            };
            let culprit = error
                .span()
                .and_then(|span| culprit::remove(table.get_mut(), &span));
            let Some(culprit) = culprit else {
                self.note_unknown(reading, &unknown);
                self.note_unreadable(reading, table.get_ref(), &error);
                return None;
            };
            let path = culprit
                .path
                .iter()
                .fold(reading.path.to_owned(), |path, step| join(&path, step));
            let found = error.span().map(|span| described(culprit.at(&span)));
            self.note_wrong(path, &error, found.as_deref());
            if self.findings.len() - before >= MOST_WRONG {
                self.findings.mark_broken(reading.path);
                return None;
            }
        }
    }

    fn note_wrong(&mut self, path: String, error: &Error, found: Option<&str>) {
        // A table that lacks a value because it was removed is not the user's mistake.
        if self.findings.touches_broken(&path) {
            return self.findings.mark_broken(path);
        }
        let problem = words::translate(error.message(), &path, found);
        self.findings.push_broken(
            SpecFinding::new(problem.code, path, problem.message)
                .hint(problem.hint)
                .at(error.span()),
        );
    }

    /// Reports why a table as a whole cannot be read: keys are missing, or its values contradict each other.
    fn note_unreadable(&mut self, reading: &TableReading<'_>, table: &DeValue<'_>, error: &Error) {
        let path = reading.path;
        let header = self.header(path);
        let Some(missing) = words::missing_name(error.message()) else {
            let problem = words::translate(error.message(), path, None);
            let finding = SpecFinding::new(problem.code, path, problem.message);
            return self
                .findings
                .push_broken(finding.hint(problem.hint).at(header));
        };
        let steps: Vec<_> = path.split('.').collect();
        let mut names = self.keys.required(&steps, reading.kind_at());
        if !names.contains(&missing) {
            names.push(missing);
        }
        for name in names {
            let key = join(path, name);
            if name == "kind" || table.get(name).is_some() || self.findings.touches_broken(&key) {
                continue;
            }
            let message = format!("missing key `{name}` in {}", shown(path));
            self.findings
                .push(SpecFinding::new(Code::MissingKey, key, message).at(header.clone()));
        }
        self.findings.mark_broken(path);
    }

    fn note_unknown(&mut self, reading: &TableReading<'_>, unknown: &[Vec<String>]) {
        for steps in unknown {
            let Some((name, parents)) = steps.split_last() else {
                continue;
            };
            let mut table: Vec<&str> = reading.path.split('.').collect();
            table.extend(parents.iter().map(String::as_str));
            let parent = parents
                .iter()
                .fold(reading.path.to_owned(), |path, step| join(&path, step));
            let hint = self.hint_for_unknown(name, &table, reading);
            let path = join(&parent, name);
            let span = self.index.get(&path).map(|spans| spans.key.clone());
            let message = format!("unknown key `{name}` in {}", shown(&parent));
            self.findings.push(
                SpecFinding::new(Code::UnknownKey, path, message)
                    .hint(hint)
                    .at(span),
            );
        }
    }

    /// Returns a hint for an unknown key: a typo, a key of another kind or section, or the known keys.
    fn hint_for_unknown(
        &self,
        name: &str,
        table: &[&str],
        reading: &TableReading<'_>,
    ) -> Option<String> {
        if let Some(now) = format::new_name(&table.join("."), name) {
            return Some(format!("now called `{now}`"));
        }
        if let [section] = table
            && let Some([other, here]) = Section::named(section).and_then(Section::mistaken)
            && name == other
        {
            return Some(format!("here it is called `{here}`"));
        }
        let known = self.keys.known(table, reading.kind_at());
        if let Some(meant) = suggest::meant(name, known.iter().copied()) {
            return Some(format!("did you mean `{meant}`?"));
        }
        if let Some(kind) = reading.kind_at()
            && kind.depth == table.len()
        {
            let kinds = self.keys.kinds_with(table, name);
            let kind = kind.name;
            if !kinds.is_empty() {
                return Some(format!(
                    "a key of kind {}, not of `{kind}`",
                    suggest::one_of(&kinds)
                ));
            }
        }
        match self.keys.sections_with(name).as_slice() {
            [] if format::is_of_the_file(name) => {
                Some(format!("`{name}` belongs at the top of the file"))
            }
            [] => suggest::hint(name, &known),
            homes => Some(format!("`{name}` belongs in {}", bracketed(homes))),
        }
    }

    /// Refuses numbers that no option can use: those without a canonical form, and those that a TOML file cannot hold.
    fn refuse_unbounded(&mut self) {
        let mut unbounded = Vec::new();
        unbounded::find("", &self.root, &mut unbounded);
        for finding in unbounded {
            self.findings.push_broken(finding);
        }
    }
}

/// Reads the options of one kind.
struct KindReader<'k, T> {
    kind: &'k str,
    family: PhantomData<T>,
}

impl<T> Clone for KindReader<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for KindReader<'_, T> {}

impl<'de, T: TaggedOptions> DeserializeSeed<'de> for KindReader<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, options: D) -> Result<T, D::Error> {
        let unknown = || serde::de::Error::custom(format!("there is no kind `{}`", self.kind));
        T::decode(self.kind, options).unwrap_or_else(|| Err(unknown()))
    }
}

/// Reads a table once; returns also the paths of the keys that no option read.
fn attempt<T, S>(table: Spanned<DeValue<'_>>, seed: S) -> (Result<T, Error>, Vec<Vec<String>>)
where
    S: for<'de> DeserializeSeed<'de, Value = T>,
{
    let mut unknown = Vec::new();
    let mut note = |path: serde_ignored::Path<'_>| unknown.push(steps(&path));
    let options = ValueDeserializer::from(table);
    let read = seed.deserialize(serde_ignored::Deserializer::new(options, &mut note));
    (read, unknown)
}

pub(super) fn steps(path: &serde_ignored::Path<'_>) -> Vec<String> {
    use serde_ignored::Path;
    let (parent, step) = match path {
        Path::Root => return Vec::new(),
        Path::Seq { parent, index } => (parent, Some(index.to_string())),
        Path::Map { parent, key } => (parent, Some(key.clone())),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => (parent, None),
    };
    let mut steps = steps(parent);
    steps.extend(step);
    steps
}

fn described(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string {text:?}"),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(value) => format!("`{value}`"),
        DeValue::Datetime(time) => format!("the time {time}"),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn is_section(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(items) => items.iter().any(|item| item.get_ref().is_table()),
        _ => false,
    }
}

/// Returns a table's header: `[model]`, `[[gate]]`.
fn shown(path: &str) -> String {
    match element_of(path) {
        Some(list) => format!("[[{list}]]"),
        None => format!("[{path}]"),
    }
}

fn bracketed(sections: &[&str]) -> String {
    let sections: Vec<_> = sections
        .iter()
        .map(|section| format!("[{section}]"))
        .collect();
    sections.join(" or ")
}
