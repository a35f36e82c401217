//! Shows Markdown from standard input: `show WIDTH plain|colour`.
use corecoder_markdown::{Look, Markdown};
use std::io::Read;

fn main() -> std::io::Result<()> {
    let width = std::env::args().nth(1).and_then(|width| width.parse().ok());
    let colour = std::env::args().nth(2).is_none_or(|word| word != "plain");
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text)?;
    let mut markdown = Markdown::new(Look {
        width: width.unwrap_or(80),
        colour,
        unicode: true,
    });
    let text = String::from_utf8_lossy(&text);
    let mut lines = markdown.push(&text);
    lines.extend(markdown.finish());
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}
