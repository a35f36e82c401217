//! The models behind a run: the one that was chosen, those that take over where it fails, and what they may cost.
//!
//! Each is metered by itself, since each has its own price; the chain stands around all of them, and they share one
//! ledger.

use std::path::PathBuf;
use std::sync::Arc;

use corecoder::config::is_loopback;
use corecoder::files::shown;
use corecoder::{Config, Model, ModelError, windows};
use corecoder_conventions::Places;
use corecoder_providers::budget::{Day, Ledger, Limits, Metered};
use corecoder_providers::choice::{Asked, Choice, ChoiceError, Chosen, Given};
use corecoder_providers::local::{self, Found};
use corecoder_providers::prices::{Price, Prices};
use corecoder_providers::table::Table;
use corecoder_providers::{Fallback, Listed, Options};
use parking_lot::Mutex;
use serde::Serialize;

use crate::args::Args;
use crate::keep;
use crate::settings::Settings;
use crate::settings::variable;
use crate::small::{self, Talk};

/// The models of a run.
pub struct Backend {
    /// The main one first.
    chosen: Vec<Chosen>,
    table: Table,
    pub prices: Prices,
    pub ledger: Arc<Ledger>,
    options: Options,
    /// How they are talked to.
    pub talk: Talk,
    /// What a person should know.
    pub remarks: Vec<String>,
}

/// A shorter window has no room for the usual instructions and tools, in tokens.
const SMALL: u64 = 16_000;

impl Backend {
    /// The models that flags and settings mean; the configuration says from then on what was chosen. Errors in words for
    /// a person.
    pub async fn new(
        args: &Args,
        places: &Places,
        settings: &mut Settings,
    ) -> Result<Backend, String> {
        let (table, prices, mut remarks) = tables(settings);
        let said = Said::new(&table, places, &settings.config);
        let chosen = said.all(args, settings, &mut remarks).await;
        remarks.extend(said.ignored.into_inner());
        let chosen = chosen?;
        let config = &mut settings.config;
        let main = &chosen[0];
        config.model = main.name().to_string();
        let is_usual = main.provider == "openai" && main.base_url == OPENAI;
        config.base_url = (!is_usual).then(|| main.base_url.clone());
        let options = Options {
            max_tokens: config.max_tokens,
            temperature: config.temperature,
            effort: settings.models.effort,
            window: config.max_context,
            timeouts: settings.models.timeouts,
            ..Options::default()
        };
        let small = is_small(settings, &chosen[0], &options);
        let backend = Backend {
            options,
            talk: Talk::new(&places.cwd, small),
            ledger: Arc::new(ledger(places, settings)),
            chosen,
            table,
            prices,
            remarks,
        };
        backend.check_prices(&backend.chosen)?;
        Ok(backend)
    }

    /// The main model and those that take over.
    pub fn all(&self) -> &[Chosen] {
        &self.chosen
    }

    /// The main model.
    pub fn main(&self) -> &Chosen {
        &self.chosen[0]
    }

    /// All of them as one model, for the session of this name.
    pub fn model(&self, session: Option<String>) -> Result<Arc<dyn Model>, String> {
        let options = Options {
            session,
            ..self.options.clone()
        };
        let ready = |chosen: &Chosen| -> Result<Arc<dyn Model>, String> {
            let model = chosen.model(&options).map_err(|error| error.message)?;
            let metered = |model| -> Arc<dyn Model> {
                let (price, cap) = (self.price(chosen), options.max_tokens);
                Arc::new(Metered::new(model, price, cap, self.ledger.clone()))
            };
            // What a small model is told differs from the request; where that costs money, it is what must be metered.
            Ok(match small::is_own(chosen) {
                true => metered(self.talk.around(chosen, model)),
                false => self.talk.around(chosen, metered(model)),
            })
        };
        let mut models = self
            .chosen
            .iter()
            .map(ready)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(match models.len() {
            1 => models.remove(0),
            _ => Arc::new(Fallback::new(models)),
        })
    }

    /// Asks another model from now on, named as a fallback is. Errors, and changes nothing, where there is none, or it
    /// has no price and there is a limit in dollars.
    pub async fn change(
        &mut self,
        name: &str,
        places: &Places,
        settings: &mut Settings,
    ) -> Result<(), String> {
        let said = Said::new(&self.table, places, &settings.config);
        let entry = Given::new(name);
        let chosen = said.choice(|choice| choice.fallback(self.main(), &entry));
        let mut chosen = chosen.map_err(|error| error.to_string())?;
        prepare(&mut chosen, &settings.config).await;
        self.check_prices(std::slice::from_ref(&chosen))?;
        settings.config.model = chosen.name().to_string();
        self.chosen[0] = chosen;
        Ok(())
    }

    fn price(&self, chosen: &Chosen) -> Option<Price> {
        price_of(&self.prices, chosen)
    }

    /// A limit in dollars means nothing for a model without a price.
    fn check_prices(&self, chosen: &[Chosen]) -> Result<(), String> {
        let limits = self.ledger.limits();
        if limits.session.is_none() && limits.day.is_none() {
            return Ok(());
        }
        match chosen.iter().find(|chosen| self.price(chosen).is_none()) {
            Some(chosen) => Err(format!(
                "there is a limit in dollars, but no price is known for {}; set it in settings.json under \"prices\": \
                 {{\"{}\": {{\"input\": 1.25, \"output\": 10}}}}, in dollars per million tokens, or limit with \
                 --max-tokens-total",
                chosen.name(),
                chosen.model
            )),
            None => Ok(()),
        }
    }
}

/// What an endpoint offers, and whose it is.
pub struct Offer {
    pub endpoint: Chosen,
    /// Errors if it does not list them.
    pub models: Result<Vec<Offered>, ModelError>,
}

/// One of its models.
#[derive(Serialize)]
pub struct Offered {
    pub name: String,
    /// The longest request in tokens, if it is known.
    pub window: Option<u64>,
    /// The usual prices in dollars per million tokens, if they are known.
    pub input: Option<f64>,
    pub cached: Option<f64>,
    pub output: Option<f64>,
}

/// What the provider `of` lists, or the endpoint that is set up. Errors in words for a person.
pub async fn offer(
    args: &Args,
    places: &Places,
    settings: &Settings,
    of: Option<&str>,
) -> Result<Offer, String> {
    let (table, prices, _) = tables(settings);
    let said = Said::new(&table, places, &settings.config);
    let asked = match of {
        Some(of) => Asked {
            provider: Some(of.to_string()),
            key: args.provider.api_key.clone(),
            base_url: args.provider.base_url.clone(),
            ..Asked::default()
        },
        None => asked(args),
    };
    let endpoint = match said.choice(|choice| choice.choose(&asked)) {
        Ok(chosen) => chosen,
        Err(ChoiceError::NoModel(chosen)) => *chosen,
        Err(ChoiceError::Nothing) => said.local(&asked, &mut Vec::new()).await?,
        Err(error) => return Err(error.to_string()),
    };
    let listed = endpoint.models().await;
    let offered = |listed: Listed| {
        let price = price_of(&prices, &endpoint.with_model(&listed.name));
        let rates = price.as_ref().map(|price| &price.rates);
        Offered {
            window: listed
                .window
                .or(prices.limits(rows_of(&endpoint), &listed.name).window)
                .or_else(|| windows::of(&listed.name)),
            input: rates.map(|rates| rates.input),
            cached: rates.and_then(|rates| rates.cached),
            output: rates.map(|rates| rates.output),
            name: listed.name,
        }
    };
    Ok(Offer {
        models: listed.map(|listed| listed.into_iter().map(offered).collect()),
        endpoint,
    })
}

/// The main model as far as it is settled without asking anybody.
pub fn meant(args: &Args, places: &Places, settings: &Settings) -> Option<Chosen> {
    let (table, _, _) = tables(settings);
    let said = Said::new(&table, places, &settings.config);
    said.choice(|choice| choice.choose(&asked(args))).ok()
}

/// Providers and prices as the user has them, and what of theirs can't be used.
pub fn tables(settings: &Settings) -> (Table, Prices, Vec<String>) {
    let (mut table, mut prices, mut problems) = (Table::default(), Prices::new(), Vec::new());
    // The farthest file first, since a later one changes what stands there.
    for (file, rows) in settings.models.providers.iter().rev() {
        let (changed, wrong) = table.with(rows, Some(file));
        table = changed;
        problems.extend(
            wrong
                .iter()
                .map(|wrong| format!("{}: {wrong}", shown(file))),
        );
    }
    for (file, rows) in &settings.models.prices {
        let wrong = prices.overlay(rows);
        problems.extend(
            wrong
                .iter()
                .map(|wrong| format!("{}: {wrong}", shown(file))),
        );
    }
    (table, prices, problems)
}

/// What flags say of the main model.
fn asked(args: &Args) -> Asked {
    let said = &args.provider;
    Asked {
        provider: said.provider.clone(),
        model: said.model.clone(),
        base_url: said.base_url.clone(),
        key: said.api_key.clone(),
    }
}

/// What may be spent, and where that is kept.
fn ledger(places: &Places, settings: &Settings) -> Ledger {
    let limits = &settings.limits;
    let limits = Limits {
        session: limits.dollars,
        day: limits.dollars_per_day,
        tokens: limits.tokens,
    };
    let data = places.data.as_deref();
    let day = data.map(|data| Day::new(&data.join("spent"), keep::today));
    Ledger::new(limits, day)
}

/// Whether all models are talked to as small ones: because that is said, or the first reads no more. `None` where nothing
/// is known of it.
fn is_small(settings: &Settings, main: &Chosen, options: &Options) -> Option<bool> {
    let window = options.window.or(main.window());
    let is_short = || window.is_some_and(|window| window < SMALL);
    settings.models.small.or_else(|| is_short().then_some(true))
}

/// What a model costs, if that is known. One's own server is free, whatever else its model is called.
fn price_of(prices: &Prices, chosen: &Chosen) -> Option<Price> {
    let own = || chosen.is_free().then(Price::free);
    prices.of(rows_of(chosen), &chosen.model).or_else(own)
}

const OPENAI: &str = "https://api.openai.com/v1";

/// The provider whose rows of prices count for a model; `None` where it is whoever made the model.
pub fn rows_of(chosen: &Chosen) -> Option<&str> {
    match chosen.provider.as_str() {
        "gemini" => Some("google"),
        "azure" | "responses" => Some("openai"),
        "custom" | "litellm" => None,
        other => Some(other),
    }
}

/// What flags, environment and files say of models.
struct Said<'a> {
    table: &'a Table,
    places: &'a Places,
    config: &'a Config,
    own: Vec<PathBuf>,
    /// What is not heeded, and why.
    ignored: Mutex<Vec<String>>,
}

impl<'a> Said<'a> {
    fn new(table: &'a Table, places: &'a Places, config: &'a Config) -> Said<'a> {
        let own = [&places.home, &places.data].into_iter().flatten().cloned();
        Said {
            table,
            places,
            config,
            own: own.collect(),
            ignored: Mutex::default(),
        }
    }

    /// A choice among all that is said.
    fn choice<T>(&self, choose: impl FnOnce(&Choice<'_>) -> T) -> T {
        choose(&Choice {
            table: self.table,
            vars: &|name| self.variable(name),
            own: &self.own,
        })
    }

    fn variable(&self, name: &str) -> Option<Given> {
        if let Some(text) = variable(name) {
            return Some(Given::new(text));
        }
        let text = self.config.filled.get(name)?.clone();
        let file = self.config.origins.get(name).cloned();
        let is_url = self
            .table
            .rows()
            .iter()
            .any(|row| row.urls.iter().any(|url| url == name));
        // CORECODER_BASE_URL and OPENAI_BASE_URL were judged when the settings were read.
        let foreign = file.as_ref().filter(|file| {
            file.ends_with(".env") && !self.own.iter().any(|own| file.parent() == Some(own))
        });
        if let Some(file) = foreign
            && is_url
            && !self.places.trusted
            && !is_loopback(&text)
            && name != "OPENAI_BASE_URL"
        {
            let file = shown(file);
            self.ignored.lock().push(format!(
                "{file}: {name} is ignored, because this folder is not trusted; --trust makes it count"
            ));
            return None;
        }
        Some(Given { text, file })
    }

    /// The main model and those that take over.
    async fn all(
        &self,
        args: &Args,
        settings: &Settings,
        remarks: &mut Vec<String>,
    ) -> Result<Vec<Chosen>, String> {
        let asked = asked(args);
        let main = match self.choice(|choice| choice.choose(&asked)) {
            Ok(chosen) => chosen,
            Err(ChoiceError::Nothing) => self.local(&asked, remarks).await?,
            Err(ChoiceError::NoModel(chosen)) => likeliest(*chosen, remarks).await?,
            Err(error) => return Err(error.to_string()),
        };
        let file = self.config.origins.get("CORECODER_FALLBACK").cloned();
        let file = file.filter(|_| {
            args.provider.fallback.is_empty() && variable("CORECODER_FALLBACK").is_none()
        });
        let mut chosen = vec![main];
        for name in &settings.models.fallback {
            let entry = Given {
                text: name.clone(),
                file: file.clone(),
            };
            let next = self.choice(|choice| choice.fallback(&chosen[0], &entry));
            chosen.push(next.map_err(|error| format!("--fallback {name}: {error}"))?);
        }
        for chosen in &mut chosen {
            prepare(chosen, self.config).await;
        }
        Ok(chosen)
    }

    /// Nothing is set up: perhaps a server runs on this machine.
    async fn local(&self, asked: &Asked, remarks: &mut Vec<String>) -> Result<Chosen, String> {
        let found = local::look(&local::PORTS).await;
        let Some(first) = found.first() else {
            return Err(crate::NO_KEY.to_string());
        };
        let named = self.variable("CORECODER_MODEL").map(|named| named.text);
        let named = asked.model.clone().or(named);
        let lists = |model: &String| {
            let has = |found: &&Found| found.models.iter().any(|listed| listed.name == *model);
            found.iter().find(has).unwrap_or(first).asked(model)
        };
        let none = || {
            let lines: Vec<String> = found.iter().map(Found::line).collect();
            format!(
                "no key is set, and no model on this machine can write code: {}",
                lines.join(", ")
            )
        };
        let (local, why) = match &named {
            Some(model) => (lists(model), "the one you named"),
            None => {
                let pick = local::pick(&found).ok_or_else(none)?;
                (pick.found.asked(&pick.model.name), pick.reason)
            }
        };
        let chosen = self.choice(|choice| choice.choose(&local));
        let chosen = chosen.map_err(|error| error.to_string())?;
        let (model, url) = (&chosen.model, &chosen.base_url);
        remarks.push(format!(
            "no key is set, so {model} of {} at {url} is asked, on this machine ({why}); -m names another, `corecoder \
             models` lists them",
            chosen.provider
        ));
        Ok(chosen)
    }
}

/// Asks a local server for the window that it has loaded. One that no row knows is left in peace: whatever it is, it
/// costs a request at each start.
async fn prepare(chosen: &mut Chosen, config: &Config) {
    if chosen.provider != "custom" {
        chosen.prepare(config.max_context).await;
    }
}

/// The likeliest coder of a server whose provider has no usual model.
async fn likeliest(endpoint: Chosen, remarks: &mut Vec<String>) -> Result<Chosen, String> {
    let error = |why: String| format!("{why}; name a model with -m");
    let listed = endpoint.models().await.map_err(|why| error(why.message))?;
    let names: Vec<&str> = listed.iter().map(|listed| listed.name.as_str()).collect();
    let none = || {
        error(format!(
            "{} lists no model that could write code",
            endpoint.base_url
        ))
    };
    let (at, why) = local::likeliest(&names).ok_or_else(none)?;
    let model = names[at];
    remarks.push(format!(
        "no model is named, so {model} is asked ({why}); -m names another"
    ));
    Ok(endpoint.with_model(model))
}
