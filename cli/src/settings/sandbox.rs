//! What the settings say of the sandbox in which commands run.

use std::path::{Path, PathBuf};

use corecoder::files::shown;
use corecoder_conventions::Places;
use corecoder_sandbox::{Access, Limits, Network, Policy};

use super::{File, table};
use crate::args::{Args, Borders, hosts};
use crate::words;

/// The sandbox that is wanted.
pub struct Sandboxed {
    /// What commands may do; `None` without a sandbox.
    pub policy: Option<Policy>,
    /// Somebody chose what they may do; else it is the default.
    pub is_chosen: bool,
}

impl Sandboxed {
    /// What flags say, else the settings: `value` is one as a text. Errors if a flag names a folder that is not there, or a
    /// limit is wrong.
    pub fn read(
        args: &Args,
        places: &Places,
        files: &[File],
        value: impl Fn(&str) -> Option<String>,
        problems: &mut Vec<String>,
    ) -> Result<Sandboxed, String> {
        let said = &args.sandbox;
        let set = value("sandbox");
        let access = match (said.borders, set.as_deref()) {
            (Some(Borders::Off), _) | (None, Some("off")) => None,
            (Some(Borders::ReadOnly), _) | (None, Some("read-only")) => Some(Access::ReadOnly),
            _ => Some(Access::WorkspaceWrite),
        };
        let network = match (said.network(), value("allow_net").as_deref()) {
            (Some(network), _) => network,
            (None, Some("true")) => Network::All,
            (None, Some("false") | None) => Network::None,
            (None, Some(text)) => hosts(text).unwrap_or(Network::None),
        };
        let mut add_dirs = flagged(&said.add_dir)?;
        if add_dirs.is_empty() {
            add_dirs = listed(&value("add_dirs").unwrap_or_default(), places, problems);
        }
        let limits = limits(files)?;
        let policy = |access| Policy {
            access,
            add_dirs,
            network,
            home: places.home.clone(),
            own: places.data.clone(),
            allow_env: allow_env(files),
            limits,
            ..Policy::new(&places.cwd)
        };
        Ok(Sandboxed {
            is_chosen: said.borders.is_some() || set.is_some(),
            policy: access.map(policy),
        })
    }
}

/// The folders of flags: seen from where the program was started.
fn flagged(folders: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let folder = |folder: &PathBuf| match folder.canonicalize() {
        Ok(folder) if folder.is_dir() => Ok(folder),
        Ok(_) => Err(format!("--add-dir {}: it is no folder", shown(folder))),
        Err(error) => Err(format!("--add-dir {}: {error}", shown(folder))),
    };
    folders.iter().map(folder).collect()
}

/// The folders of a setting: seen from the project's root, or with `~` from the home.
fn listed(text: &str, places: &Places, problems: &mut Vec<String>) -> Vec<PathBuf> {
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    let place = |name: &str| match (name.strip_prefix('~'), &places.home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => places.root.join(name),
    };
    let mut found = Vec::new();
    for name in names {
        match place(name).canonicalize() {
            Ok(folder) if folder.is_dir() => found.push(folder),
            _ => problems.push(format!(
                "add_dirs: there is no folder {name:?}; it is left out"
            )),
        }
    }
    found
}

fn own<'a>(
    files: &'a [File],
    name: &'a str,
) -> impl Iterator<Item = (&'a Path, &'a serde_json::Value)> {
    let files = files.iter().filter(|file| !file.foreign);
    files.filter_map(move |file| Some((file.path.as_path(), file.values.get(name)?)))
}

/// The variables of the first file that names some.
fn allow_env(files: &[File]) -> Vec<String> {
    let first = own(files, "allow_env").find_map(|(_, value)| table::Kind::List.text(value).ok());
    let names = first.unwrap_or_default();
    let names = names
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names.map(str::to_string).collect()
}

const MIB: u64 = 1 << 20;

/// The limits, each from the first file that has it. Errors if one is wrong: without it more could be used up than
/// somebody said.
fn limits(files: &[File]) -> Result<Limits, String> {
    let mut limits = Limits::default();
    let mut known: [(&str, &mut u64, u64); 4] = [
        ("processes", &mut limits.processes, 1),
        ("memory_mb", &mut limits.memory, MIB),
        ("file_size_mb", &mut limits.file_size, MIB),
        ("open_files", &mut limits.open_files, 1),
    ];
    let names = known.each_ref().map(|(name, _, _)| *name);
    // What is nearer stands above what is further up.
    let objects: Vec<_> = own(files, "sandbox_limits").collect();
    for (path, value) in objects.into_iter().rev() {
        let place = shown(path);
        for (name, value) in value.as_object().into_iter().flatten() {
            let Some((_, limit, unit)) = known.iter_mut().find(|(known, _, _)| known == name)
            else {
                let near =
                    words::nearest(name, names).map(|near| format!("; did you mean {near:?}?"));
                let near = near.unwrap_or_default();
                return Err(format!(
                    "{place}: there is no limit {name:?} in \"sandbox_limits\"{near}"
                ));
            };
            let number = value.as_u64().filter(|number| *number > 0);
            let wrong = || format!("{place}: {name:?} must be a whole number above 0, not {value}");
            **limit = number.ok_or_else(wrong)?.saturating_mul(*unit);
        }
    }
    Ok(limits)
}
