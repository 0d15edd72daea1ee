//! Brings the text of a file to the newest version of the format, and leaves the rest of it as it is.

use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::errors::SpecErrors;
use super::findings::SpecFinding;
use super::format::{self, VERSION};
use super::source::{SourceSpan, Sources, join};

/// A file's text in the newest version of the format, and what changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// The version of the file.
    pub from: u32,
    /// The newest version.
    pub to: u32,
    /// What changes, from the top of the file on.
    pub changes: Vec<TextChange>,
    /// The new text.
    pub text: String,
}

/// One change of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TextChange {
    /// Line, from 1.
    pub line: usize,
    /// The key.
    pub key: String,
    /// The old text.
    pub old: String,
    /// The new text.
    pub new: String,
}

/// Returns a file's text in the newest version of the format; comments and layout stay.
///
/// `name` is only shown. Only renamed keys, renamed values and the version are read, so a file with other mistakes can be migrated,
/// too.
///
/// # Errors
/// The text is not TOML or has an unknown version, or has a key under both its names.
///
/// # Panics
/// Never: only names and the version change.
pub fn migrate(text: &str, name: &str) -> Result<Migration, SpecErrors> {
    let refuse = |findings| SpecErrors::new(Sources::new(name, text), findings);
    let root = DeTable::parse(text)
        .map_err(|error| refuse(vec![SpecFinding::of_toml(&error)]))?
        .into_inner();
    let from = format::version(&root).map_err(|finding| refuse(vec![finding]))?;
    let mut newest = root.clone();
    // Keys that need the newest version are no problem: the file is migrated to it.
    let problems: Vec<_> = format::bring_up(&mut newest)
        .into_iter()
        .filter(|finding| finding.path.contains('.'))
        .collect();
    if !problems.is_empty() {
        return Err(refuse(problems));
    }
    let edits = edits(&root, from);
    let changed = applied(text, &edits);
    let read = DeTable::parse(&changed)
        .expect("only names and the version number are replaced")
        .into_inner();
    assert!(
        same_but_version(newest, read),
        "a migrated file keeps its values"
    );
    let place = |span: &SourceSpan| Sources::new(name, text).place(span).line;
    let change = |edit: Edit| TextChange {
        line: place(&edit.span),
        key: edit.key,
        old: text[edit.span].to_owned(),
        new: edit.new,
    };
    Ok(Migration {
        from,
        to: VERSION,
        changes: edits.into_iter().map(change).collect(),
        text: changed,
    })
}

/// A span of the text, and its new text.
struct Edit {
    span: SourceSpan,
    key: String,
    new: String,
}

/// Returns the edits, from the top of the file on.
fn edits(root: &DeTable<'_>, from: u32) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (span, renamed) in format::old_names(root, from) {
        edits.push(Edit {
            span,
            key: join(renamed.section, renamed.old),
            new: renamed.new.to_owned(),
        });
    }
    if let Some(version) = root.get("version")
        && from < VERSION
    {
        edits.push(Edit {
            span: version.span(),
            key: "version".to_owned(),
            new: VERSION.to_string(),
        });
    }
    for (span, renamed) in format::old_values(root, from) {
        edits.push(Edit {
            span,
            key: renamed.path(),
            new: format!("\"{}\"", renamed.new),
        });
    }
    edits.sort_by_key(|edit| edit.span.start);
    edits
}

fn applied(text: &str, edits: &[Edit]) -> String {
    let mut text = text.to_owned();
    for edit in edits.iter().rev() {
        text.replace_range(edit.span.clone(), &edit.new);
    }
    text
}

fn same_but_version(mut a: DeTable<'_>, mut b: DeTable<'_>) -> bool {
    let values = |table: &mut DeTable<'_>| {
        table.remove("version");
        let table = Spanned::new(
            0..0,
            DeValue::Table(std::mem::replace(table, DeTable::new())),
        );
        toml::Table::deserialize(ValueDeserializer::from(table))
            .ok()
            .map(|table| table.to_string())
    };
    values(&mut a) == values(&mut b)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "\
# my pipeline
version = 1      # of the format

[model]          # by Ann
kind = \"gru\"
batch_units = 4  # few
";

    #[test]
    fn names_and_version_change_and_all_else_stays() {
        let migration = migrate(OLD, "pdm.toml").unwrap();
        insta::assert_snapshot!(migration.text, @r#"
        # my pipeline
        version = 3      # of the format

        [model]          # by Ann
        kind = "gru"
        batch = 4  # few
        "#);
        let changes = migration
            .changes
            .iter()
            .map(|c| format!("{}: {} {} → {}", c.line, c.key, c.old, c.new));
        assert_eq!(
            changes.collect::<Vec<_>>(),
            [
                "2: version 1 → 3",
                "6: model.batch_units batch_units → batch"
            ]
        );
        let again = migrate(&migration.text, "pdm.toml").unwrap();
        assert_eq!(
            (again.from, again.changes.len(), &again.text),
            (VERSION, 0, &migration.text)
        );
    }

    #[test]
    fn odd_ways_to_write_it_are_seen() {
        for (old, new) in [
            (
                "version = 0x1\r\nmodel.batch_units=1",
                "version = 3\r\nmodel.batch=1",
            ),
            (
                "model = { \"batch_units\" = 1 }\nversion=1",
                "model = { batch = 1 }\nversion=3",
            ),
            (
                "version = 1\nextends = \"a.toml\"\n[profile.x]",
                "version = 3\nextends = \"a.toml\"\n[profile.x]",
            ),
            (
                "\"version\" = 1\n[train]\nnonsense = nan\nbatch_units = 3",
                "\"version\" = 3\n[train]\nnonsense = nan\nbatch_units = 3",
            ),
            (
                "version = 2\nmodel.batch_units = 3",
                "version = 3\nmodel.batch_units = 3",
            ),
            (
                "version = 2\ntrain = { backend = 'flex' } # fast\nprofile.ci.train.backend = \"flex\"",
                "version = 3\ntrain = { backend = \"native\" } # fast\nprofile.ci.train.backend = \"native\"",
            ),
            (
                "version = 1\n[tune.space]\n\"train.backend\" = { choices = [\"flex\", \"ndarray\"] }\n\"model.kind\" = 3",
                "version = 3\n[tune.space]\n\"train.backend\" = { choices = [\"native\", \"ndarray\"] }\n\"model.kind\" = 3",
            ),
            (
                "version = 3\ntrain.backend = \"flex\"",
                "version = 3\ntrain.backend = \"flex\"",
            ),
        ] {
            assert_eq!(migrate(old, "x").unwrap().text, new);
        }
    }

    #[test]
    fn what_cannot_be_migrated_is_reported() {
        let refusals = [
            "version = 4",
            "[model]",
            "version = 1\nmodel = { batch = 1, batch_units = 2 }",
            "version = ",
        ]
        .map(|text| migrate(text, "pdm.toml").unwrap_err().to_string());
        insta::assert_snapshot!(refusals.join("\n\n"), @"
        error[E0104]: the format version is 4, but this program reads versions 1 to 3
         --> pdm.toml:1:11
          |
        1 | version = 4
          |           ^ the file is for a newer pdm-ml; install that version

        error[E0104]: missing key `version`
        --> pdm.toml
         = help: write `version = 3` at the top

        error[E0143]: `model.batch_units` is the older name of `batch`, which is also set
         --> pdm.toml:2:22
          |
        2 | model = { batch = 1, batch_units = 2 }
          |                      ^^^^^^^^^^^ write one of the two

        error[E0101]: string values must be quoted, expected literal string
         --> pdm.toml:1:11
          |
        1 | version = 
          |           ^
        ");
    }
}
