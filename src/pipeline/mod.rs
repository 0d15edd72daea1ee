//! The TOML, understood: one file becomes one [`PipelineSpec`], and every mistake in it is shown where it stands.
//!
//! The options belong to the rooms that obey them; this room only puts them together. [`PipelineSpec::load`] parses the
//! file, applies `--set`, fills in environment variables, reads section by section, asks every room what is wrong with
//! its values, and checks what no section can see alone. It stops at the first mistake of none of them: [`SpecErrors`]
//! holds all, each with file, line, column, caret and, where one is near, the word that was meant.
//!
//! - `source` knows where every key stands, `decode` reads a section in spite of mistakes, `words` says in TOML what
//!   serde says in Rust, `suggest` finds what was meant, `render` draws the caret;
//! - [`Origins`] tells for every value who wrote it; [`file_schema`] tells editors what may be written;
//! - `combinations` finds what is right alone and wrong together, `idle` what changes nothing;
//! - `search` says what `[tune.space]` may search, `variant` is the pipeline with other values, [`edited`] writes them
//!   into the user's text;
//! - [`Stage`] names the stations of the line, [`ExecGraph`] orders the user's programs among them as [`Step`]s, [`stages`] computes them, [`cache`] remembers what they made.

pub mod cache;
pub mod stages;

mod budget;
mod combinations;
mod culprit;
mod decode;
mod edit;
mod errors;
mod exec;
mod findings;
mod graph;
mod idle;
mod interpolate;
mod keys;
mod origins;
mod overrides;
mod render;
mod schema;
mod search;
mod source;
mod spec;
mod step;
mod suggest;
mod unbounded;
mod variant;
mod words;

pub use budget::{BudgetOptions, MemoryLimit, TimeLimit};
pub use cache::StageKey;
pub use edit::{NoPlace, edited, toml_of};
pub use errors::{SpecErrors, SpecProblem};
pub use exec::{ExecGraph, ExecOptions, Node, covers};
pub use graph::Stage;
pub use interpolate::Environment;
pub use origins::{Origin, Origins, Source};
pub use schema::{file_schema, file_schema_text};
pub use spec::{PipelineSpec, ProjectOptions, VERSION};
pub use step::Step;

#[cfg(test)]
mod tests;
