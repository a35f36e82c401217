//! What the user says of a model in his settings.

use serde::Deserialize;
use serde_json::Value;

use super::Rates;

/// Dollars per million tokens; the dearest model takes a few hundred.
const DEAREST: f64 = 1e6;

/// Whether a number can be meant as a price.
pub(super) fn is_price(rate: f64) -> bool {
    (0.0..=DEAREST).contains(&rate)
}

/// What the user says of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Own {
    input: Option<f64>,
    cached: Option<f64>,
    write: Option<f64>,
    output: Option<f64>,
    reasoning: Option<f64>,
    pub window: Option<u64>,
    pub max_tokens: Option<u64>,
}

impl Own {
    /// Errors say what is wrong with it, in words.
    pub fn read(value: &Value) -> Result<Own, String> {
        let fields = value.as_object().ok_or("it is no object")?;
        if let Some((name, value)) = fields.iter().find(|(_, value)| !value.is_number()) {
            return Err(format!("{name:?} must be a number, not {value}"));
        }
        let own: Own = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        let optional = [own.cached, own.write, own.reasoning];
        let needed = [("input", own.input), ("output", own.output)];
        let prices = optional.into_iter().chain(needed.map(|(_, price)| price));
        for price in prices.clone().flatten() {
            if !is_price(price) {
                return Err(format!("{price} is no price"));
            }
        }
        let missing = needed.into_iter().find(|(_, price)| price.is_none());
        match missing {
            Some((name, _)) if prices.flatten().next().is_some() => {
                Err(format!("missing field `{name}`"))
            }
            _ => Ok(own),
        }
    }

    /// Its prices, if it says any.
    pub fn rates(&self) -> Option<Rates> {
        Some(Rates {
            input: self.input?,
            cached: self.cached,
            write: self.write,
            output: self.output?,
            reasoning: self.reasoning,
        })
    }
}
