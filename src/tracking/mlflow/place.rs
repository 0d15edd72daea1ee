use std::path::Path;

use super::Pulse;
use super::bucket::BucketFolder;
use super::client::MlflowClient;
use super::remote::Remote;
use super::wire::RemoteRun;
use crate::tracking::TrackingError;

/// Where a run's files are kept, and how they come there.
pub(super) enum Place {
    /// Behind the server's own artifact interface, at this path.
    Server { client: Box<MlflowClient>, root: String },
    /// In a bucket its clients write to themselves.
    Bucket { folder: BucketFolder, pulse: Pulse },
    /// In a bucket that cannot be opened; the reason is told when there is a file for it.
    Closed { uri: String, why: String },
    /// Somewhere we cannot write.
    Elsewhere { uri: String },
}

impl Place {
    /// Reads the address the server gave a run for its files.
    pub(super) fn of(run: &RemoteRun, client: &MlflowClient) -> Self {
        let uri = run.info.artifact_uri.as_str();
        if let Some(root) = behind_the_server(uri, client) {
            return Self::Server { client: Box::new(client.clone()), root };
        }
        match BucketFolder::open(uri, client) {
            Some(Ok(folder)) => Self::Bucket { folder, pulse: client.pulse().clone() },
            Some(Err(error)) => Self::Closed { uri: uri.to_owned(), why: error.in_one_line() },
            None => Self::Elsewhere { uri: uri.to_owned() },
        }
    }

    /// Uploads a file; one that will not be taken is a problem of the run, not an error.
    pub(super) fn upload(&self, name: &str, file: &Path, run: &mut Remote) -> Result<(), TrackingError> {
        let sent = match self {
            Self::Server { client, root } => client.upload(&format!("{root}/{name}"), file),
            Self::Bucket { folder, pulse } => {
                pulse.allow(file.metadata().map_or(0, |file| file.len()));
                pulse.timed(|| folder.upload(name, file))
            }
            Self::Closed { uri, why } => {
                return Err(TrackingError::Bucket { place: uri.clone(), why: why.clone(), passing: false });
            }
            Self::Elsewhere { uri } => {
                run.report(format!("files are not copied: the server keeps them at {uri} and takes none itself"));
                return Ok(());
            }
        };
        match sent {
            Err(
                error @ (TrackingError::File { .. }
                | TrackingError::ArtifactKey { .. }
                | TrackingError::Refused { status: 400 | 404 | 413 | 422, .. }),
            ) => {
                run.report(format!("artifact `{name}`: {}", error.in_one_line()));
                Ok(())
            }
            sent => sent,
        }
    }
}

/// Returns the path of an address behind the server's own artifact interface.
fn behind_the_server(uri: &str, client: &MlflowClient) -> Option<String> {
    let named = client.base().path_of(uri).and_then(|path| path.strip_prefix("api/2.0/mlflow-artifacts/artifacts/"));
    let path = match (named, uri.strip_prefix("mlflow-artifacts:")) {
        (Some(path), _) => path,
        (None, Some(path)) => match path.strip_prefix("//") {
            Some(with_host) => with_host.split_once('/')?.1,
            None => path,
        },
        (None, None) => return None,
    };
    Some(path.trim_matches('/').to_owned())
}
