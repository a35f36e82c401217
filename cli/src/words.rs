//! Words for a person: text made harmless and short, and the names that were probably meant.

use corecoder::ToolCall;

/// Text with everything written out that a terminal would obey or not show, for what a person decides about.
pub fn visible(text: &str) -> String {
    let shown = |c: char| {
        if is_hidden(c) {
            c.escape_unicode().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(shown).collect()
}

/// Whether all of a text is seen as it is: a terminal obeys nothing in it, and it is one line.
pub fn is_visible(text: &str) -> bool {
    !text.chars().any(is_hidden)
}

fn is_hidden(c: char) -> bool {
    const INVISIBLE: [std::ops::RangeInclusive<char>; 13] = [
        '\u{ad}'..='\u{ad}',
        '\u{34f}'..='\u{34f}',
        '\u{61c}'..='\u{61c}',
        '\u{115f}'..='\u{1160}',
        '\u{17b4}'..='\u{17b5}',
        '\u{180b}'..='\u{180f}',
        '\u{2028}'..='\u{2029}',
        '\u{3164}'..='\u{3164}',
        '\u{e0000}'..='\u{e0fff}',
        '\u{200b}'..='\u{200f}',
        '\u{202a}'..='\u{202e}',
        '\u{2060}'..='\u{2069}',
        '\u{feff}'..='\u{feff}',
    ];
    c.is_control() && c != '\t' || INVISIBLE.iter().any(|range| range.contains(&c))
}

/// Text without anything that a terminal would obey.
pub fn plain(text: &str) -> String {
    let text = console::strip_ansi_codes(text);
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

/// The first line, in at most so many characters.
pub fn shortened(text: &str, most: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    console::truncate_str(line, most, "…").into_owned()
}

/// A text in lines of at most so many columns, broken between words; a word that is longer stays whole.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let wide =
            |line: &str| console::measure_text_width(line) + 1 + console::measure_text_width(word);
        match lines.last_mut().filter(|line| wide(line) <= columns) {
            Some(line) => *line += &format!(" {word}"),
            None => lines.push(word.to_string()),
        }
    }
    lines
}

/// What a call is about, for one line.
pub fn subject(call: &ToolCall) -> String {
    let Ok(args) = &call.args else {
        return "(unreadable arguments)".to_string();
    };
    // By the tool's name: what else stands among the arguments must not hide what is done.
    let telling = match call.name.as_str() {
        "bash" => "command",
        "read_file" | "write_file" | "edit_file" => "file_path",
        "glob" | "grep" => "pattern",
        "locate" => "query",
        "agent" => "task",
        "present_plan" => "plan",
        "todo_write" => {
            let tasks = args["tasks"].as_array().map_or(0, Vec::len);
            return format!("({tasks} tasks)");
        }
        _ => return args.to_string(),
    };
    let found = args[telling].as_str();
    found.map_or_else(|| args.to_string(), str::to_string)
}

/// What a call is about, in one short line.
pub fn topic(call: &ToolCall) -> String {
    let subject = subject(call);
    let mut lines = subject.trim().lines();
    let first = visible(lines.next().unwrap_or_default());
    match lines.next() {
        Some(_) => format!("{first} …"),
        None => first,
    }
}

/// A failure in one line: what it says first, and the last of its output, where programs say what went wrong.
pub fn gist(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    match lines
        .next_back()
        .filter(|_| first.starts_with("[exit code"))
    {
        Some(last) => format!("{first} {last}"),
        None => first.to_string(),
    }
}

/// The name that was probably meant; `None` if none is like it.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    likely(name, names).into_iter().next()
}

/// The names that are like this one, the likeliest first.
pub fn likely<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = name.to_lowercase();
    let score = |other: &str| {
        let other = other.to_lowercase();
        let within = !lower.is_empty() && (other.contains(&lower) || lower.contains(&other));
        strsim::jaro_winkler(&lower, &other) + f64::from(u8::from(within)) / 4.0
    };
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .map(|other| (score(other), other))
        .collect();
    scored.retain(|(score, _)| *score > 0.75);
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().map(|(_, name)| name).collect()
}

/// A number of tokens, short: 950, 12k, 1.2M.
pub fn tokens(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{}k", count.div_ceil(1_000)),
        _ => format!("{:.1}M", count as f64 / 1e6),
    }
}

/// Dollars: cents from a dollar on, and as many places as tell something below.
pub fn dollars(amount: f64) -> String {
    match amount {
        0.0 => "$0".to_string(),
        ..0.01 => format!("${amount:.4}"),
        ..1.0 => format!("${amount:.3}"),
        _ => format!("${amount:.2}"),
    }
}
