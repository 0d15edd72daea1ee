//! Buckets, and how their credentials are found. They store registries, caches and artifacts of runs.
//!
//! `address` parses the address of a bucket, or of a folder used in its place.
//!
//! Keys, endpoints and regions come from the environment variables and profile files of the providers' own tools; they are
//! never part of a pipeline file, and never logged.

mod address;
mod answer;
#[cfg(feature = "azure")]
mod azure;
#[cfg(feature = "gcs")]
mod gcs;
mod network;
mod profile;
mod requests;
mod s3;

use std::sync::Arc;

pub use address::{AddressError, BucketAddress, absolute};
pub use answer::{hint, is_conflict, is_transient, is_web_page};
use object_store::ObjectStore;
use object_store::list::PaginatedListStore;
use object_store::multipart::MultipartStore;
use pdm_core::domain::EnvLookup;

pub use requests::LoggedRequest;

/// The provider of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Amazon S3, or a server with its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage; the bucket is a container.
    Azure,
}

/// A bucket, with one handle for each interface of object_store.
pub struct Bucket {
    /// Reads and writes whole objects.
    pub objects: Arc<dyn ObjectStore>,
    /// Writes objects in parts, over several runs.
    pub parts: Arc<dyn MultipartStore>,
    /// Lists objects page by page.
    pub pages: Arc<dyn PaginatedListStore>,
}

impl Bucket {
    fn of<T: ObjectStore + MultipartStore + PaginatedListStore>(bucket: T) -> Self {
        let bucket = Arc::new(bucket);
        Self {
            objects: Arc::clone(&bucket) as _,
            parts: Arc::clone(&bucket) as _,
            pages: bucket,
        }
    }
}

/// The result of opening a bucket; an error is a message for the user.
type OpenResult = Result<Bucket, String>;

/// Opens a bucket. Nothing is sent yet.
pub fn open(provider: Provider, bucket: &str, variable: EnvLookup<'_>) -> OpenResult {
    match provider {
        Provider::S3 => s3::open(bucket, variable),
        #[cfg(feature = "gcs")]
        Provider::Gcs => gcs::open(bucket, variable),
        #[cfg(feature = "azure")]
        Provider::Azure => azure::open(bucket, variable),
        #[cfg(not(feature = "gcs"))]
        Provider::Gcs => Err(not_built("gs", "gcs")),
        #[cfg(not(feature = "azure"))]
        Provider::Azure => Err(not_built("az", "azure")),
    }
}

#[cfg(not(all(feature = "gcs", feature = "azure")))]
fn not_built(scheme: &str, feature: &str) -> String {
    format!("`{scheme}://` needs a pdm-ml that was built with `--features {feature}`")
}
