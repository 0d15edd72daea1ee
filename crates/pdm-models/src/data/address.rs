//! Addresses where paths of files belong.

use std::path::Path;

use super::DataError;

/// What to do where data lie behind an address.
pub(super) const FETCH_FIRST: &str = "addresses are not read; copy the data into a file first, by hand or by a [[stage]] that runs \
     a program such as `aws s3 cp` or `curl`, and name that file";

/// Refuses what is an address of a server or a bucket.
pub(super) fn refuse(path: &Path) -> Result<(), DataError> {
    match shown(path) {
        Some(address) => Err(DataError::Address { address }),
        None => Ok(()),
    }
}

/// Returns the address that a path is, without the secrets it may carry: those before `@` and behind `?`.
pub(super) fn shown(path: &Path) -> Option<String> {
    let text = path.to_str()?;
    let (scheme, rest) = text.split_once(":/")?;
    let rest = rest.trim_start_matches('/');
    let is_scheme = scheme.len() > 1
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme {
        return None;
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or_default();
    Some(format!("{scheme}://{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_without_their_secrets() {
        let told = |text: &str| shown(Path::new(text));
        assert_eq!(
            told("s3://plant/a.csv").as_deref(),
            Some("s3://plant/a.csv")
        );
        assert_eq!(
            told("https://me:pw@host/x/a.csv?sig=abc").as_deref(),
            Some("https://host/x/a.csv")
        );
        for path in ["data/a.csv", "C:/data/a.csv", "a:b.csv", "/abs/a.csv"] {
            assert_eq!(told(path), None, "{path}");
        }
    }
}
