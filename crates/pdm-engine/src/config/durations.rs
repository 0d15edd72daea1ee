//! Durations in the pipeline file, such as `cap = "20d"`, as numbers of steps of `[dataset.time]`.

use pdm_models::data::GridLength;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys that count cycles and may be durations.
const KEYS: [(&str, &str); 7] = [
    ("target", "cap"),
    ("features", "half_lives"),
    ("features", "baseline_cycles"),
    ("features", "window_cycles"),
    ("validate", "minimum_cycles"),
    ("validate", "stuck_cycles"),
    ("gate", "margin"),
];

/// Replaces durations of keys that count cycles by numbers of steps. Without a step that is a duration nothing is replaced, and the
/// text is reported as a value of the wrong type.
pub(super) fn to_steps(root: &mut DeTable<'_>) {
    let Some(step) = step_of(root) else { return };
    for (section, key) in KEYS {
        let Some(content) = root.get_mut(section) else {
            continue;
        };
        match content.get_mut() {
            DeValue::Table(table) => convert_key(table, key, &step),
            DeValue::Array(tables) => {
                for table in tables.iter_mut() {
                    if let DeValue::Table(table) = table.get_mut() {
                        convert_key(table, key, &step);
                    }
                }
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
    }
}

fn convert_key(table: &mut DeTable<'_>, key: &str, step: &GridLength) {
    let Some(value) = table.get_mut(key) else {
        return;
    };
    if let DeValue::Array(values) = value.get_mut() {
        for value in values.iter_mut() {
            convert(value, step);
        }
    } else {
        convert(value, step);
    }
}

fn convert(value: &mut Spanned<DeValue<'_>>, step: &GridLength) {
    let DeValue::String(text) = value.get_ref() else {
        return;
    };
    let Some(steps) = step.steps_of(text) else {
        return;
    };
    if let Some(number) = number(steps) {
        *value.get_mut() = number;
    }
}

/// Returns a number as a value of TOML; a whole one as an integer.
fn number(value: f64) -> Option<DeValue<'static>> {
    // A parsed document borrows its text. The few bytes of a number live as long as the program, since the document may, too.
    let text: &'static str = format!("x = {value}").leak();
    let mut table = DeTable::parse(text).ok()?.into_inner();
    Some(table.remove("x")?.into_inner())
}

/// Returns `dataset.time.step` if it is a duration.
fn step_of(root: &DeTable<'_>) -> Option<GridLength> {
    let dataset = root.get("dataset")?.get_ref().as_table()?;
    let time = dataset.get("time")?.get_ref().as_table()?;
    let step = time.get("step")?.get_ref().as_str()?;
    GridLength::of_duration(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(text: &str, section: &str, key: &str) -> String {
        let mut root = DeTable::parse(text).unwrap().into_inner();
        to_steps(&mut root);
        let table = root.get(section).unwrap().get_ref().as_table().unwrap();
        format!("{:?}", table.get(key).unwrap().get_ref())
    }

    #[test]
    fn durations_are_steps_of_the_grid() {
        let hourly = "[dataset.time]\nstep = \"1h\"\n[target]\ncap = \"20d\"\n";
        assert!(
            converted(hourly, "target", "cap").contains("480"),
            "{hourly}"
        );
        let numeric = "[dataset.time]\nstep = 10\n[target]\ncap = \"20d\"\n";
        assert!(
            converted(numeric, "target", "cap").contains("20d"),
            "{numeric}"
        );
        let list = "[dataset.time]\nstep = \"1h\"\n[features]\nhalf_lives = [\"90min\", 4]\n";
        assert!(converted(list, "features", "half_lives").contains("1.5"));
        let auto = "[dataset.time]\nstep = \"1h\"\n[target]\ncap = \"auto\"\n";
        assert!(converted(auto, "target", "cap").contains("auto"));
    }
}
