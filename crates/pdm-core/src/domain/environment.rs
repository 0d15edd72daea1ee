//! How rooms below the command read environment variables: through a function that tests and services provide.

/// Returns an environment variable; `None` if it is not set.
pub type EnvLookup<'a> = &'a dyn Fn(&str) -> Option<String>;
