//! Finds the chosen profile and lays it over the document.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::layer::{ChosenProfile, Layer, Layers};
use super::merge::lay_over;
use super::moved::moved_table;
use super::{EXTENDS, PROFILE};
use crate::config::findings::{SpecFinding, SpecFindings};
use crate::config::source::{COMMAND_LINE, ENVIRONMENT, SourceSpan, Sources, join};
use crate::config::suggest;
use pdm_core::codes::Code;

/// What comes before a profile's name on the command line.
const FLAG: &str = "--profile ";
/// Keys that are about the file, not about the pipeline.
const OF_THE_FILE: [&str; 3] = ["version", EXTENDS, PROFILE];

/// A table of a profile, with its path.
pub(in crate::config) type ProfileTable<'t> = (String, DeTable<'t>);

/// Removes the profiles from a document and lays the chosen one over it; returns the others.
pub(in crate::config) fn choose<'t>(
    root: &mut DeTable<'t>,
    layers: &Layers,
    sources: &mut Sources,
    findings: &mut SpecFindings,
) -> Vec<ProfileTable<'t>> {
    let mut profiles = profiles(root, findings);
    if let Some(chosen) = &layers.profile {
        match profiles.iter().position(|(name, _)| *name == chosen.name) {
            Some(at) => {
                let (name, table) = profiles.remove(at);
                let table = moved_table(table, &mut copied(sources, &name));
                *root = lay_over(std::mem::replace(root, DeTable::new()), table);
            }
            None => findings.push(unknown(chosen, &profiles, sources)),
        }
    }
    profiles
        .into_iter()
        .map(|(name, table)| (path(&name), table))
        .collect()
}

fn path(name: &str) -> String {
    join(PROFILE, name)
}

/// Removes the tables of `[profile]` from a document and returns them.
fn profiles<'t>(root: &mut DeTable<'t>, findings: &mut SpecFindings) -> Vec<(String, DeTable<'t>)> {
    let Some(value) = root.remove(PROFILE) else {
        return Vec::new();
    };
    let span = value.span();
    let DeValue::Table(all) = value.into_inner() else {
        findings.push(no_table(PROFILE, span));
        return Vec::new();
    };
    let mut profiles = Vec::new();
    for (key, value) in all {
        let name = key.get_ref().to_string();
        let span = value.span();
        if !is_name(&name) {
            let message = format!("`{name}` is not a valid name for a profile");
            let finding =
                SpecFinding::new(Code::BadName, path(&name), message).at(Some(key.span()));
            findings.push(finding.hint(Some("use letters, digits, `-` and `_`".to_owned())));
        }
        match value.into_inner() {
            DeValue::Table(mut table) => {
                refuse_keys_of_the_file(&name, &mut table, findings);
                profiles.push((name, table));
            }
            _ => findings.push(no_table(&path(&name), span)),
        }
    }
    profiles
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn no_table(path: &str, span: SourceSpan) -> SpecFinding {
    let example = if path == PROFILE { "profile.ci" } else { path };
    let hint = format!("write [{example}] and what it changes, such as `train.seeds = 1`");
    SpecFinding::new(
        Code::WrongType,
        path,
        format!("expected a table for `{path}`"),
    )
    .at(Some(span))
    .hint(Some(hint))
}

fn refuse_keys_of_the_file(name: &str, table: &mut DeTable<'_>, findings: &mut SpecFindings) {
    for key in OF_THE_FILE {
        if let Some((written, _)) = table.remove_entry(key) {
            let message = format!(
                "`{key}` belongs at the top of the file, not in [{}]",
                path(name)
            );
            findings.push(
                SpecFinding::new(Code::NotInAProfile, join(&path(name), key), message)
                    .at(Some(written.span())),
            );
        }
    }
}

/// Returns a function that moves spans to copies of the texts that a profile is in, so that the layer of its values is known by
/// their spans.
fn copied<'s>(
    sources: &'s mut Sources,
    name: &'s str,
) -> impl FnMut(SourceSpan) -> SourceSpan + 's {
    let mut copies = BTreeMap::new();
    move |span| {
        let base = sources.base_of(&span);
        let copy = *copies
            .entry(base)
            .or_insert_with(|| sources.add_copy(&span, Layer::Profile(name.to_owned())));
        span.start - base + copy..span.end - base + copy
    }
}

fn unknown(
    chosen: &ChosenProfile,
    known: &[(String, DeTable<'_>)],
    sources: &mut Sources,
) -> SpecFinding {
    let name = &chosen.name;
    let (source, before, layer) = match &chosen.variable {
        Some(variable) => (ENVIRONMENT, format!("{variable}="), Layer::Environment),
        None => (COMMAND_LINE, FLAG.to_owned(), Layer::Set),
    };
    let start = sources.add(source, &format!("{before}{name}"), layer) + before.len();
    let names: Vec<_> = known.iter().map(|(name, _)| name.as_str()).collect();
    let none = || format!("there are no profiles; write [profile.{name}] and what it changes");
    let hint = suggest::hint(name, &names).unwrap_or_else(none);
    SpecFinding::new(
        Code::UnknownProfile,
        "",
        format!("unknown profile `{name}`"),
    )
    .at(Some(start..start + name.len()))
    .hint(Some(hint))
}
