//! Questions of servers to the person: elicitation.
//!
//! Nothing that a server wrote may look as if the program said it: it is cut, what a terminal obeys or hides is written out,
//! and each line of it behind the first has a mark.

use console::style;
use serde_json::{Map, Value, json};

use crate::question::{Answer, line};
use crate::words::{shortened, visible, wrapped};

/// Of a text so many characters are shown, and so many rows.
const TEXT: usize = 2_000;
const ROWS: usize = 20;
/// Of what stands in a line with others, so many columns.
const PIECE: usize = 100;
/// Choices that are shown; the others can be named.
const CHOICES: usize = 50;
/// The longest address of a page, in bytes: what is not seen whole is not opened.
const ADDRESS: usize = 2_000;

/// Asks what a server wants to know, on a screen of this width; an `ElicitResult`. `Err` is Ctrl+C.
pub async fn ask(server: &str, params: &Value, width: usize) -> Result<Value, Answer> {
    let (mark, server) = (style("?").yellow().bold(), visible(server));
    let message = params["message"].as_str().unwrap_or_default();
    let first = format!("The MCP server {server} asks:");
    match said(message, width).as_slice() {
        [row] if first.len() + row.len() + 4 < width => tell!("{mark} {first} {row}"),
        rows => {
            tell!("{mark} {first}");
            rows.iter().for_each(|row| tell!("  │ {row}"));
        }
    }
    match params["url"].as_str() {
        Some(url) => visit(url).await,
        None => form(&params["requestedSchema"], width).await,
    }
}

/// A text of a server in rows for a screen of this width, less the mark before each.
fn said(text: &str, width: usize) -> Vec<String> {
    let begin: String = text.chars().take(TEXT).collect();
    let columns = width.saturating_sub(4).max(20);
    let mut rows: Vec<String> = begin
        .lines()
        .flat_map(|line| wrapped(&visible(line), columns))
        .collect();
    if rows.len() > ROWS || begin.len() < text.len() {
        rows.truncate(ROWS);
        rows.push("…".to_string());
    }
    rows
}

/// A text of a server as a piece of a line.
fn piece(text: &str) -> String {
    let begin: String = text.chars().take(PIECE + 1).collect();
    shortened(&visible(&begin), PIECE)
}

/// Whether the person wants to open a page, which is never opened for them.
async fn visit(url: &str) -> Result<Value, Answer> {
    if url.len() > ADDRESS {
        tell!(
            "  it wants you to open a page whose address is too long to be shown; that was declined"
        );
        return Ok(json!({"action": "decline"}));
    }
    tell!("  it wants you to open this page: {}", visible(url));
    Ok(match is_yes("  Did you open it? [y]es, [n]o: ").await? {
        true => json!({"action": "accept"}),
        false => json!({"action": "decline"}),
    })
}

/// Asks until the answer is yes or no.
async fn is_yes(question: &str) -> Result<bool, Answer> {
    loop {
        let said = line(question.to_string(), String::new()).await?;
        match said.trim().to_lowercase().as_str() {
            "y" | "yes" | "ok" => return Ok(true),
            "n" | "no" => return Ok(false),
            _ => tell!("  answer y or n"),
        }
    }
}

async fn form(schema: &Value, width: usize) -> Result<Value, Answer> {
    let fields = schema["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let titles: Vec<String> = fields
        .iter()
        .map(|(name, field)| title(name, field))
        .collect();
    if !titles.is_empty() {
        let words = format!("it wants: {}", titles.join(", "));
        let words = shortened(&words, width.saturating_sub(4).max(20));
        tell!("  {}", style(words).dim());
    }
    if !is_yes("  Answer it? [y]es, [n]o: ").await? {
        return Ok(json!({"action": "decline"}));
    }
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let mut content = Map::new();
    for (name, field) in &fields {
        let is_required = required.iter().any(|one| one == name);
        if let Some(value) = entered(name, field, is_required, width).await? {
            content.insert(name.clone(), value);
        }
    }
    Ok(json!({"action": "accept", "content": content}))
}

/// What a field is called.
fn title(name: &str, field: &Value) -> String {
    let title = field["title"]
        .as_str()
        .filter(|title| !title.trim().is_empty());
    piece(title.unwrap_or(name))
}

/// The person's value of a field; `None` if it may be left out and is.
async fn entered(
    name: &str,
    field: &Value,
    is_required: bool,
    width: usize,
) -> Result<Option<Value>, Answer> {
    let choices = choices(field);
    explain(field, &choices, width);
    let default = field.get("default").filter(|default| !default.is_null());
    let shown = match default {
        None => String::new(),
        Some(Value::String(text)) => format!(" [{}]", piece(text)),
        Some(Value::Array(items)) => format!(" [{}]", piece(&joined(items))),
        Some(other) => format!(" [{}]", piece(&other.to_string())),
    };
    let question = format!("  {}{shown}: ", title(name, field));
    loop {
        let said = line(question.clone(), String::new()).await?;
        match (said.trim(), default) {
            ("", Some(default)) => return Ok(Some(default.clone())),
            ("", None) if !is_required => return Ok(None),
            ("", None) => tell!("  this one is needed"),
            (said, _) => match value(field, &choices, said).and_then(|value| fitting(field, value))
            {
                Ok(value) => return Ok(Some(value)),
                Err(wanted) => tell!("  {wanted}"),
            },
        }
    }
}

/// What a field is for, and what may be chosen.
fn explain(field: &Value, choices: &[(String, String)], width: usize) {
    let about = field["description"].as_str().unwrap_or_default();
    for row in said(about, width) {
        tell!("  {}", style(format!("│ {row}")).dim());
    }
    for (number, (_, title)) in choices.iter().enumerate().take(CHOICES) {
        tell!("    {} {}", number + 1, piece(title));
    }
    if choices.len() > CHOICES {
        tell!("    … {} more", choices.len() - CHOICES);
    }
}

/// A value within the bounds of its field; `Err` is what is wanted. The formats are those of the specification.
fn fitting(field: &Value, value: Value) -> Result<Value, String> {
    let bound = |name: &str| field[name].as_f64();
    let (size, least, most, what) = match (&value, value.as_f64()) {
        (Value::String(text), _) => {
            let size = text.chars().count() as f64;
            (size, bound("minLength"), bound("maxLength"), "characters")
        }
        (Value::Array(items), _) => (
            items.len() as f64,
            bound("minItems"),
            bound("maxItems"),
            "of them",
        ),
        (_, Some(number)) => (number, bound("minimum"), bound("maximum"), ""),
        _ => return Ok(value),
    };
    if let Some(least) = least.filter(|least| size < *least) {
        return Err(format!("at least {least} {what}").trim_end().to_string());
    }
    if let Some(most) = most.filter(|most| size > *most) {
        return Err(format!("at most {most} {what}").trim_end().to_string());
    }
    match value.as_str().and_then(|text| unlike(field, text)) {
        None => Ok(value),
        Some(wanted) => Err(format!("{wanted} is wanted")),
    }
}

/// What a text should be by its format, if it is not.
fn unlike(field: &Value, text: &str) -> Option<&'static str> {
    let is_time = |text: &str| {
        let mut letters = text.chars();
        letters.all(|c| c.is_ascii_digit() || "-:TZ+.".contains(c))
    };
    let (fits, wanted) = match field["format"].as_str()? {
        "email" => {
            let parts = text.split_once('@');
            let fits = parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
            (fits, "an e-mail address")
        }
        "uri" => (text.contains(':'), "a URI, such as https://example.org"),
        "date" => {
            let fits = text.len() == 10 && is_time(text);
            (fits, "a date, such as 2026-01-31")
        }
        "date-time" => {
            let fits = text.contains('T') && is_time(text);
            (fits, "a time, such as 2026-01-31T12:00:00Z")
        }
        _ => (true, ""),
    };
    (!fits).then_some(wanted)
}

fn joined(items: &[Value]) -> String {
    let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    texts.join(", ")
}

/// What may be chosen: each value, and its title.
fn choices(field: &Value) -> Vec<(String, String)> {
    let (field, titles) = match field["type"] == "array" {
        true => (&field["items"], &Value::Null),
        false => (field, &field["enumNames"]),
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let titled = field["oneOf"].as_array().or(field["anyOf"].as_array());
    if let Some(titled) = titled {
        let pairs = titled
            .iter()
            .map(|one| (text(&one["const"]), text(&one["title"])));
        return pairs.collect();
    }
    let values = field["enum"].as_array().into_iter().flatten().enumerate();
    let pairs = values.map(|(at, value)| {
        let title = titles[at].as_str().map(str::to_string);
        (text(value), title.unwrap_or_else(|| text(value)))
    });
    pairs.collect()
}

/// The value that was written, or what is wanted instead.
fn value(field: &Value, choices: &[(String, String)], said: &str) -> Result<Value, String> {
    let chosen = |said: &str| {
        let number = said.parse::<usize>().ok();
        let by_number = number.and_then(|number| choices.get(number.checked_sub(1)?));
        let named = || {
            choices
                .iter()
                .find(|(value, title)| value == said || title == said)
        };
        let found = by_number.or_else(named);
        found
            .map(|(value, _)| json!(value))
            .ok_or("choose one of these, by its number".to_string())
    };
    match field["type"].as_str() {
        Some("array") => {
            let items = said.split(',').map(|item| chosen(item.trim()));
            items.collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        _ if !choices.is_empty() => chosen(said),
        Some("boolean") => match said.to_lowercase().as_str() {
            "y" | "yes" | "true" => Ok(json!(true)),
            "n" | "no" | "false" => Ok(json!(false)),
            _ => Err("answer yes or no".to_string()),
        },
        Some("integer") => said
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| "a whole number is wanted".to_string()),
        Some("number") => {
            let number = said.parse::<f64>().ok().filter(|number| number.is_finite());
            number
                .map(Value::from)
                .ok_or("a number is wanted".to_string())
        }
        _ => Ok(json!(said)),
    }
}
