//! Sets values in the text of a pipeline file and leaves the rest of it as it is, comments included.
//!
//! The spans of the parser that reads the file say where each value is. `toml_edit` would do the same, but enables other
//! features of that parser than `toml` does, so all of burn would be rebuilt.

mod document;

use serde_json::Value;
use toml::de::DeValue;

use document::TomlDocument;

use super::overrides::parse_key;
use super::source::join;
use super::variant::KIND;
use pdm_models::tune::SearchPoint;

/// A value cannot be written into a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` cannot be written into the file: its place is taken by something else")]
pub struct NoPlace(String);

/// Returns the text with overrides (`KEY=VALUE`) and values set, and comment lines at its top.
///
/// Where the `kind` of a section changes, its other keys are removed, since they belong to the other kind.
///
/// # Errors
/// A key whose place is taken by something else, such as a list.
pub fn edited(
    text: &str,
    overrides: &[String],
    values: &SearchPoint,
    comment: &str,
) -> Result<String, NoPlace> {
    let mut text = text.to_owned();
    let names_kind = |written: &String| {
        written
            .split('=')
            .next()
            .is_some_and(|key| key.trim_end().ends_with(".kind"))
    };
    let (kinds, others): (Vec<_>, Vec<_>) =
        overrides.iter().partition(|written| names_kind(written));
    // Kinds first: a new kind removes the keys of the old one.
    for written in kinds.into_iter().chain(others) {
        let no_place = || NoPlace(written.clone());
        let (key, value) = written.split_once('=').ok_or_else(no_place)?;
        let steps: Vec<_> = parse_key(key)
            .ok_or_else(no_place)?
            .into_iter()
            .map(|(step, _)| step)
            .collect();
        let value = as_toml(value.trim());
        if let [section, last] = steps.as_slice()
            && last == "kind"
        {
            text = TomlDocument::parse(&text)
                .and_then(|file| file.of_kind(section, &value))
                .ok_or_else(no_place)?;
        }
        text = TomlDocument::parse(&text)
            .and_then(|file| file.with(&steps, &value))
            .ok_or_else(no_place)?;
    }
    if let Some(kind) = values.get(KIND) {
        let other = |file: TomlDocument<'_>| {
            if file.has(KIND, kind) {
                Some(text.clone())
            } else {
                file.emptied("model", "kind")
            }
        };
        text = TomlDocument::parse(&text)
            .and_then(other)
            .ok_or_else(|| NoPlace(KIND.into()))?;
    }
    for (key, value) in values {
        text = with_value(&text, key, value).ok_or_else(|| NoPlace(key.clone()))?;
    }
    Ok(with_comment(&text, comment))
}

fn with_value(text: &str, key: &str, value: &Value) -> Option<String> {
    let steps: Vec<_> = key.split('.').map(ToOwned::to_owned).collect();
    match value {
        // A section that is replaced as a whole: its header stays, its keys are those of the value.
        Value::Object(table) if steps.len() == 1 => {
            let empty = TomlDocument::parse(text)?.emptied(key, "")?;
            table.iter().try_fold(empty, |text, (name, value)| {
                with_value(&text, &join(key, name), value)
            })
        }
        _ => TomlDocument::parse(text)?.with(&steps, &toml_of(value)),
    }
}

/// Returns the value of an override as TOML: as it is written, or else as a string.
fn as_toml(written: &str) -> String {
    match DeValue::parse(written) {
        Ok(_) => written.to_owned(),
        Err(_) => toml::Value::from(written).to_string(),
    }
}

/// Returns a value on one line.
pub fn toml_of(value: &Value) -> String {
    toml::Value::try_from(value)
        .map(|value| value.to_string())
        .unwrap_or_default()
}

/// Puts comment lines at the top, below a line that names the schema.
pub fn with_comment(text: &str, comment: &str) -> String {
    let first_line = text.lines().next().unwrap_or_default();
    let at = if first_line.starts_with("#:schema") {
        (first_line.len() + 1).min(text.len())
    } else {
        0
    };
    let (first, rest) = text.split_at(at);
    let lines: String = comment.lines().map(|line| format!("# {line}\n")).collect();
    format!("{first}{lines}{rest}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILE: &str = "\
#:schema pipeline.schema.json
# my line
version = 1

[features]
half_lives = [4, 15]   # two of them

[model]                # the model
kind = \"gbdt\"
rounds  =  300         # enough
leaves = 15

[train]
";

    fn edit(text: &str, values: Value, overrides: &[&str]) -> Result<String, NoPlace> {
        let overrides: Vec<_> = overrides.iter().map(|text| (*text).to_owned()).collect();
        edited(text, &overrides, values.as_object().unwrap(), "")
    }

    #[test]
    fn values_change_and_comments_stay() {
        let values =
            json!({ "model.rounds": 450, "model.l2": 0.25, "features.half_lives": [2.0, 30.0] });
        let overrides = [
            "model.leaves=31".to_owned(),
            "registry.url=s3://a".to_owned(),
        ];
        let text = edited(
            FILE,
            &overrides,
            values.as_object().unwrap(),
            "tuned\nby hand",
        )
        .unwrap();
        insta::assert_snapshot!(text, @r#"
        #:schema pipeline.schema.json
        # tuned
        # by hand
        # my line
        version = 1

        [features]
        half_lives = [2.0, 30.0]   # two of them

        [model]                # the model
        kind = "gbdt"
        rounds  =  450         # enough
        leaves = 31
        l2 = 0.25

        [train]

        [registry]
        url = "s3://a"
        "#);
    }

    #[test]
    fn another_family_takes_the_keys_of_the_first_along() {
        let values = json!({ "model.hidden": 32, "model.kind": "gru" });
        insta::assert_snapshot!(edit(FILE, values, &[]).unwrap(), @r#"
        #:schema pipeline.schema.json
        # my line
        version = 1

        [features]
        half_lives = [4, 15]   # two of them

        [model]                # the model
        kind = "gru"
        hidden = 32

        [train]
        "#);
    }

    #[test]
    fn tables_on_one_line_and_dotted_keys_stay_what_they_are() {
        let text = "model = { kind = \"gbdt\", rounds = 5 }\ntrain = {}\nsplit.folds = 4\n";
        let values =
            json!({ "model.rounds": 6, "model.leaves": 7, "train.first_row": 8, "split.x": 9 });
        insta::assert_snapshot!(edit(text, values, &[]).unwrap(), @r#"
        model = { kind = "gbdt", rounds = 6, leaves = 7 }
        train = { first_row = 8 }
        split.x = 9
        split.folds = 4
        "#);
        let overrides = edit(FILE, json!({}), &["model.hidden=7", "model.kind=gru"]).unwrap();
        assert!(
            overrides.contains("kind = \"gru\"\nhidden = 7\n") && !overrides.contains("rounds"),
            "{overrides}"
        );
        assert!(
            edit(FILE, json!({}), &["model.kind=gbdt"])
                .unwrap()
                .contains("leaves")
        );
        let gru = edit(text, json!({ "model.kind": "gru", "model.hidden": 7 }), &[]).unwrap();
        assert!(
            gru.starts_with("model = { kind = \"gru\", hidden = 7 }\n"),
            "{gru}"
        );
    }

    #[test]
    fn a_section_can_be_replaced_whole() {
        let whole = json!({ "model": { "kind": "linear", "l2": 0.5 } });
        let text = edit(FILE, whole.clone(), &[]).unwrap();
        assert!(
            text.contains(
                "[model]                # the model\nkind = \"linear\"\nl2 = 0.5\n\n[train]\n"
            ),
            "{text}"
        );
        assert_eq!(
            edit("model = { a = 1 }\n", whole, &[]).unwrap(),
            "model = { kind = \"linear\", l2 = 0.5 }\n"
        );
    }

    #[test]
    fn elements_of_lists_are_named_by_position() {
        let text = "a = [{ x = 1 }, 2]\n[[b]]\nx = 3\n";
        let text = edit(text, json!({ "a.0.x": 5, "a.1": 6, "b.0.x": 7 }), &[]).unwrap();
        assert_eq!(text, "a = [{ x = 5 }, 6]\n[[b]]\nx = 7\n");
    }

    #[test]
    fn a_file_without_its_last_newline_and_a_key_below_a_bare_header_come_out_right() {
        assert_eq!(
            edit("[model]", json!({ "model.l2": 1.5 }), &[]).unwrap(),
            "[model]\nl2 = 1.5\n"
        );
        assert_eq!(
            edit("version = 1", json!({ "model.l2": 1.5 }), &[]).unwrap(),
            "version = 1\n\n[model]\nl2 = 1.5\n"
        );
    }

    #[test]
    fn what_has_no_place_is_reported() {
        for key in ["model.rounds.x", "features.half_lives.7", "model"] {
            assert_eq!(
                edit(FILE, json!({ key: 1 }), &[]),
                Err(NoPlace(key.to_owned()))
            );
        }
    }
}
