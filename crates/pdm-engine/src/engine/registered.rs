//! Opens registered models, from the state folder or from the registry.

use std::path::Path;
use std::time::Duration;

use super::{Context, EngineError};
use pdm_models::bundle::ModelBundle;
use pdm_store::registry::blocking::Registry;
use pdm_store::registry::{ModelRef, ModelVersion, RegistryOptions};

/// Age from which a temporary folder counts as left by a killed command.
const STALE: Duration = Duration::from_secs(86_400);

/// Opens a registered model and verifies every byte; bundles that were fetched before are taken from the state folder.
///
/// # Errors
/// An unknown model, a damaged registry or bundle, or an error of the store.
pub fn registered_model(
    context: &Context,
    options: &RegistryOptions,
    reference: &ModelRef,
) -> Result<(ModelVersion, ModelBundle), EngineError> {
    let registry = context.registry(options)?;
    let version = registry.resolve(reference, None)?;
    let bundle = open_version(context, &registry, &version)?;
    Ok((version, bundle))
}

/// Opens a version's bundle, and fetches it unless it was fetched before.
pub(super) fn open_version(
    context: &Context,
    registry: &Registry,
    version: &ModelVersion,
) -> Result<ModelBundle, EngineError> {
    let bundles = context.state_folder("bundles");
    let folder = bundles.join(version.bundle.to_string());
    if let Ok(bundle) = ModelBundle::open(&folder, Some(version.bundle)) {
        // Its bytes were verified just now. Those of a registry on this disk cost little to verify, and show damage early.
        if registry.store().is_near() {
            registry.check(version)?;
        } else {
            registry.check_evidence(version)?;
        }
        return Ok(bundle);
    }
    registry.check_evidence(version)?;
    let fresh = fresh_folder(&bundles)?;
    registry.fetch_bundle(version, fresh.path())?;
    let bundle = ModelBundle::open(fresh.path(), Some(version.bundle))?;
    keep(fresh, &folder);
    Ok(bundle)
}

/// Makes a temporary folder in `parent`; it is deleted when it is dropped.
pub(super) fn fresh_folder(parent: &Path) -> Result<tempfile::TempDir, EngineError> {
    sweep(parent);
    // A project on a read-only disk can still predict, from the system's temporary folder.
    let made = std::fs::create_dir_all(parent)
        .and_then(|()| temporary_in(parent))
        .or_else(|_| tempfile::tempdir());
    made.map_err(|source| EngineError::Folder {
        path: parent.to_owned(),
        source,
    })
}

/// Removes the temporary folders that killed commands left. Where that fails, the next command tries again.
fn sweep(parent: &Path) {
    let Ok(entries) = parent.read_dir() else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(".tmp");
        if is_ours && is_stale(&entry.path()) {
            let _removed = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns whether nothing in a folder was touched for a day: no command takes that long from one file to the next.
fn is_stale(folder: &Path) -> bool {
    let Ok(found) = folder.symlink_metadata() else {
        return false;
    };
    let age = found
        .modified()
        .ok()
        .and_then(|touched| touched.elapsed().ok());
    if age.is_none_or(|age| age < STALE) {
        return false;
    }
    if !found.is_dir() {
        return true;
    }
    let Ok(entries) = folder.read_dir() else {
        return false;
    };
    entries.flatten().all(|entry| is_stale(&entry.path()))
}

/// Makes a temporary folder. It is private by default, but a fetched bundle must be as readable as the user's umask allows.
#[cfg(unix)]
fn temporary_in(parent: &Path) -> std::io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o777))
        .tempdir_in(parent)
}

#[cfg(not(unix))]
fn temporary_in(parent: &Path) -> std::io::Result<tempfile::TempDir> {
    tempfile::tempdir_in(parent)
}

/// Moves a verified bundle to its place; where that fails, it is fetched again next time.
fn keep(fresh: tempfile::TempDir, folder: &Path) {
    let _damaged_before = std::fs::remove_dir_all(folder);
    let _gone = std::fs::rename(fresh.path(), folder);
}
