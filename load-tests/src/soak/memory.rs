//! What a process has in memory.

/// Resident bytes of a process, by the system's own count; `None` where it is gone.
pub(super) fn resident(pid: i32) -> Option<u64> {
    of_status(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// The line `VmRSS: N kB`.
fn of_status(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_found() {
        assert_eq!(of_status("Name:\tx\nVmHWM:\t  99 kB\nVmRSS:\t   12 kB\n"), Some(12 * 1024));
        assert_eq!(of_status("Name:\tx\n"), None);
        assert!(resident(i32::try_from(std::process::id()).unwrap()).unwrap() > 1 << 20);
    }
}
