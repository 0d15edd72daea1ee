//! Writes what was found as a pipeline file, with the reason for each value as a comment.

use super::files::{stem, training_pattern};
use super::life::{InferredEnd, InferredEvents};
use super::roles::{InferredColumn, InferredRole};
use super::step::{InferredTime, InferredTimeKind};
use super::toml_text::{TomlText, number, quoted};
use super::{FileUse, Inference};

/// The share of a median life that a candidate may be worse than the champion.
const MARGIN: f64 = 0.02;

impl Inference {
    /// Returns a pipeline file that reads this data.
    pub fn toml(&self) -> String {
        let mut text = TomlText::default();
        self.introduce(&mut text);
        text.value("version", "3", "");
        text.table("project");
        text.text(
            "name",
            &self.project_name(),
            "after the data; lower-case letters, digits, `-`, `_` and `.`",
        );
        text.value("seed", "1", "");
        self.dataset(&mut text);
        self.time_section(&mut text);
        self.life_section(&mut text);
        self.expectations(&mut text);
        self.model(&mut text);
        text.finished()
    }

    fn introduce(&self, text: &mut TomlText) {
        let noun = if self.unit.units == 1 {
            "unit"
        } else {
            "units"
        };
        text.comment(&format!(
            "Drafted by `pdm-ml data infer` from {} rows of {} {noun}. Each comment gives the reason for its value: correct what \
            is wrong, then run `pdm-ml data validate` and `pdm-ml run` with this file.",
            self.rows, self.unit.units
        ));
        for note in &self.notes {
            text.comment(&format!("Note: {note}."));
        }
    }

    /// Returns a valid name for the project, after the training file or the folder of several.
    fn project_name(&self) -> String {
        let pattern = training_pattern(&self.files);
        let name = match pattern.split_once('*') {
            None => stem(&pattern),
            Some((fixed, _)) => {
                let mut folders = fixed
                    .rsplit('/')
                    .skip(1)
                    .filter(|folder| !folder.is_empty());
                folders.next().unwrap_or_default().to_owned()
            }
        };
        let plain = |character: char| {
            if character.is_ascii_alphanumeric() {
                character
            } else {
                '-'
            }
        };
        let name: String = name.to_lowercase().chars().map(plain).take(64).collect();
        let name = name.trim_matches('-');
        if name.is_empty() {
            "machines".to_owned()
        } else {
            name.to_owned()
        }
    }

    fn file_for(&self, wanted: FileUse) -> Option<&str> {
        self.files
            .iter()
            .find(|file| file.is_for == wanted)
            .map(|file| file.path.as_str())
    }

    fn dataset(&self, text: &mut TomlText) {
        text.table("dataset");
        text.text("kind", "table", "");
        let count = self
            .files
            .iter()
            .filter(|file| file.is_for == FileUse::Train)
            .count();
        let files = if count == 1 {
            String::new()
        } else {
            format!("{count} files with the same columns, ")
        };
        text.text(
            "train",
            &training_pattern(&self.files),
            &format!("{files}{} rows", self.rows),
        );
        if let (Some(test), Some(rul)) = (self.file_for(FileUse::Test), self.file_for(FileUse::Rul))
        {
            text.text(
                "test",
                test,
                "the same columns; its name says that it is the test part",
            );
            text.text(
                "rul",
                rul,
                "has the column `rul`: the true remaining lives of the test part",
            );
        }
        match (&self.unit.column, &self.unit.from) {
            (Some(column), _) => text.text("unit", column, &self.unit.why),
            (None, Some(from)) => text.text("unit_from", from, &self.unit.why),
            (None, None) => {}
        }
        if self.time.kind == InferredTimeKind::Cycle {
            text.text("cycle", &self.time.column, &self.time.why);
        }
        let of_role = |role: InferredRole| {
            self.columns
                .iter()
                .filter(move |column| column.role == role)
        };
        let shown = |column: &'_ InferredColumn| with_missing(column);
        let settings: Vec<_> = of_role(InferredRole::Setting)
            .map(|column| (column.name.as_str(), shown(column)))
            .collect();
        let sensors: Vec<_> = of_role(InferredRole::Sensor)
            .map(|column| (column.name.as_str(), shown(column)))
            .collect();
        text.long_list(
            "settings",
            settings.iter().map(|(name, why)| (*name, why.as_str())),
        );
        text.long_list(
            "sensors",
            sensors.iter().map(|(name, why)| (*name, why.as_str())),
        );
        for column in of_role(InferredRole::LeftOut) {
            text.comment(&format!(
                "left out: {}: {}",
                quoted(&column.name),
                column.why
            ));
        }
        for column in of_role(InferredRole::Label) {
            text.comment(&format!(
                "no sensor: {}: {}",
                quoted(&column.name),
                column.why
            ));
        }
        self.writing_keys(text);
    }

    fn writing_keys(&self, text: &mut TomlText) {
        if !self.missing.is_empty() {
            text.list(
                "missing",
                &self.missing,
                "cells of columns of numbers that are not numbers",
            );
        }
        let Some(writing) = &self.writing else { return };
        if writing.separator != ',' {
            text.text(
                "separator",
                &writing.separator.to_string(),
                "divides the header and the rows into as many fields",
            );
        }
        if writing.decimal == ',' {
            text.text(
                "decimal",
                ",",
                "more cells are numbers with it than with a point",
            );
        }
        if let Some(mark) = writing.thousands {
            text.text(
                "thousands",
                &mark.to_string(),
                "separates groups of three digits",
            );
        }
        if writing.latin1 {
            text.text("encoding", "latin-1", "the bytes are not UTF-8");
        }
    }

    fn time_section(&self, text: &mut TomlText) {
        let InferredTime {
            column,
            kind,
            format,
            epoch,
            unit,
            step,
            limit,
            ..
        } = &self.time;
        if *kind == InferredTimeKind::Cycle {
            return;
        }
        text.table("dataset.time");
        text.text("column", column, "");
        text.text("kind", kind.word(), kind_reason(*kind));
        if let Some(format) = format {
            text.text("format", format, "reads every cell");
        }
        if let Some(epoch) = epoch {
            text.text(
                "epoch",
                epoch,
                "with it every value is between 1990 and 2100",
            );
        }
        if let Some(unit) = unit {
            text.text("unit", unit, "from the name of the column");
        }
        if let Some(step) = step {
            let value = if *kind == InferredTimeKind::Timestamp {
                quoted(step)
            } else {
                step.clone()
            };
            text.value("step", &value, &self.time.why);
        }
        if let Some(limit) = limit {
            text.text(
                "fill",
                "forward",
                &format!("{} gaps: the last value is kept", self.time.gaps),
            );
            let value = if *kind == InferredTimeKind::Timestamp {
                quoted(limit)
            } else {
                limit.clone()
            };
            text.value("limit", &value, "six steps; a guess");
            text.text(
                "longer",
                "split",
                "the history begins again after a longer gap",
            );
        }
    }

    fn life_section(&self, text: &mut TomlText) {
        match self.life.end {
            InferredEnd::LastRow => {
                text.comment(&format!("[dataset.life] is absent: {}.", self.life.why));
            }
            InferredEnd::Column => {
                text.table("dataset.life");
                text.text("end", "column", &self.life.why);
                text.text(
                    "column",
                    self.life.column.as_deref().unwrap_or_default(),
                    "",
                );
            }
            InferredEnd::Events => {
                text.table("dataset.life");
                text.text("end", "events", &self.life.why);
                if let Some(events) = &self.life.events {
                    events.write(text);
                }
            }
        }
    }

    fn expectations(&self, text: &mut TomlText) {
        text.table("validate.ranges");
        text.comment("the values seen, wider by a quarter of their range; narrow them to what the sensors can measure");
        for column in &self.columns {
            if let Some([low, high]) = column.range {
                text.value(
                    &quoted(&column.name),
                    &format!("[{}, {}]", number(low), number(high)),
                    "",
                );
            }
        }
        text.table("validate.severity");
        text.text(
            "ranges",
            "warn",
            "the ranges are drafted from this data, so a new value outside is no error",
        );
    }

    fn model(&self, text: &mut TomlText) {
        text.table("split");
        text.value("folds", &self.split.folds.to_string(), &self.split.why);
        if let Some(holdout) = self.split.holdout {
            let value = format!(
                "{{ share = {}, seed = {} }}",
                number(holdout.share),
                holdout.seed
            );
            text.value("holdout", &value, "never used for training");
        }
        text.table("target");
        text.text("cap", "auto", "the longest life, which caps no label");
        text.table("model");
        text.text("kind", "gbdt", "trains in seconds; compare with linear, gru and the others by `pdm-ml evaluate --against`");
        text.table("calibrate");
        text.value(
            "coverage",
            &number(self.split.coverage),
            "can be reached with so many units",
        );
        text.item("gate");
        text.text("metric", "rmse", "");
        text.text(
            "rule",
            "non_inferior",
            "against the champion, by a paired bootstrap over units",
        );
        let margin = (self.unit.median_rows as f64 * MARGIN).round().max(1.0);
        text.value(
            "margin",
            &number(margin),
            "2 % of the median history, which has that many rows",
        );
        text.table("registry");
        text.text("url", "registry/store", "");
        text.text("alias", "champion", "");
    }
}

impl InferredEvents {
    fn write(&self, text: &mut TomlText) {
        text.text("events", &self.file, &self.why);
        text.text("unit", &self.unit, "");
        text.text("time", &self.time, "");
        if let Some(kind) = &self.kind {
            text.text("kind", kind, "");
            text.list(
                "failures",
                &self.failures,
                "the kinds with a word for failure",
            );
        }
        if !self.replacements.is_empty() {
            text.list(
                "replacements",
                &self.replacements,
                "the kinds with a word for replacement",
            );
        }
        if let Some(mode) = &self.mode {
            text.text("mode", mode, "says what failed");
        }
    }
}

fn kind_reason(kind: InferredTimeKind) -> &'static str {
    match kind {
        InferredTimeKind::Cycle => "",
        InferredTimeKind::Timestamp => "every cell is a point in time",
        InferredTimeKind::Counter => {
            "whole numbers that mostly rise by 1, but are not 1, 2, 3, … in consecutive rows"
        }
        InferredTimeKind::Number => "numbers that rise by other steps than 1",
    }
}

fn with_missing(column: &InferredColumn) -> String {
    match (column.missing, column.why.is_empty()) {
        (0, _) => column.why.clone(),
        (missing, true) => format!("{missing} cells without a value"),
        (missing, false) => format!("{}; {missing} cells without a value", column.why),
    }
}
