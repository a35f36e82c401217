//! Random trees and random operations on them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use corecoder_sessions::watch::Limits;
use proptest::prelude::*;

use crate::{Place, set_mode};

#[derive(Clone, Debug)]
pub enum Operation {
    Write(PathBuf, Vec<u8>, u32),
    Append(PathBuf, Vec<u8>),
    Link(PathBuf, PathBuf),
    Mode(PathBuf, u32),
    Rename(PathBuf, PathBuf),
    Delete(PathBuf),
}

use Operation::{Append, Delete, Link, Mode, Rename, Write};

/// Does it, replacing what stands in the way; what can't be done is not.
pub fn run(folder: &Path, operation: &Operation) {
    let make_way = |path: &Path| {
        let path = folder.join(path);
        for above in path.ancestors().take_while(|above| *above != folder) {
            if fs::symlink_metadata(above).is_ok_and(|it| !it.is_dir()) {
                fs::remove_file(above).unwrap();
            }
        }
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    let is_file = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|it| it.is_file());
    match operation {
        Write(path, content, mode) => {
            let path = make_way(path);
            fs::write(&path, content).unwrap();
            set_mode(&path, *mode);
        }
        Append(path, more) => {
            let path = folder.join(path);
            if is_file(&path) {
                let content = [fs::read(&path).unwrap_or_default(), more.clone()].concat();
                let _ = fs::write(&path, content);
            }
        }
        Link(path, target) => symlink(target, make_way(path)).unwrap(),
        Mode(path, mode) => {
            let path = folder.join(path);
            if is_file(&path) {
                set_mode(&path, *mode);
            }
        }
        Rename(from, to) => _ = fs::rename(folder.join(from), folder.join(to)),
        Delete(path) => {
            let path = folder.join(path);
            let _ = fs::remove_file(&path);
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// The files and links of a folder: a mode, 0 for a link, and a content.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            files.extend(tree(&path));
        } else if metadata.is_symlink() {
            let target = fs::read_link(&path).unwrap().into_os_string().into_vec();
            files.insert(path, (0, target));
        } else {
            let mode = metadata.permissions().mode() & 0o7777;
            files.insert(path.clone(), (mode, fs::read(path).unwrap()));
        }
    }
    files
}

/// Paths of one to three parts, odd ones among them.
pub fn odd_paths() -> impl Strategy<Value = PathBuf> + Clone {
    let names: [&[u8]; 10] = [
        b"a",
        b"b",
        b"c.txt",
        b"with space",
        b"new\nline",
        "\u{fc}mlaut".as_bytes(),
        b"\xff\xfe",
        b"-rf",
        b"\"q\\",
        b".hidden",
    ];
    let name = prop::sample::select(names.to_vec());
    prop::collection::vec(name, 1..4)
        .prop_map(|parts| {
            let parts = parts.iter().map(|part| OsStr::from_bytes(part));
            parts.collect()
        })
        .boxed()
}

/// Contents that are lines, mostly few and alike, so that changes lie close together.
pub fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        6 => "[abc]?\n",
        1 => "  [ab]\\{?\r\n",
        1 => "[-+ @\\\\]{0,3}[a-z\u{fc}\r]{0,5}\n",
    ];
    let last = prop_oneof![2 => Just(String::new()), 1 => "[ab\\\\]{1,2}"];
    (prop::collection::vec(line, 0..40), last)
        .prop_map(|(lines, last)| (lines.concat() + &last).into_bytes())
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![text(), prop::collection::vec(any::<u8>(), 0..50)]
}

pub fn operations(
    path: impl Strategy<Value = PathBuf> + Clone,
    content: impl Strategy<Value = Vec<u8>> + Clone,
    modes: &'static [u32],
) -> impl Strategy<Value = Vec<Operation>> {
    let mode = prop::sample::select(modes);
    let operation = prop_oneof![
        4 => (path.clone(), content.clone(), mode.clone()).prop_map(|(p, c, m)| Write(p, c, m)),
        2 => (path.clone(), content).prop_map(|(path, more)| Append(path, more)),
        1 => (path.clone(), path.clone()).prop_map(|(path, target)| Link(path, target)),
        1 => (path.clone(), mode).prop_map(|(path, mode)| Mode(path, mode)),
        1 => (path.clone(), path.clone()).prop_map(|(from, to)| Rename(from, to)),
        2 => path.prop_map(Delete),
    ];
    prop::collection::vec(operation, 0..15)
}

fn anything() -> impl Strategy<Value = Vec<Operation>> + Clone {
    let modes = &[0o644, 0o755, 0o600, 0o444, 0o4711];
    // Boxed, so that it can be cloned.
    operations(odd_paths(), content().boxed(), modes).boxed()
}

/// Operations that also change what is ignored, where it matters.
fn with_ignoring() -> impl Strategy<Value = Vec<Operation>> + Clone {
    let rules = ["a\n", "*.txt\n", "/a/\nb\n", "*\n!a\n", ""];
    let rules = prop::sample::select(rules.to_vec());
    let at = prop::sample::select(vec![".gitignore", "a/.gitignore", ".git/info/exclude"]);
    let ignoring = (at, rules).prop_map(|(at, rules)| Write(at.into(), rules.into(), 0o644));
    (
        anything(),
        prop::collection::vec((ignoring, any::<prop::sample::Index>()), 0..3),
    )
        .prop_map(|(mut all, ignoring)| {
            for (operation, at) in ignoring {
                all.insert(at.index(all.len() + 1), operation);
            }
            all
        })
        .boxed()
}

fn limits() -> impl Strategy<Value = Limits> {
    (1..20usize, 1..200u64, 1..600u64).prop_map(|(files, file_bytes, total_bytes)| Limits {
        files,
        file_bytes,
        total_bytes,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_tree_comes_back_and_goes_again(
        first in anything(),
        rounds in prop::collection::vec(anything(), 1..4),
    ) {
        let mut place = Place::new();
        first.iter().for_each(|operation| run(&place.folder, operation));
        let old = tree(&place.folder);
        let mut changes = Vec::new();
        for round in &rounds {
            changes.extend(place.changes(|folder| {
                round.iter().for_each(|operation| run(folder, operation));
            }));
        }
        let new = tree(&place.folder);

        let undone = place.restore(&changes);
        prop_assert_eq!(&undone.problems, &[""; 0]);
        prop_assert_eq!(tree(&place.folder), old.clone());
        let redone = place.restore(&undone.done);
        prop_assert_eq!(&redone.problems, &[""; 0]);
        prop_assert_eq!(tree(&place.folder), new);
        let undone = place.restore(&redone.done);
        prop_assert_eq!(&undone.problems, &[""; 0]);
        prop_assert_eq!(tree(&place.folder), old);
    }
    #[test]
    fn whatever_is_out_of_sight_is_left_as_it_is_or_becomes_what_it_was(
        limits in limits(),
        first in with_ignoring(),
        rounds in prop::collection::vec(with_ignoring(), 1..4),
    ) {
        let mut place = Place::with(limits);
        first.iter().for_each(|operation| run(&place.folder, operation));
        let mut trees = vec![tree(&place.folder)];
        let mut changes = Vec::new();
        for round in &rounds {
            changes.extend(place.changes(|folder| {
                round.iter().for_each(|operation| run(folder, operation));
            }));
            trees.push(tree(&place.folder));
        }
        let undone = place.restore(&changes);
        let now = tree(&place.folder);
        for path in trees.iter().chain([&now]).flat_map(|tree| tree.keys()) {
            let was = trees.iter().any(|tree| tree.get(path) == now.get(path));
            prop_assert!(was, "{}: {:?}", path.display(), undone.problems);
        }
        place.restore(&undone.done);
        prop_assert_eq!(trees.last(), Some(&tree(&place.folder)));
    }
}
