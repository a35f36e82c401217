//! Patches, judged by the programs that apply them; where those are missing, only by their looks.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use corecoder_sessions::patch::patch;
use proptest::prelude::*;

use crate::trees::{Operation, odd_paths, operations, run, text, tree};
use crate::{Place, set_mode};

fn place_with(operations: &[Operation]) -> Place {
    let place = Place::new();
    operations
        .iter()
        .for_each(|operation| run(&place.folder, operation));
    place
}

/// The patch that `second` makes, applied by `program` to what `first` makes, and the tree that should come out.
fn check_applies(program: &[&str], first: &[Operation], second: &[Operation]) {
    let old = place_with(first);
    let mut new = place_with(first);
    let changes = new.changes(|folder| second.iter().for_each(|it| run(folder, it)));
    let patch = patch(&changes, &new.objects, &new.folder);
    if patch.is_empty() {
        assert_eq!(relative(&old), relative(&new));
        return;
    }
    let Ok(mut child) = Command::new(program[0])
        .args(&program[1..])
        .current_dir(&old.folder)
        .env("GIT_CEILING_DIRECTORIES", old.temp.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        return;
    };
    let mut input = child.stdin.take().unwrap();
    input.write_all(patch.as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}\n{patch}");
    assert_eq!(relative(&old), relative(&new), "\n{patch}");
}

fn relative(place: &Place) -> Vec<(PathBuf, (u32, Vec<u8>))> {
    let name = |path: &Path| path.strip_prefix(&place.folder).unwrap().to_path_buf();
    let tree = tree(&place.folder).into_iter();
    tree.map(|(path, node)| (name(&path), node)).collect()
}

const MODES: &[u32] = &[0o644, 0o755];

fn any_text() -> impl Strategy<Value = Vec<Operation>> {
    let all = operations(odd_paths(), text().boxed(), MODES);
    // git itself fails where a link leads in circles, and a target that is not UTF-8 is no text.
    let tame = |it| match it {
        Operation::Link(path, target) => {
            let target = target.display().to_string();
            Operation::Link(path, Path::new("nowhere").join(target))
        }
        other => other,
    };
    all.prop_map(move |all| all.into_iter().map(tame).collect())
}

/// What GNU patch can do: it makes no folder where a file was, no link, and asks before it deletes an empty file.
fn plain() -> impl Strategy<Value = Vec<Operation>> {
    let names = ["a", "b.txt", "c d", "e/f", "e/g h", "\u{fc}", "-x", "\"q\""];
    let path = prop::sample::select(names.to_vec()).prop_map(PathBuf::from);
    let content = text().prop_filter("empty", |text| !text.is_empty());
    let all = operations(path.boxed(), content.boxed(), MODES);
    let is_plain = |it: &Operation| !matches!(it, Operation::Link(..));
    all.prop_map(move |all| all.into_iter().filter(is_plain).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn git_applies_every_patch(first in any_text(), second in any_text()) {
        check_applies(&["git", "apply", "--whitespace=nowarn"], &first, &second);
    }

    #[test]
    fn patch_applies_every_patch(first in plain(), second in plain()) {
        check_applies(&["patch", "-p1", "--binary", "-s", "-t"], &first, &second);
    }
}

#[test]
fn a_patch_looks_as_git_writes_it() {
    let mut place = Place::new();
    let lines: Vec<String> = (1..=30).map(|at| format!("line {at}\n")).collect();
    place.write("text", lines.concat());
    place.write("gone", "1\n");
    place.write("script", "1");
    place.write("binary", [0, 1, 2]);
    for name in ["text", "gone", "script"] {
        set_mode(&place.path(name), 0o644);
    }
    let changes = place.changes(|folder| {
        let changed = lines
            .concat()
            .replace("line 3\n", "")
            .replace("line 20\n", "new\n");
        fs::write(folder.join("text"), changed).unwrap();
        fs::remove_file(folder.join("gone")).unwrap();
        set_mode(&folder.join("script"), 0o755);
        fs::write(folder.join("script"), "2").unwrap();
        fs::write(folder.join("binary"), [0, 1, 3]).unwrap();
        symlink("text", folder.join("my link")).unwrap();
        fs::write(folder.join("latin"), b"\xfc\n").unwrap();
    });
    let expected = "\
binary was changed; its content is binary.
diff --git a/gone b/gone
deleted file mode 100644
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-1
latin was created; its content is binary.
diff --git \"a/my link\" \"b/my link\"
new file mode 120000
--- /dev/null
+++ \"b/my link\"
@@ -0,0 +1 @@
+text
\\ No newline at end of file
diff --git a/script b/script
old mode 100644
new mode 100755
--- a/script
+++ b/script
@@ -1 +1 @@
-1
\\ No newline at end of file
+2
\\ No newline at end of file
diff --git a/text b/text
--- a/text
+++ b/text
@@ -1,6 +1,5 @@
 line 1
 line 2
-line 3
 line 4
 line 5
 line 6
@@ -17,7 +16,7 @@
 line 17
 line 18
 line 19
-line 20
+new
 line 21
 line 22
 line 23
";
    assert_eq!(patch(&changes, &place.objects, &place.folder), expected);
}

#[test]
fn a_patch_ends_at_what_is_there_now() {
    let mut place = Place::new();
    place.write("file", "1\n");
    let changes = place.changes(|folder| fs::write(folder.join("file"), "2\n").unwrap());
    place.write("file", "3\n");
    let now = patch(&changes, &place.objects, Path::new("/elsewhere"));
    assert!(now.contains("-1\n+3\n"), "{now}");
    let whole = format!("--- a{}\n", place.path("file").display());
    assert!(now.contains(&whole), "{now}");
    place.write("file", "1\n");
    assert_eq!(patch(&changes, &place.objects, &place.folder), "");
}

#[test]
fn a_content_that_is_lost_is_said_to_be() {
    let mut place = Place::new();
    place.write("file", "1\n");
    let changes = place.changes(|folder| fs::write(folder.join("file"), "2\n").unwrap());
    place.objects.retain(&|_| false).unwrap();
    let patch = patch(&changes, &place.objects, &place.folder);
    assert_eq!(patch, "file was changed; its content is not known.\n");
}
