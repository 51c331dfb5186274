//! What the machine has free, memory and room on a disk, and what this process took. The only module that asks the operating system for them.

use std::path::Path;
use sysinfo::{Disks, ProcessRefreshKind, ProcessesToUpdate, System};

/// Memory that a process may still take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Free {
    /// Memory that is left, in bytes.
    pub bytes: u64,
    /// Set by the control group (a container, a batch job) and not by the machine.
    pub limited: bool,
}

/// `None` where the system does not say. What a cache of files would give back counts as free.
pub(crate) fn memory() -> Option<Free> {
    let mut system = System::new();
    system.refresh_memory();
    // `MemAvailable` of Linux.
    let machine = Free { bytes: system.available_memory(), limited: false };
    let this = sysinfo::get_current_pid().ok();
    let own = this.and_then(|pid| {
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, ProcessRefreshKind::nothing());
        system.process(pid)?.cgroup_limits()
    });
    let group = own.or_else(|| system.cgroup_limits()).filter(|g| g.total_memory < system.total_memory());
    let group = group.map(|g| Free { bytes: g.total_memory.saturating_sub(g.rss), limited: true });
    let free = group.filter(|g| g.bytes < machine.bytes).unwrap_or(machine);
    (free.bytes > 0).then_some(free)
}

/// Most bytes of memory that this process has held at once. `None` where the system does not say; Linux does.
pub(crate) fn peak_memory() -> Option<u64> {
    high_water(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// The line `VmHWM:    123456 kB` of proc(5), in bytes.
fn high_water(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Bytes that can still be written below `path`, which need not exist yet. `None` where the system does not say.
pub(crate) fn room(path: &Path) -> Option<u64> {
    let path = std::path::absolute(path).ok()?;
    let path = path.ancestors().find_map(|p| p.canonicalize().ok())?;
    let disks = Disks::new_with_refreshed_list();
    // Of nested mounts the innermost holds the path.
    let inside = disks.iter().filter(|d| path.starts_with(d.mount_point()));
    inside.max_by_key(|d| d.mount_point().as_os_str().len()).map(|d| d.available_space()).filter(|&room| room > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_high_water_mark_is_read_in_bytes() {
        let status = "Name:\tnpc\nVmPeak:\t  900000 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(high_water(status), Some(2048 * 1024));
        assert_eq!(high_water("Name:\tnpc\n"), None);
    }
}
