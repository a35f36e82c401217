//! A terminal with a person before it: a pseudo-terminal for the program, and an emulator for what it draws.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use expectrl::Session;
use expectrl::process::unix::{Signal, WaitStatus};
use expectrl::session::OsSession;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, tcgetattr};
use vt100::{Callbacks, Parser, Screen};

use crate::Home;
use crate::provider::Provider;

/// How long something may take to be seen; only what is wrong takes so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a start of the program begins with.
pub struct Setup {
    home: Home,
    args: Vec<String>,
    env: Vec<(String, String)>,
    size: (u16, u16),
    /// The exit code is written down by a shell between the terminal and the program.
    watched: bool,
    /// Where the program's standard output goes instead of the terminal.
    piped: bool,
}

impl Setup {
    pub fn new() -> Setup {
        Setup::of(Home::made())
    }

    pub fn of(home: Home) -> Setup {
        Setup {
            home,
            args: Vec::new(),
            env: vec![("TERM".to_string(), "xterm-256color".to_string())],
            size: (24, 80),
            watched: false,
            piped: false,
        }
    }

    pub fn args(mut self, args: &[&str]) -> Setup {
        self.args.extend(args.iter().map(|arg| arg.to_string()));
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Setup {
        self.env.push((name.to_string(), value.to_string()));
        self
    }

    /// Rows and columns.
    pub fn size(mut self, rows: u16, columns: u16) -> Setup {
        self.size = (rows, columns);
        self
    }

    /// A file of the project.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Setup {
        self.home.write(&format!("project/{path}"), content);
        self
    }

    pub fn project(&self, path: &str) -> PathBuf {
        self.home.path(&format!("project/{path}"))
    }

    pub fn home_path(&self, path: &str) -> PathBuf {
        self.home.path(&format!("home/{path}"))
    }

    /// The search path with a folder of the project before it, whose files are made programs.
    pub fn path_with(&self, folder: &str) -> String {
        let folder = self.project(folder);
        for file in std::fs::read_dir(&folder).unwrap().flatten() {
            let runnable = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(file.path(), runnable).unwrap();
        }
        format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
    }

    /// The user's own settings.
    pub fn settings(self, settings: serde_json::Value) -> Setup {
        self.home
            .write("home/.corecoder/settings.json", settings.to_string());
        self
    }

    /// A shell between the terminal and the program writes its exit code into the file `code`.
    pub fn watched(mut self) -> Setup {
        self.watched = true;
        self
    }

    /// Standard output goes to the file `output`, while the rest stays with the terminal.
    pub fn piped(mut self) -> Setup {
        self.piped = true;
        self
    }

    /// Starts the program, and waits for its first prompt.
    #[track_caller]
    pub fn start(self, provider: Provider) -> Terminal {
        let mut terminal = self.begin(provider);
        terminal.prompt();
        terminal
    }

    /// Starts the program.
    pub fn begin(self, provider: Provider) -> Terminal {
        let (rows, columns) = self.size;
        let run = match (self.watched, self.piped) {
            (false, false) => r#"exec "$0" "$@""#,
            (false, true) => r#""$0" "$@" > ../output"#,
            // The shell in between stays where the program is told to go.
            (true, _) => r#"(trap : HUP; "$0" "$@"; echo $? > ../code); true"#,
        };
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                &format!("stty sane; until [ \"$(stty size)\" = \"{rows} {columns}\" ]; do :; done; {run}"),
            ])
            .arg(env!("CARGO_BIN_EXE_corecoder"))
            .args(&self.args)
            .current_dir(self.home.path("project"))
            .env_clear()
            .env("HOME", self.home.path("home"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            // What is tested here are questions and rules, which commands in a sandbox don't need.
            .env("CORECODER_SANDBOX", "off")
            .env("CORECODER_BASE_URL", &provider.url)
            .env("CORECODER_MODEL", "first-model")
            .envs(self.env);
        let mut session = Session::spawn(command).unwrap();
        let process = session.get_process_mut();
        process.set_window_size(columns, rows).unwrap();
        let pty = session.get_process().get_raw_handle().unwrap();
        let [high, wide] = [rows, columns].map(|n| NonZeroU16::new(n).unwrap());
        Terminal {
            home: self.home,
            provider,
            session,
            pty,
            emulator: Parser::new_with_callbacks(high, wide, 10_000, Heard::default()),
            raw: Vec::new(),
            is_over: false,
            is_reaped: false,
        }
    }
}

pub struct Terminal {
    pub home: Home,
    pub provider: Provider,
    session: OsSession,
    pty: File,
    emulator: Parser<Heard>,
    /// All bytes that the program wrote.
    pub raw: Vec<u8>,
    is_over: bool,
    /// The process has ended and was waited for.
    is_reaped: bool,
}

/// What a terminal does that is not on its screen.
#[derive(Default)]
pub struct Heard {
    pub bells: usize,
    /// Titles, and whatever else the screen does not show.
    pub others: Vec<String>,
}

impl Callbacks for Heard {
    fn audible_bell(&mut self, _: &mut Screen) {
        self.bells += 1;
    }

    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        self.others
            .push(String::from_utf8_lossy(title).into_owned());
    }

    fn set_window_icon_name(&mut self, _: &mut Screen, name: &[u8]) {
        self.others.push(String::from_utf8_lossy(name).into_owned());
    }

    fn copy_to_clipboard(&mut self, _: &mut Screen, _: &[u8], data: &[u8]) {
        self.others.push(String::from_utf8_lossy(data).into_owned());
    }

    fn unhandled_osc(&mut self, _: &mut Screen, params: &[&[u8]]) {
        let words = params.iter().map(|part| String::from_utf8_lossy(part));
        self.others.push(words.collect::<Vec<_>>().join(";"));
    }
}

impl Terminal {
    /// Takes what the program writes within this time; false if nothing came.
    fn take(&mut self, within: Duration) -> bool {
        let timeout = Timespec::try_from(within).unwrap();
        let mut fds = [PollFd::new(&self.pty, PollFlags::IN)];
        if self.is_over || !poll(&mut fds, Some(&timeout)).is_ok_and(|ready| ready > 0) {
            return false;
        }
        let mut bytes = [0; 4096];
        match self.pty.read(&mut bytes) {
            Ok(length) if length > 0 => {
                self.raw.extend(&bytes[..length]);
                self.emulator.process(&bytes[..length]);
            }
            // The program has gone.
            _ => self.is_over = true,
        }
        true
    }

    /// Waits until it is so.
    #[track_caller]
    pub fn until(&mut self, what: &str, so: impl Fn(&Terminal) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !so(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            let came = self.take(left.min(Duration::from_millis(50)));
            if !came && (left.is_zero() || self.is_over) {
                panic!("not seen: {what}; but:\n{}", self.history().join("\n"));
            }
        }
    }

    /// The rows on the screen, without blanks at their ends.
    pub fn screen(&self) -> Vec<String> {
        rows(self.emulator.screen())
    }

    /// All rows, those in the scroll-back first, without empty ones at the end.
    pub fn history(&self) -> Vec<String> {
        let mut screen = self.emulator.screen().clone();
        let mut lines = Vec::new();
        for back in (1..=screen.scrollback_len()).rev() {
            screen.set_scrollback(back);
            lines.extend(rows(&screen).into_iter().next());
        }
        screen.set_scrollback(0);
        lines.extend(rows(&screen));
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    /// The row on which the cursor stands, and its column.
    pub fn cursor(&self) -> (String, u16) {
        let (row, column) = self.emulator.screen().cursor_position();
        (self.screen()[usize::from(row)].clone(), column)
    }

    pub fn heard(&self) -> &Heard {
        self.emulator.callbacks()
    }

    /// How the cell looks at which this text begins on the screen.
    #[track_caller]
    pub fn cell(&self, text: &str) -> &vt100::Cell {
        let screen = self.screen();
        let found = screen.iter().enumerate().find_map(|(row, line)| {
            let before = &line[..line.find(text)?];
            Some((row, console::measure_text_width(before)))
        });
        let (row, column) = found.unwrap_or_else(|| panic!("no {text:?} in {screen:#?}"));
        self.emulator
            .screen()
            .cell(row as u16, column as u16)
            .unwrap()
    }

    /// Whether the terminal itself had to break the line in this row.
    pub fn is_wrapped(&self, row: u16) -> bool {
        self.emulator.screen().row_wrapped(row)
    }

    /// Whether the program took the whole screen.
    pub fn is_alternate(&self) -> bool {
        self.emulator.screen().alternate_screen()
    }

    /// Waits for text anywhere on the screen or in the scroll-back, also where it is broken into rows.
    #[track_caller]
    pub fn sees(&mut self, text: &str) {
        self.until(text, |terminal| terminal.shows(text));
    }

    pub fn shows(&self, text: &str) -> bool {
        self.count(text) > 0
    }

    /// How often a text stands on the screen and in the scroll-back.
    pub fn count(&self, text: &str) -> usize {
        let rows = self.history();
        let whole = ["\n", "", " "].map(|between| rows.join(between).matches(text).count());
        whole.into_iter().max().unwrap()
    }

    /// Waits until the text is gone from the screen.
    #[track_caller]
    pub fn loses(&mut self, text: &str) {
        self.until(&format!("no {text:?}"), |terminal| !terminal.shows(text));
    }

    /// Sends keys.
    pub fn keys(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).unwrap();
    }

    /// A line editor reads, which draws in whole updates; the line below what works does not.
    fn edits(&self) -> bool {
        let ended = self
            .raw
            .windows(8)
            .rposition(|bytes| bytes == b"\x1b[?2004l");
        let since = &self.raw[ended.unwrap_or(0)..];
        self.emulator.screen().bracketed_paste() && count(since, b"\x1b[?2026l") > 0
    }

    /// A line editor reads, and its line begins so.
    pub fn reads(&self, begins: &str) -> bool {
        self.edits() && self.cursor().0.starts_with(begins)
    }

    /// Waits for the prompt.
    #[track_caller]
    pub fn prompt(&mut self) {
        self.until("the prompt", |terminal| terminal.reads(">"));
    }

    /// Waits for a question that ends so, and answers it.
    #[track_caller]
    pub fn answers(&mut self, question: &str, answer: &str) {
        self.asked(question);
        self.enters(answer);
    }

    /// Waits for a question with these words before the cursor.
    #[track_caller]
    pub fn asked(&mut self, question: &str) {
        let solid = |text: &str| text.replace(' ', "");
        self.until(question, |terminal| {
            let screen = terminal.emulator.screen();
            let row = usize::from(screen.cursor_position().0);
            // A long one is broken into rows.
            let rows = &terminal.screen()[row.saturating_sub(2)..=row];
            terminal.edits() && solid(&rows.concat()).contains(&solid(question))
        });
    }

    /// Types a line where one is read, and waits until it is taken.
    #[track_caller]
    pub fn enters(&mut self, line: &str) {
        self.keys(line);
        self.submits();
    }

    /// Enter, where a line is read.
    #[track_caller]
    pub fn submits(&mut self) {
        let ends = |terminal: &Terminal| count(&terminal.raw, b"\x1b[?2004l");
        let before = ends(self);
        self.keys("\r");
        self.until("the line to be taken", |terminal| ends(terminal) > before);
    }

    /// Types a line at the prompt.
    #[track_caller]
    pub fn says(&mut self, line: &str) {
        self.prompt();
        self.enters(line);
    }

    /// Types a line at the prompt, sees these, and has the prompt again.
    #[track_caller]
    pub fn talks(&mut self, line: &str, answers: &[&str]) {
        self.says(line);
        answers.iter().for_each(|answer| self.sees(answer));
        self.prompt();
    }

    /// The line at the bottom while the agent works.
    #[track_caller]
    pub fn works(&mut self) {
        self.until("the line while it works", |terminal| {
            let screen = terminal.emulator.screen();
            !terminal.edits() && screen.bracketed_paste() && terminal.cursor().0.starts_with('>')
        });
    }

    /// Types while the agent works, and sees it there.
    #[track_caller]
    pub fn adds(&mut self, keys: &str, line: &str) {
        self.keys(keys);
        self.until(line, |terminal| terminal.cursor().0.trim_end() == line);
    }

    pub fn resize(&mut self, rows: u16, columns: u16) {
        let [high, wide] = [rows, columns].map(|n| NonZeroU16::new(n).unwrap());
        self.emulator.set_size(high, wide);
        let process = self.session.get_process_mut();
        process.set_window_size(columns, rows).unwrap();
    }

    pub fn signal(&mut self, signal: Signal) {
        self.session.get_process_mut().signal(signal).unwrap();
    }

    /// Whether the terminal is as a shell wants it.
    pub fn is_sane(&self) -> bool {
        let modes = tcgetattr(&self.pty).unwrap().local_modes;
        let screen = self.emulator.screen();
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
            && !screen.bracketed_paste()
            && !screen.hide_cursor()
    }

    /// Waits until the program has ended, with this code.
    #[track_caller]
    pub fn ends(&mut self, code: i32) {
        self.until("its end", |terminal| terminal.is_over);
        let status = self.session.get_process_mut().wait().unwrap();
        self.is_reaped = true;
        assert!(
            matches!(status, WaitStatus::Exited(_, given) if given == code),
            "{status:?}"
        );
        assert!(self.is_sane(), "the terminal is not as it was");
    }

    /// Waits until the program has ended, with this code, while nobody reads what it writes.
    #[track_caller]
    pub fn ends_unread(&mut self, code: i32) {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.session.get_process().status().unwrap() {
                WaitStatus::StillAlive => assert!(Instant::now() < deadline, "it has not ended"),
                status => break status,
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        self.is_reaped = true;
        assert!(
            matches!(status, WaitStatus::Exited(_, given) if given == code),
            "{status:?}"
        );
        let modes = tcgetattr(&self.pty).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG));
    }

    /// Leaves by Ctrl+D at the prompt.
    #[track_caller]
    pub fn leaves(mut self) -> (Home, Provider) {
        self.prompt();
        self.keys("\x04");
        self.ends(0);
        (self.home.clone(), self.provider.clone())
    }

    /// The window is closed: the terminal goes away.
    pub fn closes(self) -> (Home, Provider) {
        (self.home.clone(), self.provider.clone())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Once it was waited for, its number may be somebody else's.
        if !self.is_reaped {
            let process = self.session.get_process_mut();
            let _ = process.kill(Signal::SIGKILL);
            let _ = process.wait();
        }
    }
}

fn rows(screen: &Screen) -> Vec<String> {
    let (_, columns) = screen.size();
    screen
        .rows(0, columns.get())
        .map(|row| row.trim_end().to_string())
        .collect()
}

pub fn count(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes
        .windows(wanted.len())
        .filter(|window| *window == wanted)
        .count()
}
