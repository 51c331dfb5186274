//! Free memory, free disk space and the peak memory of this process. The only module that asks the operating system for
//! them.

use std::path::Path;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// Memory that a process can still allocate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeMemory {
    /// Free memory in bytes.
    pub bytes: u64,
    /// Whether the limit is that of a control group (a container, a batch job) and not that of the machine.
    pub limited: bool,
}

/// Returns the free memory, or `None` if the system does not report it. Memory that the file cache would release counts as
/// free.
pub(crate) fn free_memory() -> Option<FreeMemory> {
    let mut system = System::new();
    system.refresh_memory();
    // `MemAvailable` of Linux.
    let machine = FreeMemory { bytes: system.available_memory(), limited: false };
    let this = sysinfo::get_current_pid().ok();
    let own = this.and_then(|pid| {
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, ProcessRefreshKind::nothing());
        system.process(pid)?.cgroup_limits()
    });
    let group = own.or_else(|| system.cgroup_limits()).filter(|g| g.total_memory < system.total_memory());
    let group = group.map(|g| FreeMemory { bytes: g.total_memory.saturating_sub(g.rss), limited: true });
    let free = group.filter(|g| g.bytes < machine.bytes).unwrap_or(machine);
    (free.bytes > 0).then_some(free)
}

/// Returns the largest amount of memory that this process has held, in bytes, or `None` if the system does not report it
/// (Linux does).
pub(crate) fn peak_memory() -> Option<u64> {
    high_water(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Parses the line `VmHWM:    123456 kB` of proc(5) into bytes.
fn high_water(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Returns the free disk space in bytes for files below `path`, which need not exist yet, or `None` if the system does not
/// report it.
pub(crate) fn free_disk_space(path: &Path) -> Option<u64> {
    let path = std::path::absolute(path).ok()?;
    let path = path.ancestors().find_map(|p| p.canonicalize().ok())?;
    room_of_file_system(&path)
}

/// Asks the file system of the folder itself: a list of disks leaves out what is in memory or on the network.
#[cfg(unix)]
fn room_of_file_system(folder: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(folder).ok()?;
    // Some systems of files made on demand have no blocks at all.
    (system.f_blocks > 0).then(|| system.f_bavail.saturating_mul(system.f_frsize))
}

#[cfg(not(unix))]
fn room_of_file_system(folder: &Path) -> Option<u64> {
    let disks = sysinfo::Disks::new_with_refreshed_list();
    // Among nested mounts, the innermost one contains the path.
    let inside = disks.iter().filter(|d| folder.starts_with(d.mount_point()));
    inside.max_by_key(|d| d.mount_point().as_os_str().len()).map(|d| d.available_space()).filter(|&room| room > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_file_system_of_the_folder_itself_is_asked() {
        // Both are file systems in memory on common systems, and no disks; df(1) asks them as well.
        for folder in ["/dev/shm", "/"] {
            let shown = std::process::Command::new("df").args(["-B1", "--output=avail", folder]).output().unwrap();
            let text = String::from_utf8(shown.stdout).unwrap();
            let Some(free) = text.lines().nth(1).and_then(|line| line.trim().parse::<u64>().ok()) else { continue };
            let found = free_disk_space(&Path::new(folder).join("not/there/yet")).unwrap();
            // Other programs write meanwhile.
            assert!(found.abs_diff(free) < 1 << 30, "{folder}: {found} and {free}");
        }
    }

    #[test]
    fn the_high_water_mark_is_read_in_bytes() {
        let status = "Name:\tnpc\nVmPeak:\t  900000 kB\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(high_water(status), Some(2048 * 1024));
        assert_eq!(high_water("Name:\tnpc\n"), None);
    }
}
