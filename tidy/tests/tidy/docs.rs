//! README and ARCHITECTURE: what they quote, count and point at is what is there.
//!
//! Two comments bind the text to the sources. `<!-- from PATH -->` stands above a fenced block, or above prose such as
//! a table that ends at `<!-- /from -->`, and says where it was copied from: the whole file, `PATH#NAME` for what stands
//! between `// region: NAME` and `// endregion: NAME`, or `PATH#fn NAME` for a function, with or without its doc comment;
//! `corecoder ARGUMENTS` is what the program prints. `<!-- count: lines PATH -->1,234<!-- /count -->`
//! says what a number counts; there may be several paths, and `without` before those to take off.

use std::path::Path;
use std::process::Command;

use crate::source::{count_lines, functions, read, root};

const DOCUMENTS: [&str; 2] = ["README.md", "ARCHITECTURE.md"];
/// What begins like this, in backticks, is the path of something in the workspace.
const FOLDERS: [&str; 5] = ["engine/", "cli/", "extensions/", "tidy/", "bench/"];

/// What ends prose that was copied.
const END: &str = "<!-- /from -->";

/// A document in two layers: its blocks, and its prose without those that are fenced. Lines count from 1.
struct Document {
    name: &'static str,
    prose: Vec<(usize, String)>,
    blocks: Vec<Block>,
}

struct Block {
    /// The last line of prose above it that is not blank; for copied prose, its `from` comment.
    above: String,
    line: usize,
    text: String,
}

fn documents() -> Vec<Document> {
    DOCUMENTS.into_iter().map(document).collect()
}

fn document(name: &'static str) -> Document {
    let text = read(name)
        .unwrap_or_else(|error| panic!("{error}; write it, in the folder of the workspace"));
    let (mut prose, mut blocks) = (Vec::new(), Vec::new());
    let (mut above, mut open) = (String::new(), None::<(String, Block)>);
    for (line, text) in (1..).zip(text.lines()) {
        let content = text.trim();
        let ticks = content.len() - content.trim_start_matches('`').len();
        match &mut open {
            Some((fence, _)) if content == fence => {
                blocks.extend(open.take().map(|(_, block)| block))
            }
            Some((_, block)) => block.text += &format!("{text}\n"),
            None if ticks >= 3 => {
                let above = std::mem::take(&mut above);
                let text = String::new();
                open = Some(("`".repeat(ticks), Block { above, line, text }));
            }
            None => {
                if content == END {
                    blocks.extend(copied(&prose));
                }
                prose.push((line, text.to_string()));
                if !content.is_empty() {
                    above = content.to_string();
                }
            }
        }
    }
    assert!(open.is_none(), "{name}: a fenced block is not closed");
    Document {
        name,
        prose,
        blocks,
    }
}

/// The prose from the last `from` comment on.
fn copied(prose: &[(usize, String)]) -> Option<Block> {
    let is_mark = |(_, line): &(usize, String)| line.trim_start().starts_with("<!-- from ");
    let at = prose.iter().rposition(is_mark)?;
    let (line, above) = prose[at].clone();
    let text = prose[at + 1..].iter().map(|(_, line)| format!("{line}\n"));
    let text = text.collect();
    Some(Block { above, line, text })
}

/// What stands between an opening and a closing mark, each time, in this line.
fn between<'a>(line: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    line.split(open)
        .skip(1)
        .filter_map(move |rest| Some(rest.split_once(close)?.0))
}

/// Fails with all problems of one kind, if there are any.
fn demand(problems: Vec<String>, advice: &str) {
    assert!(
        problems.is_empty(),
        "{advice}:\n  {}",
        problems.join("\n  ")
    );
}

/// Without the indent that all lines share, and without the last line ends.
fn dedented(text: &str) -> String {
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let filled = text.lines().filter(|line| !line.trim().is_empty());
    let shared = filled.map(|line| indent(&line)).min().unwrap_or(0);
    let lines = text
        .lines()
        .map(|line| line.get(shared..).unwrap_or("").trim_end());
    let lines: Vec<&str> = lines.collect();
    lines.join("\n").trim_end().to_string()
}

/// The texts that a block from there may have.
fn sources(reference: &str) -> Result<Vec<String>, String> {
    if let Some(arguments) = reference.strip_prefix("corecoder ") {
        return printed(arguments);
    }
    let (path, name) = reference.split_once('#').unwrap_or((reference, ""));
    let text = read(path)?;
    let lines: Vec<&str> = text.lines().collect();
    let part = |first: usize, last: usize| dedented(&lines[first..last].join("\n"));
    let texts: Vec<String> = if name.is_empty() {
        vec![dedented(&text)]
    } else if let Some(function) = name.strip_prefix("fn ") {
        let named = functions(path)?;
        let named = named.iter().filter(|found| found.name == function);
        let starts = |found: &crate::source::Function| [found.first_with_docs, found.first];
        named
            .flat_map(|found| starts(found).map(|first| part(first - 1, found.last)))
            .collect()
    } else {
        let mark = |word: &str| {
            let wanted = format!("{word}: {name}");
            let is_mark = |line: &&str| line.trim_start_matches(['/', '#', ' ']) == wanted;
            lines.iter().position(is_mark)
        };
        let span = mark("region").zip(mark("endregion"));
        span.map(|(first, last)| part(first + 1, last))
            .into_iter()
            .collect()
    };
    if texts.is_empty() {
        return Err(format!("{path} has no {name}"));
    }
    Ok(texts)
}

/// What the program prints with these arguments.
fn printed(arguments: &str) -> Result<Vec<String>, String> {
    let output = Command::new(env!("CARGO"))
        .args("run --quiet --locked --offline --package corecoder-cli --".split(' '))
        .args(arguments.split(' '))
        .current_dir(root())
        .output()
        .map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(vec![dedented(&String::from_utf8_lossy(&output.stdout))]),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn quoted_code_and_help_are_what_is_there() {
    let mut problems = Vec::new();
    for document in documents() {
        let mut used = 0;
        for block in &document.blocks {
            for reference in between(&block.above, "<!-- from ", " -->") {
                used += 1;
                let place = format!("{}:{} from {reference}", document.name, block.line);
                match sources(reference.trim()) {
                    Err(problem) => problems.push(format!("{place}: {problem}")),
                    Ok(texts) if texts.contains(&dedented(&block.text)) => {}
                    Ok(texts) => problems.push(format!("{place} should be:\n{}\n", texts[0])),
                }
            }
        }
        let marks = document.prose.iter();
        let marks = marks.filter(|(_, line)| line.trim_start().starts_with("<!-- from "));
        if marks.count() != used {
            let name = document.name;
            problems.push(format!("{name}: a `from` comment has no block below it"));
        }
    }
    demand(problems, "copy these blocks anew, or mend what they name");
}

/// A number as a reader likes it: 1,234.
fn with_commas(number: usize) -> String {
    if number < 1_000 {
        return number.to_string();
    }
    format!("{},{:03}", with_commas(number / 1_000), number % 1_000)
}

fn counted(expression: &str) -> Result<String, String> {
    let paths = expression
        .strip_prefix("lines ")
        .ok_or_else(|| format!("{expression:?} is not `lines PATH... [without PATH...]`"))?;
    let (with, without) = paths.split_once(" without ").unwrap_or((paths, ""));
    let sum =
        |paths: &str| -> Result<usize, String> { paths.split_whitespace().map(count_lines).sum() };
    Ok(with_commas(sum(with)?.saturating_sub(sum(without)?)))
}

#[test]
fn counted_numbers_are_the_counts() {
    let mut problems = Vec::new();
    for document in documents() {
        for (number, line) in &document.prose {
            let place = format!("{}:{number}", document.name);
            for rest in line.split("<!-- count: ").skip(1) {
                let parts = rest.split_once("-->").and_then(|(expression, rest)| {
                    Some((expression.trim(), rest.split_once("<!-- /count -->")?.0))
                });
                let Some((expression, written)) = parts else {
                    problems.push(format!("{place}: a count lacks its <!-- /count -->"));
                    continue;
                };
                match counted(expression) {
                    Err(problem) => problems.push(format!("{place}: {problem}")),
                    Ok(actual) if actual == written.trim() => {}
                    Ok(actual) => {
                        problems.push(format!("{place}: {expression} is {actual}, not {written}"))
                    }
                }
            }
        }
    }
    demand(problems, "write the actual numbers");
}

#[test]
fn relative_links_lead_somewhere() {
    let mut problems = Vec::new();
    for document in documents() {
        for (number, line) in &document.prose {
            for link in between(line, "](", ")") {
                let path = link.split(['#', ' ']).next().unwrap_or_default();
                let outside = link.contains("://") || link.starts_with("mailto:");
                if !outside && !path.is_empty() && !exists(path) {
                    problems.push(format!("{}:{number}: {link}", document.name));
                }
            }
        }
    }
    demand(problems, "mend these links");
}

#[test]
fn named_paths_exist() {
    let mut problems = Vec::new();
    for document in documents() {
        for (number, line) in &document.prose {
            // Every second piece stands in backticks.
            for quoted in line.split('`').skip(1).step_by(2) {
                let path = quoted.split([' ', ':', '#']).next().unwrap_or_default();
                let inside = FOLDERS.iter().any(|folder| path.starts_with(folder));
                let pattern = path.contains(['*', '<', '{', '…']);
                if inside && !pattern && !exists(path) {
                    problems.push(format!("{}:{number}: {path}", document.name));
                }
            }
        }
    }
    demand(problems, "these paths do not exist; name what is there");
}

fn exists(path: &str) -> bool {
    root().join(Path::new(path)).exists()
}
