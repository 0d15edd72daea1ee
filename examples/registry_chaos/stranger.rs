use std::sync::Arc;

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use pdm_ml::content::{Digest, canonical_json, digest_of};
use serde_json::{Value, json};

use crate::Outcome;

/// Entries of a snapshot.
const BLOCK: u64 = 128;

/// Adds what somebody who may only create objects could add to a registry, and returns the keys of what must be named: forged
/// snapshots of the block that is being written and of the next, a blob under a wrong digest, and an object of another name.
pub(crate) fn visit(url: &str) -> Outcome<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(create_all(url))
}

async fn create_all(url: &str) -> Outcome<Vec<String>> {
    let (objects, prefix) = open(url)?;
    let at = |key: &str| {
        prefix
            .parts()
            .chain(Path::from(key).parts())
            .collect::<Path>()
    };
    let genesis = objects
        .get(&at("log/00000000000000000000.json"))
        .await?
        .bytes()
        .await?;
    let named = [
        (format!("snapshots/{BLOCK:020}.ndjson"), forged(&genesis)?),
        (
            format!("snapshots/{:020}.ndjson", 2 * BLOCK),
            b"no snapshot".to_vec(),
        ),
        (
            format!("blobs/sha256/{}", Digest::of("what it should hold")),
            b"something else".to_vec(),
        ),
        ("log/notes.txt".to_owned(), b"no entry".to_vec()),
    ];
    let unnamed = [
        ("probe/0193a2b4-0000-7000-8000-000000000000", "stale"),
        ("backup/log.tar", "other"),
    ];
    for (key, bytes) in unnamed {
        create(objects.as_ref(), at(key), bytes.as_bytes().to_vec()).await?;
    }
    let mut keys = Vec::new();
    for (key, bytes) in named {
        create(objects.as_ref(), at(&key), bytes).await?;
        keys.push(key);
    }
    Ok(keys)
}

async fn create(objects: &dyn ObjectStore, path: Path, bytes: Vec<u8>) -> Outcome {
    let options = PutOptions {
        mode: PutMode::Create,
        ..PutOptions::default()
    };
    match objects.put_opts(&path, bytes.into(), options).await {
        Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn open(url: &str) -> Outcome<(Arc<dyn ObjectStore>, Path)> {
    match url.strip_prefix("s3://") {
        Some(rest) => {
            let (bucket, prefix) = rest.split_once('/').ok_or("an address without a prefix")?;
            let builder = AmazonS3Builder::from_env()
                .with_bucket_name(bucket)
                .with_allow_http(true);
            Ok((Arc::new(builder.build()?), prefix.into()))
        }
        None => Ok((
            Arc::new(LocalFileSystem::new()),
            Path::from_absolute_path(std::path::absolute(url)?)?,
        )),
    }
}

/// Returns a snapshot whose entries follow from each other and carry good seals, of a log that never was.
fn forged(genesis: &[u8]) -> Outcome<Vec<u8>> {
    let id = serde_json::from_slice::<Value>(genesis)?["registry"].clone();
    let (mut previous, mut lines) = (Digest::of(genesis), Vec::new());
    for sequence in 1..=BLOCK {
        let mut entry = json!({
            "action": { "annotate": { "model": "chaos", "version": 1, "text": "forged" } },
            "actor": "chaos", "format": 2, "previous": previous, "registry": id,
            "sequence": sequence, "time": "2026-11-30T10:00:00Z",
        });
        entry["seal"] = Value::String(digest_of(&entry)?.to_string());
        let bytes = canonical_json(&entry)?;
        previous = Digest::of(&bytes);
        lines.push(bytes);
    }
    Ok(lines.join(&b'\n'))
}
