//! What a pipeline means here: finds its file, lays the layers and the environment over it, and builds what the engine takes.
//!
//! The room knows no command line: a caller gives plain values ([`PipelineRequest`], [`ProjectSurroundings`]) and gets a
//! [`ResolvedPipeline`], which becomes the engine's `Context` and `Job`. What a person should read comes back as
//! [`SettingsNote`] or [`SettingsError`].
//!
//! - `find` looks for the pipeline file and reads it, `resolve` puts the layers together, `context` says who acts and at which
//!   commit;
//! - `environment` reads the variables of the environment that change a pipeline, `git` asks git.

mod context;
mod environment;
mod error;
mod find;
mod git;
mod note;
mod resolve;

pub use context::{ProjectSurroundings, context};
pub use environment::{now, pipeline_variables, variable};
pub use error::SettingsError;
pub use find::{BUILT_IN, MAIN_PIPELINE, PipelineSource, main_pipeline, read};
pub use git::{ask_git, repository_top};
pub use note::SettingsNote;
pub use resolve::{
    PipelineRequest, ResolvedPipeline, SearchSpace, file_of, require_file, require_own_registry,
    resolve,
};
