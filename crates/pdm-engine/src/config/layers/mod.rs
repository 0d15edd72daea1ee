//! Composes a pipeline from several layers, each laid over the one before.
//!
//! ```text
//! built-in defaults < extends < the file < [profile.NAME] < PDM_ML__SECTION__KEY < --set
//! ```
//!
//! Tables merge key by key; anything else, including lists, is replaced as a whole. A table whose `kind` changes starts empty:
//! the keys of the other kind mean nothing in it. Every value keeps the place where it was written, so that mistakes and origins
//! point to the right file.
//!
//! - `files` reads what a file extends, `merge` lays one table over another, `profile` finds the chosen profile, `unchosen`
//!   checks the others, `variables` reads the environment; `--set` is in `overrides`.

mod files;
mod layer;
mod merge;
mod moved;
mod profile;
mod unchosen;
mod variables;

pub use layer::{ChosenProfile, Layer, Layers, SetVariable};

pub use files::MOST_OF_A_PIPELINE;
pub(super) use files::read;
pub(super) use merge::only_since;
pub(super) use moved::moved;
pub(super) use profile::choose;
pub(super) use unchosen::mistakes;
pub(super) use variables::apply as apply_variables;

/// The key that names the files that a file extends.
pub(super) const EXTENDS: &str = "extends";
/// The table of profiles.
pub(super) const PROFILE: &str = "profile";

#[cfg(test)]
mod tests;
