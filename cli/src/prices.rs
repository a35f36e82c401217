//! What a model's tokens cost, where the user's settings say so. A price that is not known is never guessed.

use std::collections::HashMap;

use corecoder::Usage;
use corecoder::files::shown;
use serde::Deserialize;

use crate::settings::File;

/// Dollars per million tokens.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    pub input: f64,
    pub output: f64,
    /// Of input that the provider served from its cache; as `input` unless given.
    pub cached: Option<f64>,
}

/// The prices that are known, by model.
#[derive(Clone, Default)]
pub struct Prices(HashMap<String, Price>);

impl Prices {
    /// Those in the setting `prices`; the first file that has a model counts.
    pub fn read(files: &[File], problems: &mut Vec<String>) -> Prices {
        let mut prices = HashMap::new();
        for file in files.iter().filter(|file| !file.foreign) {
            let listed = file
                .values
                .get("prices")
                .and_then(|value| value.as_object());
            for (model, value) in listed.into_iter().flatten() {
                match serde_json::from_value::<Price>(value.clone()) {
                    Ok(price) => {
                        prices.entry(model.clone()).or_insert(price);
                    }
                    Err(error) => problems.push(format!(
                        "{}: the price of {model:?} is ignored: {error}; write {{\"input\": 1.25, \"output\": 10}}, in \
                         dollars per million tokens",
                        shown(&file.path)
                    )),
                }
            }
        }
        Prices(prices)
    }

    /// The dollars that this usage of a model costs; `None` if its price is not known.
    pub fn cost(&self, model: &str, usage: Usage) -> Option<f64> {
        let price = self.0.get(model)?;
        let fresh = usage.prompt.saturating_sub(usage.cached) as f64;
        let cached = usage.cached as f64 * price.cached.unwrap_or(price.input);
        Some((fresh * price.input + cached + usage.completion as f64 * price.output) / 1e6)
    }
}
