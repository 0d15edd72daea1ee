use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::prefix::PrefixStore;

use super::Provider;
use pdm_core::domain::EnvLookup;

/// An address that names no place for objects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It names a kind of store this build cannot open.
    #[error(
        "`{url}`: `{scheme}://` is not known; known: s3://, gs://, az://, file://, memory://, or a plain path"
    )]
    Scheme {
        /// The address as written, without what may be a password.
        url: String,
        /// The part before `://`.
        scheme: String,
    },
    /// It is not understood.
    #[error("`{url}`: {what}")]
    Bad {
        /// The address as written.
        url: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Where objects lie: those of a registry, or of a cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketAddress {
    /// `memory://`
    Memory,
    /// `file:///folder` or a path, which may be relative to the project's folder.
    Folder(PathBuf),
    /// `s3://bucket/prefix` and its like.
    Bucket {
        /// Who keeps it.
        provider: Provider,
        /// Its name.
        bucket: String,
        /// What every key begins with; empty where they have the bucket to themselves.
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
            let empty = || bad(url, "the path is empty");
            return (!url.is_empty())
                .then(|| Self::Folder(url.into()))
                .ok_or_else(empty);
        };
        match scheme {
            "memory" if rest.is_empty() => Ok(Self::Memory),
            "file" => file(url, rest),
            "s3" => bucket(url, Provider::S3, rest),
            "gs" => bucket(url, Provider::Gcs, rest),
            "az" => bucket(url, Provider::Azure, rest),
            _ => {
                // What stands before an `@` may be a password.
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
}

impl BucketAddress {
    /// Returns the objects at an address. Nothing is sent or read yet; relative paths begin at `root`.
    ///
    /// # Errors
    /// A sentence for people, where the environment does not say how to reach a bucket.
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
                // With a prefix of its own the disk store would have to exist before it is read.
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
            "expected `file:///` and an absolute path; for a relative one leave `file://` out",
        ));
    }
    let path = object_store::path::Path::from_url_path(path)
        .map_err(|error| bad(url, error.to_string()))?;
    Ok(BucketAddress::Folder(Path::new("/").join(path.as_ref())))
}

fn bucket(url: &str, provider: Provider, rest: &str) -> Result<BucketAddress, AddressError> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.contains(['@', ':']) {
        // Not repeated: it may hold a key.
        let what = "keys and ports do not belong here; set them in the environment, such as AWS_ENDPOINT_URL";
        return Err(bad(
            &format!("{}://…", url.split(':').next().unwrap_or_default()),
            what,
        ));
    }
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if bucket.is_empty() || !bucket.chars().all(named) {
        return Err(bad(
            url,
            "expected the name of a bucket after `://`, then `/` and a prefix",
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

/// Returns a path without `..` in it: addresses of objects cannot hold it.
pub fn absolute(root: &Path, path: &Path) -> Result<PathBuf, AddressError> {
    let shown = || path.display().to_string();
    let path =
        std::path::absolute(root.join(path)).map_err(|error| bad(&shown(), error.to_string()))?;
    Ok(path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => _ = plain.pop(),
            part => plain.push(part),
        }
        plain
    }))
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
    fn what_names_no_place_is_refused_and_keys_are_not_repeated() {
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
        let told = BucketAddress::parse("s3://AKIA:secret@models/x")
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("environment") && !told.contains("secret"),
            "{told}"
        );
    }
}
