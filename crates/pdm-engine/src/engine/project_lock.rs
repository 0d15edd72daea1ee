//! The project lock: one command at a time changes a project, and the others wait for it. Commands that only read do not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{Timestamp, Unit};
use serde::{Deserialize, Serialize};

use super::{Context, EngineError};
use pdm_core::content::{FileLock, atomic_write, read_note};
use pdm_core::domain::redact;
use pdm_core::events::span;

/// How long to sleep before trying again; a blocking wait could not be interrupted.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Locks that this process holds, by project: it gets its own lock again.
static HELD: Mutex<BTreeMap<PathBuf, Weak<Held>>> = Mutex::new(BTreeMap::new());

/// The right to change a project, until it is dropped; the system releases it for a process that dies.
#[derive(Debug, Clone)]
pub struct ProjectLock {
    _held: Arc<Held>,
}

/// The locked file, and the file that names the holder.
#[derive(Debug)]
struct Held {
    _lock: Option<FileLock>,
    holder: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Before the lock is released, so that the file of the next holder is not removed.
        let _gone = fs::remove_file(&self.holder);
    }
}

/// The command that holds the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LockHolder {
    pid: u32,
    command: String,
    user: String,
    host: String,
    since: Timestamp,
}

/// Another command holds the project lock, and did not end in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the project is locked by {holder}; waited {}", span(*waited))]
pub struct ProjectBusy {
    /// The other command.
    pub holder: String,
    /// How long this one waited.
    pub waited: Duration,
}

impl Context {
    /// Locks the project. Where another command has locked it, waits for that command, at most for [`Context::wait`].
    ///
    /// A process that has locked it already, on any thread, gets the lock again at once.
    ///
    /// # Errors
    /// [`EngineError::Busy`] when the time is over; the folder cannot be written; or a signal came.
    pub fn lock_project(&self) -> Result<ProjectLock, EngineError> {
        let state_dir = self.state_folder("");
        fs::create_dir_all(&state_dir).map_err(|source| EngineError::Folder {
            path: state_dir.clone(),
            source,
        })?;
        let state_dir = state_dir.canonicalize().unwrap_or(state_dir);
        let started = Instant::now();
        let mut reported = None;
        loop {
            if let Some(held) = self.try_lock_project(&state_dir)? {
                return Ok(ProjectLock { _held: held });
            }
            let holder = LockHolder::read(&state_dir);
            self.reporter.interrupt().check()?;
            if self.wait.is_some_and(|most| started.elapsed() >= most) {
                let waited = if reported.is_none() {
                    Duration::ZERO
                } else {
                    started.elapsed()
                };
                let holder = describe(holder.as_ref());
                return Err(ProjectBusy { holder, waited }.into());
            }
            // A holder that has just taken the lock has not written its name yet.
            let is_known = holder.is_some() || started.elapsed() > RETRY_INTERVAL;
            if is_known && reported.as_ref() != Some(&holder) {
                self.reporter
                    .warn(format!("waiting for {}", describe(holder.as_ref())));
                reported = Some(holder);
            }
            thread::sleep(RETRY_INTERVAL);
        }
    }

    fn try_lock_project(&self, state_dir: &Path) -> Result<Option<Arc<Held>>, EngineError> {
        let mut all_held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = all_held.get(state_dir).and_then(Weak::upgrade) {
            return Ok(Some(held));
        }
        let path = state_dir.join("lock");
        let failed = |source| EngineError::Folder {
            path: path.clone(),
            source,
        };
        let lock = match FileLock::try_take(&path) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
                self.reporter.warn(
                    "this file system has no locks; do not run two commands in this project at once",
                );
                None
            }
            Err(error) => return Err(failed(error)),
        };
        let holder = state_dir.join("lock.json");
        let bytes =
            serde_json::to_vec_pretty(&self.holder()).expect("texts and numbers have a JSON form");
        // Without it, commands that wait cannot name the holder.
        let _unwritten = atomic_write(&holder, &bytes);
        let held = Arc::new(Held {
            _lock: lock,
            holder,
        });
        all_held.insert(state_dir.to_owned(), Arc::downgrade(&held));
        Ok(Some(held))
    }

    fn holder(&self) -> LockHolder {
        let user = ["USER", "LOGNAME", "USERNAME"]
            .into_iter()
            .find_map(self.variable);
        LockHolder {
            pid: std::process::id(),
            command: command(std::env::args()),
            user: user.unwrap_or_else(|| self.actor.clone()),
            host: sysinfo::System::host_name().unwrap_or_else(|| "this host".to_owned()),
            since: Timestamp::now().round(Unit::Second).unwrap_or_default(),
        }
    }
}

impl LockHolder {
    fn read(state_dir: &Path) -> Option<Self> {
        let text = read_note(&state_dir.join("lock.json")).ok()?;
        serde_json::from_str(&text).ok()
    }
}

fn describe(holder: Option<&LockHolder>) -> String {
    let Some(holder) = holder else {
        return "another command".to_owned();
    };
    let LockHolder {
        pid,
        command,
        user,
        host,
        since,
    } = holder;
    format!("`{command}` (pid {pid}, {user}@{host}, since {since})")
}

/// Returns a command without its `--set` values, which may be confidential.
fn command(args: impl Iterator<Item = String>) -> String {
    let mut args = args.skip(1).peekable();
    let mut words = vec!["pdm-ml".to_owned()];
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--set" => {
                args.next();
            }
            arg if arg.starts_with("--set=") => {}
            arg => words.push(redact(arg).chars().take(80).collect()),
        }
    }
    // Some secrets are recognized only together with the flag before them.
    redact(&words.join(" ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pdm_core::events::Reporter;

    fn context(root: &Path) -> Context {
        Context {
            strict: false,
            root: root.to_owned(),
            reporter: Reporter::silent(),
            actor: "ada".into(),
            commit: None,
            now: None,
            variable: |_| None,
            wait: Some(Duration::from_millis(120)),
        }
    }

    #[test]
    fn a_process_that_holds_the_lock_gets_it_again() {
        let folder = tempfile::tempdir().unwrap();
        let outer = context(folder.path()).lock_project().unwrap();
        let inner = context(folder.path()).lock_project().unwrap();
        drop(outer);
        assert!(
            folder.path().join(".pdm-ml/lock.json").exists(),
            "still held"
        );
        drop(inner);
        assert!(!folder.path().join(".pdm-ml/lock.json").exists());
        context(folder.path()).lock_project().unwrap();
    }

    #[test]
    fn a_command_waits_for_another_holder_and_names_it() {
        let folder = tempfile::tempdir().unwrap();
        drop(context(folder.path()).lock_project().unwrap());
        // To the system, another handle on the file is like another process.
        let other = FileLock::try_take(&folder.path().join(".pdm-ml/lock"))
            .unwrap()
            .unwrap();
        let holder = r#"{"pid":7,"command":"pdm-ml tune","user":"eva","host":"plant-7","since":"2026-11-28T01:00:00Z"}"#;
        fs::write(folder.path().join(".pdm-ml/lock.json"), holder).unwrap();
        let Err(EngineError::Busy(busy)) = context(folder.path()).lock_project() else {
            panic!("taken twice")
        };
        assert_eq!(
            busy.holder,
            "`pdm-ml tune` (pid 7, eva@plant-7, since 2026-11-28T01:00:00Z)"
        );
        assert!(busy.waited >= Duration::from_millis(100), "{busy:?}");
        let impatient = Context {
            wait: Some(Duration::ZERO),
            ..context(folder.path())
        };
        assert!(
            matches!(impatient.lock_project(), Err(EngineError::Busy(busy)) if busy.waited.is_zero())
        );
        drop(other);
        context(folder.path()).lock_project().unwrap();
    }

    #[test]
    fn values_that_were_set_are_not_shown() {
        let args = [
            "/usr/bin/pdm-ml",
            "run",
            "a.toml",
            "--set",
            "registry.url=s3://x",
            "--set=a=b",
            "--force",
        ];
        assert_eq!(
            command(args.into_iter().map(ToOwned::to_owned)),
            "pdm-ml run a.toml --force"
        );
    }
}
