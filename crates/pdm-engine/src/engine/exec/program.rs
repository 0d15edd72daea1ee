//! Runs a program of `[[stage]]` as a process: its environment, its log, its end.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::ExecError;
use crate::config::{ExecOptions, Stage};
use pdm_core::content::open_regular;
use pdm_core::events::{Interrupted, Reporter};

/// Time between two checks of the process.
const CHECK_INTERVAL: Duration = Duration::from_millis(10);
/// How long a process may take to end after it was asked to end.
const GRACE: Duration = Duration::from_secs(5);
/// How much of the end of a log a message quotes.
const TAIL_LINES: usize = 12;
const TAIL_BYTES: u64 = 4096;
/// Variables that every program gets: they say where things are, not what they are.
const ALWAYS_PASSED: [&str; 3] = ["PATH", "HOME", "TMPDIR"];

/// A program about to run.
pub(in crate::engine) struct Program<'p> {
    pub(in crate::engine) options: &'p ExecOptions,
    /// The project's folder.
    pub(in crate::engine) root: &'p Path,
    /// Looks a variable up.
    pub(in crate::engine) variable: fn(&str) -> Option<String>,
    /// The named stages whose results it may read, with their folders.
    pub(in crate::engine) folders: Vec<(Stage, PathBuf)>,
    /// The file that gets what it prints.
    pub(in crate::engine) log: PathBuf,
}

impl Program<'_> {
    /// Runs the program to its end.
    ///
    /// # Errors
    /// It cannot be started, fails, takes too long, or is stopped with the work around it.
    pub(in crate::engine) fn run(&self, reporter: &Reporter) -> Result<(), ExecError> {
        let started = Instant::now();
        let mut child = self.start()?;
        loop {
            if let Some(status) = child
                .try_wait()
                .map_err(ExecError::io("wait for", Path::new(&self.options.exec[0])))?
            {
                return self.result_of(status);
            }
            if let Err(interrupted) = reporter.check() {
                stop(&mut child, interrupted);
                return Err(interrupted.into());
            }
            if let Some(timeout) = self.options.timeout
                && started.elapsed() > timeout.duration()
            {
                stop(&mut child, Interrupted::Abandoned);
                return Err(ExecError::TimedOut {
                    limit: timeout.duration(),
                    tail: tail(&self.log),
                    log: self.log.clone(),
                });
            }
            thread::sleep(CHECK_INTERVAL);
        }
    }

    fn start(&self) -> Result<Child, ExecError> {
        let folder = self.log.parent().unwrap_or(self.root);
        fs::create_dir_all(folder).map_err(ExecError::io("create", folder))?;
        let log = File::create(&self.log).map_err(ExecError::io("write", &self.log))?;
        let errors = log.try_clone().map_err(ExecError::io("write", &self.log))?;
        let program = &self.options.exec[0];
        let mut command = Command::new(match self.options.program_file() {
            Some(file) => self.root.join(file),
            None => program.into(),
        });
        command
            .args(&self.options.exec[1..])
            .current_dir(self.root)
            .env_clear()
            .envs(self.environment());
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        lead_a_group(&mut command);
        command.spawn().map_err(|source| ExecError::Start {
            program: program.clone(),
            source,
        })
    }

    fn environment(&self) -> Vec<(String, String)> {
        let named = ALWAYS_PASSED.into_iter().chain(
            self.options
                .env
                .iter()
                .chain(&self.options.secrets)
                .map(String::as_str),
        );
        let mut variables = Vec::new();
        for name in named {
            if let Some(value) = (self.variable)(name) {
                variables.push((name.to_owned(), value));
            }
        }
        for (name, value) in [
            ("PDM_ML_STAGE", self.options.name.clone()),
            ("PDM_ML_ROOT", self.root.display().to_string()),
            ("PDM_ML_THREADS", rayon::current_num_threads().to_string()),
        ] {
            variables.push((name.to_owned(), value));
        }
        for (stage, folder) in &self.folders {
            let name = format!("PDM_ML_{}_DIR", stage.name().to_uppercase());
            variables.push((name, folder.display().to_string()));
        }
        variables
    }

    fn result_of(&self, status: ExitStatus) -> Result<(), ExecError> {
        if status.success() {
            return Ok(());
        }
        let how = status
            .code()
            .map_or_else(|| ended_by(status), |code| format!("exit code {code}"));
        Err(ExecError::Failed {
            how,
            tail: tail(&self.log),
            log: self.log.clone(),
        })
    }
}

/// Returns the last lines of a log; an unreadable one has none.
pub(in crate::engine) fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = open_regular(log)?;
        let bytes = file.metadata()?.len();
        file.seek(SeekFrom::Start(bytes.saturating_sub(TAIL_BYTES)))?;
        let mut end = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut end)?;
        Ok(end)
    };
    let end = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&end);
    // Control characters are for a terminal, not for messages.
    let clean: String = text
        .chars()
        .filter(|c| !c.is_control() || *c == '\n' || *c == '\t')
        .collect();
    let lines: Vec<_> = clean.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..]
        .iter()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Asks the process and all it started to end, and kills them after a while.
fn stop(child: &mut Child, why: Interrupted) {
    ask(child, why);
    let asked = Instant::now();
    while asked.elapsed() < GRACE && matches!(child.try_wait(), Ok(None)) {
        thread::sleep(CHECK_INTERVAL);
    }
    end(child);
    let _reaped = child.wait();
}

/// Gives the process a group of its own: a terminal's ^C does not reach it before this program decides, and a signal reaches
/// all processes of it.
#[cfg(unix)]
fn lead_a_group(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(unix)]
fn ask(child: &Child, why: Interrupted) {
    use rustix::process::Signal;
    let signal = if why == (Interrupted::Signal { signal: 2 }) {
        Signal::INT
    } else {
        Signal::TERM
    };
    send(child, signal);
}

#[cfg(unix)]
fn end(child: &mut Child) {
    send(child, rustix::process::Signal::KILL);
}

#[cfg(unix)]
fn send(child: &Child, signal: rustix::process::Signal) {
    // This fails where the group has ended already.
    let _sent =
        rustix::process::kill_process_group(rustix::process::Pid::from_child(child), signal);
}

#[cfg(unix)]
fn ended_by(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    status
        .signal()
        .map_or_else(|| status.to_string(), |signal| format!("signal {signal}"))
}

#[cfg(not(unix))]
fn lead_a_group(_: &mut Command) {}

#[cfg(not(unix))]
fn ask(_: &Child, _: Interrupted) {}

#[cfg(not(unix))]
fn end(child: &mut Child) {
    let _ended = child.kill();
}

#[cfg(not(unix))]
fn ended_by(status: ExitStatus) -> String {
    status.to_string()
}
