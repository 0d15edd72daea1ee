use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Credentials, MlflowClient, Patience, Secret, TrackingError, mlflow};
use crate::domain::Problem;

/// Where runs are remembered.
///
/// Credentials are never written here: the options name the environment variables that hold them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TrackingOptions {
    /// Folder of the local run store.
    pub dir: PathBuf,
    /// Experiment under which a server files the runs; empty means the project's name.
    pub experiment: String,
    /// Address of an MLflow server, such as `http://127.0.0.1:5000`; empty means none.
    pub mlflow_url: String,
    /// Environment variable with a bearer token; where it is unset no token is sent.
    pub token_env: String,
    /// Environment variable with a user name; together with a password it wins over the token.
    pub username_env: String,
    /// Environment variable with the user's password.
    pub password_env: String,
}

impl Default for TrackingOptions {
    /// The variables are those MLflow's own client reads.
    fn default() -> Self {
        Self {
            dir: "experiments/runs".into(),
            experiment: String::new(),
            mlflow_url: String::new(),
            token_env: "MLFLOW_TRACKING_TOKEN".into(),
            username_env: "MLFLOW_TRACKING_USERNAME".into(),
            password_env: "MLFLOW_TRACKING_PASSWORD".into(),
        }
    }
}

const LONGEST_EXPERIMENT_NAME: usize = 500;

impl TrackingOptions {
    /// Returns what is wrong with the values; paths are relative to `[tracking]`.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.dir.as_os_str().is_empty() {
            problems.push(Problem::new("dir", "the folder is empty").hint("write `experiments/runs`"));
        }
        if self.experiment.chars().count() > LONGEST_EXPERIMENT_NAME {
            problems.push(Problem::new("experiment", format!("longer than {LONGEST_EXPERIMENT_NAME} characters")));
        }
        if let Some(Err(TrackingError::Url { url, why })) = self.mlflow_base() {
            problems.push(Problem::new("mlflow_url", format!("`{url}` {why}")).hint("write `http://127.0.0.1:5000`"));
        }
        problems.extend(self.variable_problems());
        problems
    }

    /// Returns the experiment to file runs under, given the project's name.
    pub fn experiment_or<'a>(&'a self, project: &'a str) -> &'a str {
        if self.experiment.is_empty() { project } else { &self.experiment }
    }

    /// Returns a client of the MLflow server, or none where no server is named.
    ///
    /// `variable` looks an environment variable up.
    ///
    /// # Errors
    /// [`TrackingError::Url`], [`TrackingError::Credentials`], or a TLS set-up that fails.
    pub fn mlflow(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        patience: Patience,
    ) -> Result<Option<MlflowClient>, TrackingError> {
        if self.mlflow_url.is_empty() {
            return Ok(None);
        }
        MlflowClient::new(&self.mlflow_url, self.credentials(variable)?, patience).map(Some)
    }

    fn credentials(&self, variable: impl Fn(&str) -> Option<String>) -> Result<Credentials, TrackingError> {
        let read =
            |name: &str| Some(name).filter(|name| !name.is_empty()).and_then(&variable).filter(|v| !v.is_empty());
        let missing = |name: &str, other: &str| {
            let why = format!("`{other}` is set but `{name}` is not");
            Err(TrackingError::Credentials { why })
        };
        match (read(&self.username_env), read(&self.password_env)) {
            (Some(username), Some(password)) => {
                Ok(Credentials::Password { username, password: Secret::new(&password) })
            }
            (Some(_), None) => missing(&self.password_env, &self.username_env),
            (None, Some(_)) => missing(&self.username_env, &self.password_env),
            (None, None) => {
                Ok(read(&self.token_env)
                    .map_or(Credentials::Anonymous, |token| Credentials::Token(Secret::new(&token))))
            }
        }
    }

    fn mlflow_base(&self) -> Option<Result<mlflow::Base, TrackingError>> {
        (!self.mlflow_url.is_empty()).then(|| mlflow::Base::parse(&self.mlflow_url))
    }

    fn variable_problems(&self) -> impl Iterator<Item = Problem> {
        let named = [
            ("token_env", &self.token_env),
            ("username_env", &self.username_env),
            ("password_env", &self.password_env),
        ];
        named.into_iter().filter(|(_, name)| !is_variable_name(name)).map(|(key, _)| {
            // The value is not repeated: it may be the secret itself, put in the wrong place.
            Problem::new(key, "not the name of an environment variable")
                .hint("write the variable's name (letters, digits, underscores), not its value")
        })
    }
}

fn is_variable_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_url(url: &str) -> TrackingOptions {
        TrackingOptions { mlflow_url: url.into(), ..Default::default() }
    }

    fn lookup(variables: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn the_default_is_sound_and_needs_no_server() {
        let options: TrackingOptions = toml::from_str("").unwrap();
        assert_eq!(options, TrackingOptions::default());
        assert_eq!(options.problems(), []);
        assert!(options.mlflow(|_| None, Patience::FOREGROUND).unwrap().is_none());
        assert_eq!(options.experiment_or("turbofan"), "turbofan");
    }

    #[test]
    fn addresses_that_cannot_be_meant_are_refused() {
        for url in ["localhost:5000", "ftp://host", "http://", "http://host/?a=b", "http://host/#/experiments"] {
            assert_eq!(with_url(url).problems().len(), 1, "{url}");
        }
        for url in ["http://127.0.0.1:5000", "https://host/mlflow/", "http://[::1]:5000"] {
            assert_eq!(with_url(url).problems(), [], "{url}");
        }
    }

    #[test]
    fn secrets_in_the_file_are_refused_and_not_repeated() {
        let mut options = with_url("https://ann:hunter2@host/");
        options.token_env = "ey-hunter2".into();
        let problems = options.problems();
        assert_eq!(problems.iter().map(|p| p.path.as_str()).collect::<Vec<_>>(), ["mlflow_url", "token_env"]);
        assert!(!format!("{problems:?}").contains("hunter2"));
        assert!(!options.mlflow(|_| None, Patience::FOREGROUND).unwrap_err().to_string().contains("hunter2"));
    }

    #[test]
    fn a_password_wins_over_a_token_and_needs_its_user() {
        let options = with_url("http://host");
        let all = lookup(&[
            ("MLFLOW_TRACKING_TOKEN", "t"),
            ("MLFLOW_TRACKING_USERNAME", "u"),
            ("MLFLOW_TRACKING_PASSWORD", "p"),
        ]);
        assert!(matches!(options.credentials(all).unwrap(), Credentials::Password { username, .. } if username == "u"));
        let token = lookup(&[("MLFLOW_TRACKING_TOKEN", "t\n")]);
        assert_eq!(options.credentials(token).unwrap(), Credentials::Token(Secret::new("t")));
        assert_eq!(options.credentials(|_| None).unwrap(), Credentials::Anonymous);
        let half = options.credentials(lookup(&[("MLFLOW_TRACKING_PASSWORD", "p")])).unwrap_err();
        assert!(half.to_string().contains("MLFLOW_TRACKING_USERNAME"), "{half}");
    }
}
