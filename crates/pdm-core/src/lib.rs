//! The foundation of `pdm-ml`: error codes, domain types, contents and digests, events, scores of predictions, and the gates
//! that judge them.

pub mod codes;
pub mod content;
pub mod domain;
pub mod duration;
pub mod events;
pub mod gates;
pub mod retry;
pub mod scoring;
pub mod statistics;
