//! A fallback as the user writes it: `model`, `provider/model`, `model@URL`.

use super::chosen::Chosen;
use super::place::Place;
use super::spelling::without_prefix;
use super::{Choice, ChoiceError, Given};

impl Choice<'_> {
    /// The model that an entry means beside `main`. A first segment that names a provider means that provider, unless
    /// the main endpoint's own names are written like that; without one it is another model of the main endpoint.
    pub fn fallback(&self, main: &Chosen, entry: &Given) -> Result<Chosen, ChoiceError> {
        let text = entry.text.trim();
        if text.is_empty() {
            return Err(ChoiceError::NoModel(Box::new(main.clone())));
        }
        let at = text
            .find("://")
            .and_then(|scheme| text[..scheme].rfind('@'));
        if let Some(at) = at {
            let (model, url) = (&text[..at], &text[at + 1..]);
            let url = Given {
                text: url.to_string(),
                file: entry.file.clone(),
            };
            return self.beside(main, self.at_url(url)?, [model, text]);
        }
        let row = text
            .split_once('/')
            .and_then(|(prefix, _)| self.table.named(prefix));
        match row.filter(|_| !main.has_makers()) {
            Some(row) if row.name != main.provider => {
                let place = self.of_row(row.clone(), None)?;
                self.beside(main, place, [without_prefix(row, text), text])
            }
            row => {
                let model = row.map_or(text, |row| without_prefix(row, text));
                Ok(main.with_model(model).called(text))
            }
        }
    }

    /// The same key only at the same endpoint.
    fn beside(
        &self,
        main: &Chosen,
        place: Place,
        [model, name]: [&str; 2],
    ) -> Result<Chosen, ChoiceError> {
        if model.is_empty() {
            return Err(ChoiceError::NoModel(Box::new(main.clone())));
        }
        if place.kind == main.kind && bare(&place.url.text) == bare(&main.base_url) {
            return Ok(main.with_model(model).called(name));
        }
        let key = self.other_key(&place);
        self.checked(place, key, model.to_string(), name.to_string())
    }
}

fn bare(url: &str) -> &str {
    url.trim_end_matches('/')
}
