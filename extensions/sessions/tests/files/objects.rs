//! Contents under their names: whole, private, and never a damaged one.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use corecoder_sessions::objects::Objects;

fn objects() -> (tempfile::TempDir, Objects) {
    let temp = tempfile::tempdir().unwrap();
    let objects = Objects::new(temp.path().join("deep/objects"));
    (temp, objects)
}

#[test]
fn a_content_is_kept_once_under_its_sha256() {
    let (_temp, objects) = objects();
    let name = objects.put(b"abc").unwrap();
    let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(name, sum, "the example of FIPS 180-4");
    assert_eq!(objects.get(&name).unwrap(), b"abc");
    let inode = || fs::metadata(objects.folder().join(sum)).unwrap().ino();
    let first = inode();
    objects.put(b"abc").unwrap();
    assert_eq!(inode(), first);
    assert_eq!(fs::read_dir(objects.folder()).unwrap().count(), 1);
}

#[test]
fn only_the_user_may_read_objects_and_the_folder_comes_with_the_first() {
    let (_temp, objects) = objects();
    assert!(!objects.folder().exists());
    objects.retain(&|_| false).unwrap();
    let name = objects.put(b"").unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(objects.folder().to_path_buf()), 0o700);
    assert_eq!(mode(objects.folder().join(name)), 0o600);
}

#[test]
fn a_damaged_object_is_an_error_and_a_shortened_one_is_written_anew() {
    let (_temp, objects) = objects();
    let name = objects.put(b"abc").unwrap();
    for damaged in ["", "ab", "abd"] {
        fs::write(objects.folder().join(&name), damaged).unwrap();
        let error = objects.get(&name).unwrap_err().to_string();
        assert!(error.contains("damaged"), "{error}");
    }
    fs::write(objects.folder().join(&name), "ab").unwrap();
    objects.put(b"abc").unwrap();
    assert_eq!(objects.get(&name).unwrap(), b"abc");
}

#[test]
fn a_name_that_is_no_hash_reads_nothing() {
    let (temp, objects) = objects();
    objects.put(b"abc").unwrap();
    fs::write(temp.path().join("secret"), "x").unwrap();
    let long = "A".repeat(64);
    for name in ["", "../../secret", "/etc/passwd", "ba78", &long, "ü"] {
        assert!(objects.get(name).is_err(), "{name}");
    }
}

#[test]
fn retain_deletes_the_other_objects_and_nothing_else() {
    let (_temp, objects) = objects();
    let names = [b"a", b"b", b"c"].map(|content| objects.put(content).unwrap());
    let others = ["notes.txt", ".new-young"].map(|name| objects.folder().join(name));
    others.iter().for_each(|path| fs::write(path, "").unwrap());
    let abandoned = objects.folder().join(".new-old");
    let file = fs::File::create(&abandoned).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    objects.retain(&|name| name == names[1]).unwrap();
    assert!(objects.get(&names[0]).is_err() && objects.get(&names[2]).is_err());
    assert_eq!(objects.get(&names[1]).unwrap(), b"b");
    assert!(others.iter().all(|path| path.exists()) && !abandoned.exists());
}
