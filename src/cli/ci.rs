//! The CI workflows that `init --ci` writes into the user's repository.

use std::path::{Path, PathBuf};

use super::args::Ci;
use super::error::CliError;
use super::settings::ask_git;
use pdm_core::codes::Code;
use pdm_engine::schedule::INSTALL;

const GITHUB: &str = include_str!("ci/github.yml");
const GITLAB: &str = include_str!("ci/gitlab.yml");
/// Placeholder in the templates for the project folder, relative to the top of the repository.
const FOLDER: &str = "PROJECT_FOLDER";
const PATHS: &str = "PATHS";
const CHANGES: &str = "CHANGES";
const DEFAULT_BRANCH: &str = "DEFAULT_BRANCH";
const INSTALL_LINE: &str = "          INSTALL_SCRIPT\n";
const INSTALL_INDENT: &str = "          ";

/// A workflow and its path.
pub(super) struct Workflow {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Returns the workflow for a project. Both services only read files at the top of the repository.
///
/// # Errors
/// The name of the project folder cannot be used in a workflow.
pub(super) fn workflow(ci: Ci, project: &Path) -> Result<Workflow, CliError> {
    let top = repository(project).unwrap_or_else(|| project.to_owned());
    let folder = project.strip_prefix(&top).unwrap_or(Path::new(""));
    let folder = plain(folder)?;
    let (name, template) = match ci {
        Ci::Github => (".github/workflows/pdm-ml.yml", GITHUB),
        Ci::Gitlab => (".gitlab-ci.yml", GITLAB),
    };
    let install: String = INSTALL
        .lines()
        .map(|line| format!("{INSTALL_INDENT}{line}\n"))
        .collect();
    let within = if folder == "." {
        String::new()
    } else {
        format!("{folder}/")
    };
    let text = template.replace(INSTALL_LINE, &install);
    let text = text
        .replace(&format!("{FOLDER}/"), &within)
        .replace(FOLDER, &folder);
    let text = text
        .replace(PATHS, &github_paths(&folder))
        .replace(CHANGES, &gitlab_changes(&folder));
    let text = text.replace(DEFAULT_BRANCH, &default_branch(&top));
    Ok(Workflow {
        path: top.join(name),
        text,
    })
}

/// Returns the path filter of a job: the project folder, or everything but texts if it is the whole repository.
fn github_paths(folder: &str) -> String {
    match folder {
        "." => "paths-ignore: [\"**.md\", \"docs/**\"]".to_owned(),
        folder => format!("paths: [\"{folder}/**\", \".github/workflows/pdm-ml.yml\"]"),
    }
}

/// As [`github_paths`]; GitLab has no list of excluded paths.
fn gitlab_changes(folder: &str) -> String {
    match folder {
        "." => "[\"**/*.toml\", \"**/*.{csv,parquet,txt,lock}\", \".gitlab-ci.yml\"]".to_owned(),
        folder => format!("[\"{folder}/**/*\", \".gitlab-ci.yml\"]"),
    }
}

/// Returns the default branch: that of the server, else the one that is checked out, else `main`.
fn default_branch(top: &Path) -> String {
    let of_server = ask_git(
        top,
        &["symbolic-ref", "--short", "refs/remotes/origin/HEAD"],
    );
    let of_server = of_server.and_then(|name| name.strip_prefix("origin/").map(str::to_owned));
    let named = of_server.or_else(|| ask_git(top, &["symbolic-ref", "--short", "HEAD"]));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    named
        .filter(|name| name.chars().all(plain))
        .unwrap_or_else(|| "main".to_owned())
}

/// Returns the top of the repository that contains a folder.
pub(super) fn repository(folder: &Path) -> Option<PathBuf> {
    folder
        .ancestors()
        .find(|folder| folder.join(".git").exists())
        .map(Path::to_owned)
}

/// Returns a folder name that is safe in a workflow without quotes.
fn plain(folder: &Path) -> Result<String, CliError> {
    let text = match folder.to_str() {
        Some("") => ".",
        Some(text) => text,
        None => "",
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if text.is_empty() || text.starts_with('-') || !text.chars().all(plain) {
        let error = CliError::new(
            Code::NotNameable,
            format!(
                "the folder name `{}` cannot be used in a workflow",
                folder.display()
            ),
        );
        return Err(error.hint("rename the folder: use only letters, digits, `.`, `_` and `-`"));
    }
    Ok(text.to_owned())
}
