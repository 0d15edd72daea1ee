//! `explain`: what an error code means, why it is refused, and how to mend it.

use serde::Serialize;

use crate::cli::args::ExplainArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;
use pdm_core::codes::Code;
use pdm_report::report::{Align, table};

/// A code in the list.
#[derive(Serialize)]
struct ListedCode {
    code: Code,
    title: &'static str,
    group: &'static str,
    exit: u8,
}

/// A code at length.
#[derive(Serialize)]
struct Explained {
    #[serde(flatten)]
    listed: ListedCode,
    explanation: &'static str,
}

impl ListedCode {
    fn of(code: &Code) -> Self {
        Self {
            code: *code,
            title: code.title(),
            group: code.group(),
            exit: code.exit(),
        }
    }
}

pub(super) fn run(args: &ExplainArgs, ui: &Ui) -> Result<Exit, CliError> {
    match &args.code {
        None => {
            let all: Vec<_> = Code::ALL.iter().map(ListedCode::of).collect();
            ui.show(&all, || list(&all))?;
        }
        Some(text) => {
            let code = Code::named(text).ok_or_else(|| unknown(text))?;
            let explained = Explained {
                listed: ListedCode::of(&code),
                explanation: code.explanation(),
            };
            ui.show_verbatim(&explained, || page(code))?;
        }
    }
    Ok(Exit::Done)
}

fn unknown(text: &str) -> CliError {
    let error = CliError::new(Code::UnknownCode, format!("no error has the code `{text}`"));
    let near: Vec<_> = Code::near(text)
        .iter()
        .map(|code| format!("{code} ({})", code.title()))
        .collect();
    match near.as_slice() {
        [] => error.hint("`pdm-ml explain` lists all codes"),
        near => error.hint(format!("did you mean {}?", near.join(", or "))),
    }
}

fn list(all: &[ListedCode]) -> String {
    let header = [
        ("code", Align::Left),
        ("exit", Align::Right),
        ("what is wrong", Align::Left),
    ];
    let groups = all.chunk_by(|a, b| a.group == b.group).map(|group| {
        let rows = group.iter().map(|row| {
            [
                row.code.to_string(),
                row.exit.to_string(),
                row.title.to_owned(),
            ]
        });
        format!("{}\n\n{}", group[0].group, table(&header, rows))
    });
    groups.collect::<Vec<_>>().join("\n\n")
}

/// Returns an explanation for a terminal: the examples indented instead of fenced.
fn page(code: Code) -> String {
    let mut lines = vec![
        format!("{code}: {} (exit code {})", code.title(), code.exit()),
        String::new(),
    ];
    let mut example = false;
    for line in code.explanation().lines() {
        match line.starts_with("```") {
            true => example = !example,
            false if example && !line.is_empty() => lines.push(format!("    {line}")),
            false => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}
