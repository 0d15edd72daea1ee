use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use crate::Outcome;
use crate::program::{Program, Step};

/// How long commands take without an interruption.
pub(crate) struct Usual {
    push: Duration,
    promote: Duration,
}

impl Usual {
    /// Measures the second of each: the first makes room in the store.
    pub(crate) fn measure(program: &Program, url: &str) -> Outcome<Self> {
        let timed = |step: Step| -> Outcome<Duration> {
            let start = Instant::now();
            program.must(&step.words(url))?;
            Ok(start.elapsed())
        };
        let (_, push) = (timed(Step::Push(1))?, timed(Step::Push(2))?);
        let (_, promote) = (timed(Step::Promote(1))?, timed(Step::Promote(2))?);
        Ok(Self { push, promote })
    }

    pub(crate) fn of(&self, step: Step) -> Duration {
        match step {
            Step::Push(_) => self.push,
            Step::Promote(_) => self.promote,
        }
    }
}

/// What happens to one command.
#[derive(Debug)]
pub(crate) struct Interruption {
    kill_after: Option<Duration>,
    /// Arguments of the proxy in front of the server.
    proxy: Option<Vec<String>>,
}

/// The result of an interrupted command.
#[derive(Debug)]
pub(crate) struct Struck {
    /// Exit code; `None` if it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stderr: String,
    /// What the proxy did to how many requests.
    pub(crate) faults: BTreeMap<String, u64>,
}

impl Struck {
    /// Returns whether the command was killed, or met more than a delay.
    pub(crate) fn is_hit(&self) -> bool {
        self.code.is_none() || self.is_spoilt()
    }

    pub(crate) fn is_spoilt(&self) -> bool {
        self.faults
            .keys()
            .any(|name| !["passed", "delayed"].contains(&name.as_str()))
    }
}

impl Interruption {
    pub(crate) fn choose(url: &str, usual: Duration, random: &mut impl Rng) -> Self {
        let until = |longest: Duration, random: &mut _| longest.mul_f64(RngExt::random(random));
        let kind = if url.contains("://") {
            random.random_range(0..100)
        } else {
            0
        };
        match kind {
            0..45 => Self {
                kill_after: Some(until(usual, random)),
                proxy: None,
            },
            45..80 => Self {
                kill_after: None,
                proxy: Some(flaky(random)),
            },
            80..95 => Self {
                kill_after: Some(until(usual * 2, random)),
                proxy: Some(flaky(random)),
            },
            _ => Self {
                kill_after: None,
                proxy: Some(dead(random)),
            },
        }
    }

    /// Runs a command with the interruption.
    pub(crate) fn strike(&self, program: &Program, step: Step, url: &str) -> Outcome<Struck> {
        let proxy = self
            .proxy
            .as_ref()
            .map(|arguments| Proxy::start(program, arguments))
            .transpose()?;
        let mut command = program.command("pdm-ml", &step.words(url));
        if let Some(proxy) = &proxy {
            command.env("AWS_ENDPOINT_URL", &proxy.url);
        }
        let mut child = command.spawn()?;
        if let Some(after) = self.kill_after {
            std::thread::sleep(after);
            child.kill()?;
        }
        let output = child.wait_with_output()?;
        let code = output.status.code();
        if code.is_none() && (self.kill_after.is_none() || output.status.signal() != Some(9)) {
            return Err(format!("it ended with {}", output.status).into());
        }
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(Struck {
            code,
            stderr,
            faults: proxy.map_or(Ok(BTreeMap::new()), Proxy::end)?,
        })
    }
}

/// Arguments of a proxy that interferes with some requests, or many.
fn flaky(random: &mut impl Rng) -> Vec<String> {
    let share = *[0.01, 0.03, 0.1].choose(random).expect("there are some");
    let seed: u32 = random.random();
    let truncate = share / 2.0;
    words(&format!(
        "--seed {seed} --drop {share} --error {share} --truncate {truncate} --delay {share} --delay-ms 100"
    ))
}

/// A line that goes dead, and stays so.
fn dead(random: &mut impl Rng) -> Vec<String> {
    words(&format!("--outage-after {}", random.random_range(0..30)))
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

struct Proxy {
    child: Child,
    out: BufReader<ChildStdout>,
    url: String,
}

impl Proxy {
    fn start(program: &Program, line: &[String]) -> Outcome<Self> {
        let server =
            std::env::var("AWS_ENDPOINT_URL").map_err(|_| "AWS_ENDPOINT_URL names no server")?;
        let server = server
            .strip_prefix("http://")
            .ok_or("the proxy speaks no TLS")?
            .trim_end_matches('/')
            .to_owned();
        let line = [&["--to".to_owned(), server], line].concat();
        let mut child = program
            .command("examples/flaky_proxy", &line)
            .stdin(Stdio::piped())
            .spawn()?;
        let mut out = BufReader::new(child.stdout.take().ok_or("the proxy says nothing")?);
        let mut url = String::new();
        out.read_line(&mut url)?;
        Ok(Self {
            child,
            out,
            url: url.trim().to_owned(),
        })
    }

    /// Ends the proxy, and returns what it did.
    fn end(mut self) -> Outcome<BTreeMap<String, u64>> {
        drop(self.child.stdin.take());
        let mut counts = String::new();
        self.out.read_to_string(&mut counts)?;
        self.child.wait()?;
        Ok(serde_json::from_str(&counts)?)
    }
}
