//! The options of a `[[stage]]`.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::paths::{covers, is_pattern, is_within_project, pattern_problem, plain};
use crate::config::{Stage, TimeLimit};
use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// The state folder with cache and logs, which no program may write into.
const STATE_DIR: &str = ".pdm-ml";

/// A program as a stage of the pipeline. It is run again only when its inputs or its options have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExecOptions {
    /// Name of the stage: lower-case letters, digits, `-` and `_`; not the name of another stage.
    pub name: String,
    /// The program and its arguments; no shell is used. A program with a `/` is searched in the project's folder, any other
    /// on the `PATH`.
    pub exec: Vec<String>,
    /// What it reads: files, whole folders, or patterns such as `raw/**/*.csv`; relative to the project's folder.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// The files it makes, in the project's folder. They are kept in the cache, and put back from there when the program is
    /// not run.
    #[serde(default)]
    pub outputs: Vec<String>,
    /// The stage that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Stage>,
    /// The stage it waits for. The results of that stage and those before it are in the folders named by variables such as
    /// `PDM_ML_EVALUATE_DIR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Stage>,
    /// Names of environment variables that it gets; it is run again when their values change. It always gets `PATH`, `HOME`
    /// and `TMPDIR`, whose values matter only where they are named here.
    #[serde(default)]
    pub env: Vec<String>,
    /// Names of environment variables that it gets and whose values are secret: they are not stored, and a change does not
    /// run it again.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Longest time it may run, such as `10min`; without it, there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub timeout: Option<TimeLimit>,
}

impl ExecOptions {
    /// The version of how programs are run; raised when the same inputs should give another result.
    pub const SEMANTIC_VERSION: u32 = 1;

    /// Returns the file of the program in the project's folder; none where it is searched on the `PATH`.
    pub fn program_file(&self) -> Option<&str> {
        self.exec
            .first()
            .map(String::as_str)
            .filter(|program| program.contains('/'))
    }

    /// Returns whether it reads the file at `path`.
    pub fn reads(&self, path: &str) -> bool {
        let written = self
            .inputs
            .iter()
            .map(String::as_str)
            .chain(self.program_file());
        written.into_iter().any(|input| covers(input, path))
    }

    /// Returns what is wrong with it.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(self.name_problem());
        problems.extend(self.program_problem());
        problems.extend(self.place_problem());
        problems.extend(self.input_problems());
        problems.extend(self.output_problems());
        problems.extend(self.variable_problems());
        if let Some(timeout) = self.timeout
            && timeout.duration().is_zero()
        {
            let problem = Problem::new("timeout", "must be more than 0");
            problems.push(problem.hint("leave the key out for no limit"));
        }
        problems
    }

    fn name_problem(&self) -> Option<Problem> {
        let name = &self.name;
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            let message =
                format!("\"{name}\" is not a name of lower-case letters, digits, `-` and `_`");
            return Some(Problem::new("name", message).with_code(Code::BadName));
        }
        if name == "tune" || Stage::ALL.iter().any(|stage| stage.name() == name) {
            let message = format!("\"{name}\" is already the name of a stage");
            return Some(Problem::new("name", message).with_code(Code::NamedTwice));
        }
        None
    }

    fn program_problem(&self) -> Option<Problem> {
        if self.exec.first().is_some_and(|program| !program.is_empty()) {
            return None;
        }
        let problem = Problem::new("exec", "names no program");
        Some(problem.hint("exec = [\"./scripts/clean.sh\", \"an argument\"]"))
    }

    fn place_problem(&self) -> Option<Problem> {
        match (self.after, self.before) {
            (None, None) => {
                let message = "needs `before` or `after`: its place between the named stages";
                let problem = Problem::new("", message).with_code(Code::KeyNeedsOther);
                Some(problem.hint("write `before = \"validate\"` for a program that makes data"))
            }
            (Some(after), Some(before)) if after >= before => {
                let message = format!(
                    "`{before}` comes before `{after}`, and the program must run after that"
                );
                Some(Problem::new("before", message).with_code(Code::StagesInACircle))
            }
            _ => None,
        }
    }

    fn input_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (i, input) in self.inputs.iter().enumerate() {
            let message = if input.is_empty() {
                "names no file".to_owned()
            } else if let Some(why) = pattern_problem(input) {
                format!("`{input}` is not a pattern: {why}")
            } else {
                continue;
            };
            problems.push(Problem::new(format!("inputs.{i}"), message).with_code(Code::StagePath));
        }
        problems
    }

    fn output_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (i, output) in self.outputs.iter().enumerate() {
            if let Some((code, message)) = self.output_problem(i, output) {
                problems.push(Problem::new(format!("outputs.{i}"), message).with_code(code));
            }
        }
        problems
    }

    fn output_problem(&self, at: usize, output: &str) -> Option<(Code, String)> {
        let written = plain(output);
        if is_pattern(output) || output.ends_with('/') || !is_within_project(output) {
            let message = format!("`{output}` is not the path of one file in the project's folder");
            return Some((Code::StagePath, message));
        }
        if Path::new(&written).starts_with(STATE_DIR) {
            let message = format!("`{output}` is in the folder of the cache");
            return Some((Code::StagePath, message));
        }
        if self.outputs[..at]
            .iter()
            .any(|before| plain(before) == written)
        {
            return Some((Code::NamedTwice, format!("`{output}` is named twice")));
        }
        if self.reads(output) {
            let message =
                format!("`{output}` is also an input, so every run would require another");
            return Some((Code::OutputTaken, message));
        }
        None
    }

    fn variable_problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (key, names) in [("env", &self.env), ("secrets", &self.secrets)] {
            for (i, name) in names.iter().enumerate() {
                if !is_variable(name) {
                    let message = format!("`{name}` is not the name of a variable");
                    let problem = Problem::new(format!("{key}.{i}"), message)
                        .with_code(Code::NotAVariableName);
                    problems
                        .push(problem.hint("write only the name, without `$` and without a value"));
                }
            }
        }
        for (i, name) in self.secrets.iter().enumerate() {
            if self.env.contains(name) {
                let message = format!("`{name}` is also in `env`");
                let problem = Problem::new(format!("secrets.{i}"), message);
                problems.push(problem.with_code(Code::NamedTwice));
            }
        }
        problems
    }
}

fn is_variable(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(fits) && name.starts_with(|c: char| !c.is_ascii_digit())
}
