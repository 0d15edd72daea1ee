//! Sends a notice to its receivers.

use super::{Notice, NotifyOptions, NotifyProblem, smtp, webhook};
use pdm_core::domain::EnvLookup;

/// Notifies all receivers of this occasion, one after the other; returns the failures.
///
/// `variable` looks up an environment variable. A receiver that does not answer takes about a minute at most.
pub fn send(
    targets: &[NotifyOptions],
    notice: &Notice,
    variable: EnvLookup<'_>,
) -> Vec<NotifyProblem> {
    let wanted = targets
        .iter()
        .filter(|target| target.on().contains(&notice.occasion));
    wanted
        .filter_map(|target| deliver(target, notice, variable).err())
        .collect()
}

/// Notifies one receiver, whatever its occasions; returns the number of tries.
///
/// # Errors
/// A missing secret, a receiver that refuses, or one that does not answer.
pub fn deliver(
    target: &NotifyOptions,
    notice: &Notice,
    variable: EnvLookup<'_>,
) -> Result<u32, NotifyProblem> {
    let notice = notice.redacted();
    let delivered = match target {
        NotifyOptions::Webhook(options) => webhook::deliver(options, &notice, variable),
        NotifyOptions::Smtp(options) => smtp::deliver(options, &notice, variable),
    };
    delivered.map_err(|why| NotifyProblem {
        target: target.target(),
        why,
    })
}
