//! The destination of a run's artifacts.

use std::path::Path;

use reqwest::Url;

use super::Latency;
use super::base::ARTIFACTS;
use super::bucket::BucketFolder;
use super::client::MlflowClient;
use super::remote::OpenRun;
use super::wire::RemoteRun;
use crate::tracking::{Credentials, TrackingError};

/// The destination of a run's artifacts.
pub(super) enum ArtifactDestination {
    /// A path of the server's own artifact interface.
    Server {
        client: Box<MlflowClient>,
        root: String,
    },
    /// Another HTTP address that accepts files, mostly another server's artifact interface.
    Web {
        client: Box<MlflowClient>,
        folder: Url,
    },
    /// A bucket to which clients write directly.
    Bucket {
        folder: BucketFolder,
        latency: Latency,
    },
    /// A bucket that cannot be opened; the reason is reported when there is a file for it.
    Closed { uri: String, why: String },
    /// A location to which this program cannot write.
    Elsewhere { uri: String },
}

impl ArtifactDestination {
    /// Returns the destination for the run's artifact address on the server.
    pub(super) fn of(run: &RemoteRun, client: &MlflowClient) -> Self {
        let uri = run.info.artifact_uri.as_str();
        if let Some(root) = behind_the_server(uri, client) {
            return Self::Server {
                client: Box::new(client.clone()),
                root,
            };
        }
        if let Some(destination) = on_another_host(uri, client) {
            return destination;
        }
        match BucketFolder::open(uri, client) {
            Some(Ok(folder)) => Self::Bucket {
                folder,
                latency: client.latency().clone(),
            },
            Some(Err(error)) => Self::Closed {
                uri: uri.to_owned(),
                why: error.in_one_line(),
            },
            None => Self::Elsewhere {
                uri: uri.to_owned(),
            },
        }
    }

    /// Uploads a file; if the file is refused, that is a problem of the run, not an error.
    pub(super) fn upload(
        &self,
        name: &str,
        file: &Path,
        run: &mut OpenRun,
    ) -> Result<(), TrackingError> {
        let sent = match self {
            Self::Server { client, root } => client.upload(&format!("{root}/{name}"), file),
            Self::Web { client, folder } => match below(folder, name) {
                Some(url) => client.put_to(url, file),
                None => Err(TrackingError::ArtifactKey {
                    name: name.to_owned(),
                    why: "no address".to_owned(),
                }),
            },
            Self::Bucket { folder, latency } => {
                latency.allow(file.metadata().map_or(0, |file| file.len()));
                latency.timed(|| folder.upload(name, file))
            }
            Self::Closed { uri, why } => {
                return Err(TrackingError::Bucket {
                    location: uri.clone(),
                    why: why.clone(),
                    is_transient: false,
                });
            }
            Self::Elsewhere { uri } => {
                run.report(format!(
                    "files are not copied: the server keeps them at {uri} and does not accept uploads"
                ));
                return Ok(());
            }
        };
        match sent {
            Err(
                error @ (TrackingError::File { .. }
                | TrackingError::ArtifactKey { .. }
                | TrackingError::Refused {
                    status: 400 | 404 | 413 | 422,
                    ..
                }),
            ) => {
                run.report(format!("artifact `{name}`: {}", error.in_one_line()));
                Ok(())
            }
            sent => sent,
        }
    }
}

/// Returns the path of an address of the server's own artifact interface.
fn behind_the_server(uri: &str, client: &MlflowClient) -> Option<String> {
    let named = client
        .base()
        .path_of(uri)
        .and_then(|path| path.strip_prefix(ARTIFACTS));
    let path = match named {
        Some(path) => path,
        None => uri
            .strip_prefix("mlflow-artifacts:")
            .filter(|path| !names_a_host(path))?,
    };
    Some(path.trim_matches('/').to_owned())
}

/// Returns whether a path begins with a host: `//host/path`, but neither `/path` nor `///path`.
fn names_a_host(path: &str) -> bool {
    path.strip_prefix("//")
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// Returns the destination for an address with its own host, as MLflow's client does.
fn on_another_host(uri: &str, client: &MlflowClient) -> Option<ArtifactDestination> {
    let closed = |why: &str| ArtifactDestination::Closed {
        uri: uri.to_owned(),
        why: why.to_owned(),
    };
    let folder = match uri.split_once("://")? {
        ("mlflow-artifacts", rest) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            client.base().artifacts_at(host, path)
        }
        ("http" | "https", _) => Url::parse(uri).ok(),
        _ => return None,
    };
    let Some(folder) = folder else {
        return Some(closed("the server gave an invalid address"));
    };
    let is_anonymous = client.connection().credentials == Credentials::Anonymous;
    if client.base().is_safer_than(&folder) && !is_anonymous {
        return Some(closed(
            "the credentials would be sent there without encryption, unlike to the server itself",
        ));
    }
    Some(match client.for_server(&folder) {
        Ok(client) => ArtifactDestination::Web {
            client: Box::new(client),
            folder,
        },
        Err(error) => closed(&error.in_one_line()),
    })
}

/// Returns the address of a file in a folder.
fn below(folder: &Url, name: &str) -> Option<Url> {
    let mut url = folder.clone();
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(name.split('/'));
    Some(url)
}
