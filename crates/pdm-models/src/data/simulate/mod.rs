//! Simulates a turbofan fleet and writes it in the C-MAPSS text format.
//!
//! The damage propagation of Saxena, Goebel, Simon and Eklund ("Damage Propagation Modeling for Aircraft Engine
//! Run-to-Failure Simulation", PHM 2008): health falls exponentially from an initial wear until it is used up
//! (`wear`), sensors respond to it by operating regime and fault mode (`engine`, `sensors`), and the test part is cut at
//! a random cycle (`fleet`).

mod engine;
mod fleet;
mod options;
mod origin;
mod sensors;
mod text;
mod wear;

pub use fleet::{SimulatedFleet, simulate};
pub use options::SimulateOptions;
pub(super) use origin::SimulationOrigin;
pub use origin::is_simulated;
