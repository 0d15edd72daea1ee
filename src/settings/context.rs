//! What the caller provides for work in a project.

use std::path::PathBuf;
use std::time::Duration;

use super::environment;
use super::error::SettingsError;
use super::git::ask_git;
use pdm_core::events::Reporter;
use pdm_engine::engine::Context;

/// What a caller provides for work in a project, apart from the environment.
pub struct ProjectSurroundings {
    /// Listeners, and what stops the work.
    pub reporter: Reporter,
    /// How long to wait for another command that changes the project; `None` waits as long as necessary.
    pub wait: Option<Duration>,
    /// Whether what changes the meaning of a job ends it.
    pub strict: bool,
    /// Whether git is asked for the commit and the actor, which takes longer than a plan.
    pub asks_git: bool,
}

/// Returns the context of a run in the folder `root`.
///
/// # Errors
/// The time that is set is not a time.
pub fn context(root: PathBuf, surroundings: ProjectSurroundings) -> Result<Context, SettingsError> {
    let now = environment::now()?;
    let ProjectSurroundings {
        reporter,
        wait,
        strict,
        asks_git,
    } = surroundings;
    let git = |words: &[&str]| asks_git.then(|| ask_git(&root, words)).flatten();
    let commit = git(&["rev-parse", "HEAD"]);
    let actor = environment::actor(|| git(&["config", "user.email"]));
    Ok(Context {
        now,
        commit,
        reporter,
        actor,
        variable: environment::variable,
        wait,
        strict,
        root,
    })
}
