//! The language of the pipeline file: one file becomes one [`PipelineSpec`], and every mistake in it is shown at its place.
//!
//! The option types are defined next to the code that uses them; here they are only composed. [`PipelineSpec::compose`] parses
//! the file and those it extends, lays the layers over each other, fills in environment variables, reads section by section,
//! checks the values of each section, and then what only several sections together show. A mistake does not end the reading:
//! [`SpecErrors`] has all of them, each with file, line, column, caret and, where there is a similar word, the one that was
//! probably meant. Only broken TOML is reported alone, by the parser.
//!
//! - `layers` composes the document, `format` defines its versions, [`migrate`] brings a file to the newest;
//! - `source` has the place of every key, `decode` reads a section in spite of mistakes, `words` translates the messages of
//!   serde, `suggest` finds similar words, `render` draws the caret;
//! - [`Origins`] says for every value where it was set; [`file_schema`] describes the file for editors, and
//!   [`file_reference`] for people;
//! - `combinations` finds values that do not work together, `idle` options that change nothing;
//! - `search` defines what `[tune.space]` may search, `variant` is the pipeline with other values, [`edited`] writes them
//!   into the user's text;
//! - [`Stage`] names the stages, and [`ExecGraph`] orders the user's programs among them by [`StepName`].

mod budget;
mod combinations;
mod culprit;
mod decode;
mod durations;
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
