//! Small models: whether a model is talked to as one, and what that takes.
//!
//! `--small` or a short window says so from the beginning; a model of one's own that writes its calls as text is noticed,
//! and talked to as a small one from then on.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use corecoder::{Agent, Model, Script, Tool, prompt};
use corecoder_providers::choice::Chosen;
use corecoder_small::{Noticed, SYSTEM, Small};

use crate::person::Person;

/// How the models of a run are talked to.
pub struct Talk {
    folder: PathBuf,
    /// All of them are small; `None` leaves it to be noticed.
    said: Option<bool>,
    is_weak: Arc<AtomicBool>,
    begun: OnceLock<Begun>,
}

/// What is known once the agent is put together.
struct Begun {
    person: Arc<Person>,
    /// The system prompt of a model that is noticed.
    system: String,
}

/// From so many billions of parameters on a model that writes its calls as text is only served badly.
const LARGE: f64 = 14.0;

impl Talk {
    /// `said` is what flags, settings and the window say.
    pub fn new(folder: &Path, said: Option<bool>) -> Talk {
        Talk {
            folder: folder.to_path_buf(),
            said,
            is_weak: Arc::default(),
            begun: OnceLock::new(),
        }
    }

    /// Whether the model is small from the start, and is told of a few tools in a few words.
    pub fn is_small(&self) -> bool {
        self.said == Some(true)
    }

    /// Before the first request: whom to tell, and the instructions that follow the system prompt.
    pub fn begin(&self, person: &Arc<Person>, instructions: &str) {
        self.begun.get_or_init(|| {
            let agent = Agent::new(Script::new([])).folder(&self.folder);
            let agent = agent.system(SYSTEM).instructions(instructions);
            Begun {
                person: person.clone(),
                system: prompt::system(agent.kit()),
            }
        });
    }

    /// The system prompt, where it is not the engine's.
    pub fn system(&self) -> Option<&'static str> {
        (self.said == Some(true)).then_some(SYSTEM)
    }

    /// The tools for a small model, or all of them, which look twice once it is noticed.
    pub fn tools(&self, tools: &[Arc<dyn Tool>]) -> Vec<Arc<dyn Tool>> {
        match self.said {
            Some(true) => corecoder_small::tools(tools),
            Some(false) => tools.to_vec(),
            None => corecoder_small::careful(tools, &self.is_weak),
        }
    }

    /// The model as it is talked to.
    pub fn around(&self, chosen: &Chosen, model: Arc<dyn Model>) -> Arc<dyn Model> {
        let Some(Begun { person, system }) = self.begun.get() else {
            return model;
        };
        let reader = person.clone();
        let small = |model| {
            let small = Small::new(model, &self.folder);
            let small = small.reads(move |path| reader.denies(path).is_none());
            if is_own(chosen) { small } else { small.whole() }
        };
        match self.said {
            Some(true) => Arc::new(small(model)),
            None if may_be_small(chosen) => {
                let screen = person.screen.clone();
                let notice = move || screen.warn(NOTICED);
                let (flag, system) = (self.is_weak.clone(), system.clone());
                Arc::new(Noticed::new(
                    model.clone(),
                    small(model),
                    system,
                    flag,
                    notice,
                ))
            }
            _ => model,
        }
    }
}

const NOTICED: &str = "the model writes its calls as text: from now on it has few words and tools (--small; \
\"small\": false in the settings prevents it)";

/// A server of one's own has small models, unless its name says otherwise.
fn may_be_small(chosen: &Chosen) -> bool {
    let size = corecoder_providers::local::billions(&chosen.model);
    is_own(chosen) && size.is_none_or(|size| size < LARGE)
}

/// Whether a model is served by the user's own machine, or one nearby.
pub fn is_own(chosen: &Chosen) -> bool {
    chosen.base_url.starts_with("http://")
}
