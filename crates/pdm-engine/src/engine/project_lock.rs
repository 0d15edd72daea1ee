//! One command at a time changes a project; the others wait, and say for whom. Readers never do.

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

/// How long to sleep before asking again; a blocking wait could not be interrupted.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// Turns this process has taken, by project: whoever has one may work under it again.
static TAKEN: Mutex<BTreeMap<PathBuf, Weak<Held>>> = Mutex::new(BTreeMap::new());

/// The right to change a project, until it is dropped; the system gives it up for a process that dies.
#[derive(Debug, Clone)]
pub struct ProjectLock {
    _held: Arc<Held>,
}

/// The locked file, and the file that says by whom it is locked.
#[derive(Debug)]
struct Held {
    _lock: Option<FileLock>,
    holder: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Before the lock is free: nobody may remove what the next one wrote.
        let _gone = fs::remove_file(&self.holder);
    }
}

/// Who works on a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LockHolder {
    pid: u32,
    command: String,
    user: String,
    host: String,
    since: Timestamp,
}

/// Another command works on the project, and did not end in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the project is being worked on by {holder}; waited {}", span(*waited))]
pub struct Busy {
    /// By whom.
    pub holder: String,
    /// How long its end was waited for.
    pub waited: Duration,
}

impl Context {
    /// Takes the right to change the project, and waits for whoever has it, [`Context::wait`] at most.
    ///
    /// A process that has it already, in whatever thread, gets it again at once.
    ///
    /// # Errors
    /// [`EngineError::Busy`] after the time is over; the folder cannot be written; or a signal came.
    pub fn lock_project(&self) -> Result<ProjectLock, EngineError> {
        let shelf = self.state_folder("");
        fs::create_dir_all(&shelf).map_err(|source| EngineError::Folder {
            path: shelf.clone(),
            source,
        })?;
        let project = shelf.canonicalize().unwrap_or(shelf);
        let (started, mut told) = (Instant::now(), None);
        loop {
            if let Some(held) = self.try_turn(&project)? {
                return Ok(ProjectLock { _held: held });
            }
            let holder = LockHolder::read(&project);
            self.reporter.interrupt().check()?;
            if self.wait.is_some_and(|most| started.elapsed() >= most) {
                let waited = if told.is_none() {
                    Duration::ZERO
                } else {
                    started.elapsed()
                };
                return Err(Busy {
                    holder: told_of(holder.as_ref()),
                    waited,
                }
                .into());
            }
            // Whoever took the lock this very moment has not said who it is yet.
            if told != Some(holder.clone()) && (holder.is_some() || started.elapsed() > ASK_AGAIN) {
                self.reporter
                    .warn(format!("waiting for {}", told_of(holder.as_ref())));
                told = Some(holder);
            }
            thread::sleep(ASK_AGAIN);
        }
    }

    fn try_turn(&self, project: &Path) -> Result<Option<Arc<Held>>, EngineError> {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = taken.get(project).and_then(Weak::upgrade) {
            return Ok(Some(held));
        }
        let path = project.join("lock");
        let failed = |source| EngineError::Folder {
            path: path.clone(),
            source,
        };
        let lock = match FileLock::try_take(&path) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::Unsupported => {
                self.reporter.warn(
                    "this file system has no locks: two commands at once would disturb each other",
                );
                None
            }
            Err(error) => return Err(failed(error)),
        };
        let holder = project.join("lock.json");
        let bytes =
            serde_json::to_vec_pretty(&self.holder()).expect("texts and numbers have a JSON form");
        // Without it, those who wait do not know for whom.
        let _unsaid = atomic_write(&holder, &bytes);
        let held = Arc::new(Held {
            _lock: lock,
            holder,
        });
        taken.insert(project.to_owned(), Arc::downgrade(&held));
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
    fn read(project: &Path) -> Option<Self> {
        serde_json::from_str(&read_note(&project.join("lock.json")).ok()?).ok()
    }
}

fn told_of(holder: Option<&LockHolder>) -> String {
    holder.map_or_else(
        || "another command".to_owned(),
        |LockHolder {
             pid,
             command,
             user,
             host,
             since,
         }| format!("`{command}` (pid {pid}, {user}@{host}, since {since})"),
    )
}

/// Returns a command without the values that were set in it: those are nobody's business.
fn command(args: impl Iterator<Item = String>) -> String {
    let mut args = args.skip(1).peekable();
    let mut words = vec!["pdm-ml".to_owned()];
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--set" => drop(args.next()),
            arg if arg.starts_with("--set=") => {}
            arg => words.push(redact(arg).chars().take(80).collect()),
        }
    }
    // Some secrets show only together with the flag before them.
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
    fn whoever_has_the_turn_may_work_under_it_again() {
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
    fn another_holder_is_waited_for_and_named() {
        let folder = tempfile::tempdir().unwrap();
        drop(context(folder.path()).lock_project().unwrap());
        // Another handle on the file is to the system what another process is.
        let other = FileLock::try_take(&folder.path().join(".pdm-ml/lock"))
            .unwrap()
            .unwrap();
        let holder = r#"{"pid":7,"command":"pdm-ml tune","user":"eva","host":"night","since":"2026-11-28T01:00:00Z"}"#;
        fs::write(folder.path().join(".pdm-ml/lock.json"), holder).unwrap();
        let Err(EngineError::Busy(busy)) = context(folder.path()).lock_project() else {
            panic!("taken twice")
        };
        assert_eq!(
            busy.holder,
            "`pdm-ml tune` (pid 7, eva@night, since 2026-11-28T01:00:00Z)"
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
    fn what_was_set_is_not_told() {
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
