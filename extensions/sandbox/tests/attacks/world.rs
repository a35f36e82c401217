//! What a row is run in: a folder to work in, and around it all that one could wish for: secrets, a process of the same user,
//! sockets that answer.

use std::fs;
use std::io;
use std::net::{Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::user::User;

const FOLDERS: &[&str] = &[
    "ws",
    "outside",
    "home/.ssh",
    "home/.aws",
    "home/.corecoder/sessions",
];

const FILES: &[(&str, &str)] = &[
    ("outside/victim.txt", "victim\n"),
    ("home/.bashrc", "# rc\n"),
    ("home/.gitconfig", "[user]\nname=a\nemail=a@b\n"),
    ("home/.ssh/id_ed25519", "SSHSECRET\n"),
    ("home/.aws/credentials", "AWSSECRET\n"),
    ("home/.corecoder/permissions.json", "{\"always\":[]}\n"),
    (
        "home/.corecoder/sessions/s1.json",
        "{\"x\":\"SESSIONSECRET\"}\n",
    ),
    ("ws/a.txt", "alpha\n"),
    ("ws/b.txt", "beta\n"),
    ("ws/.env", "A=1\n"),
    ("ws/.gitignore", ".env\n"),
    ("ws/Makefile", "all:\n\t@echo made\n"),
    (
        "ws/test_x.py",
        "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertTrue(1)\n",
    ),
    (
        "ws/package.json",
        "{\"name\":\"x\",\"version\":\"1.0.0\",\"scripts\":{\"test\":\"node t.js\"}}\n",
    ),
    ("ws/t.js", "console.log('node ok')\n"),
    (
        "ws/crate/Cargo.toml",
        "[package]\nname=\"crate\"\nversion=\"0.1.0\"\nedition=\"2021\"\n[workspace]\n",
    ),
    (
        "ws/crate/src/main.rs",
        "fn main(){println!(\"from rust\");}\n#[test] fn t(){}\n",
    ),
];

/// Programs that rows compile.
const PROGRAMS: &[(&str, &str)] = &[
    ("src/flip.c", include_str!("programs/flip.c")),
    ("src/swap.c", include_str!("programs/swap.c")),
    ("src/descriptors.c", include_str!("programs/descriptors.c")),
    ("src/storm.c", include_str!("programs/storm.c")),
];

/// What is compared before and after.
const WATCHED: &[&str] = &[
    "outside/victim.txt",
    "home/.bashrc",
    "home/.gitconfig",
    "home/.corecoder/permissions.json",
    "home/.corecoder/sessions/s1.json",
    "ws/.git/config",
    "ws/.env",
];

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A fresh world. Dropping it ends and removes all that is in it.
pub struct World {
    base: TempDir,
    names: Vec<(&'static str, String)>,
    user: User,
    pub victim: Child,
    sockets: Sockets,
    before: Vec<(&'static str, Option<State>)>,
    /// A System V segment of the user's, as databases have them.
    segment: String,
    segments: usize,
}

/// The machine's: whoever reaches them got out.
struct Sockets {
    streams: Vec<TcpListener>,
    datagrams: UdpSocket,
    unix: Vec<UnixListener>,
}

/// Content, mode, owner, time of change in seconds.
#[derive(PartialEq)]
struct State(Vec<u8>, u32, u32, i64);

impl World {
    pub fn new(user: &User, folder: &str) -> io::Result<World> {
        let base = tempfile::Builder::new().prefix("ccsb").tempdir_in(folder)?;
        let at = |name: &str| base.path().join(name);
        make(base.path(), user)?;
        let (sockets, port) = Sockets::new(&at("outside/host.sock"))?;
        let victim = user
            .runs(
                Command::new("sleep")
                    .arg("600")
                    .env_clear()
                    .env("VKEY", "KEY-777")
                    .current_dir("/"),
            )
            .spawn()?;
        let segment = make_segment(user)?;
        let (count, process) = (COUNT.fetch_add(1, Ordering::Relaxed), std::process::id());
        let text = |path: PathBuf| path.display().to_string();
        let names = vec![
            ("WS", text(at("ws"))),
            ("OUT", text(at("outside"))),
            ("SRC", text(at("src"))),
            ("HOME", text(at("home"))),
            ("UNIX", text(at("outside/host.sock"))),
            ("ABS", sockets.abstract_name()),
            ("MARK", format!("ccmark{process}x{count}")),
            (
                "MARKN",
                (100_000 + process * 1_000 % 800_000 + count).to_string(),
            ),
            ("PORT", port.to_string()),
            (
                "FREE",
                TcpListener::bind("127.0.0.1:0")?
                    .local_addr()?
                    .port()
                    .to_string(),
            ),
            ("VPID", victim.id().to_string()),
            ("SHMID", segment.clone()),
        ];
        let mut world = World {
            base,
            names,
            user: *user,
            victim,
            sockets,
            before: Vec::new(),
            segment,
            segments: segments(),
        };
        world.before = WATCHED
            .iter()
            .map(|path| (*path, world.state(path)))
            .collect();
        Ok(world)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    pub fn fill(&self, text: &str) -> String {
        let fill = |text: String, (name, value): &(&str, String)| {
            text.replace(&format!("{{{name}}}"), value)
        };
        self.names.iter().fold(text.to_string(), fill)
    }

    pub fn is_changed(&self, path: &str) -> bool {
        let before = self.before.iter().find(|(watched, _)| *watched == path);
        let (_, before) =
            before.unwrap_or_else(|| panic!("{path} is not among the files that are watched"));
        *before != self.state(path)
    }

    fn state(&self, path: &str) -> Option<State> {
        let path = self.path(path);
        let metadata = fs::metadata(&path).ok()?;
        Some(State(
            fs::read(path).ok()?,
            metadata.mode(),
            metadata.uid(),
            metadata.mtime(),
        ))
    }

    /// Whether somebody came to one of the machine's sockets.
    pub fn is_reached(&self) -> bool {
        let streams = self
            .sockets
            .streams
            .iter()
            .any(|socket| socket.accept().is_ok());
        let unix = self
            .sockets
            .unix
            .iter()
            .any(|socket| socket.accept().is_ok());
        streams || unix || self.sockets.datagrams.recv(&mut [0; 10]).is_ok()
    }

    /// Tries for some seconds to reach what a command may have opened; stops when `is_over`.
    pub fn dials(&self, is_over: &dyn Fn() -> bool) -> bool {
        let addresses = ["127.0.0.1:{FREE}", "[::1]:{FREE}"].map(|address| {
            let address = self.fill(address);
            address.parse().expect("an address with a port")
        });
        let moment = Duration::from_millis(200);
        while !is_over() {
            let mut each = addresses.iter();
            if each.any(|address| TcpStream::connect_timeout(address, moment).is_ok()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    pub fn has_new_segments(&self) -> bool {
        segments() > self.segments
    }

    /// Processes that work in this world, as proc(5) has them.
    pub fn processes(&self) -> Vec<PathBuf> {
        let own = self.victim.id().to_string();
        let here = |process: &PathBuf| {
            let folder = fs::read_link(process.join("cwd"));
            folder.is_ok_and(|folder| folder.starts_with(self.base.path()))
                && !process.ends_with(&own)
        };
        processes().filter(here).collect()
    }

    /// A line that the user runs, outside of any sandbox.
    pub fn host(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        self.furnish(command.arg("-c").arg(line));
        command
    }

    /// An environment as a user of the agent has it.
    pub fn furnish<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        self.user.runs(command);
        command
            .current_dir(self.path("ws"))
            .env("HOME", self.path("home"))
            .env("OPENAI_API_KEY", "sk-APIKEY-777");
        // What cargo tells its tests is not meant for another cargo.
        let told = std::env::vars_os().map(|(name, _)| name);
        for name in
            told.filter(|name| name.to_string_lossy().starts_with("CARGO_") && name != "CARGO_HOME")
        {
            command.env_remove(name);
        }
        for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            if let (None, Some(home)) = (std::env::var_os(name), std::env::var_os("HOME")) {
                command.env(name, Path::new(&home).join(folder));
            }
        }
        command
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        let _ = Command::new("ipcrm")
            .arg("-m")
            .arg(&self.segment)
            .stderr(Stdio::null())
            .status();
        let mark = self.fill(".{MARKN}");
        let marked = processes().filter(|process| command_line(process).ends_with(&mark));
        for process in marked.chain(self.processes()) {
            let pid = process
                .file_name()
                .and_then(|name| name.to_str()?.parse().ok());
            if let Some(pid) = pid.and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        for path in [
            "/etc/corecoder_pwned",
            "/usr/local/bin/corecoder_pwned",
            &self.fill("/dev/shm/{MARK}"),
        ] {
            let _ = fs::remove_file(path);
        }
        // A folder without rights to it stands in the way of an ordinary user's removing.
        let _ = Command::new("chmod")
            .arg("-R")
            .arg("u+rwX")
            .arg(self.base.path())
            .stderr(Stdio::null())
            .status();
    }
}

impl Sockets {
    fn new(path: &Path) -> io::Result<(Sockets, u16)> {
        let stream = TcpListener::bind("127.0.0.1:0")?;
        let port = stream.local_addr()?.port();
        let datagrams = UdpSocket::bind(("127.0.0.1", port))?;
        let mut streams = vec![stream];
        // Not every machine has it.
        streams.extend(TcpListener::bind((Ipv6Addr::LOCALHOST, port)));
        let named = UnixListener::bind(path)?;
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
        let nameless = UnixListener::bind_addr(&SocketAddr::from_abstract_name(format!(
            "ccabs{}x{port}",
            std::process::id()
        ))?)?;
        let unix = vec![named, nameless];
        for stream in &streams {
            stream.set_nonblocking(true)?;
        }
        for socket in &unix {
            socket.set_nonblocking(true)?;
        }
        datagrams.set_nonblocking(true)?;
        Ok((
            Sockets {
                streams,
                datagrams,
                unix,
            },
            port,
        ))
    }

    fn abstract_name(&self) -> String {
        let address = self.unix[1].local_addr().ok();
        let name = address
            .as_ref()
            .and_then(|address| address.as_abstract_name());
        String::from_utf8_lossy(name.unwrap_or_default()).into_owned()
    }
}

/// Folders, files and a repository, all of this user.
fn make(base: &Path, user: &User) -> io::Result<()> {
    for folder in FOLDERS {
        fs::create_dir_all(base.join(folder))?;
    }
    for (path, text) in FILES.iter().chain(PROGRAMS) {
        let path = base.join(path);
        fs::create_dir_all(path.parent().unwrap_or(base))?;
        fs::write(path, text)?;
    }
    let hooks = base.join("ws/.git/hooks");
    for words in ["init -q", "add -A", "commit -qm init"] {
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(base.join("ws"))
            .args(["-c", "user.name=a", "-c", "user.email=a@b"])
            .args(words.split(' '));
        if !git.env("HOME", base.join("home")).status()?.success() {
            return Err(io::Error::other(format!("git {words} failed")));
        }
    }
    let _ = fs::remove_dir_all(&hooks);
    fs::create_dir_all(&hooks)?;
    user.ids().map_or(Ok(()), |ids| give(base, ids))
}

fn give(path: &Path, ids: (u32, u32)) -> io::Result<()> {
    lchown(path, Some(ids.0), Some(ids.1))?;
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), ids)?;
        }
    }
    Ok(())
}

/// Bytes of a world's segment, by which it is told from a command's.
const SEGMENT: &str = "4097";

/// Its number, as ipcmk(1) says it.
fn make_segment(user: &User) -> io::Result<String> {
    let output = user
        .runs(Command::new("ipcmk").args(["-M", SEGMENT]))
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .rsplit(' ')
        .next()
        .unwrap_or_default()
        .trim()
        .to_string())
}

/// How many there are beside those of worlds: proc_sysvipc(5).
fn segments() -> usize {
    let text = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    text.lines()
        .filter(|line| line.split_whitespace().nth(3) != Some(SEGMENT))
        .count()
}

/// All of the machine: proc(5).
pub fn processes() -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_number = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit))
    };
    entries.map(|entry| entry.path()).filter(is_number)
}

/// The arguments with spaces between them.
pub fn command_line(process: &Path) -> String {
    let line = fs::read(process.join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line)
        .replace('\0', " ")
        .trim()
        .to_string()
}
