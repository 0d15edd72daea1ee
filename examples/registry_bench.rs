//! What `scripts/benchmark-registry` compares `pdm-ml registry` with, and what `scripts/benchmark-log` reads.
//!
//! `registry_bench register MODEL FOLDER REGISTRY` registers the files of a folder as version 1 of a model;
//! `registry_bench put FILE BUCKET KEY` and `get FILE BUCKET KEY` move the same bytes by plain object_store, in parts of the
//! same length and as many at a time, with the keys of the environment. `fill MODEL REGISTRY ENTRIES` writes a long log, a
//! tenth of it versions and the rest notes; `forget BUCKET PREFIX` deletes what begins with a prefix.

mod support;

use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use pdm_ml::content::Digest;
use pdm_ml::registry::blocking::Registry;
use pdm_ml::registry::{ModelName, ModelRef, NewFile, OpenOptions, Stamp};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

const PART: usize = 8 << 20;
const IN_FLIGHT: usize = 4;

fn main() -> Outcome {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["register", model, folder, registry] => register(model, Path::new(folder), registry),
        ["fill", model, registry, entries] => fill(&model.parse()?, registry, entries.parse()?),
        ["forget", bucket, prefix] => runtime()?.block_on(forget(bucket, prefix)),
        ["put", file, bucket, key] => runtime()?.block_on(put(file, bucket, key)),
        ["get", file, bucket, key] => runtime()?.block_on(get(file, bucket, key)),
        _ => Err("usage: registry_bench register MODEL FOLDER REGISTRY | put|get FILE BUCKET KEY | fill MODEL REGISTRY ENTRIES | forget BUCKET PREFIX".into()),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

fn register(model: &str, folder: &Path, registry: &str) -> Outcome {
    let files = NewFile::read_folder(folder)?;
    let new = support::new_version(model.parse()?, Digest::of(model), files, |unit| {
        f64::from(unit % 3) - 1.0
    })?;
    let (here, stamp) = (
        std::env::current_dir()?,
        Stamp {
            time: Timestamp::UNIX_EPOCH,
            actor: "benchmark".to_owned(),
        },
    );
    Registry::open(registry, here.as_path())?.register(&new, &stamp)?;
    Ok(())
}

fn fill(model: &ModelName, registry: &str, entries: u32) -> Outcome {
    let (here, variable) = (std::env::current_dir()?, |name: &str| {
        std::env::var(name).ok()
    });
    let surroundings = OpenOptions {
        variable: &variable,
        ..here.as_path().into()
    };
    let registry = Registry::open(registry, surroundings)?;
    let stamp = Stamp {
        time: Timestamp::UNIX_EPOCH,
        actor: "benchmark".to_owned(),
    };
    for entry in 0..entries {
        if entry % 10 == 0 {
            let files = vec![NewFile::of_bytes(
                "weights".parse()?,
                format!("weights {entry}"),
            )];
            let new = support::new_version(
                model.clone(),
                Digest::of(entry.to_string()),
                files,
                |unit| f64::from(unit % 3) - 1.0,
            )?;
            registry.register(&new, &stamp)?;
        } else {
            registry.annotate(
                &ModelRef::version(model.clone(), entry / 10 + 1),
                &format!("note {entry}"),
                &stamp,
            )?;
        }
    }
    Ok(())
}

async fn forget(name: &str, prefix: &str) -> Outcome {
    let store = bucket(name)?;
    let listed = store
        .list(Some(&prefix.into()))
        .map_ok(|object| object.location)
        .boxed();
    store
        .delete_stream(listed)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    Ok(())
}

fn bucket(name: &str) -> Outcome<AmazonS3> {
    pdm_store::tls::install_provider();
    // As `pdm-ml` sends to this machine.
    let builder = AmazonS3Builder::from_env().with_unsigned_payload(true);
    Ok(builder
        .with_bucket_name(name)
        .with_allow_http(true)
        .build()?)
}

async fn put(file: &str, name: &str, key: &str) -> Outcome {
    let upload = bucket(name)?.put_multipart(&key.into()).await?;
    let mut write = WriteMultipart::new_with_chunk_size(upload, PART);
    let mut file = File::open(file)?;
    loop {
        let mut bytes = Vec::with_capacity(PART);
        if Read::by_ref(&mut file)
            .take(PART as u64)
            .read_to_end(&mut bytes)?
            == 0
        {
            break;
        }
        write.wait_for_capacity(IN_FLIGHT).await?;
        write.put(bytes.into());
    }
    write.finish().await?;
    Ok(())
}

async fn get(file: &str, name: &str, key: &str) -> Outcome {
    let (store, key) = (bucket(name)?, key.into());
    let length = store.head(&key).await?.size;
    let ranges = (0..length)
        .step_by(PART)
        .map(|start| start..length.min(start + PART as u64));
    let mut parts = stream::iter(ranges)
        .map(|range| store.get_range(&key, range))
        .buffered(IN_FLIGHT);
    let mut file = File::create(file)?;
    while let Some(part) = parts.try_next().await? {
        file.write_all(&part)?;
    }
    file.sync_all()?;
    Ok(())
}
