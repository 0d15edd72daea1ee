//! `wire` needs no server: it plays one that misbehaves. `replay` and `outage` need a real one, which
//! `scripts/services run -- cargo test --release -- --include-ignored` provides.

mod fake;
mod models;
mod nested;
mod outage;
mod places;
mod real;
mod replay;
mod wire;
