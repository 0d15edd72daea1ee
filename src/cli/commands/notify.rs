//! `notify test`: send a test notification to every receiver.

use serde::Serialize;
use serde_json::json;

use crate::cli::args::{NotifyCommand, PipelineArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_core::codes::Code;
use pdm_report::report::{Align, table};
use pdm_tracking::notify::{Notice, Occasion, deliver};

/// The result of a delivery to one receiver.
#[derive(Serialize)]
struct Delivery {
    target: String,
    on: Vec<Occasion>,
    delivered: bool,
    problem: Option<String>,
    #[serde(skip)]
    passing: bool,
}

pub(super) fn run(command: &NotifyCommand, ui: &Ui) -> Result<Exit, CliError> {
    match command {
        NotifyCommand::Test(args) => test(args, ui),
    }
}

fn test(args: &PipelineArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (context, job) = settings::resolve(args, ui)?;
    if job.spec.notify.is_empty() {
        let error = CliError::new(
            Code::MissingSection,
            "the pipeline has no [[notify]], so there is no receiver",
        );
        return Err(
            error.hint("add [[notify]] with `kind = \"webhook\"` and `url`, or `kind = \"smtp\"`")
        );
    }
    let name = &job.spec.project.name;
    let mut notice = Notice::new(
        Occasion::Unchanged,
        name,
        format!("test notification of {name}"),
    )
    .text("This is a test sent by `pdm-ml notify test`. No action is needed.");
    notice.details = json!({ "test": true });
    let deliveries: Vec<_> = job
        .spec
        .notify
        .iter()
        .map(|target| {
            let problem = deliver(target, &notice, &context.variable).err();
            Delivery {
                target: target.target(),
                on: target.on().to_vec(),
                delivered: problem.is_none(),
                passing: problem
                    .as_ref()
                    .is_none_or(|problem| problem.is_transient()),
                problem: problem.map(|problem| problem.in_one_line()),
            }
        })
        .collect();
    ui.show(&deliveries, || text(&deliveries))?;
    let code = match deliveries.iter().find(|delivery| !delivery.delivered) {
        None => return Ok(Exit::Done),
        Some(_) if deliveries.iter().all(|delivery| delivery.passing) => Code::NotDeliveredYet,
        Some(_) => Code::NotDelivered,
    };
    ui.more(&[code]);
    Ok(code.into())
}

fn text(deliveries: &[Delivery]) -> String {
    let header = [
        ("receiver", Align::Left),
        ("delivered", Align::Left),
        ("events", Align::Left),
        ("error", Align::Left),
    ];
    let rows = deliveries.iter().map(|delivery| {
        let on: Vec<_> = delivery.on.iter().map(|occasion| occasion.name()).collect();
        let answer = if delivery.delivered { "yes" } else { "NO" };
        [
            delivery.target.clone(),
            answer.to_owned(),
            on.join(", "),
            delivery.problem.clone().unwrap_or_default(),
        ]
    });
    table(&header, rows)
}
