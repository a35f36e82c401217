//! What people already tell coding agents, found in generated folders and in a real one, and read whatever it is.

mod arguments;
mod commands;
mod fixture;
mod hostile;
mod imports;
mod instructions;
mod places;
mod properties;
mod skills;
mod trust;

use std::fs;
use std::path::{Path, PathBuf};

use corecoder_conventions::Places;
use tempfile::TempDir;

/// A home, CoreCoder's folder in it, and a project beside it.
struct World {
    temp: TempDir,
}

impl World {
    /// A world with these files; their names begin with `home/`, `project/` or `outside/`.
    fn new(files: &[(&str, &str)]) -> World {
        let temp = tempfile::tempdir().unwrap();
        let world = World { temp };
        for folder in ["home/.corecoder", "project/.git", "outside"] {
            fs::create_dir_all(world.path(folder)).unwrap();
        }
        for (name, text) in files {
            world.write(name, text.as_bytes());
        }
        world
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn link(&self, name: &str, target: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    fn folder(&self) -> PathBuf {
        fs::canonicalize(self.temp.path()).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The places when one works in this folder.
    fn at(&self, cwd: &str) -> Places {
        fs::create_dir_all(self.path(cwd)).unwrap();
        let home = self.path("home");
        let data = home.join(".corecoder");
        Places::new(self.path(cwd), Some(home), Some(data))
    }

    /// The same, trusted.
    fn trusted(&self, cwd: &str) -> Places {
        Places {
            trusted: true,
            ..self.at(cwd)
        }
    }

    /// Text with the world's folder written as `~~`, so that it can be compared.
    fn plain(&self, text: &str) -> String {
        text.replace(&*self.folder().to_string_lossy(), "~~")
    }

    fn plain_all(&self, texts: &[String]) -> Vec<String> {
        texts.iter().map(|text| self.plain(text)).collect()
    }

    fn names(&self, paths: &[PathBuf]) -> Vec<String> {
        let name = |path: &PathBuf| path.strip_prefix(self.folder()).unwrap_or(path).to_owned();
        let names = paths.iter().map(name);
        names.map(|path| path.display().to_string()).collect()
    }
}

/// Makes a FIFO, which whoever opens it to read would wait for.
fn fifo(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).unwrap();
}

/// Asserts that there is one text that holds all of these words.
#[track_caller]
fn assert_one(texts: &[String], words: &[&str]) {
    let has = |text: &&String| words.iter().all(|word| text.contains(word));
    let count = texts.iter().filter(has).count();
    assert_eq!(count, 1, "{words:?} in {texts:#?}");
}
