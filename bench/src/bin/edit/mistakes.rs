//! What models get wrong when they quote, one function each; `None` where the sample gives no occasion for it.

use fastrand::Rng;

use crate::cases::{Case, Row, Sample, news, olds, places, words};

pub type Mistake = fn(&Sample, &mut Rng) -> Option<Case>;

/// The mistakes that can be understood, then those where only a refusal is right.
pub const MISTAKES: &[(&str, Mistake)] = &[
    ("none", none),
    ("blanks at line ends, in the quote", blanks_in_the_quote),
    ("blanks at line ends, in the file", blanks_in_the_file),
    ("a blank line too many around it", blank_line),
    ("line ends: the file has CRLF", crlf),
    ("curly quotes in the file", curly_in_the_file),
    ("curly quotes in the quote", curly_in_the_quote),
    ("a dash for a hyphen", dashes),
    ("no-break spaces in the file", no_break_spaces),
    ("indentation left out", indentation_less),
    ("indentation added", indentation_more),
    ("tabs for spaces", tabs),
    ("line numbers copied along", line_numbers),
    ("a code fence around it", fence),
    ("HTML entities", entities),
    ("line breaks written as `\\n`", escaped_breaks),
    ("quotes behind backslashes", escaped_quotes),
    ("`...` for lines", elision),
    ("a typo in a line that stays", typo_kept),
    ("a typo in the line that changes", typo_changed),
    ("two places", two_places),
    ("made already", already),
    ("the file is another by now", stale),
    ("a placeholder in the new text", placeholder),
    ("empty old text", empty),
    ("old and new the same", identical),
];

fn none(sample: &Sample, _: &mut Rng) -> Option<Case> {
    Some(sample.understood(&sample.rows, &sample.rows))
}

/// The rows with kept lines otherwise, if that makes a difference.
fn kept_otherwise(sample: &Sample, mut change: impl FnMut(&str) -> String) -> Option<Vec<Row>> {
    let mut rows = sample.rows.clone();
    for row in rows.iter_mut().filter(|row| row.kept()) {
        let line = row.old.as_deref().unwrap_or_default();
        *row = Row::both(&change(line));
    }
    (olds(&rows) != olds(&sample.rows)).then_some(rows)
}

fn with_blanks(sample: &Sample, random: &mut Rng) -> Option<Vec<Row>> {
    kept_otherwise(sample, |line| {
        line.to_string() + &" ".repeat(random.usize(0..3))
    })
}

fn blanks_in_the_quote(sample: &Sample, random: &mut Rng) -> Option<Case> {
    Some(sample.understood(&sample.rows, &with_blanks(sample, random)?))
}

fn blanks_in_the_file(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let standing = with_blanks(sample, random)?;
    // Old text that ends within its last line says nothing of the blanks behind it: they stay where they are.
    let torn = !sample.ended && olds(&standing).last() != olds(&sample.rows).last();
    (!torn).then(|| sample.understood(&standing, &sample.rows))
}

fn blank_line(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let first = random.bool();
    let neighbours = [sample.above.last()?, sample.below.first()?];
    let ends = [sample.rows.first()?, sample.rows.last()?];
    let blank = |line: &str| line.trim().is_empty();
    let ends = ends.map(|row| row.old.as_deref().is_some_and(blank));
    if neighbours.iter().any(|line| blank(line)) || ends.contains(&true) {
        return None;
    }
    let mut rows = sample.rows.clone();
    rows.insert(if first { 0 } else { rows.len() }, Row::both(""));
    Some(sample.understood(&sample.rows, &rows))
}

fn crlf(sample: &Sample, _: &mut Rng) -> Option<Case> {
    let case = sample.understood(&sample.rows, &sample.rows);
    Some(Case {
        content: case.content.replace('\n', "\r\n"),
        wanted: case.wanted.map(|wanted| wanted.replace('\n', "\r\n")),
        ..case
    })
}

/// The rows with plain characters of kept lines as others that look alike.
fn alike(sample: &Sample, plain: char, other: [char; 2]) -> Option<Vec<Row>> {
    let is_ascii = |row: &Row| {
        [&row.old, &row.new]
            .into_iter()
            .flatten()
            .all(|line| line.is_ascii())
    };
    if !sample.rows.iter().all(is_ascii) {
        return None;
    }
    kept_otherwise(sample, |line| {
        let inner = line.len() - line.trim_start().len();
        let mut others = other.iter().cycle();
        let mut swap = |c: char| {
            if c == plain {
                *others.next().unwrap_or(&c)
            } else {
                c
            }
        };
        let swapped: String = line[inner..].chars().map(&mut swap).collect();
        line[..inner].to_string() + &swapped
    })
}

fn curly_in_the_file(sample: &Sample, _: &mut Rng) -> Option<Case> {
    Some(sample.understood(&alike(sample, '"', ['“', '”'])?, &sample.rows))
}

fn curly_in_the_quote(sample: &Sample, _: &mut Rng) -> Option<Case> {
    Some(sample.understood(&sample.rows, &alike(sample, '"', ['“', '”'])?))
}

fn dashes(sample: &Sample, _: &mut Rng) -> Option<Case> {
    Some(sample.understood(&sample.rows, &alike(sample, '-', ['–', '–'])?))
}

fn no_break_spaces(sample: &Sample, _: &mut Rng) -> Option<Case> {
    Some(sample.understood(&alike(sample, ' ', ['\u{a0}', ' '])?, &sample.rows))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// All lines of old and new that are not blank.
fn filled(sample: &Sample) -> Vec<&str> {
    let lines = olds(&sample.rows).into_iter().chain(news(&sample.rows));
    lines.filter(|line| !line.trim().is_empty()).collect()
}

fn quoted_by_line(sample: &Sample, change: impl Fn(&str) -> String) -> Case {
    let rows: Vec<Row> = sample.rows.iter().map(|row| row.map(&change)).collect();
    sample.understood(&sample.rows, &rows)
}

fn indentation_less(sample: &Sample, _: &mut Rng) -> Option<Case> {
    let shared = filled(sample).into_iter().map(indent).min()?;
    let less = |line: &str| line.get(shared..).unwrap_or_default().to_string();
    (shared > 0).then(|| quoted_by_line(sample, less))
}

fn indentation_more(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let more = " ".repeat(*random.choice(&[2, 4, 8])?);
    Some(quoted_by_line(sample, |line| match line.is_empty() {
        true => String::new(),
        false => format!("{more}{line}"),
    }))
}

fn tabs(sample: &Sample, _: &mut Rng) -> Option<Case> {
    let indents: Vec<usize> = filled(sample).into_iter().map(indent).collect();
    let even = indents.iter().all(|indent| indent % 4 == 0);
    let tabbed = |line: &str| "\t".repeat(indent(line) / 4) + line.trim_start();
    (even && indents.iter().any(|indent| *indent > 0)).then(|| quoted_by_line(sample, tabbed))
}

/// Old and new as a whole, each written otherwise.
fn quoted_whole(sample: &Sample, change: impl Fn(&str) -> String) -> Case {
    let case = sample.understood(&sample.rows, &sample.rows);
    Case {
        old: change(&case.old),
        new: change(&case.new),
        ..case
    }
}

fn line_numbers(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let sign = *random.choice(&["\t", "→", ": ", " | "])?;
    let numbered = |lines: Vec<&str>| {
        let lines = (sample.above.len() + 1..).zip(lines);
        let lines = lines.map(|(number, line)| format!("{number:>6}{sign}{line}"));
        let lines: Vec<String> = lines.collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        sample.quoted(&lines)
    };
    let case = sample.understood(&sample.rows, &sample.rows);
    // Half of the models number what they quote alone.
    let new = match random.bool() {
        true => numbered(news(&sample.rows)),
        false => case.new,
    };
    Some(Case {
        old: numbered(olds(&sample.rows)),
        new,
        ..case
    })
}

fn fence(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let language = *random.choice(&["", "rust"])?;
    Some(quoted_whole(sample, |text| {
        format!("```{language}\n{}\n```", text.trim_end_matches('\n'))
    }))
}

fn entities(sample: &Sample, _: &mut Rng) -> Option<Case> {
    let occasion = olds(&sample.rows).join("").contains(['<', '>', '&']);
    let escaped = |text: &str| {
        let text = text.replace('&', "&amp;");
        text.replace('<', "&lt;").replace('>', "&gt;")
    };
    occasion.then(|| quoted_whole(sample, escaped))
}

fn escaped_breaks(sample: &Sample, _: &mut Rng) -> Option<Case> {
    let occasion = !filled(sample).join("").contains('\\');
    occasion.then(|| quoted_whole(sample, |text| text.replace('\n', "\\n")))
}

fn escaped_quotes(sample: &Sample, _: &mut Rng) -> Option<Case> {
    let quotes = olds(&sample.rows).join("").contains('"');
    let occasion = quotes && !filled(sample).join("").contains('\\');
    occasion.then(|| quoted_whole(sample, |text| text.replace('"', "\\\"")))
}

/// Three lines, dots, two lines, where these stand in one way alone.
fn elision(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let last = sample.rows.len().checked_sub(2).filter(|last| *last > 4)?;
    let (head, rest) = sample.rows.split_at(3);
    let (left_out, tail) = rest.split_at(last - 3);
    if !left_out.iter().all(Row::kept) {
        return None;
    }
    let content = sample.before(&sample.rows);
    let lines: Vec<String> = content.lines().map(String::from).collect();
    let [heads, tails] = [head, tail].map(|rows| places(&lines, &olds(rows)));
    let behind = |at: &usize| {
        tails
            .iter()
            .filter(|tail| **tail >= *at + olds(head).len())
            .count()
    };
    if heads.iter().map(behind).sum::<usize>() != 1 {
        return None;
    }
    let dots = Row::both(random.choice(&["...", "    // ..."])?);
    let quoted = [head, &[dots], tail].concat();
    Some(sample.understood(&sample.rows, &quoted))
}

/// The line with one slip in a word, if it has a word of five letters.
fn misspelt(line: &str, random: &mut Rng) -> Option<String> {
    let words = words(line, 5);
    let word = *random.choice(&words)?;
    let at = random.usize(1..word.len() - 1);
    let (left, right) = word.split_at(at);
    let wrong = match random.u8(0..3) {
        0 => format!("{left}{}", &right[1..]),
        1 => format!("{left}{}{right}", &right[..1]),
        _ => format!("{left}{}{}{}", &right[1..2], &right[..1], &right[2..]),
    };
    (wrong != word).then(|| line.replacen(word, &wrong, 1))
}

fn typo_kept(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let lines = olds(&sample.rows);
    let full = lines.iter().filter(|line| !line.trim().is_empty());
    let at = random.usize(0..sample.rows.len());
    let row = &sample.rows[at];
    let line = row.old.as_deref().filter(|_| row.kept())?;
    let once = lines.iter().filter(|other| **other == line).count() == 1;
    let mut quoted = sample.rows.clone();
    quoted[at] = Row::both(&misspelt(line, random)?);
    (once && full.count() > 2).then(|| sample.understood(&sample.rows, &quoted))
}

fn typo_changed(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let mut quoted = sample.rows.clone();
    let row = quoted
        .iter_mut()
        .find(|row| row.old.is_some() && !row.kept())?;
    row.old = Some(misspelt(row.old.as_deref()?, random)?);
    Some(sample.refused(&sample.rows, &quoted))
}

fn two_places(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let loose = with_blanks(sample, random).filter(|_| random.bool());
    let case = sample.refused(&sample.rows, loose.as_ref().unwrap_or(&sample.rows));
    let again: String = olds(&sample.rows)
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    Some(Case {
        content: case.content + &again,
        ..case
    })
}

fn already(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let loose = with_blanks(sample, random).filter(|_| random.bool());
    let case = sample.refused(&sample.rows, loose.as_ref().unwrap_or(&sample.rows));
    Some(Case {
        content: sample.after(&sample.rows),
        ..case
    })
}

/// One line of the passage is another, or gone.
fn stale(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let mut standing = sample.rows.clone();
    let at = random.usize(0..standing.len());
    let line = standing[at].old.clone()?;
    let word = words(&line, 4).first().copied()?.to_string();
    if random.bool() {
        standing.remove(at);
    } else {
        standing[at].old = Some(line.replacen(&word, "something_else", 1));
    }
    Some(sample.refused(&standing, &sample.rows))
}

fn placeholder(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let words = [
        "// ... existing code ...",
        "// ... rest of the function",
        "/* ... unchanged ... */",
    ];
    let stands_for = Row {
        old: None,
        new: Some((*random.choice(&words)?).to_string()),
    };
    let changed = sample.rows.iter().position(|row| !row.kept())?;
    let mut quoted = sample.rows.clone();
    for row in &mut quoted[changed + 1..] {
        row.new = None;
    }
    quoted.push(stands_for);
    Some(sample.refused(&sample.rows, &quoted))
}

fn empty(sample: &Sample, random: &mut Rng) -> Option<Case> {
    let old = (*random.choice(&["", "\n", "    "])?).to_string();
    let case = sample.refused(&sample.rows, &sample.rows);
    Some(Case { old, ..case })
}

fn identical(sample: &Sample, _: &mut Rng) -> Option<Case> {
    let case = sample.refused(&sample.rows, &sample.rows);
    let new = case.old.clone();
    Some(Case { new, ..case })
}
