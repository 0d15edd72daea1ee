//! Counts the models that were scored on a test part or holdout: with each look, its scores become less reliable.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};

use serde::{Deserialize, Serialize};

use super::RunStore;
use crate::tracking::TrackingError;
use pdm_core::content::Digest;

/// Next to the folders of the runs, so that it stays when they are removed.
const FILE: &str = "looks.ndjson";

/// The number of looks at a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Looks {
    /// Different models that were scored on it so far, including this one.
    pub models: usize,
    /// Whether this one was scored on it for the first time.
    pub new: bool,
}

/// One line of the file.
#[derive(Serialize, Deserialize)]
struct LookLine {
    /// Digest of the part's content.
    part: Digest,
    /// Digest of the bundle.
    bundle: Digest,
}

impl RunStore {
    /// Records that a bundle was scored on a part, and returns the number of looks so far. Scoring the same bundle again is not a
    /// new look. Earlier programs recorded `file`, the digest of the part's bytes; such lines count, too.
    ///
    /// # Errors
    /// [`TrackingError::File`] if the file cannot be read or written.
    pub fn look(&self, part: Digest, file: Digest, bundle: Digest) -> Result<Looks, TrackingError> {
        let path = self.dir().join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(source) => return Err(TrackingError::file("read", &path)(source)),
        };
        let mut seen = bundles(&text, [part, file]);
        let new = seen.insert(bundle);
        if new {
            let line = serde_json::to_string(&LookLine { part, bundle })
                .expect("two digests have a JSON form");
            // Ends an incomplete line first.
            let begin = if text.is_empty() || text.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            let written = self.append(&format!("{begin}{line}\n"));
            written.map_err(TrackingError::file("write", &path))?;
        }
        Ok(Looks {
            models: seen.len(),
            new,
        })
    }

    /// Appends with a single write, so that the lines of two jobs do not mix.
    fn append(&self, text: &str) -> io::Result<()> {
        fs::create_dir_all(self.dir())?;
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir().join(FILE))?;
        file.write_all(text.as_bytes())
    }
}

/// Returns the bundles that were scored on a part. Lines that cannot be parsed are skipped.
fn bundles(text: &str, parts: [Digest; 2]) -> BTreeSet<Digest> {
    let looks = text
        .lines()
        .filter_map(|line| serde_json::from_str::<LookLine>(line).ok());
    looks
        .filter(|look| parts.contains(&look.part))
        .map(|look| look.bundle)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_model_scored_again_is_no_new_look() {
        let folder = tempfile::tempdir().unwrap();
        let store = RunStore::open(folder.path().join("runs"));
        let [test, other, a, b] = ["test", "other", "a", "b"].map(Digest::of);
        let look = |part, bundle| {
            let Looks { models, new } = store.look(part, part, bundle).unwrap();
            (models, new)
        };
        assert_eq!(
            [look(test, a), look(test, a), look(test, b), look(test, a)],
            [(1, true), (1, false), (2, true), (2, false)]
        );
        assert_eq!(look(other, b), (1, true));
        assert!(store.list().unwrap().runs.is_empty());
        // A line that was torn costs itself alone.
        fs::write(store.dir().join(FILE), "{\"part\":\"12").unwrap();
        assert_eq!([look(test, a), look(test, b)], [(1, true), (2, true)]);
        // What an earlier program counted by the bytes of the file counts on.
        let Looks { models, new } = store
            .look(Digest::of("rows"), test, Digest::of("c"))
            .unwrap();
        assert_eq!((models, new), (3, true));
        let Looks { models, new } = store
            .look(Digest::of("rows"), Digest::of("packed"), a)
            .unwrap();
        assert_eq!((models, new), (2, true), "of another file, the rows alone");
    }
}
