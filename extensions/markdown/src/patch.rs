//! The lines of a unified diff, with their numbers.
//!
//! Written for what people and models hand over: headers, counts and numbers may be missing or wrong. What a line is, its
//! first character says; counts only tell where a `---` is a file's header, and what stands behind the last hunk.
//! Left out: combined diffs (`@@@`), whose lines are shown as they are.

/// What a line of a diff is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// The names of the files.
    File,
    /// `index`, `new file mode`, `\ No newline at end of file` and all else.
    Note,
    Hunk,
    Same,
    Old,
    New,
}

#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) kind: Kind,
    /// In the new file, or in the old one for a deleted line.
    pub(crate) number: Option<usize>,
    /// Without its sign.
    pub(crate) text: &'a str,
}

/// Where in a hunk the next line stands.
#[derive(Default)]
struct Place {
    old: Option<usize>,
    new: Option<usize>,
    /// Lines of the old and the new file that are to come, if the header said it.
    left: Option<(usize, usize)>,
}

pub(crate) fn rows(patch: &str) -> Vec<Row<'_>> {
    let mut place = Place::default();
    let mut lines = patch.lines().peekable();
    let mut rows = Vec::new();
    while let Some(line) = lines.next() {
        let names = line.starts_with("--- ")
            && lines.peek().is_some_and(|next| next.starts_with("+++ "))
            && place.left.is_none_or(|(old, _)| old == 0);
        if names {
            place = Place::default();
            rows.push(note(Kind::File, line));
            rows.extend(lines.next().map(|line| note(Kind::File, line)));
        } else {
            rows.push(place.row(line));
        }
    }
    rows
}

fn note(kind: Kind, text: &str) -> Row<'_> {
    Row {
        kind,
        number: None,
        text,
    }
}

impl Place {
    fn row<'a>(&mut self, line: &'a str) -> Row<'a> {
        if let Some(place) = hunk(line) {
            *self = place;
            return note(Kind::Hunk, line);
        }
        let over = self.left == Some((0, 0));
        let (kind, text) = match line.chars().next() {
            _ if over => (Kind::Note, line),
            Some('-') => (Kind::Old, &line[1..]),
            Some('+') => (Kind::New, &line[1..]),
            Some(' ') => (Kind::Same, &line[1..]),
            // Editors take away the space of an empty line.
            None => (Kind::Same, line),
            Some('\\') => return note(Kind::Note, line),
            Some(_) => (Kind::Note, line),
        };
        if kind == Kind::Note {
            *self = Place::default();
            return note(kind, line);
        }
        let number = if kind == Kind::Old {
            self.old
        } else {
            self.new
        };
        self.pass(kind != Kind::New, kind != Kind::Old);
        Row { kind, number, text }
    }

    fn pass(&mut self, old: bool, new: bool) {
        let next = |number: Option<usize>, by: bool| number.map(|n| n.saturating_add(by.into()));
        (self.old, self.new) = (next(self.old, old), next(self.new, new));
        let less = |count: usize, by: bool| count.saturating_sub(by.into());
        self.left = self.left.map(|(a, b)| (less(a, old), less(b, new)));
    }
}

/// `@@ -a,b +c,d @@ section`; the counts may be missing, and the numbers too.
fn hunk(line: &str) -> Option<Place> {
    let ranges = line.strip_prefix("@@ ").or((line == "@@").then_some(""))?;
    let mut words = ranges.split(' ');
    let mut range = |sign: char| -> Option<(usize, Option<usize>)> {
        let word = words.next()?.strip_prefix(sign)?;
        let (start, count) = word.split_once(',').unwrap_or((word, ""));
        Some((start.parse().ok()?, count.parse().ok()))
    };
    let (old, new) = (range('-'), range('+'));
    let count = |range: Option<(usize, Option<usize>)>| range?.1;
    Some(Place {
        old: old.map(|range| range.0),
        new: new.map(|range| range.0),
        left: count(old).zip(count(new)),
    })
}
