//! The ground of `pdm-ml` and its measure: the codes of errors, the words of the domain, contents and digests, events, the scores of
//! predictions, and the gates that judge them.

pub mod codes;
pub mod content;
pub mod domain;
pub mod events;
pub mod gates;
pub mod retry;
pub mod scoring;
