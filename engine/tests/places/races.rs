//! Any tree, any path, and somebody who swaps folders and links while files are written.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use corecoder::Shell;
use corecoder::files::Files;
use proptest::prelude::*;
use rustix::fs::{CWD, Mode, OFlags, RenameFlags, openat, renameat_with};

use crate::{World, contents};

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
/// Where links lead; `OUT` is the absolute path of the folder outside.
const ENDS: [&str; 10] = [
    "OUT",
    "OUT/a",
    "OUT/none",
    "OUT/a/..",
    "../outside",
    "../../outside/b",
    "..",
    "a",
    "../b/c",
    "OUT/../inside/a",
];

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&NAMES[..]).prop_map(str::to_string)
}

/// A path of one to four names, with `..` among them.
fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof![6 => name(), 2 => Just("..".to_string()), 1 => Just(".".to_string())];
    let whole = (prop::collection::vec(part, 0..4), name());
    whole.prop_map(|(mut parts, last)| {
        parts.push(last);
        parts.join("/")
    })
}

/// What stands in the tree: a path of plain names, and what is made there.
fn made() -> impl Strategy<Value = (Vec<String>, Option<&'static str>)> {
    let end = prop::sample::select(&ENDS[..]);
    let kind = prop_oneof![2 => Just(None), 3 => end.prop_map(Some)];
    (prop::collection::vec(name(), 1..4), kind)
}

/// Makes folders and, where an end is given, a link. What does not fit into what is there is left out; nothing is
/// made through a link.
fn make(world: &World, tree: &[(Vec<String>, Option<&str>)]) {
    for (names, end) in tree {
        let mut folder = world.path("inside");
        let (last, above) = names.split_last().unwrap();
        for name in above {
            folder.push(name);
            let _ = fs::create_dir(&folder);
        }
        if folder.canonicalize().is_ok_and(|real| real == folder) {
            let place = folder.join(last);
            let out = world.path("outside");
            let _ = match end {
                Some(end) => symlink(end.replace("OUT", out.to_str().unwrap()), place),
                None => fs::write(place, "old\n"),
            };
        }
    }
}

fn furnish(world: &World) {
    for file in ["a/a", "a/b", "b/c", "c", "a/c/d"] {
        world.put(&format!("outside/{file}"), "theirs\n");
    }
}

/// Swaps two names again and again, each in a folder that is held open, so that no link is followed here.
fn swap(folders: &[OwnedFd], swaps: &[(usize, String, usize, String)], ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        for (one, name, other, second) in swaps {
            let (one, other) = (&folders[*one], &folders[*other]);
            let _ = renameat_with(one, name, other, second, RenameFlags::EXCHANGE);
        }
    }
}

fn held(path: &Path) -> OwnedFd {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    openat(CWD, path, flags, Mode::empty()).unwrap()
}

/// Allows everything, and uses the moment after it was asked.
struct Swapping<F>(F);

impl<F: Fn() + Send + Sync> Shell for Swapping<F> {
    fn command(&self, line: &str) -> tokio::process::Command {
        corecoder::shell::Bash.command(line)
    }

    fn may_write(&self, _path: &Path) -> Result<(), String> {
        self.0();
        Ok(())
    }
}

/// What a write says when this name, inside, becomes a link to that one, outside, once it was judged.
fn swapped(world: &World, file: &str, name: &str, end: &str) -> Result<&'static str, String> {
    let (place, end) = (
        world.path("inside").join(name),
        world.path("outside").join(end),
    );
    let shell = Swapping(|| {
        let _ = fs::rename(&place, world.path("inside/moved"));
        symlink(&end, &place).unwrap();
    });
    let files = Files::new(world.path("inside"));
    let written = files.write(&world.path("inside").join(file), b"ours\n", &shell);
    assert!(place.is_symlink(), "{file}");
    written
}

#[test]
fn a_link_that_comes_after_the_judgement_is_not_followed() {
    let rows = [
        (
            "a/file",
            "a/file",
            "c",
            "a link was put in its place just now",
        ),
        ("new", "new", "c", "a link was put in its place just now"),
        ("deep/new", "deep", "a", "a link on the way"),
        ("deep/new", "deep", "none", "a link on the way"),
    ];
    for (file, name, end, expected) in rows {
        let world = World::new();
        furnish(&world);
        world.put("inside/a/file", "old\n");
        let outside = contents(&world.path("outside"));
        let said = swapped(&world, file, name, end).unwrap_err();
        assert!(said.contains(expected), "{file}: {said}");
        assert!(said.ends_with("Nothing was changed."), "{file}: {said}");
        assert_eq!(contents(&world.path("outside")), outside, "{file}");
    }
}

#[test]
fn the_folder_that_was_judged_is_written_in_wherever_it_was_moved() {
    let world = World::new();
    furnish(&world);
    world.put("inside/a/b/file", "old\n");
    let outside = contents(&world.path("outside"));
    swapped(&world, "a/b/file", "a", "a").unwrap();
    let moved = fs::read_to_string(world.path("inside/moved/b/file")).unwrap();
    assert_eq!(moved, "ours\n");
    assert_eq!(contents(&world.path("outside")), outside);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A write arrives where its path leads, inside, or changes nothing.
    #[test]
    fn a_write_arrives_inside_or_changes_nothing(
        tree in prop::collection::vec(made(), 0..12), paths in prop::collection::vec(path(), 1..12),
    ) {
        let world = World::new();
        furnish(&world);
        make(&world, &tree);
        let outside = contents(&world.path("outside"));
        let files = Files::new(world.path("inside"));
        for (number, path) in paths.iter().enumerate() {
            let content = format!("{number}\n");
            let place = files.resolve(path).unwrap();
            let before = contents(&world.path("inside"));
            match files.write(&place, content.as_bytes(), &world.fence) {
                Ok(_) => match fs::read_to_string(&place) {
                    Ok(read) => {
                        prop_assert_eq!(&read, &content);
                        let real = place.canonicalize().unwrap();
                        prop_assert!(real.starts_with(world.path("inside")), "{:?}", real);
                    }
                    // A way back out of a folder that does not exist is taken, and the folder is not made.
                    Err(_) => prop_assert!(path.contains("..")),
                },
                Err(_) => prop_assert_eq!(contents(&world.path("inside")), before, "{}", path),
            }
            prop_assert_eq!(contents(&world.path("outside")), outside.clone(), "{}", path);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whoever_swaps_links_meanwhile_gets_no_file_out(
        tree in prop::collection::vec(made(), 0..8), paths in prop::collection::vec(path(), 1..8),
        swaps in prop::collection::vec((0..3_usize, name(), 0..3_usize, name()), 1..6),
    ) {
        let world = World::new();
        furnish(&world);
        let inside = world.path("inside");
        // Always among them: a folder and a link of the same name that leads out, ready to take its place.
        for folder in ["one/a/b/c", "two", "a/b"] {
            fs::create_dir_all(inside.join(folder)).unwrap();
        }
        symlink(world.path("outside/a"), inside.join("two/a")).unwrap();
        symlink(world.path("outside"), inside.join("two/b")).unwrap();
        make(&world, &tree);
        let outside = contents(&world.path("outside"));
        let folders = [held(&inside), held(&inside.join("one")), held(&inside.join("two"))];
        let mut swaps = swaps;
        swaps.push((0, "a".to_string(), 2, "a".to_string()));
        swaps.push((1, "a".to_string(), 2, "b".to_string()));
        let files = Files::new(inside);
        let ended = AtomicBool::new(false);
        let mut paths = paths;
        paths.extend(["a/new", "a/b/new", "one/a/b/new", "one/a/c/new"].map(str::to_string));
        std::thread::scope(|scope| {
            scope.spawn(|| swap(&folders, &swaps, &ended));
            let end = Instant::now() + Duration::from_millis(150);
            while Instant::now() < end {
                for path in &paths {
                    let place = files.resolve(path).unwrap();
                    let _ = files.write(&place, b"ours\n", &world.fence);
                }
            }
            ended.store(true, Ordering::Relaxed);
        });
        prop_assert_eq!(contents(&world.path("outside")), outside);
        let left = contents(&world.path("inside"));
        let left = left.iter().filter(|(path, _)| path.to_string_lossy().contains(".corecoder-"));
        prop_assert_eq!(left.count(), 0);
    }
}
