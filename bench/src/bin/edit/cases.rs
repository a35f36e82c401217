//! Passages of the project's sources with a random change each.

use std::path::Path;

use fastrand::Rng;

use crate::mistakes::Mistake;

/// What a model sends, to which file, and what is to come of it.
pub struct Case {
    pub content: String,
    pub old: String,
    pub new: String,
    /// The file after the edit; `None` where only a refusal is right.
    pub wanted: Option<String>,
}

/// One line before and after the change: kept if both are the same, added or deleted if one is missing.
#[derive(Clone)]
pub struct Row {
    pub old: Option<String>,
    pub new: Option<String>,
}

impl Row {
    pub fn both(line: &str) -> Row {
        Row {
            old: Some(line.to_string()),
            new: Some(line.to_string()),
        }
    }

    pub fn kept(&self) -> bool {
        self.old == self.new
    }

    /// The same with both lines otherwise.
    pub fn map(&self, change: impl Fn(&str) -> String) -> Row {
        Row {
            old: self.old.as_deref().map(&change),
            new: self.new.as_deref().map(&change),
        }
    }
}

/// A passage with its change. It stands in its file once, and the changed one does not.
pub struct Sample {
    pub above: Vec<String>,
    pub rows: Vec<Row>,
    pub below: Vec<String>,
    /// Whether the model quotes the last line's end too.
    pub ended: bool,
}

impl Sample {
    /// The sample's file, if `rows` stand in it.
    pub fn before(&self, rows: &[Row]) -> String {
        self.file(&olds(rows))
    }

    pub fn after(&self, rows: &[Row]) -> String {
        self.file(&news(rows))
    }

    fn file(&self, lines: &[&str]) -> String {
        let above = self.above.iter().map(String::as_str);
        let below = self.below.iter().map(String::as_str);
        let lines = above.chain(lines.iter().copied()).chain(below);
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// A text as the model sends it.
    pub fn quoted(&self, lines: &[&str]) -> String {
        let end = if self.ended { "\n" } else { "" };
        lines.join("\n") + end
    }

    /// The model quotes `quoted` where `standing` stands, and is understood.
    pub fn understood(&self, standing: &[Row], quoted: &[Row]) -> Case {
        Case {
            content: self.before(standing),
            old: self.quoted(&olds(quoted)),
            new: self.quoted(&news(quoted)),
            wanted: Some(self.after(standing)),
        }
    }

    /// The same, but nobody can know what is meant.
    pub fn refused(&self, standing: &[Row], quoted: &[Row]) -> Case {
        Case {
            wanted: None,
            ..self.understood(standing, quoted)
        }
    }
}

pub fn olds(rows: &[Row]) -> Vec<&str> {
    rows.iter().filter_map(|row| row.old.as_deref()).collect()
}

pub fn news(rows: &[Row]) -> Vec<&str> {
    rows.iter().filter_map(|row| row.new.as_deref()).collect()
}

/// The files that samples are drawn from, as lines.
pub struct Samples(Vec<Vec<String>>);

impl Samples {
    /// The sources of engine, extensions and program.
    pub fn below(root: &Path) -> anyhow::Result<Samples> {
        let mut texts = Vec::new();
        for folder in ["engine", "extensions", "cli"] {
            read(&root.join(folder), &mut texts)?;
        }
        let lines = |text: &String| text.lines().map(String::from).collect();
        Ok(Samples(texts.iter().map(lines).collect()))
    }

    /// So many cases of one mistake, from samples in which it can be made.
    pub fn cases(&self, random: &mut Rng, mistake: Mistake, count: usize) -> Vec<Case> {
        let tries = std::iter::repeat_with(|| mistake(&self.draw(random)?, random));
        tries.take(1_000 * count).flatten().take(count).collect()
    }

    fn draw(&self, random: &mut Rng) -> Option<Sample> {
        let lines = random.choice(&self.0)?;
        let length = random.usize(3..=12);
        let first = random.usize(0..=lines.len().checked_sub(length)?);
        let passage = &lines[first..first + length];
        let dotted = |line: &String| line.contains("...") || line.contains('…');
        if passage.iter().any(dotted) {
            return None;
        }
        let sample = Sample {
            above: lines[..first].to_vec(),
            rows: changed(passage, random)?,
            below: lines[first + length..].to_vec(),
            ended: random.bool(),
        };
        let once = places(lines, &olds(&sample.rows)).len() == 1;
        (once && places(lines, &news(&sample.rows)).is_empty()).then_some(sample)
    }
}

/// The texts of all Rust files below a folder, by their names.
fn read(folder: &Path, texts: &mut Vec<String>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read(&path, texts)?;
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            texts.push(std::fs::read_to_string(path)?);
        }
    }
    Ok(())
}

/// Where these lines stand, their indentation aside.
pub fn places(lines: &[String], wanted: &[&str]) -> Vec<usize> {
    let same = |run: &[String]| {
        let mut pairs = run.iter().zip(wanted);
        pairs.all(|(line, wanted)| line.trim() == wanted.trim())
    };
    let runs = lines.windows(wanted.len()).enumerate();
    runs.filter(|(_, run)| same(run))
        .map(|(at, _)| at)
        .collect()
}

/// One line renamed in, written anew, written as two, deleted, or a line added behind it.
fn changed(passage: &[String], random: &mut Rng) -> Option<Vec<Row>> {
    let mut rows: Vec<Row> = passage.iter().map(|line| Row::both(line)).collect();
    let at = random.usize(0..rows.len());
    let line = &passage[at];
    let is_one = passage.iter().filter(|other| *other == line).count() == 1;
    let word = words(line, 4).first().copied();
    let (Some(word), true) = (word, is_one) else {
        return None;
    };
    let indent = &line[..line.len() - line.trim_start().len()];
    let fresh = |number: u32| format!("{indent}let value_{number} = compute({number});");
    let (first, second) = (random.u32(1_000..5_000), random.u32(5_000..9_000));
    let added = Row {
        old: None,
        new: Some(fresh(second)),
    };
    match random.u8(0..5) {
        0 => rows[at].new = Some(line.replacen(word, &format!("renamed_{first}"), 1)),
        1 => rows[at].new = Some(fresh(first)),
        2 => rows[at].new = None,
        3 => rows.insert(at + 1, added),
        _ => {
            rows[at].new = Some(fresh(first));
            rows.insert(at + 1, added);
        }
    }
    Some(rows)
}

/// The runs of at least so many letters.
pub fn words(line: &str, letters: usize) -> Vec<&str> {
    let words = line.split(|c: char| !c.is_ascii_alphabetic());
    words.filter(|word| word.len() >= letters).collect()
}
