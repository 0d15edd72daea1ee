//! Versions of the file's format.
//!
//! - 1: the first. `batch` of a network was first called `batch_units`, and that name is still read.
//! - 2: `extends` and `[profile.NAME]`.
//! - 3: `native` of `train.backend`, which was called `flex`; `flex` is burn's backend of that name.
//!
//! A file is read by its own version, and files of all versions stay readable. A file may extend one of an older version.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::findings::SpecFinding;
use super::layers::{EXTENDS, PROFILE};
use super::source::join;
use pdm_core::codes::Code;
use pdm_models::train::{Backend, TrainOptions};

/// The version of the file's format that this program writes; it reads this one and all before.
pub const VERSION: u32 = 3;

/// A key that was renamed in some version.
pub(super) struct Renamed {
    /// The first version without the old name.
    since: u32,
    pub(super) section: &'static str,
    pub(super) old: &'static str,
    pub(super) new: &'static str,
}

const RENAMED: &[Renamed] = &[Renamed {
    since: 2,
    section: "model",
    old: "batch_units",
    new: "batch",
}];

/// A value that has another name since some version.
#[derive(Debug)]
pub(super) struct RenamedValue {
    /// The first version in which the old name does not mean this value.
    since: u32,
    section: &'static str,
    key: &'static str,
    pub(super) old: &'static str,
    pub(super) new: &'static str,
}

const RENAMED_VALUES: &[RenamedValue] = &[RenamedValue {
    since: 3,
    section: "train",
    key: "backend",
    old: "flex",
    new: "native",
}];

/// Keys at the top of the file, each with the version that added it.
const ADDED: &[(&str, u32)] = &[(EXTENDS, 2), (PROFILE, 2)];

/// Returns the current name of a key of a section, where it was renamed.
pub(super) fn new_name(section: &str, old: &str) -> Option<&'static str> {
    RENAMED
        .iter()
        .find(|renamed| (renamed.section, renamed.old) == (section, old))
        .map(|renamed| renamed.new)
}

/// Returns whether a key is about the file itself and belongs at its top.
pub(super) fn is_of_the_file(key: &str) -> bool {
    key == "version" || ADDED.iter().any(|(added, _)| *added == key)
}

/// Gives the keys and values of a file their names in the current version; returns what is wrong, with places in the text.
pub(super) fn bring_up(root: &mut DeTable<'_>) -> Vec<SpecFinding> {
    let version = match version(root) {
        Ok(version) => version,
        Err(finding) => return vec![finding],
    };
    let mut findings: Vec<_> = ADDED
        .iter()
        .filter_map(|(key, since)| too_new(root, version, key, *since))
        .collect();
    for renamed in renamed_since(version) {
        let Some(DeValue::Table(section)) = root.get_mut(renamed.section).map(Spanned::get_mut)
        else {
            continue;
        };
        findings.extend(rename(section, renamed));
    }
    visit_old_values(root, version, &mut |value, renamed| {
        *value = Spanned::new(value.span(), DeValue::String(renamed.new.into()));
    });
    findings
}

/// Returns the least version of a file that can say what these options say; it matters where `--set` or a newer file below says
/// it of an older file.
pub(super) fn least_version(train: &TrainOptions) -> u32 {
    match train.backend {
        Backend::Flex => 3,
        Backend::Native | Backend::Ndarray | Backend::Cuda | Backend::Wgpu => 1,
    }
}

/// Returns the version that a file names.
///
/// # Errors
/// It names none, or one that is not known.
pub(super) fn version(root: &DeTable<'_>) -> Result<u32, SpecFinding> {
    let Some(version) = root.get("version") else {
        let hint = format!("write `version = {VERSION}` at the top");
        return Err(
            SpecFinding::new(Code::FormatVersion, "version", "missing key `version`")
                .hint(Some(hint)),
        );
    };
    let number = match version.get_ref() {
        DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    };
    match number {
        Some(number) if (1..=VERSION).contains(&number) => Ok(number),
        _ => Err(unknown(version, number)),
    }
}

fn unknown(version: &Spanned<DeValue<'_>>, number: Option<u32>) -> SpecFinding {
    let written = match version.get_ref() {
        DeValue::Integer(number) => number.to_string(),
        other => format!("of type {}", other.type_str()),
    };
    let message =
        format!("the format version is {written}, but this program reads versions 1 to {VERSION}");
    let hint = match number {
        Some(newer) if newer > VERSION => {
            "the file is for a newer pdm-ml; install that version".to_owned()
        }
        _ => format!("write `version = {VERSION}`"),
    };
    SpecFinding::new(Code::FormatVersion, "version", message)
        .at(Some(version.span()))
        .hint(Some(hint))
}

fn too_new(root: &DeTable<'_>, version: u32, key: &str, since: u32) -> Option<SpecFinding> {
    if version >= since {
        return None;
    }
    let (written, _) = root.get_key_value(key)?;
    let message =
        format!("`{key}` needs version {since} of the format, but this file has version {version}");
    let hint = format!("write `version = {since}`, or run `pdm-ml config migrate`");
    Some(
        SpecFinding::new(Code::NewerKey, key, message)
            .at(Some(written.span()))
            .hint(Some(hint)),
    )
}

fn renamed_since(version: u32) -> impl Iterator<Item = &'static Renamed> {
    RENAMED
        .iter()
        .filter(move |renamed| version < renamed.since)
}

/// Gives a key its new name, in its place.
fn rename(section: &mut DeTable<'_>, renamed: &Renamed) -> Option<SpecFinding> {
    let Renamed {
        section: name,
        old,
        new,
        ..
    } = renamed;
    let span = section.get_key_value(*old)?.0.span();
    if section.get(*new).is_some() {
        let message = format!(
            "`{}` is the older name of `{new}`, which is also set",
            join(name, old)
        );
        return Some(
            SpecFinding::new(Code::RenamedKey, join(name, old), message)
                .at(Some(span))
                .hint(Some("write one of the two".to_owned())),
        );
    }
    // A new table, so that the key keeps its place.
    for (key, value) in std::mem::replace(section, DeTable::new()) {
        let key = if key.get_ref() == old {
            Spanned::new(key.span(), (*new).into())
        } else {
            key
        };
        section.insert(key, value);
    }
    None
}

impl RenamedValue {
    /// Returns the key, with its section.
    pub(super) fn path(&self) -> String {
        join(self.section, self.key)
    }
}

/// Visits the values of a file that are written by an old name: in their section, in those of profiles, and among the choices of
/// a search.
fn visit_old_values<'t>(
    root: &mut DeTable<'t>,
    version: u32,
    visit: &mut dyn FnMut(&mut Spanned<DeValue<'t>>, &'static RenamedValue),
) {
    for renamed in RENAMED_VALUES
        .iter()
        .filter(|renamed| version < renamed.since)
    {
        visit_sections(root, renamed, visit);
        let Some(DeValue::Table(profiles)) = root.get_mut(PROFILE).map(Spanned::get_mut) else {
            continue;
        };
        for (_, profile) in profiles.iter_mut() {
            if let DeValue::Table(sections) = profile.get_mut() {
                visit_sections(sections, renamed, visit);
            }
        }
    }
}

fn visit_sections<'t>(
    sections: &mut DeTable<'t>,
    renamed: &'static RenamedValue,
    visit: &mut dyn FnMut(&mut Spanned<DeValue<'t>>, &'static RenamedValue),
) {
    let is_old = |value: &Spanned<DeValue<'t>>| value.get_ref().as_str() == Some(renamed.old);
    if let Some(value) = value_at(sections, &[renamed.section, renamed.key])
        && is_old(value)
    {
        visit(value, renamed);
    }
    let choices = value_at(sections, &["tune", "space", &renamed.path(), "choices"]);
    if let Some(DeValue::Array(choices)) = choices.map(Spanned::get_mut) {
        choices
            .iter_mut()
            .filter(|choice| is_old(choice))
            .for_each(|choice| visit(choice, renamed));
    }
}

/// Returns the value at a path of keys.
fn value_at<'r, 't>(
    table: &'r mut DeTable<'t>,
    path: &[&str],
) -> Option<&'r mut Spanned<DeValue<'t>>> {
    let (key, rest) = path.split_first()?;
    let value = table.get_mut(*key)?;
    if rest.is_empty() {
        return Some(value);
    }
    match value.get_mut() {
        DeValue::Table(table) => value_at(table, rest),
        _ => None,
    }
}

/// Returns the place of each value that is written by an old name, and what it is now.
pub(super) fn old_values(
    root: &DeTable<'_>,
    version: u32,
) -> Vec<(Range<usize>, &'static RenamedValue)> {
    let mut found = Vec::new();
    visit_old_values(&mut root.clone(), version, &mut |value, renamed| {
        found.push((value.span(), renamed));
    });
    found
}

/// Returns the old names in a file, with their spans.
pub(super) fn old_names(root: &DeTable<'_>, version: u32) -> Vec<(Range<usize>, &'static Renamed)> {
    let written = |renamed: &'static Renamed| {
        let section = root.get(renamed.section)?.get_ref().as_table()?;
        Some((section.get_key_value(renamed.old)?.0.span(), renamed))
    };
    renamed_since(version).filter_map(written).collect()
}
