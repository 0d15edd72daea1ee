use super::{Notice, NotifyOptions, NotifyProblem, smtp, webhook};
use pdm_core::domain::EnvLookup;

/// Tells everybody who wants to know of this occasion, one after the other; returns who could not be told.
///
/// `variable` looks an environment variable up. A receiver that does not answer costs about a minute at most.
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

/// Tells one receiver, whatever it wants to know of; returns at which try it listened.
///
/// # Errors
/// A secret that is not there, a receiver that refuses, or one that does not answer.
pub fn deliver(
    target: &NotifyOptions,
    notice: &Notice,
    variable: EnvLookup<'_>,
) -> Result<u32, NotifyProblem> {
    let notice = notice.redacted();
    let told = match target {
        NotifyOptions::Webhook(options) => webhook::deliver(options, &notice, variable),
        NotifyOptions::Smtp(options) => smtp::deliver(options, &notice, variable),
    };
    told.map_err(|why| NotifyProblem {
        target: target.target(),
        why,
    })
}
