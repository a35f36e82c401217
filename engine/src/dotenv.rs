//! `.env` files: which of them count, and what they say.

use std::path::{Path, PathBuf};

use crate::config::ConfigError;

/// The `.env` files that count, nearest first; above a home directory, or outside of it, nobody's business.
pub(crate) fn files(folder: &Path, home: Option<&Path>) -> Vec<PathBuf> {
    let inside = home.is_some_and(|home| folder.starts_with(home));
    let folders = folder.ancestors().take(if inside { usize::MAX } else { 1 });
    let up_to_home =
        folders.take_while(|folder| !inside || home.is_some_and(|home| folder.starts_with(home)));
    up_to_home
        .map(|folder| folder.join(".env"))
        .filter(|file| file.is_file())
        .collect()
}

/// What a file says, in its order.
pub(crate) fn read(file: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let wrong = |error: dotenvy::Error| ConfigError::Dotenv {
        file: file.display().to_string(),
        problem: error.to_string(),
    };
    dotenvy::from_path_iter(file)
        .map_err(wrong)?
        .collect::<Result<_, _>>()
        .map_err(wrong)
}
