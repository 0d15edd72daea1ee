//! The address of a server.

use std::net::IpAddr;

use reqwest::Url;

use crate::tracking::TrackingError;

/// Path of artifacts below the root of a server.
pub(super) const ARTIFACTS: &str = "api/2.0/mlflow-artifacts/artifacts/";

/// The address of a server; holds no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tracking) struct ServerAddress(Url);

impl ServerAddress {
    pub(in crate::tracking) fn parse(text: &str) -> Result<Self, TrackingError> {
        let refuse = |url: &str, why| {
            Err(TrackingError::Url {
                url: url.to_owned(),
                why,
            })
        };
        let Ok(mut url) = Url::parse(text.trim()) else {
            return refuse(&without_user(text), "is not a URL");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(
                &without_user(text),
                "contains credentials; use environment variables instead",
            );
        }
        if !matches!(url.scheme(), "http" | "https") {
            return refuse(text, "does not begin with http:// or https://");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse(text, "has a query or fragment; give only the server's root");
        }
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Self(url))
    }

    /// Returns the address of a path below the root; parts are percent-encoded.
    pub(super) fn join<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        url
    }

    /// Returns the path below [`Self::join`] of an address of this server.
    pub(super) fn path_of<'a>(&self, url: &'a str) -> Option<&'a str> {
        url.strip_prefix(self.0.as_str())
    }

    /// Returns the HTTP address of a run's `mlflow-artifacts://host/path`: on that host, with the scheme and path of this server.
    pub(super) fn artifacts_at(&self, host: &str, path: &str) -> Option<Url> {
        let scheme = self.0.scheme();
        let prefix = self.0.path();
        let path = path.trim_start_matches('/');
        Url::parse(&format!("{scheme}://{host}{prefix}{ARTIFACTS}{path}")).ok()
    }

    /// Returns whether this server uses TLS and the other does not.
    pub(super) fn is_safer_than(&self, other: &Url) -> bool {
        self.0.scheme() == "https" && other.scheme() != "https"
    }

    /// Returns the page that shows a run.
    pub(super) fn page(&self, experiment: &str, run: &str) -> String {
        let mut url = self.0.clone();
        url.set_fragment(Some(&format!("/experiments/{experiment}/runs/{run}")));
        url.into()
    }

    /// Returns whether the server runs on this machine, so that no proxy is used.
    pub(super) fn is_local(&self) -> bool {
        let host = self
            .0
            .host_str()
            .unwrap_or_default()
            .trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Returns a text for display, without user and password before an `@`.
fn without_user(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((before, host)) => format!(
            "{}***@{host}",
            &before[..before.find("//").map_or(0, |at| at + 2)]
        ),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_encoded_and_the_prefix_kept() {
        let base = ServerAddress::parse("https://host/mlflow/").unwrap();
        assert_eq!(base, ServerAddress::parse("https://host/mlflow").unwrap());
        assert_eq!(
            base.join(["a b", "ü/x"]).as_str(),
            "https://host/mlflow/a%20b/%C3%BC%2Fx"
        );
        assert_eq!(
            base.page("1", "abc"),
            "https://host/mlflow/#/experiments/1/runs/abc"
        );
    }

    #[test]
    fn local_servers_are_known() {
        for url in [
            "http://127.0.0.1:5000",
            "http://localhost",
            "http://[::1]:80",
        ] {
            assert!(ServerAddress::parse(url).unwrap().is_local(), "{url}");
        }
        assert!(!ServerAddress::parse("http://10.0.0.1").unwrap().is_local());
    }
}
