use std::collections::BTreeSet;

use bytesize::ByteSize;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::args::GcArgs;
use crate::cli::consent;
use crate::cli::error::CliError;
use crate::cli::ui::{self, Ui};
use pdm_report::report::{Align, table};
use pdm_store::registry::{Collectable, Leftover, LeftoverKind, Removed, Swept};

/// What was found, and what was removed; `None` with `--dry-run`.
#[derive(Serialize)]
struct RegistryCollection {
    found: Collectable,
    leftovers: Vec<Leftover>,
    removed: Option<Removed>,
    swept: Option<Swept>,
}

pub(super) fn run(args: &GcArgs, ui: &Ui) -> Result<(), CliError> {
    let (context, registry) = super::open(&args.registry, ui)?;
    let now = Timestamp::now();
    let found = registry.collectable(args.grace, now)?;
    let leftovers = registry.leftovers(args.grace, now)?;
    let mut collection = RegistryCollection {
        found,
        leftovers,
        removed: None,
        swept: None,
    };
    if args.dry_run || collection.is_empty() {
        ui.show(&collection, || collection.list())?;
    }
    if !args.force {
        collection.found.require_plausible()?;
    }
    if args.dry_run || collection.is_empty() {
        return Ok(());
    }
    consent::ask(args.yes, &collection.list())?;
    if ui.is_for_people() {
        ui.text(&ui::fitted(|| collection.list()))?;
    }
    collection.removed = Some(registry.collect(&collection.found, args.force, &context.stamp())?);
    collection.swept = Some(registry.sweep(&collection.leftovers)?);
    ui.show(&collection, || collection.outcome())
}

impl RegistryCollection {
    fn is_empty(&self) -> bool {
        self.found.blobs.is_empty() && self.leftovers.is_empty()
    }

    /// Lists everything that would be removed, with its size.
    fn list(&self) -> String {
        let found = &self.found;
        let header = [
            ("", Align::Left),
            ("bytes", Align::Right),
            ("of", Align::Left),
        ];
        let blobs = found.blobs.iter().map(|blob| {
            let of: BTreeSet<_> = blob.versions.iter().map(ToString::to_string).collect();
            let of = of.into_iter().collect::<Vec<_>>().join(", ");
            let of = if of.is_empty() {
                "no version".to_owned()
            } else {
                of
            };
            [blob.blob.to_string(), blob.bytes.to_string(), of]
        });
        let leftovers = self.leftovers.iter().map(|leftover| {
            [
                leftover.path.display().to_string(),
                leftover.bytes.to_string(),
                kind(leftover.kind).to_owned(),
            ]
        });
        let rows: Vec<_> = blobs.chain(leftovers).collect();
        let bytes = ByteSize(
            found.bytes
                + self
                    .leftovers
                    .iter()
                    .map(|leftover| leftover.bytes)
                    .sum::<u64>(),
        );
        let summary = format!(
            "{}: {} unused files ({} retired versions lose theirs), {} leftovers of killed jobs, {bytes} in total; \
             {} files are too new",
            found.location,
            found.blobs.len(),
            found.versions.len(),
            self.leftovers.len(),
            found.young,
        );
        if rows.is_empty() {
            summary
        } else {
            format!("{}\n{summary}", table(&header, rows))
        }
    }

    fn outcome(&self) -> String {
        let mut lines = Vec::new();
        if let Some(removed) = &self.removed {
            let entry = removed
                .entry
                .map(|entry| format!(", entry {entry} of the log"))
                .unwrap_or_default();
            let bytes = ByteSize(removed.bytes);
            lines.push(format!("removed {} files, {bytes}{entry}", removed.blobs));
        }
        if let Some(swept) = &self.swept {
            lines.push(format!("removed {} leftovers", swept.removed.len()));
            lines.extend(
                swept
                    .kept
                    .iter()
                    .map(|(path, why)| format!("kept {}: {why}", path.display())),
            );
        }
        lines.join("\n")
    }
}

fn kind(kind: LeftoverKind) -> &'static str {
    match kind {
        LeftoverKind::Upload => "an upload",
        LeftoverKind::Download => "a download",
        LeftoverKind::Temporary => "a temporary file or folder",
    }
}
