//! The walls of namespaces: the same files, but read-only; the same machine, but alone on it.
//!
//! The process is the first of its own process namespace already, so the kernel ends with it all that it started.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, symlink};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, mount, mount_bind,
    mount_change, move_mount, open_tree,
};
use rustix::process::{getgid, getuid};

use super::sys;
use crate::borders::Borders;
use crate::policy::{Network, Policy};

/// The namespaces that a command gets of its own.
pub fn wanted(policy: &Policy) -> i32 {
    let network = match policy.network {
        Network::All => 0,
        _ => libc::CLONE_NEWNET,
    };
    libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | network
}

/// Becomes the same user again, which must be done from outside or first of all: user_namespaces(7).
pub fn map_user(uid: u32, gid: u32) -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}

/// Who this process is, seen from outside.
pub fn user() -> (u32, u32) {
    (getuid().as_raw(), getgid().as_raw())
}

/// Puts the walls up.
pub fn build(policy: &Policy, borders: &Borders, scratch: &Path) -> io::Result<()> {
    let folder = std::env::current_dir();
    mount_change(
        "/",
        MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
    )?;
    let hidden = policy.hidden();
    // What is to be as it was is taken before all becomes read-only, and put back after that.
    let mut open: Vec<(&Path, OwnedFd)> = Vec::new();
    let mut paths: Vec<&Path> = borders.open().chain([scratch]).collect();
    paths.sort();
    for path in paths {
        // What lies in another one is open with it.
        if !open.iter().any(|(outer, _)| path.starts_with(outer)) {
            open.push((path, tree(path)?));
        }
    }
    let devices: Vec<(&str, OwnedFd)> = DEVICES
        .iter()
        .map(|path| Ok((*path, tree(Path::new(path))?)))
        .collect::<io::Result<_>>()?;
    sys::make_mounts_read_only()?;
    for (path, tree) in open
        .iter()
        .filter(|(path, _)| *path != Path::new(SHARED_MEMORY))
    {
        put(tree, path)?;
    }
    make_devices(&devices)?;
    mount(
        "proc",
        "/proc",
        "proc",
        MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC,
        None,
    )?;
    hide(&hidden)?;
    if policy.network != Network::All {
        sys::loopback_up()?;
    }
    // The folder as it is mounted now.
    std::env::set_current_dir(folder?)
}

const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
];
const SHARED_MEMORY: &str = "/dev/shm";
/// A folder and a file that nobody may open.
const SHUT_FOLDER: &str = "/dev/.hidden/folder";
const SHUT_FILE: &str = "/dev/.hidden/file";

fn tree(path: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE;
    open_tree(CWD, path, flags)
        .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

fn put(tree: &OwnedFd, path: &Path) -> io::Result<()> {
    Ok(move_mount(
        tree,
        "",
        CWD,
        path,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )?)
}

/// A /dev without disks, with terminals and shared memory of its own.
fn make_devices(devices: &[(&str, OwnedFd)]) -> io::Result<()> {
    mount(
        "tmpfs",
        "/dev",
        "tmpfs",
        MountFlags::NOSUID | MountFlags::NOEXEC,
        c"mode=755,size=1m",
    )?;
    for (path, tree) in devices {
        fs::write(path, "")?;
        put(tree, Path::new(path))?;
    }
    for folder in ["/dev/pts", SHARED_MEMORY, "/dev/.hidden", SHUT_FOLDER] {
        fs::create_dir(folder)?;
    }
    fs::write(SHUT_FILE, "")?;
    rustix::fs::chmod(SHUT_FOLDER, Mode::empty())?;
    rustix::fs::chmod(SHUT_FILE, Mode::empty())?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    mount(
        "devpts",
        "/dev/pts",
        "devpts",
        flags,
        c"newinstance,ptmxmode=0666,mode=620",
    )?;
    mount(
        "tmpfs",
        SHARED_MEMORY,
        "tmpfs",
        flags | MountFlags::NODEV,
        c"mode=1777,size=25%",
    )?;
    let links = [
        ("pts/ptmx", "/dev/ptmx"),
        ("/proc/self/fd", "/dev/fd"),
        ("/proc/self/fd/0", "/dev/stdin"),
        ("/proc/self/fd/1", "/dev/stdout"),
        ("/proc/self/fd/2", "/dev/stderr"),
    ];
    for (to, link) in links {
        symlink(to, link)?;
    }
    Ok(())
}

fn hide(hidden: &[std::path::PathBuf]) -> io::Result<()> {
    for path in hidden {
        let shut = if path.is_dir() {
            SHUT_FOLDER
        } else {
            SHUT_FILE
        };
        mount_bind(shut, path)?;
    }
    Ok(())
}
