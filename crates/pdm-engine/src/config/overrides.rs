//! Sets keys from `--set KEY=VALUE`.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::findings::{SpecFinding, SpecFindings};
use super::layers::{EXTENDS, PROFILE, moved, only_since};
use super::source::{SET, SourceSpan, Sources, join};
use pdm_core::codes::Code;

/// One step of the key of an override, and where it is written.
pub(super) type KeyStep = (String, SourceSpan);

/// Sets the key of each `KEY=VALUE` in the document, in order; what cannot be set is a finding.
///
/// The value is TOML where it parses as TOML, otherwise text. Elements of an array are named by their position from 0.
pub(super) fn apply<'t>(
    root: &mut DeTable<'t>,
    overrides: &'t [String],
    sources: &mut Sources,
    findings: &mut SpecFindings,
) {
    let mut since = None;
    for text in overrides {
        let base = sources.add_override(text);
        let since = *since.get_or_insert(base);
        let set = parse(text, base).and_then(|(key, value)| set(root, &key, value, since));
        if let Err(finding) = set {
            let whole = base - SET.len()..base + text.len();
            findings.push(SpecFinding {
                span: finding.span.clone().or(Some(whole)),
                ..finding
            });
        }
    }
}

fn parse(text: &str, base: usize) -> Result<(Vec<KeyStep>, Spanned<DeValue<'_>>), SpecFinding> {
    let Some((key, value)) = text.split_once('=') else {
        let finding = SpecFinding::new(Code::BadOverride, "", format!("`{SET}{text}` has no `=`"));
        return Err(finding.hint(Some(
            "write KEY=VALUE, such as `--set split.folds=10`".to_owned(),
        )));
    };
    let steps = parse_key(key).ok_or_else(|| {
        let message = if key.trim().is_empty() {
            "no key before `=`".to_owned()
        } else {
            format!("`{key}` is not a key")
        };
        let finding =
            SpecFinding::new(Code::BadOverride, "", message).at(Some(base..base + key.len()));
        finding.hint(Some(
            "write the names of the section and the key, such as `split.folds`".to_owned(),
        ))
    })?;
    let steps = steps
        .into_iter()
        .map(|(name, span)| (name, span.start + base..span.end + base))
        .collect();
    let trimmed = value.trim_start();
    let start = base + text.len() - trimmed.len();
    let value = parse_value(trimmed.trim_end());
    Ok((
        steps,
        moved(value, &mut |span| span.start + start..span.end + start),
    ))
}

/// Sets a key of the document; values written from the offset `since` on are of the same layer.
pub(super) fn set<'t>(
    root: &mut DeTable<'t>,
    key: &[KeyStep],
    value: Spanned<DeValue<'t>>,
    since: usize,
) -> Result<(), SpecFinding> {
    let hint = match key.first() {
        Some((name, _)) if name == EXTENDS => "pass a file that has `extends` in it",
        Some((name, _)) if name == PROFILE => {
            "choose a profile with `--profile NAME`, or set the key itself"
        }
        _ => return set_in_table(root, "", key, value, since),
    };
    let (name, span) = &key[0];
    let finding = SpecFinding::new(
        Code::OnlyInAFile,
        name,
        format!("`{name}` can only be written in a file"),
    );
    Err(finding.at(Some(span.clone())).hint(Some(hint.to_owned())))
}

/// Reads a dotted key with the TOML parser.
pub(super) fn parse_key(key: &str) -> Option<Vec<KeyStep>> {
    if key.contains(['\n', '\r']) {
        return None;
    }
    let document = format!("{key}=0");
    let root = DeTable::parse(&document).ok()?.into_inner();
    let mut table = &root;
    let mut steps = Vec::new();
    loop {
        let (name, value) = table.iter().next()?;
        steps.push((name.get_ref().to_string(), name.span()));
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(steps),
        }
    }
}

/// Returns a value that is TOML, or else text.
pub(super) fn parse_value(text: &str) -> Spanned<DeValue<'_>> {
    DeValue::parse(text)
        .unwrap_or_else(|_| Spanned::new(0..text.len(), DeValue::String(Cow::Borrowed(text))))
}

fn set_in_table<'t>(
    table: &mut DeTable<'t>,
    parent: &str,
    key: &[KeyStep],
    value: Spanned<DeValue<'t>>,
    since: usize,
) -> Result<(), SpecFinding> {
    let Some(((name, span), rest)) = key.split_first() else {
        return Ok(());
    };
    let spanned_name = Spanned::new(span.clone(), Cow::Owned(name.clone()));
    if rest.is_empty() {
        if name == "kind" {
            only_since(table, value.get_ref(), since);
        }
        // Removed first, so that the key gets the place of the override.
        table.remove(name.as_str());
        table.insert(spanned_name, value);
        return Ok(());
    }
    let empty = || Spanned::new(span.clone(), DeValue::Table(DeTable::new()));
    let inner = table.entry(spanned_name).or_insert_with(empty);
    set_within(inner.get_mut(), &join(parent, name), rest, value, since)
}

fn set_within<'t>(
    outer: &mut DeValue<'t>,
    path: &str,
    key: &[KeyStep],
    value: Spanned<DeValue<'t>>,
    since: usize,
) -> Result<(), SpecFinding> {
    match outer {
        DeValue::Table(table) => set_in_table(table, path, key, value, since),
        DeValue::Array(items) => set_in_array(items, path, key, value, since),
        plain => {
            let message = format!(
                "`{path}` is not a table; it has a value of type {}",
                plain.type_str()
            );
            let span = key.first().map(|(_, span)| span.clone());
            Err(SpecFinding::new(Code::NoPlaceForOverride, path, message).at(span))
        }
    }
}

fn set_in_array<'t>(
    items: &mut DeArray<'t>,
    path: &str,
    key: &[KeyStep],
    value: Spanned<DeValue<'t>>,
    since: usize,
) -> Result<(), SpecFinding> {
    let Some(((name, span), rest)) = key.split_first() else {
        return Ok(());
    };
    let length = items.len();
    let item = name
        .parse()
        .ok()
        .and_then(|position: usize| items.get_mut(position));
    let Some(item) = item else {
        let message = format!("`{path}` has no element `{name}`");
        let finding =
            SpecFinding::new(Code::NoPlaceForOverride, path, message).at(Some(span.clone()));
        let positions = match length {
            0 => "it is empty".to_owned(),
            1 => "its only element is 0".to_owned(),
            _ => format!("its elements are 0 to {}", length - 1),
        };
        return Err(finding.hint(Some(positions)));
    };
    if rest.is_empty() {
        *item = value;
        return Ok(());
    }
    set_within(item.get_mut(), &join(path, name), rest, value, since)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "[train]\nepochs = 30\n[[gate]]\nvalue = 16.0\n[[gate]]\nvalue = 0.9\n";

    fn set(text: &str) -> Result<toml::Table, String> {
        let (overrides, mut sources) = ([text.to_owned()], Sources::new("pdm.toml", FILE));
        let mut root = DeTable::parse(FILE).unwrap().into_inner();
        let mut findings = SpecFindings::default();
        apply(&mut root, &overrides, &mut sources, &mut findings);
        if let Some(finding) = findings.into_vec().pop() {
            let place = sources.place(finding.span.as_ref().unwrap());
            return Err(format!(
                "{} [{}]",
                finding.message, &place.source.text[place.span]
            ));
        }
        let table = toml::de::ValueDeserializer::from(Spanned::new(0..0, DeValue::Table(root)));
        Ok(serde::Deserialize::deserialize(table).unwrap())
    }

    fn read(text: &str, pointer: &str) -> String {
        let json = serde_json::to_value(set(text).unwrap()).unwrap();
        json.pointer(pointer).unwrap().to_string()
    }

    #[test]
    fn values_are_toml_or_else_text() {
        assert_eq!(read("train.epochs=5", "/train/epochs"), "5");
        assert_eq!(read("train.lr = 1e-3", "/train/lr"), "0.001");
        assert_eq!(read("dataset.subset=FD003", "/dataset/subset"), "\"FD003\"");
        assert_eq!(
            read("registry.url=s3://bucket/a=b", "/registry/url"),
            "\"s3://bucket/a=b\""
        );
        assert_eq!(
            read("features.half_lives=[4, 15]", "/features/half_lives"),
            "[4,15]"
        );
        assert_eq!(read("model={kind=\"linear\"}", "/model/kind"), "\"linear\"");
        assert_eq!(read("registry.model=", "/registry/model"), "\"\"");
        assert_eq!(read("a.\"b.c\".d=true", "/a/b.c/d"), "true");
    }

    #[test]
    fn elements_are_named_by_position() {
        assert_eq!(read("gate.1.value=0.8", "/gate/1/value"), "0.8");
        assert_eq!(read("gate.0={value=1}", "/gate/0/value"), "1");
    }

    #[test]
    fn what_cannot_be_set_points_at_its_own_text() {
        let errors = [
            "train.epochs",
            "=5",
            "a b=1",
            "gate.2.value=1",
            "gate.x=1",
            "train.epochs.x=1",
            "a\nb=1",
        ]
        .map(|text| set(text).unwrap_err());
        insta::assert_snapshot!(errors.join("\n"), @"
        `--set train.epochs` has no `=` [--set train.epochs]
        no key before `=` []
        `a b` is not a key [a b]
        `gate` has no element `2` [2]
        `gate` has no element `x` [x]
        `train.epochs` is not a table; it has a value of type integer [x]
        `a
        b` is not a key [a]
        ");
    }
}
