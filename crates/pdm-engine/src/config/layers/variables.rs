//! Sets keys from environment variables such as `PDM_ML__SPLIT__FOLDS`.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::layer::{Layer, SetVariable};
use super::moved::moved;
use crate::config::findings::{SpecFinding, SpecFindings};
use crate::config::overrides::{KeyStep, parse_key, parse_value, set};
use crate::config::source::{ENVIRONMENT, SourceSpan, Sources};
use pdm_core::codes::Code;

/// What comes before the section in a variable's name.
const PREFIX: &str = "PDM_ML__";
/// What separates the steps of a key.
const STEP: &str = "__";

/// Sets the key of each variable in the document.
///
/// Findings point only to the names of variables: a value may be a secret in the wrong variable.
pub(in crate::config) fn apply<'t>(
    root: &mut DeTable<'t>,
    variables: &'t [SetVariable],
    sources: &mut Sources,
    findings: &mut SpecFindings,
) {
    let mut since = None;
    for variable in variables {
        let base = sources.add(ENVIRONMENT, &variable.name, Layer::Environment);
        let whole = base..base + variable.name.len();
        let steps = match &variable.key {
            Some(key) => parse_key(key).map(|steps| at(steps, &whole)),
            None => steps(&variable.name, base),
        };
        let Some(steps) = steps else {
            let message = format!("`{}` names no key", variable.name);
            let hint = format!("write {PREFIX}SECTION{STEP}KEY, such as {PREFIX}SPLIT{STEP}FOLDS");
            findings.push(
                SpecFinding::new(Code::VariableOfNoKey, "", message)
                    .at(Some(whole))
                    .hint(Some(hint)),
            );
            continue;
        };
        let value = moved(value(variable), &mut |_| whole.clone());
        if let Err(finding) = set(root, &steps, value, *since.get_or_insert(base)) {
            findings.push(finding);
        }
    }
}

fn value(variable: &SetVariable) -> Spanned<DeValue<'_>> {
    match &variable.key {
        Some(_) => Spanned::new(0..0, DeValue::String(variable.value.as_str().into())),
        None => parse_value(&variable.value),
    }
}

fn at(steps: Vec<KeyStep>, span: &SourceSpan) -> Vec<KeyStep> {
    steps
        .into_iter()
        .map(|(step, _)| (step, span.clone()))
        .collect()
}

/// Returns the key in a variable's name, each step with its place.
fn steps(name: &str, base: usize) -> Option<Vec<KeyStep>> {
    let mut start = base + PREFIX.len();
    let steps = name.strip_prefix(PREFIX)?.split(STEP).map(|step| {
        let span = start..start + step.len();
        start = span.end + STEP.len();
        (!step.is_empty()).then(|| (step.to_lowercase(), span))
    });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_underscores_separate_and_one_belongs_to_the_key() {
        let shown = |name: &str| {
            let steps = steps(name, 100)?.into_iter();
            let shown = steps
                .map(|(step, span)| format!("{step} {}", &name[span.start - 100..span.end - 100]));
            Some(shown.collect::<Vec<_>>().join(", "))
        };
        assert_eq!(
            shown("PDM_ML__TRAIN__FIRST_ROW").as_deref(),
            Some("train TRAIN, first_row FIRST_ROW")
        );
        assert_eq!(
            shown("PDM_ML__GATE__0__VALUE").as_deref(),
            Some("gate GATE, 0 0, value VALUE")
        );
        for name in [
            "PDM_ML__",
            "PDM_ML__TRAIN__",
            "PDM_ML____TRAIN",
            "PDM_ML_REGISTRY",
        ] {
            assert_eq!(shown(name), None, "{name}");
        }
    }
}
