//! What was copied to which server.

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

use super::MlflowClient;
use crate::tracking::local::RunFolder;
use crate::tracking::{RunId, RunStore};
use pdm_core::content::{MOST_OF_A_NOTE, read_at_most};

/// Result of the last replay to a server. It is only a hint for the next one, and the file may be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncState {
    /// The server's id of the experiment.
    pub experiment_id: String,
    /// The server's id of the run.
    pub run_id: String,
    /// Lines of the journal the server has.
    pub lines: u64,
    /// Whether the run had ended and was copied completely.
    pub complete: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct StateFile {
    /// By address.
    servers: BTreeMap<String, SyncState>,
}

impl SyncState {
    pub(super) fn read(folder: &RunFolder, client: &MlflowClient) -> Option<Self> {
        StateFile::read(folder).servers.remove(client.url())
    }

    /// Writes the hint. If that fails, the next replay asks the server.
    pub(super) fn write(self, folder: &RunFolder, client: &MlflowClient) {
        let mut file = StateFile::read(folder);
        file.servers.insert(client.url().to_owned(), self);
        let Ok(json) = serde_json::to_vec_pretty(&file) else {
            return;
        };
        let unfinished = folder.unfinished();
        if fs::write(&unfinished, json)
            .and_then(|()| fs::rename(&unfinished, folder.sync_state()))
            .is_err()
        {
            let _ = fs::remove_file(&unfinished);
        }
    }
}

impl StateFile {
    fn read(folder: &RunFolder) -> Self {
        read_at_most(&folder.sync_state(), MOST_OF_A_NOTE)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default()
    }
}

impl RunStore {
    /// Returns the result of the last replay of a run to a server, without a request.
    pub fn sync_state(&self, run: RunId, client: &MlflowClient) -> Option<SyncState> {
        SyncState::read(&self.folder(run), client)
    }
}
