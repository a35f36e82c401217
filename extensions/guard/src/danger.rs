//! Finds the classic slips: commands that destroy a system, a home or shared history.
//!
//! The idea: wrappers such as `sudo` and `xargs` are taken off each command, and then a
//! short list of rules looks at its name and arguments. Code that is handed to a shell or
//! an interpreter is read and judged in turn.
//! The invariant: words that are only mentioned, as arguments of other programs, are no
//! danger, and neither is a path that starts with a variable which the line does not set.
//! Left out: scripts on disk, remote commands (`ssh`), and slow or indirect destruction.

use std::path::{Component, Path, PathBuf};

use crate::syntax::{self, Command, MAX_PIPELINE, Script, UNKNOWN, Word, lists};
use crate::wrappers::{SHELLS, base_name, unwrap};

/// Each family of interpreters, the letters of the options that hold code, and those of
/// the options that have a value attached.
const INTERPRETERS: &[(&str, &str, &str)] = &[
    (SHELLS, "c", ""),
    ("python pypy", "c", "mWX"),
    ("perl", "eE", "MmI"),
    ("ruby lua", "e", "rI"),
    ("node nodejs bun deno", "ep", "r"),
    ("php", "r", "d"),
    (". source", "", ""),
];
const CODE_OPTIONS: &str = "--eval --print --command";
const VALUE_OPTIONS: &str = "-o -O +o -W -X --rcfile --init-file";
/// What these print is not known, so it must not become code.
const FETCHERS: &str = "curl wget fetch aria2c http https lwp-request base64 base32 xxd openssl \
    uudecode rev";
const SYSTEM_DIRS: &str = "bin boot dev etc home lib lib32 lib64 libx32 media mnt opt proc root \
    run sbin srv sys usr var usr/bin usr/sbin usr/lib usr/lib64 usr/share usr/include usr/local \
    usr/local/bin usr/local/lib var/lib Applications Library System Users Volumes private \
    private/etc private/var";
const DEVICES: &str = "sd nvme vd xvd mmcblk disk rdisk hd mapper/ md dm-";
const DISK_TOOLS: &str = "wipefs shred mke2fs mkswap blkdiscard fdisk sfdisk cfdisk gdisk sgdisk \
    parted badblocks";
const DELETE_CALLS: &str = "rmtree rmSync rm_rf rm_r rmdirSync remove_tree removedirs \
    remove_dir_all rimraf remove_entry rm(";
const RUN_CALLS: &str = "system popen Popen subprocess exec spawn qx ` run(";

const UNREAD_REFUSED: &str = "Refused: this runs code that nobody has read; save it to a file, \
    read that file, and then run it.";
const BOMB_REFUSED: &str = "Refused: this function starts copies of itself without end (a fork \
    bomb); write a loop with a fixed count instead.";

/// The places that the judging of one line depends on.
pub struct Scope {
    workspace: PathBuf,
    home: PathBuf,
    depth: usize,
}

impl Scope {
    /// The scope of a line that runs in `workspace`.
    pub fn new(workspace: &Path, home: &Path) -> Self {
        Scope {
            workspace: workspace.to_owned(),
            home: home.to_owned(),
            depth: 0,
        }
    }

    /// Judges a line that is handed to another shell.
    fn line(&self, line: &str, cwd: Option<&Path>) -> Option<String> {
        let inner = Scope {
            workspace: self.workspace.clone(),
            home: self.home.clone(),
            depth: self.depth + 1,
        };
        let script = syntax::read(line, cwd, &self.home.to_string_lossy(), inner.depth)?;
        find(&script, &inner)
    }
}

/// The first danger in `script`, as one sentence for the model.
pub fn find(script: &Script, scope: &Scope) -> Option<String> {
    if is_fork_bomb(script) {
        return Some(BOMB_REFUSED.to_owned());
    }
    script.iter().find_map(|command| {
        let mut inner = command.scripts();
        inner
            .find_map(|script| find(script, scope))
            .or_else(|| written(command, scope))
            .or_else(|| Call::new(&command.words, command, script, scope)?.danger())
    })
}

fn is_fork_bomb(script: &Script) -> bool {
    let calls_itself = |command: &&Command| {
        let name = command.words.first().map(|word| &word.text);
        name.is_some() && name == command.function.as_ref()
    };
    let calls: Vec<&Command> = script.iter().filter(calls_itself).collect();
    calls.iter().any(|call| {
        let twins = calls.iter().filter(|other| other.function == call.function);
        (call.piped || call.background) && twins.count() > 1
    })
}

/// Judges the files to which output is redirected.
fn written(command: &Command, scope: &Scope) -> Option<String> {
    let mut redirects = command.redirects.iter();
    redirects.find_map(|redirect| {
        let writes = redirect.operator.contains('>');
        let target = Target::new(&redirect.target.text, command.cwd.as_deref(), scope)?;
        if writes { target.refuse_write() } else { None }
    })
}

/// A path that a command works on.
struct Target<'a> {
    /// Absolute and without `.`, `..` and final globs.
    path: PathBuf,
    /// The path ended in a glob such as `*`: what is in the directory, not itself.
    contents: bool,
    scope: &'a Scope,
}

impl<'a> Target<'a> {
    /// `None` when the line does not tell where the path starts.
    fn new(text: &str, cwd: Option<&Path>, scope: &'a Scope) -> Option<Self> {
        if text.is_empty() || text.starts_with(UNKNOWN) {
            return None;
        }
        let written = match text.starts_with('/') {
            true => PathBuf::from(text),
            false => cwd?.join(text),
        };
        let mut path = PathBuf::from("/");
        for component in written.components() {
            match component {
                Component::Normal(name) => path.push(name),
                Component::ParentDir => _ = path.pop(),
                _ => {}
            }
        }
        let mut contents = false;
        while is_whole_glob(&path) {
            contents |= path.pop();
        }
        Some(Target {
            path,
            contents,
            scope,
        })
    }

    fn is_workspace(&self) -> bool {
        self.path == self.scope.workspace
    }

    /// Whether this is a root, a home, a system directory or above the workspace.
    fn is_protected(&self) -> bool {
        let path = self.path.to_string_lossy();
        let below_root = path.trim_start_matches('/');
        let is_home =
            |(parent, name): (&str, &str)| lists("home Users", parent) && !name.contains('/');
        below_root.is_empty()
            || lists(SYSTEM_DIRS, below_root)
            || below_root.split_once('/').is_some_and(is_home)
            || self.path == self.scope.home
            || self.scope.workspace.starts_with(&self.path) && !self.is_workspace()
    }

    fn is_device(&self) -> bool {
        let path = self.path.to_string_lossy();
        let device = path.strip_prefix("/dev/");
        device.is_some_and(|name| DEVICES.split(' ').any(|start| name.starts_with(start)))
    }

    fn is_sensitive(&self) -> bool {
        let path = self.path.to_string_lossy();
        let files = "/etc/passwd /etc/shadow /etc/gshadow /etc/group";
        let starts = ["/etc/sudoers", "/etc/cron", "/var/spool/cron"];
        self.path
            .components()
            .any(|part| part.as_os_str() == ".ssh")
            || lists(files, &path)
            || starts.iter().any(|start| path.starts_with(start))
    }

    fn refuse_write(&self) -> Option<String> {
        let path = self.path.display();
        (self.is_device() || self.is_sensitive()).then(|| {
            format!(
                "Refused: this would overwrite {path}; write to a file in the project instead, \
                 or ask the user to do it."
            )
        })
    }
}

/// A last component that stands for everything in its directory. Right below `/` any glob
/// does, and so does a variable, because it may be empty.
fn is_whole_glob(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let at_root = path.parent() == Some(Path::new("/"));
    let is_dots = name.chars().all(|c| "*?.".contains(c));
    name.contains(['*', '?']) && (is_dots || at_root)
        || at_root && !name.is_empty() && name.chars().all(|c| c == UNKNOWN)
}

/// A command without its wrappers, ready to be judged.
struct Call<'a> {
    name: String,
    args: Vec<String>,
    words: &'a [Word],
    command: &'a Command,
    script: &'a Script,
    scope: &'a Scope,
}

impl<'a> Call<'a> {
    fn new(
        words: &'a [Word],
        command: &'a Command,
        script: &'a Script,
        scope: &'a Scope,
    ) -> Option<Self> {
        let (words, takes_input) = unwrap(words);
        let (first, rest) = words.split_first()?;
        let mut args: Vec<String> = rest.iter().map(|word| word.text.clone()).collect();
        if takes_input {
            let input = fed_text(command, script).unwrap_or_default();
            for arg in &mut args {
                *arg = arg.replace("{}", input.trim());
            }
            args.extend(input.split_whitespace().map(str::to_owned));
        }
        let name = base_name(first).to_owned();
        Some(Call {
            name,
            args,
            words,
            command,
            script,
            scope,
        })
    }

    fn danger(&self) -> Option<String> {
        let rules = [
            Self::deletes,
            Self::finds,
            Self::runs_code,
            Self::spoils_disk,
            Self::overwrites,
            Self::moves_away,
            Self::opens_up,
            Self::forces_push,
            Self::stops_machine,
        ];
        rules.iter().find_map(|rule| rule(self))
    }

    fn has(&self, wanted: &str) -> bool {
        self.args.iter().any(|arg| lists(wanted, arg))
    }

    /// Whether a short option has one of `letters`, alone or in a group such as `-rf`.
    fn has_letter(&self, letters: &[char]) -> bool {
        let options = self.args.iter().take_while(|arg| *arg != "--");
        let mut groups = options.filter(|arg| arg.starts_with('-') && !arg.starts_with("--"));
        groups.any(|group| group.contains(letters))
    }

    fn operands(&self) -> impl DoubleEndedIterator<Item = &str> {
        let args = self.args.iter().map(String::as_str);
        args.filter(|arg| !arg.starts_with('-'))
    }

    fn target(&self, text: &str) -> Option<Target<'a>> {
        Target::new(text, self.command.cwd.as_deref(), self.scope)
    }

    fn targets(&self) -> impl Iterator<Item = Target<'a>> {
        self.operands().filter_map(|operand| self.target(operand))
    }

    fn deletes(&self) -> Option<String> {
        let recursive =
            self.has_letter(&['r', 'R']) || self.args.iter().any(|arg| arg.starts_with("--r"));
        if self.name != "rm" || !recursive {
            return None;
        }
        if self.command.words.iter().any(is_root_if_unset) {
            return Some(
                "Refused: if that variable is empty, this deletes everything from the root on; \
                 name the path, or write \"${VARIABLE:?}\" so that an empty one stops the command."
                    .to_string(),
            );
        }
        let hit =
            |target: &Target| target.is_protected() || target.is_workspace() && !target.contents;
        let target = self.targets().find(hit)?;
        Some(refuse_delete(&target.path))
    }

    fn finds(&self) -> Option<String> {
        if self.name != "find" {
            return None;
        }
        let is_run = |arg: &String| lists("-exec -execdir -ok -okdir", arg);
        let run = self.args.iter().position(is_run);
        let tail = &self.args[run.unwrap_or(self.args.len())..];
        let mut tail_words = tail.iter().flat_map(|arg| arg.split([' ', '/']));
        let removes = self.has("-delete") || self.feeds_removal() || tail_words.any(is_removal);
        let is_root = |arg: &&String| !arg.starts_with(['-', '(', '!']);
        let args = self.args.iter().skip_while(|arg| lists("-H -L -P", arg));
        let roots = args.take_while(is_root);
        let mut targets = roots.filter_map(|root| self.target(root));
        if let Some(target) = targets.find(|target| removes && target.is_protected()) {
            return Some(refuse_delete(&target.path));
        }
        // The words are those of the arguments, shifted by the name. A `find` inside is left
        // alone, so that a long chain of them cannot exhaust the stack.
        let inner = self.words.get(run? + 2..)?;
        let inner = Call::new(inner, self.command, self.script, self.scope)?;
        (inner.name != "find").then(|| inner.danger())?
    }

    /// Whether a later command of the pipeline is `xargs rm`.
    fn feeds_removal(&self) -> bool {
        let later = self.script.iter().skip(self.command.upstream.end);
        let later = later.take_while(|command| command.piped || !command.upstream.is_empty());
        later.take(MAX_PIPELINE).any(|command| {
            let (words, takes_input) = unwrap(&command.words);
            takes_input && is_removal(words.first().map_or("", base_name))
        })
    }

    /// Code that is fetched or decoded is refused unread; code in the line is judged.
    fn runs_code(&self) -> Option<String> {
        let mut unread = is_unread(self.words.first()?);
        let code = match self.program() {
            Some(Program::Code(code, word)) => {
                unread |= word.is_some_and(is_unread);
                Some(code)
            }
            Some(Program::File(word)) => {
                unread |= brings(&word.scripts);
                let script = word.scripts.first();
                script.and_then(|script| syntax::printed_by(script, &self.command.cwd))
            }
            Some(Program::Input) => {
                let upstream = &self.script[self.command.upstream.clone()];
                unread |= upstream.iter().any(fetches) || self.command.scripts().any(is_fetching);
                fed_text(self.command, self.script)
            }
            None => None,
        };
        if unread {
            return Some(UNREAD_REFUSED.to_owned());
        }
        self.judge_code(&code?)
    }

    /// Where a shell or an interpreter takes its program from; `None` for other commands.
    fn program(&self) -> Option<Program<'a>> {
        if lists("eval trap awk gawk mawk", &self.name) {
            return Some(Program::Code(self.args.join(" "), self.words.get(1)));
        }
        if self.name == "su" {
            let place = self.args.iter().position(|arg| arg == "-c")? + 1;
            let code = self.args.get(place)?.clone();
            return Some(Program::Code(code, self.words.get(place + 1)));
        }
        let (_, letters, attached) = self.family()?;
        let mut args = self.args.iter().enumerate();
        while let Some((index, arg)) = args.next() {
            let group = arg.strip_prefix('-').unwrap_or_default();
            let is_group = !group.starts_with(|c| c == '-' || attached.contains(c));
            let code = group.split_once(|c| is_group && letters.contains(c));
            if let Some((_, rest)) = code.or(lists(CODE_OPTIONS, arg).then_some(("", ""))) {
                // Code can be attached, as in `-e'print 1'`, or be the next argument.
                let next = args.next().map_or("", |(_, next)| next);
                let word = self.words.get(index + 2);
                return Some(Program::Code(format!("{rest}\n{next}"), word));
            }
            if lists("- -s /dev/stdin", arg) {
                return Some(Program::Input);
            }
            if lists(VALUE_OPTIONS, arg) {
                args.next();
            } else if !arg.starts_with(['-', '+']) || arg.starts_with("-m") {
                return Some(Program::File(self.words.get(index + 1)?));
            }
        }
        Some(Program::Input)
    }

    /// The interpreter's row, with or without the version in its name.
    fn family(&self) -> Option<&'static (&'static str, &'static str, &'static str)> {
        let is_version = |c: char| c.is_ascii_digit() || c == '.';
        let plain = self.name.trim_end_matches(is_version);
        let mut families = INTERPRETERS.iter();
        families.find(|row| lists(row.0, plain) || lists(row.0, &self.name))
    }

    fn judge_code(&self, code: &str) -> Option<String> {
        let cwd = self.command.cwd.as_deref();
        if lists(SHELLS, &self.name) || lists("eval trap su . source", &self.name) {
            return self.scope.line(code, cwd);
        }
        let calls = |list: &str| list.split(' ').any(|call| code.contains(call));
        let literals = string_literals(code);
        let home = self.scope.home.to_string_lossy();
        let mut paths = literals.iter().map(|text| text.replacen('~', &home, 1));
        if calls(DELETE_CALLS)
            && let Some(target) =
                paths.find_map(|path| self.target(&path).filter(Target::is_protected))
        {
            return Some(refuse_delete(&target.path));
        }
        if !calls(RUN_CALLS) {
            return None;
        }
        // A command can be one literal, or a list with a literal for each word.
        let joined = literals.join(" ");
        let mut lines = literals.iter().chain([&joined]);
        lines.find_map(|line| self.scope.line(line, cwd))
    }

    fn spoils_disk(&self) -> Option<String> {
        let makes = self.name.starts_with("mkfs") || self.name == "mke2fs";
        if !makes && !lists(DISK_TOOLS, &self.name) || self.has("-l --list -p --print print") {
            return None;
        }
        let unknown = makes && self.operands().any(|arg| arg.contains(UNKNOWN));
        let device = self.targets().any(|target| target.is_device());
        (unknown || device).then(|| {
            format!(
                "Refused: `{}` would destroy what is on a disk; use an image file in the project \
                 instead, or ask the user to do it.",
                self.name
            )
        })
    }

    fn overwrites(&self) -> Option<String> {
        let copies = lists("cp mv install ln", &self.name);
        let written: Vec<&str> = match &*self.name {
            "dd" => self
                .args
                .iter()
                .filter_map(|arg| arg.strip_prefix("of="))
                .collect(),
            "tee" | "truncate" => self.operands().collect(),
            "sed" | "perl" if self.has_letter(&['i']) => self.operands().collect(),
            _ if copies && self.has_letter(&['t']) => self.operands().collect(),
            _ if copies || self.name == "rsync" => {
                self.operands().next_back().into_iter().collect()
            }
            _ => return None,
        };
        let mut targets = written.iter().filter_map(|text| self.target(text));
        targets.find_map(|target| target.refuse_write())
    }

    fn moves_away(&self) -> Option<String> {
        let sources = self.operands().count().saturating_sub(1);
        let mut targets = self
            .targets()
            .take(if self.name == "mv" { sources } else { 0 });
        let target = targets.find(Target::is_protected)?;
        Some(format!(
            "Refused: `mv` would move {} away; move files inside the project one by one instead.",
            target.path.display()
        ))
    }

    fn opens_up(&self) -> Option<String> {
        let recursive = self.has_letter(&['R']) || self.has("--recursive");
        if !lists("chmod chown chgrp", &self.name) || !recursive {
            return None;
        }
        let target = self.targets().find(Target::is_protected)?;
        Some(format!(
            "Refused: `{} -R` would change everything under {}; name the files inside the \
             project instead.",
            self.name,
            target.path.display()
        ))
    }

    fn forces_push(&self) -> Option<String> {
        let (directory, args) = self.git_push()?;
        let (options, operands): (Vec<&String>, Vec<&String>) =
            args.iter().partition(|arg| arg.starts_with('-'));
        let forces = |arg: &&String| match arg.strip_prefix("--") {
            Some(long) => long.starts_with("force") || lists("mirror delete", long),
            None => arg.contains(['f', 'd']),
        };
        let forced = options.iter().any(forces);
        let current_is_main = || current_branch(&directory).is_some_and(|branch| is_main(&branch));
        let hits_main = |refspec: &&String| {
            let branch = refspec.rsplit(':').next().unwrap_or_default();
            let branch = branch
                .trim_start_matches('+')
                .trim_start_matches("refs/heads/");
            let overwrites = forced || refspec.starts_with(['+', ':']);
            overwrites && (is_main(branch) || lists("HEAD @", branch) && current_is_main())
        };
        let refused = operands.iter().skip(1).any(hits_main)
            || forced && options.iter().any(|arg| lists("--mirror --all", arg))
            || forced && operands.len() < 2 && current_is_main();
        refused.then(|| {
            "Refused: a forced push would rewrite the shared main branch; push to a branch of \
             your own and open a pull request instead."
                .to_owned()
        })
    }

    /// The directory and the arguments of a `git push`.
    fn git_push(&self) -> Option<(PathBuf, &[String])> {
        // Where the directory is unknown, the root stands for one without a repository.
        let directory = self.command.cwd.as_deref();
        let mut directory = directory.unwrap_or(Path::new("/")).to_owned();
        let mut args = self.args.iter();
        if self.name != "git" {
            return None;
        }
        loop {
            match args.next()?.as_str() {
                "-C" => directory = directory.join(args.next()?),
                "-c" | "--git-dir" | "--work-tree" | "--namespace" => _ = args.next()?,
                "push" => return Some((directory, args.as_slice())),
                option if option.starts_with('-') => {}
                _ => return None,
            }
        }
    }

    fn stops_machine(&self) -> Option<String> {
        let stops = match &*self.name {
            "shutdown" | "reboot" | "halt" | "poweroff" => !self.has("-c --help"),
            "killall5" => true,
            "init" | "telinit" => self.has("0 6"),
            "systemctl" | "loginctl" => self.has("poweroff reboot halt kexec"),
            "kill" => self.args.len() > 1 && self.args.last().is_some_and(|arg| arg == "-1"),
            "crontab" => self.has("-r -ri -ir"),
            _ => false,
        };
        stops.then(|| {
            format!(
                "Refused: `{}` would stop the machine or its processes, or drop its schedule; \
                 stop only what you started, by its id.",
                self.name
            )
        })
    }
}

/// Where an interpreter takes its program from.
enum Program<'a> {
    /// An argument, and the word that holds it.
    Code(String, Option<&'a Word>),
    File(&'a Word),
    Input,
}

/// The text that a command gets on its input, as far as the line tells.
pub fn fed_text(command: &Command, script: &Script) -> Option<String> {
    let upstream = &script[command.upstream.clone()];
    let printed: Vec<String> = upstream.iter().filter_map(Command::printed).collect();
    let here = command.here_text().map(str::to_owned);
    here.or_else(|| (!printed.is_empty()).then(|| printed.join("\n")))
}

/// Whether a word starts with what a download or a decoder prints.
fn is_unread(word: &Word) -> bool {
    word.text.trim_start().starts_with(UNKNOWN) && brings(&word.scripts)
}

fn brings(scripts: &[Script]) -> bool {
    scripts.iter().any(is_fetching)
}

fn is_fetching(script: &Script) -> bool {
    script.iter().any(fetches)
}

fn fetches(command: &Command) -> bool {
    let (words, _) = unwrap(&command.words);
    let name = words.first().map_or("", base_name);
    lists(FETCHERS, name) || command.scripts().any(is_fetching)
}

/// The string literals of a program, whatever its language.
fn string_literals(code: &str) -> Vec<String> {
    let mut literals = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(['\'', '"', '`']) {
        let quote = &rest[start..=start];
        let Some((literal, after)) = rest[start + 1..].split_once(quote) else {
            break;
        };
        literals.push(literal.to_owned());
        rest = after;
    }
    literals
}

fn current_branch(directory: &Path) -> Option<String> {
    let mut heads = directory.ancestors().map(|folder| folder.join(".git/HEAD"));
    let head = heads.find_map(|head| std::fs::read_to_string(head).ok())?;
    Some(head.trim().strip_prefix("ref: refs/heads/")?.to_owned())
}

fn is_main(branch: &str) -> bool {
    lists("main master", branch)
}

/// `"$VARIABLE"/` and `$VARIABLE/*`: all of a folder that the line does not tell, or all of the machine.
fn is_root_if_unset(word: &Word) -> bool {
    let behind = word.text.strip_prefix(UNKNOWN).unwrap_or_default();
    let all = behind.starts_with('/') && behind.trim_matches(['/', '*']).is_empty();
    all && !word.source.contains(":?")
}

fn is_removal(name: &str) -> bool {
    lists("rm shred unlink", name)
}

fn refuse_delete(path: &Path) -> String {
    let path = path.display();
    format!(
        "Refused: this would delete everything under {path}; name the exact files inside the \
         project instead."
    )
}
