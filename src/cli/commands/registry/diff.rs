use serde_json::Value;

use crate::cli::args::RegistryArgs;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use pdm_report::report::{self, Align, table};
use pdm_store::registry::{Change, Difference, FileChange, FileEntry, Side, ValueChange};

/// Maximum number of characters of a value in a table.
const WIDEST: usize = 64;

pub(super) fn run(
    a: &str,
    b: &str,
    to: Option<&str>,
    registry: &RegistryArgs,
    ui: &Ui,
) -> Result<(), CliError> {
    let (context, registry) = super::open(registry, ui)?;
    let other = to.map(|url| super::beside(url, &context)).transpose()?;
    let difference = registry.diff(
        &a.parse()?,
        other.as_ref().unwrap_or(&registry),
        &b.parse()?,
    )?;
    ui.show(&difference, || text(&difference))
}

fn text(difference: &Difference) -> String {
    let (a, b) = (&difference.a, &difference.b);
    let parts = [
        [named("A", a), named("B", b)].join("\n"),
        files(&difference.files),
        report::side_by_side(&difference.scores, "A", "B"),
        values("option", &difference.options, "all options are equal"),
        values("origin", &difference.origin, "the origin is equal"),
    ];
    parts.join("\n\n")
}

fn named(letter: &str, side: &Side) -> String {
    let mut words: Vec<_> = side.aliases.iter().map(ToString::to_string).collect();
    words.extend(side.retired.then(|| "retired".to_owned()));
    let words = if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join(", "))
    };
    format!("{letter}: {}{words} in {}", side.id, side.registry)
}

fn files(files: &[FileChange]) -> String {
    let header = [
        ("file", Align::Left),
        ("", Align::Left),
        ("bytes in A", Align::Right),
        ("bytes in B", Align::Right),
        ("A", Align::Left),
        ("B", Align::Left),
    ];
    let bytes = |file: &Option<FileEntry>| {
        file.as_ref()
            .map(|file| file.bytes.to_string())
            .unwrap_or_default()
    };
    let digest = |file: &Option<FileEntry>| {
        file.as_ref()
            .map(|file| file.sha256.short())
            .unwrap_or_default()
    };
    let rows = files.iter().map(|file| {
        let FileChange { path, change, a, b } = file;
        [
            path.clone(),
            word(*change).to_owned(),
            bytes(a),
            bytes(b),
            digest(a),
            digest(b),
        ]
    });
    table(&header, rows)
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Removed => "removed",
        Change::Changed => "changed",
        Change::Same => "same",
    }
}

fn values(what: &str, values: &[ValueChange], same: &str) -> String {
    if values.is_empty() {
        return same.to_owned();
    }
    let header = [(what, Align::Left), ("A", Align::Left), ("B", Align::Left)];
    table(
        &header,
        values
            .iter()
            .map(|value| [value.name.clone(), shown(&value.a), shown(&value.b)]),
    )
}

fn shown(value: &Option<Value>) -> String {
    let text = match value {
        None => return "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    if text.chars().count() <= WIDEST {
        return text;
    }
    text.chars().take(WIDEST - 1).chain(['…']).collect()
}
