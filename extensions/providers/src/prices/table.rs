//! The table of the models that are known, and the user's own prices over it.
//!
//! A name finds a row as it stands; else without the date at its end; else without the maker before it; `.` and `-` are
//! alike. It never finds one by its beginning: `gpt-5.6` and `gpt-5.6-luna` differ twentyfold.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::own::{Own, is_price};
use super::{Price, Rates, Tier};

/// As `scripts/prices.py` wrote it.
const TABLE: &str = include_str!("../../prices.json");
/// Those who sell other makers' models.
const SELLERS: [&str; 2] = ["groq", "openrouter"];
/// Further names of the providers in the table.
const ALIASES: [(&str, &str); 10] = [
    ("responses", "openai"),
    ("gemini", "google"),
    ("mistralai", "mistral"),
    ("x-ai", "xai"),
    ("moonshotai", "moonshot"),
    ("kimi", "moonshot"),
    ("dashscope", "qwen"),
    ("alibaba", "qwen"),
    ("z-ai", "zai"),
    ("zhipu", "zai"),
];
type Rows = HashMap<String, Price>;

/// What models cost and how much they read and write.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    /// Read when it is first asked.
    table: OnceLock<HashMap<String, Rows>>,
    own: HashMap<String, Own>,
}

/// How much a model reads and writes, in tokens, as far as that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelLimits {
    pub window: Option<u64>,
    pub max_tokens: Option<u64>,
}

impl Prices {
    /// The table alone.
    pub fn new() -> Prices {
        Prices::default()
    }

    /// Lays the user's own words over the table: a model, or `provider/model`, with `input`, `output`, `cached`, `write`,
    /// `reasoning` in dollars per million tokens, `window`, `max_tokens`, or some of them. What is already said of a model
    /// stays. Returns what is wrong, a text for each row that is ignored.
    pub fn overlay(&mut self, own: &Map<String, Value>) -> Vec<String> {
        let mut problems = Vec::new();
        for (model, value) in own {
            match Own::read(value) {
                Ok(own) => {
                    self.own.entry(model.clone()).or_insert(own);
                }
                Err(error) => problems.push(format!(
                    "the price of {model:?} is ignored: {error}; write {{\"input\": 1.25, \"output\": 10}}, in dollars \
                     per million tokens"
                )),
            }
        }
        problems
    }

    /// What a model costs at a provider; `None` if that is not known. Without a provider it is the maker's price, if one
    /// maker alone has a model of that name.
    pub fn of(&self, provider: Option<&str>, model: &str) -> Option<Price> {
        let row = self.row(provider, model);
        let own = self.own(provider, model);
        let mut price = match own.and_then(Own::rates) {
            Some(rates) => Price {
                rates,
                ..Price::default()
            },
            None => row?.clone(),
        };
        let limits = self.limits(provider, model);
        (price.window, price.max_tokens) = (limits.window, limits.max_tokens);
        Some(price)
    }

    /// How much a model reads and writes, even where its price is not known.
    pub fn limits(&self, provider: Option<&str>, model: &str) -> ModelLimits {
        let own = self.own(provider, model);
        let row = self.row(provider, model);
        let window = own.and_then(|own| own.window);
        let max_tokens = own.and_then(|own| own.max_tokens);
        ModelLimits {
            window: window.or_else(|| row?.window),
            max_tokens: max_tokens.or_else(|| row?.max_tokens),
        }
    }

    fn own(&self, provider: Option<&str>, model: &str) -> Option<&Own> {
        let full = provider.map(|provider| format!("{provider}/{model}"));
        let exact = full.and_then(|full| self.own.get(&full));
        exact.or_else(|| find(&self.own, model))
    }

    fn row(&self, provider: Option<&str>, model: &str) -> Option<&Price> {
        let table = self.table.get_or_init(read);
        if let Some(provider) = provider {
            let alias = ALIASES.iter().find(|(alias, _)| *alias == provider);
            return find(table.get(alias.map_or(provider, |(_, name)| name))?, model);
        }
        let makers = table
            .iter()
            .filter(|(name, _)| !SELLERS.contains(&name.as_str()));
        let mut found = makers.filter_map(|(_, rows)| find(rows, model));
        let first = found.next();
        first.filter(|_| found.next().is_none())
    }
}

/// The row of a name, or of what is left of it without its date, then without its maker.
fn find<'a, T>(rows: &'a HashMap<String, T>, model: &str) -> Option<&'a T> {
    let bare = model.rsplit_once('/').map_or(model, |(_, bare)| bare);
    let names = [model, undated(model), bare, undated(bare)];
    names.into_iter().find_map(|name| same(rows, name))
}

/// The row of this name, or the only one whose name differs in `.` and `-` alone.
fn same<'a, T>(rows: &'a HashMap<String, T>, name: &str) -> Option<&'a T> {
    let plain = |byte: u8| if byte == b'.' { b'-' } else { byte };
    let alike = |other: &&String| {
        other.len() == name.len() && other.bytes().map(plain).eq(name.bytes().map(plain))
    };
    rows.get(name).or_else(|| {
        let mut found = rows.keys().filter(alike);
        let first = found.next()?;
        found.next().is_none().then(|| &rows[first])
    })
}

/// The name without `-20250929` or `-2025-09-29` at its end.
fn undated(name: &str) -> &str {
    let shapes: [&[u8]; 2] = [b"-20dddddd", b"-20dd-dd-dd"];
    let fits = |shape: &&&[u8]| {
        let end = name.len().checked_sub(shape.len());
        let bytes = end.map(|end| &name.as_bytes()[end..]).unwrap_or_default();
        !bytes.is_empty()
            && bytes
                .iter()
                .zip(shape.iter())
                .all(|(byte, shape)| match shape {
                    b'd' => byte.is_ascii_digit(),
                    _ => byte == shape,
                })
    };
    let shape = shapes.iter().find(fits);
    shape.map_or(name, |shape| &name[..name.len() - shape.len()])
}

/// The table in the program. A row that makes no sense is none: it is the script's to be right, and a test's to see that.
fn read() -> HashMap<String, Rows> {
    #[derive(Deserialize)]
    struct File {
        models: HashMap<String, HashMap<String, Vec<Value>>>,
    }
    let Ok(file) = serde_json::from_str::<File>(TABLE) else {
        return HashMap::new();
    };
    let of_provider = |rows: HashMap<String, Vec<Value>>| {
        let rows = rows.into_iter();
        rows.filter_map(|(model, row)| Some((model, price(&row)?)))
            .collect()
    };
    let models = file.models.into_iter();
    models
        .map(|(provider, rows)| (provider, of_provider(rows)))
        .collect()
}

fn price(row: &[Value]) -> Option<Price> {
    let count = |at: usize| row.get(at).and_then(Value::as_u64);
    let long = row.get(7).and_then(Value::as_array).into_iter().flatten();
    let tier = |tier: &Value| {
        Some(Tier {
            above: tier[0].as_u64()?,
            rates: rates(tier.as_array()?.get(1..)?)?,
        })
    };
    Some(Price {
        rates: rates(row)?,
        long: long.map(tier).collect::<Option<Vec<Tier>>>()?,
        window: count(5),
        max_tokens: count(6),
    })
}

/// The first five columns.
fn rates(row: &[Value]) -> Option<Rates> {
    let rate = |at: usize| row.get(at).and_then(Value::as_f64);
    let rates = Rates {
        input: rate(0)?,
        cached: rate(1),
        write: rate(2),
        output: rate(3)?,
        reasoning: rate(4),
    };
    rates.all().all(is_price).then_some(rates)
}
