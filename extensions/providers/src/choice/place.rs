//! Where a model is: the provider, its wire, its base URL.

use std::sync::Arc;

use corecoder::config::is_loopback;

use super::spelling::{has_segment, ollama_host, valid};
use super::{Asked, Choice, ChoiceError, Given};
use crate::table::{Kind, Row};

/// Where requests go.
#[derive(Clone)]
pub(super) struct Place {
    pub row: Arc<Row>,
    pub kind: Kind,
    /// The base URL, with the file that settles it.
    pub url: Given,
    /// The URL is what the user named, and the provider follows from it.
    pub is_given: bool,
    /// It is in `OPENAI_BASE_URL`, whose companion is `OPENAI_API_KEY`.
    pub is_openai_s: bool,
}

impl Place {
    /// A server of one's own, or one that speaks plain HTTP, needs no key unless it says so.
    pub fn needs_key(&self) -> bool {
        !self.row.local && !self.url.text.starts_with("http://")
    }

    /// Whether a model's first segment can be the provider's name; a stranger's models may be called anything.
    pub fn cuts_prefix(&self) -> bool {
        !self.is_given || !(self.row.maker_prefix || self.row.name == "custom")
    }
}

impl Choice<'_> {
    pub(super) fn place(&self, asked: &Asked, model: Option<&str>) -> Result<Place, ChoiceError> {
        let flagged = asked.base_url.clone().map(Given::new);
        if let Some(name) = &asked.provider {
            let row = self.row(name)?;
            let url = flagged.or_else(|| self.fitting(&row));
            return self.of_row(row, url);
        }
        if let Some(name) = self.var("CORECODER_PROVIDER") {
            let url = flagged.or_else(|| self.var("CORECODER_BASE_URL"));
            return self.of_row(self.row(&name.text)?, url);
        }
        if let Some(url) = flagged.or_else(|| self.var("CORECODER_BASE_URL")) {
            return self.at_url(url);
        }
        if let Some(url) = self.var("OPENAI_BASE_URL") {
            let place = self.at_url(url)?;
            return Ok(Place {
                is_openai_s: true,
                ..place
            });
        }
        let prefix = model.and_then(|model| self.prefixed(model, asked));
        let row = prefix.or_else(|| self.keyed(model, asked));
        self.of_row(row.ok_or(ChoiceError::Nothing)?, None)
    }

    /// The variable's base URL, if it can be meant for a provider that a flag names: a flag stands above what was
    /// set up for another provider, whose server must not get this one's key.
    fn fitting(&self, row: &Row) -> Option<Given> {
        let is_named = || {
            self.var("CORECODER_PROVIDER")
                .and_then(|name| self.row(&name.text).ok())
        };
        let fits = |url: &Given| {
            row.base_url.is_none()
                || is_named().is_some_and(|named| named.name == row.name)
                || self
                    .table
                    .at(&url.text)
                    .is_some_and(|at| at.name == row.name)
        };
        self.var("CORECODER_BASE_URL").filter(fits)
    }

    /// A provider, at the URL that was named beside it, at that of its own variables, or at its own.
    pub(super) fn of_row(&self, row: Arc<Row>, url: Option<Given>) -> Result<Place, ChoiceError> {
        if let Some(text) = row.through.clone() {
            let provider = row.name.clone();
            return Err(ChoiceError::Through { provider, text });
        }
        let own = || {
            Some(Given {
                text: row.base_url.clone()?,
                file: None,
            })
        };
        let set = url.or_else(|| Some(self.first(&row.urls)?.1));
        let Some(mut url) = set.or_else(own) else {
            return Err(ChoiceError::NoUrl {
                provider: row.name.clone(),
                variable: row
                    .urls
                    .first()
                    .map_or("CORECODER_BASE_URL", String::as_str)
                    .to_string(),
            });
        };
        if row.wire == Kind::Ollama {
            url.text = ollama_host(&url.text);
        }
        let kind = match row.wire {
            Kind::Gemini if has_segment(&valid(&url.text)?, "openai") => Kind::OpenAi,
            wire => wire,
        };
        valid(&url.text)?;
        Ok(Place {
            row,
            kind,
            url,
            is_given: false,
            is_openai_s: false,
        })
    }

    /// The provider that a base URL leads to, with the wire that it has there.
    pub(super) fn at_url(&self, url: Given) -> Result<Place, ChoiceError> {
        let parsed = valid(&url.text)?;
        let row = self
            .table
            .at(&url.text)
            .cloned()
            .unwrap_or_else(|| Arc::new(Row::custom()));
        if let Some(text) = row.through.clone() {
            let provider = row.name.clone();
            return Err(ChoiceError::Through { provider, text });
        }
        let kind = match row.wire {
            Kind::Gemini if has_segment(&parsed, "openai") => Kind::OpenAi,
            // DeepSeek, Moonshot, Z.ai and others have Anthropic's protocol beside their own.
            Kind::OpenAi if has_segment(&parsed, "anthropic") && row.name != "custom" => {
                Kind::Anthropic
            }
            // The server elsewhere may be another one's that imitates it.
            Kind::Ollama if !is_loopback(&url.text) && has_segment(&parsed, "v1") => Kind::OpenAi,
            wire => wire,
        };
        Ok(Place {
            row,
            kind,
            url,
            is_given: true,
            is_openai_s: false,
        })
    }

    /// The provider that the model's first segment names. One without a key gives way to a gateway that has one and
    /// whose names are written like that.
    fn prefixed(&self, model: &str, asked: &Asked) -> Option<Arc<Row>> {
        let (prefix, _) = model.split_once('/')?;
        let row = self.table.named(prefix)?;
        let is_usable = row.local || row.through.is_some() || self.has_key(row, asked);
        let mut gateways = self
            .table
            .rows()
            .iter()
            .filter(|row| row.maker_prefix && !row.local);
        let gateway = gateways.find(|gateway| !is_usable && self.first(&gateway.keys).is_some());
        Some(gateway.unwrap_or(row).clone())
    }

    /// The first provider with a key; of several the one whose own models are called like that.
    fn keyed(&self, model: Option<&str>, asked: &Asked) -> Option<Arc<Row>> {
        let has_place = |row: &Row| row.base_url.is_some() || self.first(&row.urls).is_some();
        let usable = |row: &&Arc<Row>| {
            let has_model = model.is_some() || row.model.is_some();
            !row.local
                && row.through.is_none()
                && has_model
                && has_place(row)
                && self.has_key(row, asked)
        };
        let rows: Vec<_> = self.table.rows().iter().filter(usable).collect();
        let is_family = |row: &Row| {
            row.families
                .iter()
                .any(|family| model.is_some_and(|model| model.starts_with(family)))
        };
        let family = rows.iter().find(|row| is_family(row));
        family.or(rows.first()).map(|row| (*row).clone())
    }

    fn has_key(&self, row: &Row, asked: &Asked) -> bool {
        asked.key.is_some()
            || self.var("CORECODER_API_KEY").is_some()
            || self.first(&row.keys).is_some()
    }
}
