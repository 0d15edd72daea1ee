//! The ground of `pdm-ml` and its measure: the codes of errors, the words of the domain, contents and digests, events, and the scores
//! of predictions.

pub mod codes;
pub mod content;
pub mod domain;
pub mod events;
pub mod scoring;
