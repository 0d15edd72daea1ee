//! `data fetch`: check the digests of a published data set and install it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use tempfile::NamedTempFile;

use crate::cli::args::{FetchArgs, PipelineArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_core::codes::Code;
use pdm_core::events::Reporter;
use pdm_models::data::{DatasetOptions, InstallReport, install};

/// Far more than the published archive, which has 12 MB.
const LARGEST_DOWNLOAD: u64 = 256 << 20;
/// Folder in the pipelines of the templates.
const DEFAULT_FOLDER: &str = "datasets/cmapss";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(600);

pub(super) fn run(args: &FetchArgs, ui: &Ui) -> Result<Exit, CliError> {
    let report = if is_url(&args.from) {
        let context = settings::context(PathBuf::new(), ui)?;
        let archive = download(&args.from, &context.reporter)?;
        install(archive.path(), &args.into, args.force)?
    } else {
        install(Path::new(&args.from), &args.into, args.force)?
    };
    ui.show(&report, || text(&report, &args.into))?;
    ui.next(&next(&args.into, ui));
    Ok(Exit::Done)
}

/// Returns the command that runs a pipeline on the data in this folder.
fn next(into: &Path, ui: &Ui) -> String {
    let example = "pipelines/fd001.toml";
    let set = if into == Path::new(DEFAULT_FOLDER) {
        String::new()
    } else {
        format!(" --set dataset.path={}", into.display())
    };
    if Path::new(example).is_file() {
        return format!("pdm-ml run {example}{set}");
    }
    if !Path::new(settings::MAIN_PIPELINE).is_file() {
        return format!("pdm-ml init --template fd001 && pdm-ml run{set}");
    }
    // Mistakes in the pipeline are reported when it is run.
    let of_cmapss = settings::resolve_to_look(&PipelineArgs::default(), ui)
        .is_ok_and(|(_, job)| matches!(job.spec.dataset, DatasetOptions::Cmapss(_)));
    if of_cmapss {
        format!("pdm-ml run{set}")
    } else {
        format!("pdm-ml init --template fd001 && pdm-ml run {example}{set}")
    }
}

fn is_url(from: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|scheme| from.starts_with(scheme))
}

fn text(report: &InstallReport, into: &Path) -> String {
    let mut lines = vec![format!(
        "{}: {} files installed, {} already there; all digests match the published ones",
        into.display(),
        report.installed.len(),
        report.already_there.len()
    )];
    if !report.missing.is_empty() {
        lines.push(format!("not at the source: {}", report.missing.join(", ")));
    }
    lines.join("\n")
}

/// Downloads an archive to a temporary file. Its contents are checked by digest, so a mirror need not be trusted.
fn download(url: &str, reporter: &Reporter) -> Result<NamedTempFile, CliError> {
    let unreachable = |error: reqwest::Error| {
        let refused = error
            .status()
            .is_some_and(|status| status.is_client_error());
        let error = error.without_url();
        let code = if refused {
            Code::DownloadRefused
        } else {
            Code::DownloadFailed
        };
        CliError::new(code, error).hint(format!("check the address `{url}` and the network"))
    };
    let client = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT);
    let client = client
        .build()
        .map_err(|error| CliError::new(Code::HttpSetUp, error))?;
    let response = client
        .get(url)
        .send()
        .and_then(Response::error_for_status)
        .map_err(unreachable)?;
    let total = response.content_length().unwrap_or(0);
    if total > LARGEST_DOWNLOAD {
        return Err(too_large());
    }
    let mut file = tempfile::Builder::new()
        .suffix(".zip")
        .tempfile()
        .map_err(file)?;
    copy(response, file.as_file_mut(), total, reporter)?;
    Ok(file)
}

fn copy(
    mut from: impl Read,
    to: &mut File,
    total: u64,
    reporter: &Reporter,
) -> Result<(), CliError> {
    let (mut buffer, mut done) = (vec![0; 1 << 16], 0);
    loop {
        reporter.check().map_err(CliError::interrupted)?;
        let read = match from.read(&mut buffer) {
            Ok(0) => return to.flush().map_err(file),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CliError::new(Code::DownloadFailed, error)),
        };
        to.write_all(&buffer[..read]).map_err(file)?;
        done += read as u64;
        if done > LARGEST_DOWNLOAD {
            return Err(too_large());
        }
        reporter.progress("download", done, total.max(done), "bytes");
    }
}

fn too_large() -> CliError {
    let message = format!("the download is larger than {} MiB", LARGEST_DOWNLOAD >> 20);
    CliError::new(Code::DownloadRefused, message)
        .hint("check the address; the published archive has 12 MB")
}

/// The error for a temporary file that the system refused.
fn file(error: io::Error) -> CliError {
    CliError::new(Code::FileAccess, error)
}
