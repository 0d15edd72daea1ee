//! The table `[tracking]` of a pipeline.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Connection, Credentials, MlflowClient, RetryPolicy, Secret, TrackingError, mlflow};
use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// Where runs are recorded.
///
/// Credentials are never written here: the options are the names of environment variables that hold them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TrackingOptions {
    /// Folder of the local run store.
    pub dir: PathBuf,
    /// Experiment of the runs on the server; empty means `MLFLOW_EXPERIMENT_NAME`, or the project's name.
    pub experiment: String,
    /// Address of an MLflow server, such as `http://127.0.0.1:5000`; empty means the one in `MLFLOW_TRACKING_URI`, if any.
    pub mlflow_url: String,
    /// Whether metrics of processor, memory, disk and network are logged every 10 s; by default as
    /// `MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_metrics: Option<bool>,
    /// Environment variable with a bearer token; if it is not set, no token is sent.
    pub token_env: String,
    /// Environment variable with a user name; together with a password it takes precedence over the token.
    pub username_env: String,
    /// Environment variable with the user's password.
    pub password_env: String,
}

impl Default for TrackingOptions {
    /// The variables are those of MLflow's own client.
    fn default() -> Self {
        Self {
            dir: "experiments/runs".into(),
            experiment: String::new(),
            mlflow_url: String::new(),
            system_metrics: None,
            token_env: "MLFLOW_TRACKING_TOKEN".into(),
            username_env: "MLFLOW_TRACKING_USERNAME".into(),
            password_env: "MLFLOW_TRACKING_PASSWORD".into(),
        }
    }
}

/// The address of the server, as in MLflow's own client.
const SERVER: &str = "MLFLOW_TRACKING_URI";
const EXPERIMENT: &str = "MLFLOW_EXPERIMENT_NAME";
const RUN_CONTEXT: &str = "MLFLOW_RUN_CONTEXT";
const LONGEST_EXPERIMENT_NAME: usize = 500;

impl TrackingOptions {
    /// Returns what is wrong with the values; paths are relative to `[tracking]`.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.dir.as_os_str().is_empty() {
            problems
                .push(Problem::new("dir", "the folder is empty").hint("write `experiments/runs`"));
        }
        if self.experiment.chars().count() > LONGEST_EXPERIMENT_NAME {
            problems.push(Problem::new(
                "experiment",
                format!("longer than {LONGEST_EXPERIMENT_NAME} characters"),
            ));
        }
        if let Some(Err(TrackingError::Url { url, why })) = self.mlflow_base() {
            problems.push(
                Problem::new("mlflow_url", format!("`{url}` {why}"))
                    .hint("write `http://127.0.0.1:5000`"),
            );
        }
        problems.extend(self.variable_problems());
        problems
    }

    /// Returns the experiment of the runs: the one set here, else `MLFLOW_EXPERIMENT_NAME`, else the project.
    pub fn experiment_or(
        &self,
        project: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> String {
        let named = Some(self.experiment.clone()).filter(|name| !name.is_empty());
        named
            .or_else(|| variable(EXPERIMENT))
            .unwrap_or_else(|| project.to_owned())
    }

    /// Returns the tags in `MLFLOW_RUN_CONTEXT`, a JSON object, for every run.
    ///
    /// # Errors
    /// [`TrackingError::Setting`] if it is not a JSON object of texts.
    pub fn run_tags(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<BTreeMap<String, String>, TrackingError> {
        let Some(value) = variable(RUN_CONTEXT) else {
            return Ok(BTreeMap::new());
        };
        let tags = serde_json::from_str::<BTreeMap<String, String>>(&value);
        tags.map_err(|_| TrackingError::Setting {
            name: RUN_CONTEXT,
            value,
            expected: "a JSON object of texts",
        })
    }

    /// Returns a client of the MLflow server; `None` if no server is set.
    ///
    /// `variable` looks up an environment variable. Those of MLflow's own client configure the connection, and
    /// `MLFLOW_TRACKING_URI` is the address if none is set here.
    ///
    /// # Errors
    /// [`TrackingError::Url`], [`TrackingError::Credentials`], [`TrackingError::Setting`], or a TLS set-up that fails.
    pub fn mlflow(
        &self,
        variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        retry: RetryPolicy,
    ) -> Result<Option<MlflowClient>, TrackingError> {
        let named = Some(self.mlflow_url.clone()).filter(|url| !url.is_empty());
        let Some(url) = named.or_else(|| variable(SERVER).filter(|url| !url.is_empty())) else {
            return Ok(None);
        };
        let credentials = self.credentials(&variable)?;
        let connection = Connection::read(credentials, retry, Arc::new(variable))?;
        MlflowClient::connect(&url, connection).map(Some)
    }

    fn credentials(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Credentials, TrackingError> {
        let read = |name: &str| {
            Some(name)
                .filter(|name| !name.is_empty())
                .and_then(&variable)
                .filter(|v| !v.is_empty())
        };
        let missing = |name: &str, other: &str| {
            let why = format!("`{other}` is set but `{name}` is not");
            Err(TrackingError::Credentials { why })
        };
        match (read(&self.username_env), read(&self.password_env)) {
            (Some(username), Some(password)) => Ok(Credentials::Password {
                username,
                password: Secret::new(&password),
            }),
            (Some(_), None) => missing(&self.password_env, &self.username_env),
            (None, Some(_)) => missing(&self.username_env, &self.password_env),
            (None, None) => Ok(
                read(&self.token_env).map_or(Credentials::Anonymous, |token| {
                    Credentials::Token(Secret::new(&token))
                }),
            ),
        }
    }

    fn mlflow_base(&self) -> Option<Result<mlflow::ServerAddress, TrackingError>> {
        (!self.mlflow_url.is_empty()).then(|| mlflow::ServerAddress::parse(&self.mlflow_url))
    }

    fn variable_problems(&self) -> impl Iterator<Item = Problem> {
        let named = [
            ("token_env", &self.token_env),
            ("username_env", &self.username_env),
            ("password_env", &self.password_env),
        ];
        named
            .into_iter()
            .filter(|(_, name)| !is_variable_name(name))
            .map(|(key, _)| {
                // The value is not shown: it may be the secret itself, by mistake.
                Problem::new(key, "not the name of an environment variable")
                    .with_code(Code::NotAVariableName)
                    .hint("write the variable's name (letters, digits, underscores), not its value")
            })
    }
}

fn is_variable_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_url(url: &str) -> TrackingOptions {
        TrackingOptions {
            mlflow_url: url.into(),
            ..Default::default()
        }
    }

    fn lookup(variables: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn the_default_is_sound_and_needs_no_server() {
        let options: TrackingOptions = toml::from_str("").unwrap();
        assert_eq!(options, TrackingOptions::default());
        assert_eq!(options.problems(), []);
        assert!(
            options
                .mlflow(|_| None, RetryPolicy::FOREGROUND)
                .unwrap()
                .is_none()
        );
        assert_eq!(options.experiment_or("turbofan", |_| None), "turbofan");
        assert_eq!(
            options.experiment_or("turbofan", lookup(&[(EXPERIMENT, "nightly")])),
            "nightly"
        );
        let named = TrackingOptions {
            experiment: "own".into(),
            ..options
        };
        assert_eq!(
            named.experiment_or("turbofan", lookup(&[(EXPERIMENT, "nightly")])),
            "own"
        );
    }

    #[test]
    fn the_environment_names_a_server_where_the_file_names_none() {
        let variables = lookup(&[(SERVER, "http://env:5000")]);
        let url = |options: TrackingOptions| {
            let variables = lookup(&[(SERVER, "http://env:5000")]);
            options
                .mlflow(variables, RetryPolicy::FOREGROUND)
                .unwrap()
                .unwrap()
                .url()
                .to_owned()
        };
        assert_eq!(url(TrackingOptions::default()), "http://env:5000/");
        assert_eq!(url(with_url("http://file:5000")), "http://file:5000/");
        assert!(TrackingOptions::run_tags(variables).unwrap().is_empty());
        let tags =
            TrackingOptions::run_tags(lookup(&[(RUN_CONTEXT, r#"{"team":"plant"}"#)])).unwrap();
        assert_eq!(tags["team"], "plant");
        let wrong = TrackingOptions::run_tags(lookup(&[(RUN_CONTEXT, "[1]")]))
            .unwrap_err()
            .to_string();
        assert!(wrong.contains(RUN_CONTEXT), "{wrong}");
    }

    #[test]
    fn addresses_that_cannot_be_meant_are_refused() {
        for url in [
            "localhost:5000",
            "ftp://host",
            "http://",
            "http://host/?a=b",
            "http://host/#/experiments",
        ] {
            assert_eq!(with_url(url).problems().len(), 1, "{url}");
        }
        for url in [
            "http://127.0.0.1:5000",
            "https://host/mlflow/",
            "http://[::1]:5000",
        ] {
            assert_eq!(with_url(url).problems(), [], "{url}");
        }
    }

    #[test]
    fn secrets_in_the_file_are_refused_and_not_repeated() {
        let mut options = with_url("https://ann:hunter2@host/");
        options.token_env = "ey-hunter2".into();
        let problems = options.problems();
        assert_eq!(
            problems.iter().map(|p| p.path.as_str()).collect::<Vec<_>>(),
            ["mlflow_url", "token_env"]
        );
        assert!(!format!("{problems:?}").contains("hunter2"));
        assert!(
            !options
                .mlflow(|_| None, RetryPolicy::FOREGROUND)
                .unwrap_err()
                .to_string()
                .contains("hunter2")
        );
    }

    #[test]
    fn a_password_wins_over_a_token_and_needs_its_user() {
        let options = with_url("http://host");
        let all = lookup(&[
            ("MLFLOW_TRACKING_TOKEN", "t"),
            ("MLFLOW_TRACKING_USERNAME", "u"),
            ("MLFLOW_TRACKING_PASSWORD", "p"),
        ]);
        assert!(
            matches!(options.credentials(all).unwrap(), Credentials::Password { username, .. } if username == "u")
        );
        let token = lookup(&[("MLFLOW_TRACKING_TOKEN", "t\n")]);
        assert_eq!(
            options.credentials(token).unwrap(),
            Credentials::Token(Secret::new("t"))
        );
        assert_eq!(
            options.credentials(|_| None).unwrap(),
            Credentials::Anonymous
        );
        let half = options
            .credentials(lookup(&[("MLFLOW_TRACKING_PASSWORD", "p")]))
            .unwrap_err();
        assert!(
            half.to_string().contains("MLFLOW_TRACKING_USERNAME"),
            "{half}"
        );
    }
}
