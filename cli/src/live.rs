//! What stands below the last printed line: the unfinished line, what runs, what is typed, and the status.
//!
//! Only this area is ever drawn again; what is printed above it stays as it is, so scroll-back is true. Each change is
//! one write. Without a terminal that can move its cursor there is no area, only lines.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use console::{Term, measure_text_width, style, truncate_str};

/// Where lines go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Out {
    Stdout,
    Stderr,
}

/// What the area shows.
#[derive(Clone, Default)]
pub struct Shown {
    /// The end of the answer so far, which is no whole line yet.
    pub tail: String,
    /// What runs, each with its beginning.
    pub running: Vec<(String, Instant)>,
    /// Messages that wait for the next round.
    pub queued: Vec<String>,
    /// What was typed meanwhile; `None` where nobody can type.
    pub typed: Option<String>,
    pub status: String,
}

/// The area and the output that it stands in.
pub struct Live {
    out: Out,
    /// The terminal can move its cursor.
    can_move: bool,
    /// The widths of the area's lines down to the cursor's, that one up to the cursor; `None` while nothing is drawn.
    drawn: Option<Vec<usize>>,
    last: Option<Instant>,
}

/// Redraws that nothing new depends on come no closer.
const PACE: Duration = Duration::from_millis(40);

impl Live {
    pub fn new(out: Out) -> Live {
        let terminal = match out {
            Out::Stdout => std::io::stdout().is_terminal(),
            Out::Stderr => std::io::stderr().is_terminal(),
        };
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        Live {
            out,
            can_move: terminal && !dumb,
            drawn: None,
            last: None,
        }
    }

    /// Whether there is an area at all.
    pub fn is_there(&self) -> bool {
        self.can_move
    }

    /// Columns; as wide as need be without a terminal.
    pub fn width(&self) -> usize {
        match self.can_move {
            true => columns(self.out),
            false => usize::MAX,
        }
    }

    /// Prints whole lines above the area.
    pub fn print(&mut self, lines: &[String], shown: Option<&Shown>) {
        let mut text = self.erased();
        for line in lines {
            text += line;
            text += "\n";
        }
        self.draw_below(text, shown);
    }

    /// Draws the area anew, unless that was done just now.
    pub fn refresh(&mut self, shown: &Shown, now: bool) {
        let soon = self.last.is_some_and(|last| last.elapsed() < PACE);
        if self.can_move && (now || !soon) {
            let text = self.erased();
            self.draw_below(text, Some(shown));
        }
    }

    /// Takes the area away.
    pub fn clear(&mut self) {
        let text = self.erased();
        self.write(&text);
    }

    fn draw_below(&mut self, mut text: String, shown: Option<&Shown>) {
        if let Some(shown) = shown.filter(|_| self.can_move) {
            let (area, widths) = area(shown, size(self.out));
            text += &area;
            self.drawn = Some(widths);
            self.last = Some(Instant::now());
        }
        self.write(&text);
    }

    /// What takes the area away: back to its top, and everything below goes. A window that has become narrower has broken
    /// the lines.
    fn erased(&mut self) -> String {
        let Some(widths) = self.drawn.take() else {
            return String::new();
        };
        let columns = columns(self.out);
        let broken = |width: &usize| width.saturating_sub(1) / columns;
        let rows = widths.len() - 1 + widths.iter().map(broken).sum::<usize>();
        match rows {
            0 => "\r\x1b[J".to_string(),
            rows => format!("\r\x1b[{rows}A\x1b[J"),
        }
    }

    fn write(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut out: Box<dyn Write> = match self.out {
            Out::Stdout => Box::new(std::io::stdout().lock()),
            Out::Stderr => Box::new(std::io::stderr().lock()),
        };
        // A reader that went away is no reason to stop working.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

fn columns(out: Out) -> usize {
    size(out).1
}

/// Rows and columns.
fn size(out: Out) -> (usize, usize) {
    let term = match out {
        Out::Stdout => Term::stdout(),
        Out::Stderr => Term::stderr(),
    };
    let (rows, columns) = term.size();
    (usize::from(rows), usize::from(columns).max(10))
}

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/// What runs, and what waits, in lines at most.
const RUNNING: usize = 6;

/// The area as it is written, and the widths of its lines down to the cursor, which is left behind what is typed.
fn area(shown: &Shown, (rows, width): (usize, usize)) -> (String, Vec<usize>) {
    // One column is left free: a terminal that is full to the brim may break the line.
    let fit = |line: &str| truncate_str(line, width - 1, "…").into_owned();
    let mut lines = above(shown, width);
    // What scrolls away can't be taken back.
    let too_many = lines.len().saturating_sub(rows.saturating_sub(3));
    lines.drain(..too_many);
    let status = style(fit(&shown.status)).dim().to_string();
    let Some(typed) = &shown.typed else {
        if !status.is_empty() || lines.is_empty() {
            lines.push(status);
        }
        let widths = lines.iter().map(|line| measure_text_width(line));
        return (lines.join("\n"), widths.collect());
    };
    lines.push(format!("{} {}", style(">").dim(), end_of(typed, width - 4)));
    let widths: Vec<usize> = lines.iter().map(|line| measure_text_width(line)).collect();
    let column = widths.last().map_or(1, |width| width + 1);
    (
        format!("{}\n{status}\x1b[1A\x1b[{column}G", lines.join("\n")),
        widths,
    )
}

/// The lines above what is typed.
fn above(shown: &Shown, width: usize) -> Vec<String> {
    let fit = |line: &str| truncate_str(line, width - 1, "…").into_owned();
    let mut lines = Vec::new();
    if !shown.tail.is_empty() {
        lines.push(fit(&shown.tail));
    }
    for (what, since) in shown.running.iter().take(RUNNING) {
        let elapsed = since.elapsed();
        let frame = FRAMES[(elapsed.as_millis() / 100) as usize % FRAMES.len()];
        let time = match elapsed.as_secs() {
            0 => String::new(),
            seconds => format!(" ({seconds} s)"),
        };
        let what = truncate_str(what, width.saturating_sub(3 + time.len()), "…");
        lines.push(format!(
            "{} {what}{}",
            style(frame).cyan(),
            style(time).dim()
        ));
    }
    let more = shown.running.len().saturating_sub(RUNNING);
    if more > 0 {
        lines.push(fit(&format!("  … and {more} more")));
    }
    let more = shown.queued.len().saturating_sub(RUNNING);
    if more > 0 {
        lines.push(
            style(fit(&format!("  next: {more} more")))
                .dim()
                .to_string(),
        );
    }
    for (at, text) in shown.queued.iter().enumerate().skip(more) {
        let is_last = at + 1 == shown.queued.len();
        let hint = if is_last { "  (Esc takes it back)" } else { "" };
        let text = truncate_str(text, width.saturating_sub(9 + hint.len()), "…");
        lines.push(
            style(fit(&format!("  next: {text}{hint}")))
                .dim()
                .to_string(),
        );
    }
    lines
}

/// The end of what was typed, as far as a line has room for it.
fn end_of(typed: &str, width: usize) -> String {
    let line = typed.replace('\n', "↵");
    let mut start = 0;
    while measure_text_width(&line[start..]) > width {
        start += line[start..].chars().next().map_or(1, char::len_utf8);
    }
    line[start..].to_string()
}
