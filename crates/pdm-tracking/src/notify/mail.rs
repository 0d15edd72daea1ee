//! Writes a notice as a mail.

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use super::{Notice, NotifyError, SmtpOptions};

/// Reads `name@host` or `Name <name@host>`.
pub(super) fn mailbox(address: &str) -> Result<Mailbox, String> {
    address
        .parse()
        .map_err(|_| format!("`{address}` is not a mail address"))
}

/// Returns a notice as a mail, with the notice as attached JSON.
pub(super) fn write(options: &SmtpOptions, notice: &Notice) -> Result<Message, NotifyError> {
    let mut mail = Message::builder()
        .from(mailbox(&options.from).map_err(NotifyError::Mail)?)
        .subject(one_line(&format!("[pdm-ml] {}", notice.title)))
        .message_id(None)
        // Suppresses automatic replies (RFC 3834).
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    for to in &options.to {
        mail = mail.to(mailbox(to).map_err(NotifyError::Mail)?);
    }
    let json = serde_json::to_string_pretty(notice).expect("a notice has a JSON form");
    let attachment = lettre::message::Attachment::new("notice.json".to_owned());
    let parts = MultiPart::mixed()
        .singlepart(SinglePart::plain(body(notice)))
        .singlepart(attachment.body(
            json,
            ContentType::parse("application/json").expect("it is a content type"),
        ));
    mail.multipart(parts)
        .map_err(|error| NotifyError::Mail(error.to_string()))
}

fn body(notice: &Notice) -> String {
    let mut lines = vec![
        notice.text.clone(),
        String::new(),
        format!("pipeline: {}", notice.pipeline),
    ];
    lines.push(format!("event: {}", notice.occasion));
    lines.extend(
        notice
            .version
            .iter()
            .map(|version| format!("version: {version}")),
    );
    lines.extend(notice.run.iter().map(|run| format!("run: {run}")));
    let score = |s: &pdm_core::scoring::Score| {
        format!(
            "{}: {:.4} [{:.4}, {:.4}]",
            s.metric, s.value, s.lower, s.upper
        )
    };
    lines.extend(notice.scores.iter().map(score));
    lines.join("\n") + "\n"
}

/// Removes line breaks, which would start another header.
fn one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}
