//! `config migrate`: convert files to the newest format version.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::args::MigrateArgs;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outputs;
use crate::cli::settings;
use crate::cli::ui::{self, Ui};
use pdm_core::codes::Code;
use pdm_engine::config::{Migration, migrate};

#[derive(Serialize)]
struct Migrated {
    file: PathBuf,
    written: bool,
    #[serde(flatten)]
    migration: Migration,
}

impl Migrated {
    fn changes(&self) -> bool {
        !self.migration.changes.is_empty()
    }

    fn text(&self) -> String {
        let Migration {
            from, to, changes, ..
        } = &self.migration;
        let file = self.file.display();
        if changes.is_empty() {
            return format!("{file}: already version {to}, the newest");
        }
        let verb = if self.written {
            "converted"
        } else {
            "can be converted"
        };
        let lines = changes
            .iter()
            .map(|c| format!("\n  {file}:{}: {}: {} → {}", c.line, c.key, c.old, c.new));
        format!(
            "{file}: {verb} from version {from} to {to}{}",
            lines.collect::<String>()
        )
    }
}

pub(super) fn run(args: &MigrateArgs, ui: &Ui) -> Result<Exit, CliError> {
    // All files are read before the first is written, so that a mistake in one leaves all unchanged.
    let mut files = files(args)?
        .into_iter()
        .map(read)
        .collect::<Result<Vec<_>, _>>()?;
    if args.write {
        files
            .iter_mut()
            .filter(|file| file.changes())
            .try_for_each(write)?;
    }
    let report = || {
        files
            .iter()
            .map(Migrated::text)
            .collect::<Vec<_>>()
            .join("\n")
    };
    match files.as_slice() {
        [file] if !args.write && !args.check && ui.is_for_people() => {
            ui::note(&report());
            ui.as_it_is(&file.migration.text)?;
        }
        _ => ui.show(&files, report)?,
    }
    let pending = files.iter().any(Migrated::changes);
    Ok(if args.exit_code && pending {
        Exit::ChangesPending
    } else {
        Exit::Done
    })
}

fn files(args: &MigrateArgs) -> Result<Vec<PathBuf>, CliError> {
    if !args.files.is_empty() {
        return Ok(args.files.clone());
    }
    let none = || {
        CliError::new(
            Code::NoPipeline,
            "there is no `pdm.toml` in this folder or above",
        )
        .hint("name the files to convert")
    };
    settings::main_pipeline()?
        .ok_or_else(none)
        .map(|path| vec![path])
}

fn read(file: PathBuf) -> Result<Migrated, CliError> {
    let label = file.display().to_string();
    let migration = migrate(&settings::read(&file, &label)?, &label).map_err(CliError::spec)?;
    Ok(Migrated {
        file,
        written: false,
        migration,
    })
}

fn write(file: &mut Migrated) -> Result<(), CliError> {
    let path: &Path = &file.file;
    outputs::write(path, file.migration.text.as_bytes())?;
    file.written = true;
    Ok(())
}
