//! Compiled kernels on disk: what is damaged, foreign or cannot be read is not used.

use npc::internals::compute::cuda::driver::CubinCache;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

const KEY: &str = "NVRTC 13.0\n--gpu-architecture=sm_90\nKERNEL run() {}";

fn code(byte: u8) -> Vec<u8> {
    vec![byte; 1000]
}

#[test]
fn a_damaged_entry_is_not_used() {
    let folder = TempDir::new().unwrap();
    let cache = CubinCache::in_folder(&folder.path().join("npc/cuda"));
    assert_eq!(cache.find(KEY), None);
    cache.store(KEY, &code(7));
    assert_eq!(cache.find(KEY), Some(code(7)));
    let place = cache.place(KEY);
    let whole = std::fs::read(&place).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&place, damaged).unwrap();
        assert_eq!(cache.find(KEY), None, "byte {at} differs");
    }
    for len in [0, 1, 8, 20, whole.len() - 1] {
        std::fs::write(&place, &whole[..len]).unwrap();
        assert_eq!(cache.find(KEY), None, "{len} bytes are left");
    }
    cache.store(KEY, &code(8));
    assert_eq!(cache.find(KEY), Some(code(8)));
}

/// An undamaged entry of another text, compiler or architecture in this entry's place.
#[test]
fn a_foreign_entry_is_not_used() {
    let folder = TempDir::new().unwrap();
    let cache = CubinCache::in_folder(folder.path());
    for other in [KEY.replace("13.0", "13.1"), KEY.replace("sm_90", "sm_80"), format!("{KEY} ")] {
        cache.store(&other, &code(1));
        std::fs::rename(cache.place(&other), cache.place(KEY)).unwrap();
        assert_eq!(cache.find(KEY), None, "{other}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_no_error() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for place in [file.join("below"), Path::new("/proc/npc").to_path_buf()] {
        let cache = CubinCache::in_folder(&place);
        cache.store(KEY, &code(7));
        cache.prune();
        assert_eq!(cache.find(KEY), None);
    }
    // What is in the entry's place and cannot be replaced.
    let cache = CubinCache::in_folder(folder.path());
    std::fs::create_dir(cache.place(KEY)).unwrap();
    cache.store(KEY, &code(7));
    assert_eq!(cache.find(KEY), None);
}

#[test]
fn the_oldest_entries_give_way() {
    let folder = TempDir::new().unwrap();
    let cache = CubinCache::in_folder(folder.path()).with_limit(3500);
    let key = |i: u64| format!("{KEY}{i}");
    for i in 0..5 {
        cache.store(&key(i), &code(1));
        let file = std::fs::File::options().write(true).open(cache.place(&key(i))).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1000 * (10 - i))).unwrap();
    }
    std::fs::write(folder.path().join("notes.txt"), vec![0; 5000]).unwrap();
    cache.prune();
    let kept: Vec<bool> = (0..5).map(|i| cache.find(&key(i)).is_some()).collect();
    assert_eq!(kept, [true, true, true, false, false]);
    assert!(folder.path().join("notes.txt").exists(), "other files stay");
}

/// Variable with the folder in which another process writes.
const WRITER: &str = "NPC_TEST_CACHE_WRITER";

/// Writes entries for as long as [`processes_that_write_the_same_entry_agree`] wants.
#[test]
fn a_writer_of_entries() {
    let Some(folder) = std::env::var_os(WRITER) else { return };
    let cache = CubinCache::in_folder(Path::new(&folder));
    for i in 0..200u8 {
        cache.store(KEY, &code(i));
        cache.prune();
    }
}

#[test]
fn processes_that_write_the_same_entry_agree() {
    let folder = TempDir::new().unwrap();
    let writer = || {
        let mut run = Command::new(std::env::current_exe().unwrap());
        run.args(["--exact", "compute::cuda::cubin_cache::a_writer_of_entries"]).env(WRITER, folder.path());
        run.stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let mut writers = [writer(), writer()];
    let cache = CubinCache::in_folder(folder.path());
    let mut found = 0;
    while writers.iter_mut().any(|writer| writer.try_wait().unwrap().is_none()) {
        if let Some(code) = cache.find(KEY) {
            assert!(code.len() == 1000 && code.iter().all(|byte| *byte == code[0]));
            found += 1;
        }
    }
    assert!(writers.iter_mut().all(|writer| writer.wait().unwrap().success()));
    assert!(found > 0 && cache.find(KEY) == Some(code(199)));
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), [cache.place(KEY).file_name().unwrap()], "nothing else is left");
}

#[test]
fn the_environment_decides_on_the_folder() {
    let cache = |set: &[(&str, &str)]| {
        let value = |name: &str| set.iter().find(|(own, _)| *own == name).map(|(_, value)| OsString::from(value));
        CubinCache::of_user(value)
    };
    let at = |path: &str| Some(CubinCache::in_folder(Path::new(path)));
    assert_eq!(cache(&[("HOME", "/home/a")]), at("/home/a/.cache/npc/cuda"));
    assert_eq!(cache(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "/big")]), at("/big/npc/cuda"));
    assert_eq!(cache(&[("HOME", "/home/a"), ("XDG_CACHE_HOME", "big")]), at("/home/a/.cache/npc/cuda"));
    assert_eq!(cache(&[("HOME", "/home/a"), ("NPC_CUDA_CACHE", "/fast")]), at("/fast"));
    assert_eq!(cache(&[("HOME", "/home/a"), ("NPC_CUDA_CACHE", "off")]), None);
    assert_eq!(cache(&[]), None);
}
