use std::path::Path;

use crate::cli::args::RegistryArgs;
use crate::cli::error::CliError;
use crate::cli::outputs::Outputs;
use crate::cli::ui::Ui;

pub(super) fn run(
    model: &str,
    folder: &Path,
    tag: Option<&str>,
    registry: &RegistryArgs,
    ui: &Ui,
) -> Result<(), CliError> {
    let registry = super::open_to_write(
        registry,
        Outputs::default().known("--oci", Some(folder)),
        ui,
    )?
    .1;
    let exported = registry.export_oci(&model.parse()?, folder, tag)?;
    ui.show(&exported, || {
        let (id, tag, folder) = (&exported.id, &exported.tag, folder.display());
        let (layers, bytes) = (exported.layers, exported.bytes);
        format!(
            "{id}: {layers} layers, {bytes} bytes in oci:{folder}:{tag}\nmanifest sha256:{}",
            exported.manifest
        )
    })
}
