//! `corecoder models`: what an endpoint offers, with window and price.

use std::process::ExitCode;

use console::style;

use crate::args::Args;
use crate::backend::{self, Offered};
use crate::project::Project;
use crate::words::{plain, tokens};

/// Prints what the provider `of` lists, or the endpoint that is set up; as JSON, or for a person.
pub async fn run(args: &Args, project: &Project, of: Option<&str>, json: bool) -> ExitCode {
    let offer = match backend::offer(args, &project.places, &project.settings, of).await {
        Ok(offer) => offer,
        Err(why) => return crate::usage(&why),
    };
    let endpoint = &offer.endpoint;
    let models = match offer.models {
        Ok(models) => models,
        Err(error) => {
            let words = format!("{} lists no models: {error}", endpoint.base_url);
            eprintln!("corecoder: {}", plain(&words));
            return crate::exit_code(&error.into());
        }
    };
    if json {
        say!("{}", serde_json::json!(models));
        return ExitCode::SUCCESS;
    }
    let words = format!("{} at {}", endpoint.provider, endpoint.base_url);
    say!("{}", style(plain(&words)).bold());
    if models.is_empty() {
        say!("it lists none");
    }
    let widest = models.iter().map(|model| model.name.chars().count()).max();
    let widest = widest.unwrap_or(0).min(LONGEST);
    for model in &models {
        say!("{}", line(model, widest));
    }
    ExitCode::SUCCESS
}

/// The longest name, in characters, that others are aligned with.
const LONGEST: usize = 50;

fn line(model: &Offered, widest: usize) -> String {
    let window = model.window.map_or_else(|| "?".to_string(), tokens);
    let price = match model.input.zip(model.output) {
        None => "price not known".to_string(),
        Some((0.0, 0.0)) => "free".to_string(),
        Some((input, output)) => format!("${input} in, ${output} out a million"),
    };
    let name = plain(&model.name);
    format!("  {name:widest$}  {window:>6}  {price}")
}
