//! Predictive maintenance in one command: from run-to-failure data to a promoted remaining-useful-life model.
//!
//! One value travels through the program; every box has a content hash.
//!
//! ```text
//! files ─ data::ingest ─▶ RawDataset ─ data::validate ─▶ ValidDataset ─ features::fit ─▶ FittedFeatures
//!                                                             │                               │ apply
//!                                                             └──────── train ◀───────────────┘
//!                                                                         │
//!                        ModelVersion ◀─ registry ─ Decision ◀─ scoring ◀─ ModelBundle ─▶ Predictions
//! ```
//!
//! A room uses rooms on lower floors, and on its own floor only those named next to it;
//! `tests/it/architecture.rs` holds the table and reads every `use crate::…`.
//!
//! | floor | rooms |
//! | --- | --- |
//! | 4 front door | [`cli`] → [`settings`], which finds a pipeline and resolves it |
//! | 3 the plan | [`engine`] → [`pipeline`] → [`config`] → [`cache`] |
//! | 2 storerooms: async and network live from here up | [`tracking`] and [`registry`], both on [`bucket`]; [`notify`]; [`observe`] shows runs of `tracking` to machines; [`report`] |
//! | 1 workshops: no network, no clock, no environment | [`data`] ← [`features`] ← [`models`] ← [`train`]; [`scoring`] ← [`gates`], [`bundle`] uses all but `train`, [`export`] turns bundles into what other programs load, [`monitor`] uses `data`, `features` and `scoring`, [`tune`] uses `scoring`, [`schedule`] uses none of them |
//! | 0 ground | [`codes`] ← [`domain`] ← [`events`]; [`content`]; [`statistics`] |

pub use pdm_core::{codes, content, domain, events, gates, scoring, statistics};
pub use pdm_engine::{cache, config, engine, pipeline, schedule};
pub use pdm_models::{bundle, data, export, features, models, monitor, train, tune};
pub use pdm_report::report;
pub use pdm_store::{bucket, registry};
pub use pdm_tracking::{notify, observe, tracking};

pub mod cli;
pub mod settings;
