//! Writes rules down in a settings file.
//!
//! The invariant: whoever reads the file meanwhile finds the old content or the new one, and
//! a file that is not understood is left as it is.

use std::fs::{self, Permissions as Bits};
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::Rule;
use super::path::follow;

/// Nobody writes as many settings, in bytes.
const MAX_SIZE: u64 = 1_000_000;

/// Adds rules to `permissions.allow` of a settings file, which is made if it is missing.
/// Every other key stays, in its order; a symlink stays one. The error says what to change.
pub fn remember(file: &Path, rules: &[Rule]) -> Result<(), String> {
    let name = file.display();
    let target = std::path::absolute(file)
        .ok()
        .and_then(|file| follow(&file));
    let target = target.ok_or_else(|| format!("{name} is a link that leads nowhere"))?;
    let failed = |error: io::Error| format!("{name} can't be written: {error}");
    let (mut settings, bits) = match fs::metadata(&target) {
        Ok(found) if !found.is_file() => return Err(format!("{name} is no regular file")),
        Ok(found) if found.len() > MAX_SIZE => {
            return Err(format!("{name} is too long for a settings file"));
        }
        Ok(found) => {
            let bytes = fs::read(&target).map_err(failed)?;
            (parse(&bytes, file)?, Some(found.permissions()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => (json!({}), None),
        Err(error) => return Err(failed(error)),
    };
    let list = allow_list(&mut settings)
        .ok_or_else(|| format!("{name} is of another shape: permissions.allow must be a list"))?;
    let before = list.len();
    for rule in rules {
        let is_same = |entry: &Value| {
            let entry = entry.as_str().and_then(|entry| entry.parse::<Rule>().ok());
            entry.as_ref() == Some(rule)
        };
        if !list.iter().any(is_same) {
            list.push(json!(rule.to_string()));
        }
    }
    if list.len() == before {
        return Ok(());
    }
    replace(&target, &settings, bits).map_err(failed)
}

fn parse(bytes: &[u8], file: &Path) -> Result<Value, String> {
    if bytes.trim_ascii().is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        format!(
            "{} is not valid JSON ({error}), so nothing was added; comments and trailing commas \
             can't be kept, so take them out or add the rule by hand",
            file.display()
        )
    })
}

/// `None` when something else stands where the list should.
fn allow_list(settings: &mut Value) -> Option<&mut Vec<Value>> {
    let permissions = settings.as_object_mut()?.entry("permissions");
    let permissions = permissions.or_insert_with(|| Map::new().into());
    let list = permissions.as_object_mut()?.entry("allow");
    list.or_insert_with(|| json!([])).as_array_mut()
}

fn replace(target: &Path, settings: &Value, bits: Option<Bits>) -> io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, settings)?;
    file.write_all(b"\n")?;
    if let Some(bits) = bits {
        file.as_file().set_permissions(bits)?;
    }
    file.as_file().sync_all()?;
    file.persist(target)?;
    Ok(())
}
