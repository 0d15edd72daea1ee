//! The `pdm-ml` command.

use std::process::ExitCode;

/// A fit allocates and frees large buffers in every step; with the C library's allocator a quarter of its time went
/// into giving pages back and asking for them again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pdm_ml::cli::main().into()
}
