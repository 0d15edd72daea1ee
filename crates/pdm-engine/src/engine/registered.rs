use std::path::Path;
use std::time::Duration;

use super::{Context, EngineError};
use pdm_models::bundle::ModelBundle;
use pdm_store::registry::blocking::Registry;
use pdm_store::registry::{ModelRef, ModelVersion, RegistryOptions};

/// Age of what a killed command left.
const STALE: Duration = Duration::from_secs(86_400);

/// Opens a registered model, every byte verified; bundles that were fetched before are taken from the project's folder.
///
/// # Errors
/// An unknown model, a damaged registry or bundle, or whatever the store answers.
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

/// Opens a version's bundle, fetched before or now.
pub(super) fn open_version(
    context: &Context,
    registry: &Registry,
    version: &ModelVersion,
) -> Result<ModelBundle, EngineError> {
    let shelf = context.state_folder("bundles");
    let folder = shelf.join(version.bundle.to_string());
    if let Ok(bundle) = ModelBundle::open(&folder, Some(version.bundle)) {
        // Its own bytes were verified just now. Those of a registry on this disk cost little, and tell of damage early.
        if registry.store().is_near() {
            registry.check(version)
        } else {
            registry.check_evidence(version)
        }?;
        return Ok(bundle);
    }
    registry.check_evidence(version)?;
    let fresh = fresh_folder(&shelf)?;
    registry.fetch_bundle(version, fresh.path())?;
    let bundle = ModelBundle::open(fresh.path(), Some(version.bundle))?;
    keep(fresh, &folder);
    Ok(bundle)
}

/// Makes a folder beside what a shelf keeps; it goes when it is dropped.
pub(super) fn fresh_folder(shelf: &Path) -> Result<tempfile::TempDir, EngineError> {
    sweep(shelf);
    // A project on a read-only disk can still predict.
    let made = std::fs::create_dir_all(shelf)
        .and_then(|()| beside(shelf))
        .or_else(|_| tempfile::tempdir());
    made.map_err(|source| EngineError::Folder {
        path: shelf.to_owned(),
        source,
    })
}

/// Removes what killed commands left on a shelf. Where that fails, the next command tries again.
fn sweep(shelf: &Path) {
    let Ok(entries) = shelf.read_dir() else {
        return;
    };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(".tmp");
        if is_ours && is_stale(&entry.path()) {
            let _removed = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns whether nothing in a folder was touched for a day: no command takes so long from one file to the next.
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

/// Temporary folders are private by default; a fetched bundle is as readable as the user's umask says.
#[cfg(unix)]
fn beside(shelf: &Path) -> std::io::Result<tempfile::TempDir> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o777))
        .tempdir_in(shelf)
}

#[cfg(not(unix))]
fn beside(shelf: &Path) -> std::io::Result<tempfile::TempDir> {
    tempfile::tempdir_in(shelf)
}

/// Puts a verified bundle in its place; where that fails, it is fetched again next time.
fn keep(fresh: tempfile::TempDir, folder: &Path) {
    let _damaged_before = std::fs::remove_dir_all(folder);
    let _gone = std::fs::rename(fresh.path(), folder);
}
