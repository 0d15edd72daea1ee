//! How much memory this process holds, and how much the machine has.

/// What a process holds in main memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resident {
    pub(super) now: u64,
    /// The most it ever held, where the system records that.
    pub(super) peak: Option<u64>,
}

/// Returns what this process holds; none where the system does not report it.
#[cfg(target_os = "linux")]
pub(super) fn resident() -> Option<Resident> {
    parse(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Returns what this process holds; none where the system does not report it.
#[cfg(not(target_os = "linux"))]
pub(super) fn resident() -> Option<Resident> {
    memory_stats::memory_stats().map(|stats| Resident {
        now: stats.physical_mem as u64,
        peak: None,
    })
}

/// Returns the memory of this machine, or of the container where that has less, in bytes; none where the system does not report
/// it.
#[cfg(target_os = "linux")]
pub(super) fn installed() -> Option<u64> {
    let machine = bytes(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemTotal")?;
    let Ok(container) = std::fs::read_to_string("/sys/fs/cgroup/memory.max") else {
        return Some(machine);
    };
    match container.trim().parse::<u64>() {
        Ok(limit) => Some(limit.min(machine)),
        // "max": the container has no limit.
        Err(_) => Some(machine),
    }
}

/// Returns none: this system does not report it.
#[cfg(not(target_os = "linux"))]
pub(super) fn installed() -> Option<u64> {
    None
}

#[cfg(target_os = "linux")]
fn parse(status: &str) -> Option<Resident> {
    Some(Resident {
        now: bytes(status, "VmRSS")?,
        peak: bytes(status, "VmHWM"),
    })
}

/// Returns an amount in a file of the kernel, in bytes.
#[cfg(target_os = "linux")]
fn bytes(file: &str, name: &str) -> Option<u64> {
    let line = file
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_status_file_is_read_even_where_lines_are_missing() {
        let status = "Name:\tx\nVmHWM:\t   2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(
            parse(status),
            Some(Resident {
                now: 1 << 20,
                peak: Some(2 << 20)
            })
        );
        assert_eq!(
            parse("VmRSS:\t1 kB\n"),
            Some(Resident {
                now: 1024,
                peak: None
            })
        );
        assert_eq!(parse("VmRSS:\tmuch\n"), None);
    }

    #[test]
    fn a_machine_has_more_than_this_process_holds() {
        assert!(installed().unwrap() > resident().unwrap().now);
    }

    /// Other tests of this process free memory meanwhile, so one attempt may miss what was written.
    #[test]
    fn memory_that_is_written_to_is_seen() {
        let seen = (0..100).any(|_| {
            let before = resident().unwrap().now;
            let held = std::hint::black_box(vec![1_u8; 64 << 20]);
            let after = resident().unwrap();
            assert!(after.peak.unwrap() >= held.len() as u64);
            after.now >= before + (48 << 20)
        });
        assert!(seen, "64 MiB written to, a hundred times");
    }
}
