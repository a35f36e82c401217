//! Watching for marks that may still close.
//!
//! Text is parsed in chunks, and a chunk may only end where nothing is open: this is what knows. It follows CommonMark's
//! rules for delimiter runs (spec 0.31, 6.2) as far as they matter for waiting. Where it errs the text comes later or
//! a mark is shown as it is written; what a mark means is decided by the parser of the chunk alone.

/// For so many characters a mark is waited for; then it is shown as it is written.
const PATIENCE: usize = 200;
/// A link's address is waited for longer: it is long, and of no use when it is cut.
const ADDRESS: usize = 2000;
/// More open marks than this are not looked after.
const DEPTH: usize = 32;

#[derive(Clone)]
pub(crate) struct Scan {
    open: Vec<(char, usize)>,
    /// The length of the run of backticks that opened code.
    code: Option<usize>,
    /// The run of marks under way, and the character before it.
    run: Option<(char, usize, char)>,
    last: char,
    escaped: bool,
    /// The last `]` closed a bracket.
    bracket: bool,
    /// Characters since something became open.
    waited: usize,
}

impl Scan {
    pub(crate) fn new() -> Scan {
        Scan {
            open: Vec::new(),
            code: None,
            run: None,
            last: ' ',
            escaped: false,
            bracket: false,
            waited: 0,
        }
    }

    /// Whether something may still close.
    pub(crate) fn is_open(&self) -> bool {
        !self.open.is_empty() || self.code.is_some() || self.run.is_some() || self.escaped
    }

    /// The last character was a backslash that escapes the next.
    pub(crate) fn is_escaped(&self) -> bool {
        self.escaped
    }

    /// The mark of a run that may go on.
    pub(crate) fn run(&self) -> Option<char> {
        self.run.map(|(mark, ..)| mark)
    }

    /// What would close all that is open, the innermost first.
    pub(crate) fn closers(&self) -> String {
        let mut closers = "`".repeat(self.code.unwrap_or(0));
        for (mark, count) in self.open.iter().rev() {
            if matches!(mark, '*' | '_' | '~') {
                closers.extend(std::iter::repeat_n(*mark, *count));
            }
        }
        closers
    }

    pub(crate) fn step(&mut self, c: char) {
        match &mut self.run {
            Some((mark, count, _)) if *mark == c => *count += 1,
            _ => {
                self.end_run(c);
                self.one(c);
            }
        }
        self.last = c;
        self.waited = if self.is_open() { self.waited + 1 } else { 0 };
        let address = self.open.last().is_some_and(|(mark, _)| *mark == '(');
        if self.waited > if address { ADDRESS } else { PATIENCE } {
            *self = Scan {
                last: c,
                ..Scan::new()
            };
        }
    }

    fn one(&mut self, c: char) {
        let bracket = std::mem::replace(&mut self.bracket, false);
        if std::mem::replace(&mut self.escaped, false) {
            return;
        }
        let in_code = self.code.is_some();
        match c {
            '`' => self.run = Some((c, 1, self.last)),
            _ if in_code => {}
            '*' | '_' | '~' => self.run = Some((c, 1, self.last)),
            '\\' => self.escaped = true,
            '[' | '<' => self.push(c, 1),
            ']' => self.bracket = self.pop('['),
            '(' if bracket || self.open.last().is_some_and(|top| top.0 == '(') => self.push(c, 1),
            ')' if self.open.last().is_some_and(|top| top.0 == '(') => drop(self.open.pop()),
            '>' => drop(self.pop('<')),
            // Neither an address in `<` `>` nor, mostly, one in parentheses has spaces.
            ' ' if self.open.last().is_some_and(|top| top.0 == '<') => drop(self.open.pop()),
            _ => {}
        }
    }

    fn push(&mut self, mark: char, count: usize) {
        if self.open.len() < DEPTH {
            self.open.push((mark, count));
        }
    }

    /// Closes the innermost one of these and all that stands in it.
    fn pop(&mut self, mark: char) -> bool {
        let at = self.open.iter().rposition(|(open, _)| *open == mark);
        self.open.truncate(at.unwrap_or(self.open.len()));
        at.is_some()
    }

    fn end_run(&mut self, next: char) {
        let Some((mark, count, before)) = self.run.take() else {
            return;
        };
        if mark == '`' {
            self.code = match self.code {
                Some(open) if open == count => None,
                None => Some(count),
                open => open,
            };
            return;
        }
        let is_punctuation = |c: char| !c.is_alphanumeric() && !c.is_whitespace();
        let left = !next.is_whitespace()
            && (!is_punctuation(next) || before.is_whitespace() || is_punctuation(before));
        let right = !before.is_whitespace()
            && (!is_punctuation(before) || next.is_whitespace() || is_punctuation(next));
        let word = mark == '_';
        let opens = left && (!word || !right || is_punctuation(before));
        let closes = right && (!word || !left || is_punctuation(next));
        let rest = if closes {
            self.close(mark, count)
        } else {
            count
        };
        if opens && rest > 0 && !(mark == '~' && count > 2) {
            self.push(mark, rest);
        }
    }

    /// Closes as many open marks as these can; how many are left.
    fn close(&mut self, mark: char, mut count: usize) -> usize {
        while let Some(at) = self.open.iter().rposition(|(open, _)| *open == mark) {
            let open = self.open[at].1;
            self.open.truncate(if open > count { at + 1 } else { at });
            if open > count {
                self.open[at].1 = open - count;
                return 0;
            }
            count -= open;
            if count == 0 {
                break;
            }
        }
        count
    }
}
