//! The providers that are known by name: where each listens, which variables are its own, what its dialect needs.
//!
//! A table and no code: a row says all that is special about a provider, `providers.json` holds the rows, and the
//! setting `providers` adds to them in the same shape. The order counts: of several providers whose keys are set the
//! first row is taken. A row that files have a say in carries these files, for the rule about borrowed keys.
//!
//! Left out: what a server tells by refusing it, which is learnt where the refusal comes (`engine/src/parameters.rs`).

use std::path::Path;
use std::sync::Arc;

use reqwest::Url;
use serde_json::{Map, Value};

mod row;

pub use row::{Kind, Row};

use row::{check, host_of, read};

/// The providers, in the order in which their keys are looked for.
#[derive(Debug, Clone)]
pub struct Table {
    /// What each row said, to be changed field by field.
    said: Map<String, Value>,
    rows: Vec<Arc<Row>>,
}

impl Default for Table {
    fn default() -> Table {
        let said: Map<String, Value> = serde_json::from_str(include_str!("../providers.json"))
            .expect("the built-in table is an object; the test `every_row_can_be_read` reads it");
        let rows = said
            .iter()
            .filter_map(|(name, row)| read(name, row, Vec::new()).ok());
        Table {
            rows: rows.map(Arc::new).collect(),
            said,
        }
    }
}

impl Table {
    /// The table with these rows added, or changed field by field where they are there already; `null` takes a field
    /// away. `file` is where they come from, if it is a file. Second comes what can't be used, as texts.
    pub fn with(mut self, rows: &Map<String, Value>, file: Option<&Path>) -> (Table, Vec<String>) {
        let mut problems = Vec::new();
        for (name, changes) in rows {
            if let Err(problem) = self.add(name, changes, file) {
                problems.push(format!("providers.{name}: {problem}"));
            }
        }
        (self, problems)
    }

    fn add(&mut self, name: &str, changes: &Value, file: Option<&Path>) -> Result<(), String> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err("the name may hold small letters, digits, and - _ . only".to_string());
        }
        let changes = changes
            .as_object()
            .ok_or("it must be an object, such as {\"base_url\": \"https://...\"}")?;
        let mut said = self.said.get(name).cloned().unwrap_or_default();
        if !said.is_object() {
            said = Value::Object(Map::new());
        }
        for (field, value) in changes {
            said[field] = value.clone();
        }
        if let Some(fields) = said.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        let known = self.rows.iter().position(|row| row.name == name);
        // Who changes a row that others wrote takes nothing of it upon himself: all of them have a say in it.
        let mut files = known.map_or_else(Vec::new, |at| self.rows[at].files.clone());
        files.extend(file.map(Path::to_path_buf));
        let row = read(name, &said, files)?;
        check(&row)?;
        match known {
            Some(at) => self.rows[at] = Arc::new(row),
            None => self.rows.push(Arc::new(row)),
        }
        self.said.insert(name.to_string(), said);
        Ok(())
    }

    /// All rows, in their order.
    pub fn rows(&self) -> &[Arc<Row>] {
        &self.rows
    }

    /// The provider of that name or alias, in letters of any case.
    pub fn named(&self, name: &str) -> Option<&Arc<Row>> {
        let exact = self
            .rows
            .iter()
            .find(|row| row.name.eq_ignore_ascii_case(name));
        exact.or_else(|| self.rows.iter().find(|row| row.is_called(name)))
    }

    /// The provider that a URL leads to: by its host, or on this machine by its port.
    pub fn at(&self, url: &str) -> Option<&Arc<Row>> {
        let port = Url::parse(url).ok().and_then(|url| url.port());
        let host = host_of(url)?;
        // What a user added is meant more closely than what everybody has.
        let mut rows = self.rows.iter().rev();
        if corecoder::config::is_loopback(url) {
            return rows.find(|row| row.port.is_some() && row.port == port);
        }
        rows.find(|row| row.is_at(&host))
    }

    /// Up to three names that look like it, the likest first.
    pub fn near(&self, name: &str) -> Vec<String> {
        let name = name.to_lowercase();
        let likeness = |row: &Arc<Row>| {
            let names = std::iter::once(&row.name).chain(&row.aliases);
            let best = names
                .map(|known| strsim::jaro_winkler(known, &name))
                .fold(0.0, f64::max);
            (row.name.clone(), best)
        };
        let mut near: Vec<_> = self
            .rows
            .iter()
            .map(likeness)
            .filter(|(_, best)| *best > 0.7)
            .collect();
        near.sort_by(|one, other| other.1.total_cmp(&one.1));
        near.into_iter().take(3).map(|(name, _)| name).collect()
    }
}
