//! What file tools may do, and what commands are told, is the same policy.

use std::fs;

use corecoder::Shell;
use corecoder_sandbox::{Keeper, Mechanism, Policy, Sandbox};

#[test]
fn file_tools_write_nothing_of_what_makes_a_repository() {
    let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let work = work.path().canonicalize().unwrap();
    for folder in ["n/.git", "bare/objects", "bare/tree/hooks", "src"] {
        fs::create_dir_all(work.join(folder)).unwrap();
    }
    fs::write(work.join("bare/HEAD"), "ref: refs/heads/x\n").unwrap();
    let keeper = Keeper::at(env!("CARGO_BIN_EXE_corecoder-keeper"));
    let session = Sandbox::known(Mechanism::Landlock, &keeper, &Policy::new(&work)).unwrap();
    let refused = |name: &str| session.may_write(&work.join(name)).is_err();
    for name in [
        "n/.git/config",
        "n/.git/info/exclude",
        "new/.git",
        "HEAD",
        "src/HEAD",
        "bare/config",
        "bare/hooks/update",
    ] {
        assert!(refused(name), "{name}");
    }
    for name in [
        "n/x",
        ".gitignore",
        "src/config",
        "src/head",
        "HEAD.txt",
        "bare/tree/config",
        "bare/tree/hooks/x",
    ] {
        assert!(!refused(name), "{name}");
    }
    let temporary = session.scratch().unwrap();
    assert!(session.may_write(&temporary.join("r/.git/config")).is_ok());
}
