//! What is written about the table agrees with it.

use corecoder_providers::{Kind, Table};

const PAGE: &str = include_str!("../../../../docs/providers.md");

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_provider_stands_in_the_page_with_its_variables() {
    let table = Table::default();
    for row in table.rows() {
        let begins = format!("| `{}`", row.name);
        let mut lines = PAGE.lines().filter(|line| line.starts_with(&begins));
        let line = lines.next().unwrap_or_else(|| {
            panic!("docs/providers.md: no line of the table begins with {begins:?}")
        });
        assert_eq!(lines.next(), None, "{} stands there twice", row.name);
        let words = quoted(line);
        let variables = [&row.keys, &row.urls, &row.versions, &row.aliases];
        for word in variables.into_iter().flatten() {
            assert!(words.contains(&word.as_str()), "{word} is missing: {line}");
        }
        let model = row.model.iter().chain(&row.base_url);
        for word in model {
            assert!(words.contains(&word.as_str()), "{word} is missing: {line}");
        }
    }
}

#[test]
fn what_the_page_calls_a_wire_is_the_provider_s() {
    for row in Table::default().rows() {
        let begins = format!("| `{}`", row.name);
        let line = PAGE.lines().find(|line| line.starts_with(&begins)).unwrap();
        let wire = match row.wire {
            _ if row.through.is_some() => "| none",
            Kind::OpenAi => "| chat",
            Kind::Anthropic => "| messages",
            Kind::Gemini => "| gemini",
            Kind::Responses => "| responses",
            Kind::Azure => "| azure",
            Kind::Ollama => "| ollama",
        };
        assert!(line.contains(wire), "{wire:?} is missing: {line}");
    }
}

#[test]
fn no_variable_of_the_page_s_table_is_invented() {
    let table = Table::default();
    let known = |word: &&str| {
        let rows = table.rows().iter();
        let mut all = rows.flat_map(|row| row.keys.iter().chain(&row.urls).chain(&row.versions));
        all.any(|name| name == word)
    };
    let is_variable = |word: &&str| {
        let is_letter = |c: char| c.is_ascii_uppercase() || c == '_';
        word.contains('_') && word.chars().all(is_letter)
    };
    let lines = PAGE.lines().filter(|line| line.starts_with("| `"));
    let words = lines.flat_map(quoted).filter(is_variable);
    let strange: Vec<&str> = words.filter(|word| !known(word)).collect();
    assert_eq!(strange, Vec::<&str>::new());
}

#[test]
fn a_refusal_names_a_section_of_the_page() {
    for row in Table::default().rows() {
        let Some(text) = &row.through else { continue };
        let (_, section) = text.split_once("docs/providers.md, \"").unwrap();
        let section = format!("\n## {}\n", section.trim_end_matches("\")"));
        assert!(PAGE.contains(&section), "no section {section:?}");
    }
}
