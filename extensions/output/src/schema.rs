//! `--output-schema`: the answer is to be JSON that fits a JSON Schema.
//!
//! [`Schema::ask`] is appended to what the user says; [`Schema::check`] gives the value or says what is wrong with the
//! answer, which [`Schema::again`] tells the model. Drafts 4, 6, 7, 2019-09 and 2020-12, formats included. A `$ref` points
//! into the same file, and nothing is ever loaded.
//!
//! Left out: schemas that providers enforce themselves (`response_format`), which few models can do beside tools.

use std::error::Error;
use std::fs;
use std::path::Path;

use boon::{CompileError, Compiler, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

use crate::answer;

/// A schema that answers are held against.
pub struct Schema {
    source: Value,
    schemas: Schemas,
    index: SchemaIndex,
}

/// Where the schema is said to come from. Nothing is read from there.
const PLACE: &str = "file:///schema.json";
/// A longer file is no schema that a model could read.
const LONGEST: u64 = 1_000_000;
/// A model that is told of more problems than this at once learns nothing from the rest.
const PROBLEMS: usize = 8;
/// A problem may quote a value of any length; in bytes.
const LINE: usize = 500;

impl Schema {
    /// Reads a file. The error names the file, the line where it is no JSON, and the reason.
    pub fn read(file: &Path) -> Result<Schema, String> {
        let problem = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
        let metadata = fs::metadata(file).map_err(|error| problem(&error))?;
        // A pipe that nobody writes to would be waited for forever.
        if !metadata.is_file() {
            return Err(problem(&"is no regular file; write the schema into one"));
        }
        if metadata.len() > LONGEST {
            return Err(problem(&format!("is longer than {LONGEST} bytes")));
        }
        let bytes = fs::read(file).map_err(|error| problem(&error))?;
        let value = serde_json::from_slice(&bytes).map_err(|error| problem(&error))?;
        Schema::of(value).map_err(|error| problem(&error))
    }

    /// The schema that a value is. The error names the place in the value, and the reason.
    pub fn of(value: Value) -> Result<Schema, String> {
        if !value.is_object() && !value.is_boolean() {
            return Err("a schema is an object, such as {\"type\":\"object\"}".to_string());
        }
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.use_loader(Box::new(Nothing));
        compiler.enable_format_assertions();
        let added = compiler.add_resource(PLACE, value.clone());
        added.map_err(|error| unusable(&error))?;
        let compiled = compiler.compile(PLACE, &mut schemas);
        let index = compiled.map_err(|error| unusable(&error))?;
        Ok(Schema {
            source: value,
            schemas,
            index,
        })
    }

    /// The answer's JSON, if it fits: the whole answer, what stands in a fence, or else the outermost object or array in
    /// it. If not, what is wrong with it in words for the model.
    pub fn check(&self, answer: &str) -> Result<Value, String> {
        let mut values = answer::values(answer);
        if values.is_empty() {
            return Err("there is no complete JSON value in the answer".to_string());
        }
        // What is said twice is still one answer.
        values.dedup();
        let fits = |value: &Value| self.schemas.validate(value, self.index).is_ok();
        let fitting: Vec<usize> = (0..values.len()).filter(|at| fits(&values[*at])).collect();
        match fitting[..] {
            [] => {
                let last = &values[values.len() - 1];
                Err(self.problems(last))
            }
            [at] => Ok(values.swap_remove(at)),
            _ => Err(format!(
                "there are {} JSON values in the answer that fit, and only one may be there",
                fitting.len()
            )),
        }
    }

    fn problems(&self, value: &Value) -> String {
        let mut lines = Vec::new();
        if let Err(error) = self.schemas.validate(value, self.index) {
            collect(&error, &mut lines);
        }
        let more = lines.len().saturating_sub(PROBLEMS);
        lines.truncate(PROBLEMS);
        for line in &mut lines {
            line.truncate(line.floor_char_boundary(LINE));
        }
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        lines.join("\n")
    }

    /// What the model is told before it begins, to be appended to what the user says.
    pub fn ask(&self) -> String {
        format!(
            "When you are done, answer with one JSON value that fits this JSON Schema, and with nothing else: no words \
             around it, no fence.\n{}",
            self.source
        )
    }

    /// What the model is told about an answer that [`Schema::check`] refused with `problem`.
    pub fn again(problem: &str) -> String {
        format!(
            "Your answer does not fit the JSON Schema:\n{problem}\nAnswer again with the whole JSON value, put right, \
             and with nothing else."
        )
    }
}

/// Loads nothing.
struct Nothing;

impl UrlLoader for Nothing {
    fn load(&self, _url: &str) -> Result<Value, Box<dyn Error>> {
        Err("only what is in the schema's own file can be referred to".into())
    }
}

/// Why a schema can't be used.
fn unusable(error: &CompileError) -> String {
    let text = match error {
        CompileError::ValidationError { src, .. } => {
            let mut lines = Vec::new();
            collect(src, &mut lines);
            format!("is no valid JSON Schema: {}", lines.join("; "))
        }
        CompileError::LoadUrlError { url, src } => {
            format!("refers to {}: {src}", url.trim_start_matches("file:///"))
        }
        CompileError::InvalidRegex { regex, src, .. } => {
            format!("has a pattern that can't be used, {regex:?}: {src}")
        }
        other => other.to_string(),
    };
    text.replace(PLACE, "")
}

/// The innermost problems, each with its place: the outer ones only say that there are some within.
fn collect(error: &ValidationError<'_, '_>, lines: &mut Vec<String>) {
    for cause in &error.causes {
        collect(cause, lines);
    }
    let place = error.instance_location.to_string();
    let place = if place.is_empty() {
        "the value"
    } else {
        &place
    };
    match &error.kind {
        ErrorKind::AnyOf => lines.push(format!("{place}: one of these has to be put right")),
        ErrorKind::OneOf(Some((first, second))) => lines.push(format!(
            "{place}: fits the alternatives {first} and {second}, and may fit only one"
        )),
        ErrorKind::OneOf(None) => {
            lines.push(format!("{place}: exactly one of these may be put right"));
        }
        kind if error.causes.is_empty() => lines.push(format!("{place}: {kind}")),
        _ => {}
    }
}
