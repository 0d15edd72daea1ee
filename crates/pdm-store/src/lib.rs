//! The model registry, and the folders and buckets that hold it.

pub mod bucket;
pub mod registry;
pub mod tls;
