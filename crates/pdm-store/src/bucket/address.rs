//! Reads the address of a folder or bucket and opens the object store it names.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::prefix::PrefixStore;

use super::Provider;
use pdm_core::domain::EnvLookup;

/// An address that cannot be opened as an object store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Its scheme is not known.
    #[error(
        "`{url}`: `{scheme}://` is not known; known: s3://, gs://, az://, file://, memory://, or a plain path"
    )]
    Scheme {
        /// The address as written, without a part that may hold a password.
        url: String,
        /// The part before `://`.
        scheme: String,
    },
    /// It cannot be parsed.
    #[error("`{url}`: {what}")]
    Bad {
        /// The address as written.
        url: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Where the objects of a registry or a cache are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketAddress {
    /// `memory://`
    Memory,
    /// `file:///folder` or a path, which may be relative to the project's folder.
    Folder(PathBuf),
    /// `s3://bucket/prefix`, `gs://…` or `az://…`.
    Bucket {
        /// The provider.
        provider: Provider,
        /// Its name.
        bucket: String,
        /// Prefix of every key; may be empty.
        prefix: object_store::path::Path,
    },
}

impl BucketAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let Some((scheme, rest)) = url.split_once("://") else {
            if url.is_empty() {
                return Err(bad(url, "the path is empty"));
            }
            return Ok(Self::Folder(url.into()));
        };
        match scheme {
            "memory" if rest.is_empty() => Ok(Self::Memory),
            "file" => file(url, rest),
            "s3" => bucket(url, Provider::S3, rest),
            "gs" => bucket(url, Provider::Gcs, rest),
            "az" => bucket(url, Provider::Azure, rest),
            _ => {
                // The part before an `@` may hold a password.
                let shown = if rest.contains('@') {
                    format!("{scheme}://…")
                } else {
                    url.to_owned()
                };
                Err(AddressError::Scheme {
                    url: shown,
                    scheme: scheme.to_owned(),
                })
            }
        }
    }

    /// Opens the object store at the address; nothing is sent or read yet. Relative paths are relative to `root`.
    ///
    /// # Errors
    /// A message for the user if the settings in the environment are incomplete or wrong.
    pub fn objects(
        self,
        root: &Path,
        variable: EnvLookup<'_>,
    ) -> Result<Arc<dyn ObjectStore>, String> {
        Ok(match self {
            Self::Memory => Arc::new(InMemory::new()),
            Self::Folder(folder) => {
                let folder = absolute(root, &folder).map_err(|error| error.to_string())?;
                let folder = object_store::path::Path::from_absolute_path(folder)
                    .map_err(|error| error.to_string())?;
                // `LocalFileSystem::new_with_prefix` would fail for a folder that does not exist yet.
                Arc::new(PrefixStore::new(LocalFileSystem::new(), folder))
            }
            Self::Bucket {
                provider,
                bucket,
                prefix,
            } => Arc::new(PrefixStore::new(
                super::open(provider, &bucket, variable)?.objects,
                prefix,
            )),
        })
    }
}

fn bad(url: &str, what: impl Into<String>) -> AddressError {
    AddressError::Bad {
        url: url.to_owned(),
        what: what.into(),
    }
}

fn file(url: &str, path: &str) -> Result<BucketAddress, AddressError> {
    let path = path.strip_prefix("localhost").unwrap_or(path);
    if !path.starts_with('/') {
        return Err(bad(
            url,
            "expected `file:///` and an absolute path; for a relative path, leave out `file://`",
        ));
    }
    let path = object_store::path::Path::from_url_path(path)
        .map_err(|error| bad(url, error.to_string()))?;
    Ok(BucketAddress::Folder(Path::new("/").join(path.as_ref())))
}

fn bucket(url: &str, provider: Provider, rest: &str) -> Result<BucketAddress, AddressError> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.contains(['@', ':']) {
        // The bucket is not shown: it may hold a key.
        let what = "keys and ports do not belong in the address; set them in the environment, for example in AWS_ENDPOINT_URL";
        return Err(bad(
            &format!("{}://…", url.split(':').next().unwrap_or_default()),
            what,
        ));
    }
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if bucket.is_empty() || !bucket.chars().all(named) {
        return Err(bad(
            url,
            "expected a bucket name after `://`, optionally followed by `/` and a prefix",
        ));
    }
    let prefix =
        object_store::path::Path::parse(prefix).map_err(|error| bad(url, error.to_string()))?;
    Ok(BucketAddress::Bucket {
        provider,
        bucket: bucket.to_owned(),
        prefix,
    })
}

/// Returns an absolute path without `..`, which object keys cannot contain.
pub fn absolute(root: &Path, path: &Path) -> Result<PathBuf, AddressError> {
    let shown = || path.display().to_string();
    let path =
        std::path::absolute(root.join(path)).map_err(|error| bad(&shown(), error.to_string()))?;
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = plain.pop(),
            part => plain.push(part),
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(provider: Provider, bucket: &str, prefix: &str) -> BucketAddress {
        BucketAddress::Bucket {
            provider,
            bucket: bucket.to_owned(),
            prefix: prefix.into(),
        }
    }

    #[test]
    fn buckets_have_a_name_and_maybe_a_prefix() {
        for (url, expected) in [
            ("s3://models", at(Provider::S3, "models", "")),
            ("s3://models/", at(Provider::S3, "models", "")),
            (
                "s3://team.models-1/plant/a b/",
                at(Provider::S3, "team.models-1", "plant/a b"),
            ),
            ("gs://models/x", at(Provider::Gcs, "models", "x")),
            ("az://models/x", at(Provider::Azure, "models", "x")),
            ("memory://", BucketAddress::Memory),
            (
                "file:///srv/a%20b",
                BucketAddress::Folder("/srv/a b".into()),
            ),
            (
                "registry/store",
                BucketAddress::Folder("registry/store".into()),
            ),
        ] {
            assert_eq!(BucketAddress::parse(url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn bad_addresses_are_refused_and_keys_are_not_shown() {
        for url in [
            "s3://",
            "s3:///x",
            "s3://a b/x",
            "s3://a/../b",
            "s3://a/x//b",
            "file://relative",
            "",
        ] {
            assert!(
                matches!(BucketAddress::parse(url), Err(AddressError::Bad { .. })),
                "{url}"
            );
        }
        for url in ["ftp://x", "memory://x"] {
            assert!(
                matches!(BucketAddress::parse(url), Err(AddressError::Scheme { .. })),
                "{url}"
            );
        }
        let message = BucketAddress::parse("s3://AKIA:secret@models/x")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("environment") && !message.contains("secret"),
            "{message}"
        );
    }
}
