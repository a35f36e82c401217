//! Questions of servers to the person: elicitation.

use console::style;
use serde_json::{Map, Value, json};

use crate::question::{Answer, line};
use crate::words::{plain, visible};

/// Asks what a server wants to know; an `ElicitResult`. `Err` is Ctrl+C.
pub async fn ask(server: &str, params: &Value) -> Result<Value, Answer> {
    let message = plain(params["message"].as_str().unwrap_or_default());
    let mark = style("?").yellow().bold();
    tell!("{mark} The MCP server {} asks: {message}", visible(server));
    match params["url"].as_str() {
        Some(url) => visit(url).await,
        None => form(&params["requestedSchema"]).await,
    }
}

/// Whether the person wants to open a page, which is never opened for them.
async fn visit(url: &str) -> Result<Value, Answer> {
    tell!("  it wants you to open this page: {}", visible(url));
    let said = line(
        "  Did you open it? [y]es, [n]o: ".to_string(),
        String::new(),
    )
    .await;
    Ok(match said? {
        said if is_yes(&said) => json!({"action": "accept"}),
        _ => json!({"action": "decline"}),
    })
}

fn is_yes(said: &str) -> bool {
    ["y", "yes", "ok"].contains(&said.trim().to_lowercase().as_str())
}

async fn form(schema: &Value) -> Result<Value, Answer> {
    let fields = schema["properties"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    let names: Vec<String> = fields.keys().map(|name| visible(name)).collect();
    if !names.is_empty() {
        tell!(
            "  {}",
            style(format!("it wants: {}", names.join(", "))).dim()
        );
    }
    let said = line("  Answer it? [y]es, [n]o: ".to_string(), String::new()).await;
    if !is_yes(&said?) {
        return Ok(json!({"action": "decline"}));
    }
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let mut content = Map::new();
    for (name, field) in &fields {
        let is_required = required.iter().any(|one| one == name);
        if let Some(value) = entered(name, field, is_required).await? {
            content.insert(name.clone(), value);
        }
    }
    Ok(json!({"action": "accept", "content": content}))
}

/// The person's value of a field; `None` if it may be left out and is.
async fn entered(name: &str, field: &Value, is_required: bool) -> Result<Option<Value>, Answer> {
    let text = |key: &str| plain(field[key].as_str().unwrap_or_default());
    let about = [text("title"), text("description")];
    let about: Vec<&str> = about
        .iter()
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect();
    if !about.is_empty() {
        tell!("  {}", style(about.join(": ")).dim());
    }
    let choices = choices(field);
    for (number, (_, title)) in choices.iter().enumerate() {
        tell!("    {} {}", number + 1, visible(title));
    }
    let default = &field["default"];
    let begun = match default {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => joined(items),
        other => other.to_string(),
    };
    loop {
        let said = line(format!("  {}: ", visible(name)), begun.clone()).await?;
        match (said.trim(), is_required) {
            ("", false) => return Ok(None),
            ("", true) if field["type"] != "string" => tell!("  this one is needed"),
            (said, _) => match value(field, &choices, said) {
                Ok(value) => return Ok(Some(value)),
                Err(wanted) => tell!("  {wanted}"),
            },
        }
    }
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
