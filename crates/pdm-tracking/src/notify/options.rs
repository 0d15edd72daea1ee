//! The tables `[[notify]]` of a pipeline.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use strum::VariantNames;

use super::{Occasion, SmtpOptions, WebhookOptions};
use pdm_core::domain::{Problem, SecretName};

/// A receiver of notifications: a table `[[notify]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, VariantNames)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum NotifyOptions {
    /// A program that accepts HTTP requests.
    Webhook(WebhookOptions),
    /// People, by mail.
    Smtp(SmtpOptions),
}

impl Default for NotifyOptions {
    fn default() -> Self {
        Self::Webhook(WebhookOptions::default())
    }
}

impl NotifyOptions {
    /// The values of `kind`.
    pub const KINDS: &'static [&'static str] = Self::VARIANTS;

    /// Reads the options of a kind from its table without `kind`; `None` for an unknown kind.
    pub fn decode<'de, D: Deserializer<'de>>(
        kind: &str,
        options: D,
    ) -> Option<Result<Self, D::Error>> {
        match kind {
            "webhook" => Some(WebhookOptions::deserialize(options).map(Self::Webhook)),
            "smtp" => Some(SmtpOptions::deserialize(options).map(Self::Smtp)),
            _ => None,
        }
    }

    /// Returns what is out of range or impossible.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = match self {
            Self::Webhook(options) => options.problems(),
            Self::Smtp(options) => options.problems(),
        };
        if self.on().is_empty() {
            problems.push(
                Problem::new("on", "is empty: no notification would ever be sent")
                    .hint("leave it out to use the default"),
            );
        }
        problems
    }

    /// Returns the occasions the receiver is notified of.
    pub fn on(&self) -> &[Occasion] {
        match self {
            Self::Webhook(options) => &options.on,
            Self::Smtp(options) => &options.on,
        }
    }

    /// Returns the names of the environment variables that hold the receiver's secrets.
    pub fn variables(&self) -> Vec<String> {
        let named: [Option<&SecretName>; 2] = match self {
            Self::Webhook(options) => [options.url.variable(), options.secret.as_ref()],
            Self::Smtp(options) => [options.password.as_ref(), None],
        };
        named
            .into_iter()
            .flatten()
            .map(|name| name.env.clone())
            .collect()
    }

    /// Returns the receiver for display, without anything that may be secret.
    pub fn target(&self) -> String {
        match self {
            Self::Webhook(options) => format!("webhook {}", options.url.for_display()),
            Self::Smtp(options) => format!("mail to {} by {}", options.to.join(", "), options.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(kind: &str, text: &str) -> NotifyOptions {
        NotifyOptions::decode(kind, toml::Deserializer::parse(text).unwrap())
            .unwrap()
            .unwrap()
    }

    fn problems(kind: &str, text: &str) -> Vec<String> {
        decode(kind, text)
            .problems()
            .into_iter()
            .map(|p| format!("{}: {}", p.path, p.message))
            .collect()
    }

    const MAIL: &str = "host = 'mail.plant.example'\nfrom = 'pdm-ml <pdm-ml@plant.example>'\nto = ['ann@plant.example']\n";

    #[test]
    fn good_tables_have_no_problem_and_survive_json() {
        for (kind, text) in [
            (
                "webhook",
                "url = 'https://plant.example/hook'\nsecret = { env = 'KEY' }".to_owned(),
            ),
            (
                "webhook",
                "url = { env = 'CHAT_URL' }\non = ['promoted']".to_owned(),
            ),
            ("webhook", "url = 'http://127.0.0.1:8080/hook'".to_owned()),
            (
                "webhook",
                "url = 'http://hooks.plant.example'\nallow_http = true".to_owned(),
            ),
            ("smtp", MAIL.to_owned()),
            (
                "smtp",
                format!(
                    "{MAIL}tls = 'wrapper'\nport = 4650\nusername = 'u'\npassword = {{ env = 'P' }}"
                ),
            ),
            (
                "smtp",
                MAIL.replace("mail.plant.example", "localhost") + "tls = 'none'",
            ),
        ] {
            let options = decode(kind, &text);
            assert_eq!(options.problems(), [], "{text}");
            let json = serde_json::to_string(&options).unwrap();
            assert_eq!(
                serde_json::from_str::<NotifyOptions>(&json).unwrap(),
                options
            );
        }
        assert_eq!(decode("smtp", MAIL).on(), Occasion::defaults());
        let is_read = |kind: &&str| {
            NotifyOptions::decode(kind, toml::Deserializer::parse("").unwrap()).is_some()
        };
        assert!(NotifyOptions::KINDS.iter().all(is_read) && !is_read(&"pigeon"));
    }

    #[test]
    fn what_cannot_be_meant_is_named_and_no_secret_is_repeated() {
        for (kind, text, found) in [
            ("webhook", "", "url: is empty"),
            ("webhook", "url = 'plant.example'", "url: is not a URL"),
            (
                "webhook",
                "url = 'ftp://plant.example'",
                "url: begins with neither",
            ),
            ("webhook", "url = 'http://plant.example'", "url: would send"),
            (
                "webhook",
                "url = 'https://ann:hunter2@plant.example'",
                "url: contains a user or password",
            ),
            (
                "webhook",
                "url = 'https://plant.example'\nsecret = { env = 'hunter-2' }",
                "secret: `env` is not the name",
            ),
            (
                "webhook",
                "url = { env = 'https://hunter2' }",
                "url: `env` is not the name",
            ),
            (
                "webhook",
                "url = 'https://plant.example'\non = []",
                "on: is empty",
            ),
            ("smtp", "", "host: is empty"),
            (
                "smtp",
                "host = 'h'\nfrom = 'nobody'\nto = ['a@b.example']",
                "from: `nobody` is not a mail address",
            ),
            (
                "smtp",
                "host = 'h'\nfrom = 'a@b.example'\nto = ['?']",
                "to: `?` is not a mail address",
            ),
            (
                "smtp",
                "host = 'h'\nfrom = 'a@b.example'\nto = []",
                "to: is empty",
            ),
            (
                "smtp",
                "host = 'h'\nfrom = 'a@b.example'\nto = ['a@b.example']\ntls = 'none'",
                "tls: `none` would send",
            ),
            (
                "smtp",
                "host = 'h'\nfrom = 'a@b.example'\nto = ['a@b.example']\nusername = 'u'",
                "username: needs `password`",
            ),
        ] {
            let messages = problems(kind, text);
            assert!(
                messages.iter().any(|message| message.starts_with(found)),
                "{text}: {messages:?}"
            );
            assert!(!messages.join(" ").contains("hunter"), "{messages:?}");
        }
    }

    #[test]
    fn a_receiver_is_named_without_what_may_be_secret() {
        let chat = decode(
            "webhook",
            "url = 'https://chat.example:8443/services/T0/hunter2?key=hunter2'",
        );
        assert_eq!(chat.target(), "webhook https://chat.example:8443");
        assert_eq!(
            decode("webhook", "url = { env = 'CHAT' }").target(),
            "webhook in `CHAT`"
        );
        assert_eq!(
            decode("smtp", MAIL).target(),
            "mail to ann@plant.example by mail.plant.example"
        );
    }
}
