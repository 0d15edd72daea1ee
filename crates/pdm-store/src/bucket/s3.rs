//! Opens buckets of Amazon S3 and of servers with its protocol.

use std::collections::BTreeMap;
use std::path::Path;

use object_store::aws::AmazonS3Builder;

use super::profile::AwsProfile;
use super::{Bucket, OpenResult, network, requests};
use pdm_core::content::{open_regular, read_at_most};
use pdm_core::domain::EnvLookup;

/// The variables of the AWS tools that object_store understands. An endpoint for S3 takes precedence over the one for all services.
const VARIABLES: [&str; 24] = [
    ACCESS_KEY,
    SECRET_KEY,
    SESSION_TOKEN,
    "AWS_DEFAULT_REGION",
    REGION,
    ENDPOINT,
    S3_ENDPOINT,
    VIRTUAL_HOSTED,
    TOKEN_FILE,
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
    CONTAINER_PATH,
    CONTAINER_URI,
    CONTAINER_TOKEN_FILE,
    "AWS_METADATA_ENDPOINT",
    "AWS_IMDSV1_FALLBACK",
    "AWS_UNSIGNED_PAYLOAD",
    "AWS_CHECKSUM_ALGORITHM",
    "AWS_REQUEST_PAYER",
    "AWS_SERVER_SIDE_ENCRYPTION",
    "AWS_SSE_KMS_KEY_ID",
    "AWS_SSE_BUCKET_KEY_ENABLED",
    SKIP_SIGNATURE,
];

const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";
const SECRET_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
const REGION: &str = "AWS_REGION";
const ENDPOINT: &str = "AWS_ENDPOINT_URL";
const S3_ENDPOINT: &str = "AWS_ENDPOINT_URL_S3";
const VIRTUAL_HOSTED: &str = "AWS_VIRTUAL_HOSTED_STYLE_REQUEST";
const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const CONTAINER_PATH: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const CONTAINER_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

const CONTAINER_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const SKIP_SIGNATURE: &str = "AWS_SKIP_SIGNATURE";

/// Most bytes of a container's token; those of Kubernetes have some thousand.
const MAX_TOKEN: u64 = 1 << 20;

/// Allows endpoints without TLS.
const ALLOW_HTTP: &str = "AWS_ALLOW_HTTP";

/// Opens a bucket with the settings in the environment; the profile files supply those that are missing there.
///
/// Without keys in either, the role of a web identity, a container or the machine is used, in this order.
pub(super) fn open(bucket: &str, variable: EnvLookup<'_>) -> OpenResult {
    let settings = settings(variable)?;
    let endpoint = settings
        .get(S3_ENDPOINT)
        .or_else(|| settings.get(ENDPOINT))
        .map(String::as_str);
    let is_unsigned = settings
        .get(SKIP_SIGNATURE)
        .is_some_and(|value| is_true(value));
    // As the AWS tools do: over TLS or on this machine the body is protected already, so it is not hashed again for the
    // signature. AWS_UNSIGNED_PAYLOAD=false signs it anyway.
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_unsigned_payload(!network::is_unencrypted(endpoint))
        .with_client_options(network::client_options(variable, endpoint, ALLOW_HTTP)?)
        .with_http_connector(requests::Logged::signing(!is_unsigned))
        .with_retry(network::retries());
    for (name, value) in &settings {
        builder = builder.with_config(network::key(name)?, value);
    }
    builder
        .build()
        .map(Bucket::of)
        .map_err(|error| error.to_string())
}

/// Returns whether a setting is true, in any of the spellings that object_store accepts.
fn is_true(value: &str) -> bool {
    ["1", "true", "on", "yes", "y"].contains(&value.to_ascii_lowercase().as_str())
}

/// Returns a setting without surrounding blanks and line breaks, which secrets from files often have. A setting with a control
/// character is refused, because it would go into a request header.
fn clean(name: &str, value: &str) -> Result<String, String> {
    let value = value.trim();
    if value.chars().any(char::is_control) {
        return Err(format!(
            "{name} holds a line break or another control character: set it, or the profile's value, to one line of text"
        ));
    }
    Ok(value.to_owned())
}

/// Checks the file of a container's token, which is read again for each request.
fn check_token_file(path: &str) -> Result<(), String> {
    let named = format!("{CONTAINER_TOKEN_FILE} names `{path}`");
    let token =
        read_at_most(path.as_ref(), MAX_TOKEN).map_err(|error| format!("{named}: {error}"))?;
    if token.iter().any(u8::is_ascii_control) {
        return Err(format!(
            "{named}: it holds a line break or another control character: write the token alone, for example with `printf %s`"
        ));
    }
    Ok(())
}

/// Returns the settings by the names of their variables.
fn settings(variable: EnvLookup<'_>) -> Result<BTreeMap<&'static str, String>, String> {
    let mut settings: BTreeMap<_, _> = VARIABLES
        .into_iter()
        .filter_map(|name| Some((name, variable(name)?)))
        .collect();
    let profile = AwsProfile::read(variable)?;
    // AWS_REGION takes precedence over AWS_DEFAULT_REGION.
    if let Some(region) = settings.remove("AWS_DEFAULT_REGION").or(profile.region) {
        settings.entry(REGION).or_insert(region);
    }
    if !settings.contains_key(S3_ENDPOINT)
        && let Some(endpoint) = profile.endpoint
    {
        settings.entry(ENDPOINT).or_insert(endpoint);
    }
    if let Some(virtual_hosted) = profile.virtual_hosted {
        settings
            .entry(VIRTUAL_HOSTED)
            .or_insert(virtual_hosted.to_string());
    }
    let known = [ACCESS_KEY, SECRET_KEY, TOKEN_FILE];
    match profile.keys {
        // The keys of one source belong together.
        Some(keys) if !known.iter().any(|name| settings.contains_key(name)) => {
            settings.remove(SESSION_TOKEN);
            settings.insert(ACCESS_KEY, keys.access_key);
            settings.insert(SECRET_KEY, keys.secret_key);
            settings.extend(keys.session_token.map(|token| (SESSION_TOKEN, token)));
        }
        _ => {}
    }
    for (name, value) in &mut settings {
        *value = clean(name, value)?;
    }
    // A token is used only without keys.
    let has_keys = known.iter().any(|name| settings.contains_key(name));
    let uses_container =
        settings.contains_key(CONTAINER_URI) && !settings.contains_key(CONTAINER_PATH);
    if uses_container
        && !has_keys
        && let Some(path) = settings.get(CONTAINER_TOKEN_FILE)
    {
        check_token_file(path)?;
    }
    // A missing file is reported when it is read; a pipe would block then.
    if let Some(path) = settings.get(TOKEN_FILE)
        && Path::new(path).exists()
    {
        open_regular(path.as_ref())
            .map_err(|error| format!("{TOKEN_FILE} names `{path}`: {error}"))?;
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use object_store::aws::AmazonS3ConfigKey;

    use super::*;

    fn settings_of(pairs: &[(&str, &str)]) -> BTreeMap<&'static str, String> {
        settings(&|name| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
        .unwrap()
    }

    #[test]
    fn every_variable_is_known_to_the_store() {
        VARIABLES
            .into_iter()
            .for_each(|name| _ = network::key::<AmazonS3ConfigKey>(name).unwrap());
    }

    #[test]
    fn the_environment_takes_precedence_and_keys_belong_together() {
        let folder = tempfile::tempdir().unwrap();
        let (keys, config) = (
            folder.path().join("credentials"),
            folder.path().join("config"),
        );
        std::fs::write(
            &keys,
            "[plant]\naws_access_key_id = AKIA1\naws_secret_access_key = a=b/c+#d\naws_session_token = t\n",
        )
        .unwrap();
        std::fs::write(&config, "[profile plant]\nregion = eu-west-1\nendpoint_url = https://s3.plant\ns3 =\n  addressing_style = virtual\n").unwrap();
        let files = [
            ("AWS_SHARED_CREDENTIALS_FILE", keys.to_str().unwrap()),
            ("AWS_CONFIG_FILE", config.to_str().unwrap()),
            ("AWS_PROFILE", "plant"),
        ];
        let of = |more: &[(&str, &str)]| settings_of(&[&files[..], more].concat());
        let profile = of(&[]);
        assert_eq!(
            (profile[ACCESS_KEY].as_str(), profile[SECRET_KEY].as_str()),
            ("AKIA1", "a=b/c+#d")
        );
        assert_eq!(
            (profile[SESSION_TOKEN].as_str(), profile[REGION].as_str()),
            ("t", "eu-west-1")
        );
        assert_eq!(
            (profile[ENDPOINT].as_str(), profile[VIRTUAL_HOSTED].as_str()),
            ("https://s3.plant", "true")
        );
        let other = of(&[
            (ACCESS_KEY, "AKIA2"),
            (SECRET_KEY, "s"),
            ("AWS_DEFAULT_REGION", "us-east-2"),
        ]);
        assert_eq!(
            (other[ACCESS_KEY].as_str(), other[REGION].as_str()),
            ("AKIA2", "us-east-2")
        );
        assert!(
            !other.contains_key(SESSION_TOKEN),
            "the profile's token belongs to the profile's keys"
        );
        assert!(!of(&[(TOKEN_FILE, "/token")]).contains_key(ACCESS_KEY));
        assert_eq!(
            of(&[(REGION, "a"), ("AWS_DEFAULT_REGION", "b")])[REGION],
            "a"
        );
    }

    #[test]
    fn line_breaks_around_a_value_are_left_out_and_others_refused() {
        let token = settings_of(&[(SESSION_TOKEN, "tok123\n"), (REGION, " eu-west-1\r\n")]);
        assert_eq!(
            (token[SESSION_TOKEN].as_str(), token[REGION].as_str()),
            ("tok123", "eu-west-1")
        );
        for name in [ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, REGION, ENDPOINT] {
            let refused = open("models", &|asked| {
                (asked == name).then(|| "a\nb".to_owned())
            })
            .err()
            .unwrap();
            assert!(
                refused.starts_with(name) && !refused.contains("a\nb"),
                "{refused}"
            );
        }
    }

    #[test]
    fn the_file_of_a_containers_token_holds_the_token_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let opened = || {
            let path = path.to_str().unwrap().to_owned();
            let variable = |asked: &str| match asked {
                CONTAINER_URI => Some("http://127.0.0.1:1/keys".to_owned()),
                CONTAINER_TOKEN_FILE => Some(path.clone()),
                _ => None,
            };
            open("models", &variable).err()
        };
        assert!(
            opened().unwrap().contains(CONTAINER_TOKEN_FILE),
            "there is no file"
        );
        std::fs::write(&path, "secret-token").unwrap();
        assert_eq!(opened(), None);
        std::fs::write(&path, "secret-token\n").unwrap();
        let refused = opened().unwrap();
        assert!(
            refused.contains("line break") && !refused.contains("secret-token"),
            "{refused}"
        );
        #[cfg(unix)]
        {
            std::fs::remove_file(&path).unwrap();
            assert!(
                std::process::Command::new("mkfifo")
                    .arg(&path)
                    .status()
                    .unwrap()
                    .success()
            );
            assert!(opened().unwrap().contains("a pipe"));
        }
    }

    #[test]
    fn nothing_is_needed_to_open_a_bucket_but_not_in_the_open() {
        assert!(open("models", &|_| None).is_ok());
        let open_endpoint =
            |name: &str| (name == ENDPOINT).then(|| "http://minio.plant:9000".to_owned());
        assert!(
            open("models", &open_endpoint)
                .err()
                .unwrap()
                .contains("unencrypted")
        );
    }
}
