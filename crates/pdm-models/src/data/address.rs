//! Detects addresses (URLs) given where a file path is expected.

use std::path::Path;

use super::DataError;

/// Hint for an address: copy the data to a file first.
pub(super) const FETCH_FIRST: &str = "copy the data to a local file first, by hand or in a [[stage]] that runs a program such as \
`aws s3 cp` or `curl`, and name that file";

/// Refuses the address of a server or a bucket.
pub(super) fn refuse(path: &Path) -> Result<(), DataError> {
    match shown(path) {
        Some(address) => Err(DataError::Address { address }),
        None => Ok(()),
    }
}

/// Returns a path that is an address without the secrets it may carry: those before `@` and after `?`.
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
    fn addresses_are_shown_without_their_secrets() {
        let address_of = |text: &str| shown(Path::new(text));
        assert_eq!(
            address_of("s3://plant/a.csv").as_deref(),
            Some("s3://plant/a.csv")
        );
        assert_eq!(
            address_of("https://me:pw@host/x/a.csv?sig=abc").as_deref(),
            Some("https://host/x/a.csv")
        );
        for path in ["data/a.csv", "C:/data/a.csv", "a:b.csv", "/abs/a.csv"] {
            assert_eq!(address_of(path), None, "{path}");
        }
    }
}
