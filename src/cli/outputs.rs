//! Writes output files that the user names. Checks before any work that none of them overwrites an input, another output, or
//! a file that this program did not write.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::CliError;
use super::settings;
use super::ui::Ui;
use pdm_core::codes::Code;
use pdm_core::content::{FileId, atomic_write};
use pdm_engine::engine::{self, Context, Job, Read};
use pdm_report::report::{KnownFile, require_table_format};

/// What may be replaced at an output's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replaces {
    /// An earlier file of this kind, recognized by its contents.
    Document(KnownFile),
    /// Any file: the writer checks it.
    Known,
    /// No file at all.
    Nothing,
}

/// A file that a command is to write.
#[derive(Debug)]
struct OutputFile {
    /// The option that names it.
    option: String,
    path: PathBuf,
    replaces: Replaces,
}

/// The files that a command writes and reads.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    outputs: Vec<OutputFile>,
    reads: Vec<Read>,
    /// Whether files of other programs may be overwritten; inputs never are.
    overwrites: bool,
    /// The option that allows it.
    allowed_by: &'static str,
}

impl Outputs {
    /// Returns an empty list; `overwrites` says whether `--force` was given.
    pub(super) fn new(overwrites: bool) -> Self {
        Self {
            overwrites,
            allowed_by: "--force",
            ..Self::default()
        }
    }

    /// As [`Self::new`], for a command whose `--force` has another meaning as well.
    pub(super) fn with_overwrite(overwrites: bool) -> Self {
        Self {
            overwrites,
            allowed_by: "--overwrite",
            ..Self::default()
        }
    }

    /// Adds a document that may replace an earlier one of its kind; `None` if the option was not given.
    pub(super) fn document(self, option: &str, path: Option<&Path>, document: KnownFile) -> Self {
        self.add(option, path, Replaces::Document(document))
    }

    /// Adds a file that replaces none.
    pub(super) fn new_file(self, option: &str, path: &Path) -> Self {
        self.add(option, Some(path), Replaces::Nothing)
    }

    /// Adds a file or folder whose writer checks what it may replace.
    pub(super) fn known(self, option: &str, path: Option<&Path>) -> Self {
        self.add(option, path, Replaces::Known)
    }

    fn add(mut self, option: &str, path: Option<&Path>, replaces: Replaces) -> Self {
        if let Some(path) = path {
            self.outputs.push(OutputFile {
                option: option.to_owned(),
                path: path.to_owned(),
                replaces,
            });
        }
        self
    }

    /// Adds a file that the command reads.
    pub(super) fn reads_file(mut self, option: &str, path: Option<&Path>) -> Self {
        self.reads.extend(
            path.map(|path| Read::file(format!("the file of `{option}`"), path.to_owned())),
        );
        self
    }

    /// Adds a folder that the command reads.
    pub(super) fn reads_folder(mut self, option: &str, path: &Path) -> Self {
        self.reads.push(Read::folder(
            format!("the folder of `{option}`"),
            path.to_owned(),
        ));
        self
    }

    /// Adds a registry by its address; a bucket has no local files.
    pub(super) fn reads_registry(mut self, root: &Path, url: &str) -> Self {
        self.reads
            .extend(engine::folder_at(root, "the registry", url));
        self
    }

    /// Adds all files that a pipeline reads.
    pub(super) fn reads_pipeline(mut self, context: &Context, job: &Job) -> Self {
        self.reads.extend(engine::reads(context, job));
        self
    }

    /// Adds all files that the main pipeline of this project reads, for a command that needs no pipeline; if the pipeline
    /// cannot be read, only its file.
    pub(super) fn reads_project(self, ui: &Ui) -> Self {
        match settings::main_to_look(ui) {
            Some((context, job)) => self.reads_pipeline(&context, &job),
            None => self.reads_pipeline_file(None),
        }
    }

    /// Adds only the pipeline file, for a pipeline that cannot be read.
    pub(super) fn reads_pipeline_file(mut self, given: Option<&Path>) -> Self {
        let main = settings::main_pipeline().ok().flatten();
        let file = given.map(Path::to_owned).or(main);
        self.reads
            .extend(file.map(|path| Read::file("the pipeline file", path)));
        self
    }

    /// Checks, before any work, that no output destroys a file.
    ///
    /// # Errors
    /// An output is an input or another output; it would overwrite a file that this program did not write; or it cannot be
    /// written, for example because it is a folder.
    pub(super) fn check(mut self, ui: &Ui) -> Result<(), CliError> {
        let metrics = ui.watch.metrics_file().map(Path::to_owned);
        self = self.known("--metrics-file", metrics.as_deref());
        let reads: Vec<_> = self
            .reads
            .iter()
            .map(|read| (read, FileId::of(&read.path)))
            .collect();
        let mut seen: Vec<(&OutputFile, FileId)> = Vec::new();
        for output in &self.outputs {
            let id = FileId::of(&output.path);
            refuse_input(output, &id, &reads)?;
            if let Some((other, _)) = seen.iter().find(|(_, other)| other.is(&id)) {
                return Err(same_file(output, other));
            }
            self.refuse_strangers(output)?;
            seen.push((output, id));
        }
        Ok(())
    }

    /// Refuses to overwrite files that this program did not write.
    fn refuse_strangers(&self, output: &OutputFile) -> Result<(), CliError> {
        let OutputFile {
            option,
            path,
            replaces,
        } = output;
        if let Replaces::Document(KnownFile::Predictions | KnownFile::Features) = replaces {
            require_table_format(path)?;
        }
        let Ok(found) = fs::metadata(path) else {
            return Ok(());
        };
        let shown = path.display();
        let (document, what) = match replaces {
            Replaces::Known => return Ok(()),
            Replaces::Nothing => (None, String::new()),
            Replaces::Document(document) => (
                Some(*document),
                format!(", and it is not {}", document.name()),
            ),
        };
        if !found.is_file() {
            let kind = if found.is_dir() {
                "is a folder"
            } else {
                "is not a regular file"
            };
            let error = CliError::new(Code::ArgumentValue, format!("{option}: `{shown}` {kind}"));
            return Err(error.hint("give the path of a file"));
        }
        if self.overwrites {
            return Ok(());
        }
        if let Some(document) = document
            && document
                .is_written_at(path)
                .map_err(|error| CliError::io("read", path, error))?
        {
            return Ok(());
        }
        let message = format!("`{shown}` already exists{what}; nothing was changed");
        let hint = format!(
            "pass {} to overwrite it, or choose another file for {option}",
            self.allowed_by
        );
        Err(CliError::new(Code::WouldOverwrite, message).hint(hint))
    }
}

fn refuse_input(
    output: &OutputFile,
    id: &FileId,
    reads: &[(&Read, FileId)],
) -> Result<(), CliError> {
    let hits = |read: &Read, other: &FileId| {
        if read.is_folder {
            id.is_within(other)
        } else {
            id.is(other)
        }
    };
    let Some((read, _)) = reads.iter().find(|(read, other)| hits(read, other)) else {
        return Ok(());
    };
    let (shown, option) = (output.path.display(), &output.option);
    let message = match read.is_folder {
        true => format!(
            "{option} would write `{shown}` into {}, `{}`",
            read.what,
            read.path.display()
        ),
        false => format!("{option} would overwrite `{shown}`, which is {}", read.what),
    };
    Err(CliError::new(Code::OutputIsInput, message)
        .hint("choose another file; nothing was changed"))
}

fn same_file(output: &OutputFile, other: &OutputFile) -> CliError {
    let message = format!(
        "{} and {} would both write `{}`",
        other.option,
        output.option,
        output.path.display()
    );
    CliError::new(Code::OutputsCollide, message)
        .hint("choose a separate file for each; nothing was changed")
}

/// Writes a file that was checked before, atomically.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    atomic_write(path, bytes).map_err(|error| CliError::io("write", path, error))
}
