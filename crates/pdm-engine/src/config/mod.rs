//! The language of the pipeline file: one file becomes one [`PipelineSpec`], and every mistake in it is shown where it stands.
//!
//! The options belong to the rooms that obey them; this room only puts them together. [`PipelineSpec::compose`] parses the
//! file and those it extends, lays the layers over each other, fills in environment variables, reads section by section,
//! asks every room what is wrong with its values, and checks what no section can see alone. It stops at the first mistake
//! of none of them: [`SpecErrors`] holds all, each with file, line, column, caret and, where one is near, the word that was
//! meant.
//!
//! - `layers` puts the document together, `format` knows its versions, [`migrate`] brings a file to the newest;
//! - `source` knows where every key stands, `decode` reads a section in spite of mistakes, `words` says in TOML what
//!   serde says in Rust, `syntax` what breaks TOML, `suggest` finds what was meant, `render` draws the caret;
//! - [`Origins`] tells for every value who wrote it; [`file_schema`] tells editors what may be written, and
//!   [`file_reference`] people;
//! - `combinations` finds what is right alone and wrong together, `idle` what changes nothing;
//! - `search` says what `[tune.space]` may search, `variant` is the pipeline with other values, [`edited`] writes them
//!   into the user's text;
//! - [`Stage`] names the stages, and [`ExecGraph`] orders the user's programs among them by [`StepName`].

mod budget;
mod combinations;
mod culprit;
mod decode;
mod edit;
mod errors;
mod exec;
mod findings;
mod format;
mod graph;
mod idle;
mod interpolate;
mod keys;
mod layers;
mod migrate;
mod origins;
mod overrides;
mod reference;
mod render;
mod retrain;
mod schema;
mod search;
mod section;
mod source;
mod spec;
mod step;
mod suggest;
mod unbounded;
mod variant;
mod words;

pub use budget::{BudgetOptions, MemoryLimit, TimeLimit};
pub use edit::{NoPlace, edited, toml_of, with_comment};
pub use errors::{SpecErrors, SpecProblem};
pub use exec::{ExecGraph, ExecOptions, Node, covers};
pub use format::VERSION;
pub use graph::Stage;
pub use layers::{ChosenProfile, Layer, Layers, MOST_OF_A_PIPELINE, SetVariable};
pub use migrate::{Migration, TextChange, migrate};
pub use origins::{Origin, Origins, Source};
pub use reference::file_reference;
pub use retrain::{Condition, LostData, RetrainOptions};
pub use schema::{file_schema, file_schema_text};
pub use section::Section;
pub(crate) use section::is_locked_key;
pub use spec::{PipelineSpec, ProjectOptions};
pub use step::StepName;

#[cfg(test)]
mod tests;
