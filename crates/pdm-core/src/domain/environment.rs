//! How rooms below the command look environment variables up: they are handed a function, so that tests and services decide.

/// Looks an environment variable up; none where it is not set.
pub type EnvLookup<'a> = &'a dyn Fn(&str) -> Option<String>;
