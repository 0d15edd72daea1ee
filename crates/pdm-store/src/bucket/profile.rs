//! Reads the profile files of the AWS tools, `~/.aws/credentials` and `~/.aws/config`.

use std::path::{Path, PathBuf};

use ini::{Ini, ParseOption, Properties};

use pdm_core::domain::EnvLookup;

/// The settings of one profile in `~/.aws/credentials` and `~/.aws/config`.
#[derive(Debug, Default)]
pub(super) struct AwsProfile {
    pub(super) keys: Option<StaticKeys>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    /// Whether the bucket is part of the host name.
    pub(super) virtual_hosted: Option<bool>,
}

/// Static keys. `Debug` does not show them.
pub(super) struct StaticKeys {
    pub(super) access_key: String,
    pub(super) secret_key: String,
    pub(super) session_token: Option<String>,
}

impl std::fmt::Debug for StaticKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// Credential sources that need the AWS tools.
const OTHER_SOURCES: [&str; 5] = [
    "role_arn",
    "sso_session",
    "sso_start_url",
    "credential_process",
    "login_session",
];

impl AwsProfile {
    /// Reads the profile named in the environment, else `default`. Missing files count as empty.
    pub(super) fn read(variable: EnvLookup<'_>) -> Result<Self, String> {
        let named = variable("AWS_PROFILE");
        let name = named.as_deref().unwrap_or("default");
        let home = variable("HOME")
            .or_else(|| variable("USERPROFILE"))
            .map(|home| Path::new(&home).join(".aws"));
        let path = |of: &str, file: &str| {
            variable(of)
                .map(PathBuf::from)
                .or_else(|| Some(home.as_ref()?.join(file)))
        };
        let credentials = load(path("AWS_SHARED_CREDENTIALS_FILE", "credentials"))?;
        let config = load(path("AWS_CONFIG_FILE", "config"))?;
        let in_config = if name == "default" {
            name.to_owned()
        } else {
            format!("profile {name}")
        };
        let sections = [
            credentials.section(Some(name)),
            config.section(Some(in_config)),
        ];
        if named.is_some() && sections.iter().all(Option::is_none) {
            return Err(format!(
                "AWS_PROFILE names `{name}`, which is in neither profile file"
            ));
        }
        let value = |key: &str| {
            sections
                .into_iter()
                .flatten()
                .find_map(|section| section.get(key))
                .map(ToOwned::to_owned)
        };
        let keys = keys(&value);
        if keys.is_none() && named.is_some() && !has_environment_keys(variable) {
            refuse_other_sources(name, &sections)?;
        }
        let style = value("addressing_style").or_else(|| nested(&value("s3")?, "addressing_style"));
        Ok(Self {
            keys,
            region: value("region"),
            endpoint: value("endpoint_url"),
            virtual_hosted: style.map(|style| style == "virtual"),
        })
    }
}

fn keys(value: &impl Fn(&str) -> Option<String>) -> Option<StaticKeys> {
    Some(StaticKeys {
        access_key: value("aws_access_key_id")?,
        secret_key: value("aws_secret_access_key")?,
        session_token: value("aws_session_token"),
    })
}

fn has_environment_keys(variable: EnvLookup<'_>) -> bool {
    ["AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE"]
        .into_iter()
        .any(|name| variable(name).is_some())
}

fn refuse_other_sources(name: &str, sections: &[Option<&Properties>]) -> Result<(), String> {
    let source = OTHER_SOURCES.into_iter().find(|source| {
        sections
            .iter()
            .flatten()
            .any(|section| section.contains_key(source))
    });
    match source {
        Some(source) => Err(format!(
            "the profile `{name}` gets its keys from `{source}`, which needs the AWS tools: \
             `eval \"$(aws configure export-credentials --profile {name} --format env)\"`"
        )),
        None => Ok(()),
    }
}

/// Reads a file; a missing one counts as empty.
fn load(path: Option<PathBuf>) -> Result<Ini, String> {
    let Some(path) = path.filter(|path| path.is_file()) else {
        return Ok(Ini::new());
    };
    // Keys may contain characters that are special in other INI files.
    let plain = ParseOption {
        enabled_quote: false,
        enabled_escape: false,
        enabled_indented_mutiline_value: true,
        ..ParseOption::default()
    };
    Ini::load_from_file_opt(&path, plain).map_err(|error| format!("`{}`: {error}", path.display()))
}

/// Returns a value of a nested table: `s3 =` followed by indented lines.
fn nested(lines: &str, key: &str) -> Option<String> {
    let pair = |line: &str| {
        line.split_once('=')
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
    };
    lines
        .lines()
        .filter_map(pair)
        .find(|(name, _)| name == key)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, name: Option<&str>) -> Result<AwsProfile, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        AwsProfile::read(&|variable| match variable {
            "AWS_CONFIG_FILE" => Some(path.clone()),
            "AWS_PROFILE" => name.map(ToOwned::to_owned),
            _ => None,
        })
    }

    #[test]
    fn what_needs_the_tools_of_aws_is_reported() {
        let sso = "[default]\nregion = eu-west-1\n[profile plant]\nsso_session = a\n";
        assert_eq!(
            read(sso, None).unwrap().region.as_deref(),
            Some("eu-west-1")
        );
        assert!(
            read(sso, Some("plant"))
                .unwrap_err()
                .contains("export-credentials --profile plant")
        );
        assert!(
            read(sso, Some("plan"))
                .unwrap_err()
                .contains("is in neither")
        );
        assert!(read("[default\n", None).is_err());
        assert!(AwsProfile::read(&|_| None).unwrap().keys.is_none());
    }
}
