//! What a command may do: where it writes, what it can't read, whom it reaches, what it may use up.
//!
//! A [`Policy`] is plain data, the same for every mechanism. What is derived from it stands here too, each as a table that
//! can be read alone: [`SECRETS`], [`SETTINGS`], [`REPOSITORY`], and the names of variables that look like keys.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What commands may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub access: Access,
    /// The working directory.
    pub folder: PathBuf,
    /// More folders that may be written.
    pub add_dirs: Vec<PathBuf>,
    pub network: Network,
    /// The user's home, in which secrets lie.
    pub home: Option<PathBuf>,
    /// The agent's own folder, with its sessions and settings.
    pub own: Option<PathBuf>,
    /// Variables that commands are given although their names look like keys.
    pub allow_env: Vec<String>,
    pub limits: Limits,
}

/// Where commands may write, beside their temporary folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Nowhere.
    ReadOnly,
    /// In the working directory and the folders that were added.
    WorkspaceWrite,
}

/// Whom commands may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    None,
    /// These hosts, through an HTTP proxy: `example.org`, `*.example.org`, `example.org:8443`. Without a port it is 80
    /// and 443.
    Hosts(Vec<String>),
    All,
}

/// What one command may use up, with all that it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processes and threads at a time.
    pub processes: u64,
    /// Bytes of memory of its own, all processes together.
    pub memory: u64,
    /// Bytes in one file.
    pub file_size: u64,
    /// Open files in one process.
    pub open_files: u64,
}

const GIB: u64 = 1 << 30;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            processes: 2_000,
            memory: 4 * GIB,
            file_size: 10 * GIB,
            open_files: 4_096,
        }
    }
}

/// Below the home: what only its owner's programs should read. Folders and files.
pub const SECRETS: &[&str] = &[
    // Keys and passwords.
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".netrc",
    ".git-credentials",
    ".vault-token",
    ".password-store",
    ".pypirc",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".docker/config.json",
    ".config/gcloud",
    ".config/gh",
    ".config/git/credentials",
    ".config/op",
    // Keyrings.
    ".local/share/keyrings",
    ".local/share/kwalletd",
    "Library/Keychains",
    // Browsers and mail.
    ".mozilla",
    ".thunderbird",
    ".config/google-chrome",
    ".config/chromium",
    ".config/BraveSoftware",
    ".config/microsoft-edge",
    ".config/vivaldi",
    ".config/opera",
    ".var/app",
    "snap",
    "Library/Application Support/Firefox",
    "Library/Application Support/Google/Chrome",
    "Library/Cookies",
];

/// Below the home, for when the work is done right there: what runs at the next login, stands in the search path, or tells common
/// programs what to run. Not every program that reads such a file is known.
const AT_LOGIN: &[&str] = &[
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".bash_completion",
    ".bashrc.d",
    ".profile",
    ".zshrc",
    ".zprofile",
    ".zshenv",
    ".zlogin",
    ".zlogout",
    ".zshrc.d",
    ".config/zsh",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".logout",
    ".kshrc",
    ".mkshrc",
    ".xonshrc",
    ".config/xonsh",
    ".config/nushell",
    ".config/powershell",
    ".config/elvish",
    ".config/starship.toml",
    ".oh-my-zsh",
    ".config/fish",
    ".config/autostart",
    ".config/systemd",
    ".config/environment.d",
    ".local/share/systemd",
    ".local/share/bash-completion",
    ".xprofile",
    ".xsession",
    ".xsessionrc",
    ".xinitrc",
    ".pam_environment",
    ".config/i3",
    ".config/sway",
    ".config/hypr",
    ".config/labwc",
    ".config/openbox",
    ".config/plasma-workspace",
    "bin",
    ".local/bin",
    ".cargo/bin",
    ".cargo/env",
    ".cargo/config.toml",
    ".rustup",
    ".nvm",
    ".pyenv",
    ".asdf",
    ".sdkman",
    ".gitconfig",
    ".config/git",
    ".npmrc",
    ".vimrc",
    ".vim",
    ".config/nvim",
    ".emacs",
    ".emacs.d",
    ".config/emacs",
    ".tmux.conf",
    ".config/tmux",
    ".inputrc",
    ".gdbinit",
    ".config/gdb",
    ".config/direnv",
    ".gradle/init.gradle",
    ".gradle/init.d",
    ".docker/cli-plugins",
    ".config/Code",
    ".vscode-server",
    "Library/LaunchAgents",
];

/// The machine's own secrets, which root could read.
const OF_THE_MACHINE: &[&str] = &[
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
];

/// What the agent's own folder shows to commands all the same: skills may bring programs.
const SHOWN: &[&str] = &["skills", "commands", "AGENTS.md", "AGENTS.override.md"];

/// In a writable folder: what says which programs an agent or an editor runs, or where an agent sends its words.
pub const SETTINGS: &[&str] = &[
    ".corecoder",
    ".claude",
    ".agents",
    ".mcp.json",
    ".env",
    ".vscode",
    ".idea",
];

/// In any `.git` folder that was there before: what says which programs git runs.
pub const REPOSITORY: &[&str] = &[
    "hooks",
    "config",
    "config.worktree",
    "commondir",
    "info/attributes",
];

/// Files that instruct agents: they may be written, and that is told.
pub const INSTRUCTIONS: &[&str] = &[
    "AGENTS.md",
    "AGENTS.override.md",
    "CLAUDE.md",
    "CLAUDE.local.md",
    "GEMINI.md",
    ".cursorrules",
];

impl Policy {
    /// Write in `folder`, reach nobody.
    pub fn new(folder: impl Into<PathBuf>) -> Policy {
        Policy {
            access: Access::WorkspaceWrite,
            folder: folder.into(),
            add_dirs: Vec::new(),
            network: Network::None,
            home: None,
            own: None,
            allow_env: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// The folders that may be written, with links resolved; those that are not there are left out. Where the working directory lies
    /// in a repository, that one's `.git` is among them, for commits are made there.
    pub fn roots(&self) -> Vec<PathBuf> {
        let all = std::iter::once(&self.folder).chain(&self.add_dirs);
        let home = self.home.as_ref().and_then(|home| home.canonicalize().ok());
        let around = |folder: &PathBuf| crate::repository::around(folder, home.as_deref());
        match self.access {
            Access::ReadOnly => Vec::new(),
            Access::WorkspaceWrite => {
                let mut roots: Vec<PathBuf> = all
                    .filter_map(|folder| folder.canonicalize().ok())
                    .collect();
                roots.extend(roots.first().and_then(around));
                roots
            }
        }
    }

    /// What can't be read, with links resolved; only what is there. A secret that holds a folder in which the work is done is
    /// left out, since the work was pointed there on purpose.
    pub fn hidden(&self) -> Vec<PathBuf> {
        let homes = self.homes();
        let secrets = homes
            .iter()
            .flat_map(|home| SECRETS.iter().map(|name| home.join(name)));
        // What this user can't read anyway needs no hiding.
        let is_ours = |path: &PathBuf| std::fs::File::open(path).is_ok();
        let machine = OF_THE_MACHINE.iter().map(PathBuf::from);
        let host_keys = children(Path::new("/etc/ssh")).filter(|path| is_host_key(path));
        let machine = machine.chain(host_keys).filter(is_ours);
        let own = self.own.iter().flat_map(|own| children(own));
        let own = own.filter(|path| {
            !path
                .file_name()
                .is_some_and(|name| SHOWN.iter().any(|shown| name == *shown))
        });
        let all = secrets.chain(machine).chain(own);
        let work: Vec<PathBuf> = std::iter::once(&self.folder)
            .chain(&self.add_dirs)
            .filter_map(|folder| folder.canonicalize().ok())
            .collect();
        // Most are not there, which one look tells; resolving takes one for each folder above.
        let mut found: Vec<PathBuf> = all
            .filter(|path| path.symlink_metadata().is_ok())
            .filter_map(|path| path.canonicalize().ok())
            .filter(|path| !work.iter().any(|folder| folder.starts_with(path)))
            .collect();
        found.sort();
        // Sorted, a folder comes before what is in it.
        let mut kept: Vec<PathBuf> = Vec::new();
        for path in found {
            if !kept.iter().any(|folder| path.starts_with(folder)) {
                kept.push(path);
            }
        }
        kept
    }

    /// The user's home, and the one that the system knows, where that is another: programs that no one logged in to run may
    /// have been told none.
    fn homes(&self) -> Vec<PathBuf> {
        let mut homes: Vec<PathBuf> = self.home.iter().cloned().collect();
        homes.extend(known_home().filter(|home| !homes.contains(home)));
        homes
    }

    /// What is never written, wherever the work is done; also what is not there yet.
    pub fn kept(&self) -> Vec<PathBuf> {
        let homes = self.homes().into_iter();
        let homes: Vec<PathBuf> = homes
            .map(|home| home.canonicalize().unwrap_or(home))
            .collect();
        let names = SECRETS.iter().chain(AT_LOGIN);
        let in_home = homes
            .iter()
            .flat_map(|home| names.clone().map(|name| home.join(name)));
        let own = self
            .own
            .as_ref()
            .map(|own| own.canonicalize().unwrap_or(own.clone()));
        // What somebody pointed at by name is the work.
        let work: Vec<PathBuf> = std::iter::once(&self.folder)
            .chain(&self.add_dirs)
            .filter_map(|folder| folder.canonicalize().ok())
            .collect();
        let holds_work = |path: &PathBuf| work.iter().any(|folder| folder.starts_with(path));
        in_home
            .chain(own)
            .chain(self.hidden())
            .filter(|path| !holds_work(path))
            .collect()
    }

    /// Whether a variable is kept from commands.
    pub fn hides_variable(&self, name: &str) -> bool {
        looks_like_a_key(name) && !self.allow_env.iter().any(|allowed| allowed == name)
    }
}

/// `*_KEY`, `*_TOKEN`, `*_SECRET`, `*PASSWORD*`, in either case, and their near relatives.
fn looks_like_a_key(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let last = name.rsplit('_').next().unwrap_or(&name);
    // Several may be numbered, or stand in one.
    let last = last.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let singular = last.strip_suffix('S').unwrap_or(last);
    let ends = [
        "KEY",
        "APIKEY",
        "SECRETKEY",
        "ACCESSKEY",
        "TOKEN",
        "PAT",
        "SECRET",
        "PASS",
        "PGPASS",
        "PASSWD",
        "PASSPHRASE",
        "CREDENTIAL",
        "AUTH",
    ];
    let ends = ends.contains(&last) || ends.contains(&singular);
    // Sockets of agents that hand out keys are none, but lead to some.
    let leads = [
        "MYSQL_PWD",
        "DOCKER_AUTH_CONFIG",
        "SSH_AUTH_SOCK",
        "GPG_AGENT_INFO",
        "DBUS_SESSION_BUS_ADDRESS",
    ];
    let holds = ["PASSWORD", "SECRET_", "ACCESS_KEY"]
        .iter()
        .any(|part| name.contains(part));
    ends || holds || leads.contains(&name.as_str())
}

/// The home of whoever runs this: passwd(5).
fn known_home() -> Option<PathBuf> {
    let user = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let list = std::fs::read_to_string("/etc/passwd").ok()?;
    let mut rows = list.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let row = rows.find(|row| row.get(2) == Some(&user.as_str()))?;
    let home = PathBuf::from(row.get(5)?);
    (home.is_absolute() && home != Path::new("/")).then_some(home)
}

fn children(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

fn is_host_key(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("ssh_host_") && name.ends_with("_key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_key_is_told_from_what_does_not() {
        let keys = [
            "OPENAI_API_KEY",
            "OPENAI_APIKEY",
            "API_KEYS2",
            "GITHUB_TOKENS",
            "npm_config__auth",
            "DB_PASS",
            "MYSQL_PWD",
            "PGPASS",
            "SECRETS",
            "MY_SECRETKEY",
            "PASSWORD_FILE",
            "aws_secret_access_key",
            "KEY",
            "CREDENTIALS",
            "GITHUB_PAT",
            "DOCKER_AUTH_CONFIG",
            "SSH_AUTH_SOCK",
        ];
        for name in keys {
            assert!(looks_like_a_key(name), "{name}");
        }
        let others = [
            "PATH",
            "PWD",
            "OLDPWD",
            "KEYBOARD",
            "GIT_CONFIG_KEY_0",
            "SSH_ASKPASS",
            "XAUTHORITY",
            "COMPASS",
            "BYPASS",
            "MONKEY",
            "TOKENIZERS_PARALLELISM",
            "GIT_AUTHOR_NAME",
            "LESS",
            "S",
            "2",
            "",
        ];
        for name in others {
            assert!(!looks_like_a_key(name), "{name}");
        }
    }
}
