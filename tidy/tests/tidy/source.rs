//! The sources as the checks see them: files, lines that count, and functions with their places.

use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// The folder of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("tidy lies in the workspace")
        .to_path_buf()
}

/// The text of a file, its path given from the workspace's folder.
pub fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
}

/// The `.rs` files below a folder, or the file itself, as paths from the workspace's folder, sorted.
pub fn rust_files(path: &str) -> Vec<String> {
    let full = root().join(path);
    if full.is_file() {
        return vec![path.to_string()];
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(full).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let inner = format!("{path}/{name}");
        if entry.path().is_dir() && name != "target" && !name.starts_with('.') {
            files.extend(rust_files(&inner));
        } else if name.ends_with(".rs") {
            files.push(inner);
        }
    }
    files.sort();
    files
}

/// The sources of all crates of one kind: `engine`, `extensions` or `cli`, without their tests and examples.
pub fn crate_sources(kind: &str) -> Vec<String> {
    let mut files = rust_files(kind);
    files.retain(|file| file.contains("/src/"));
    assert!(
        !files.is_empty(),
        "{kind} has no sources, so nothing was checked"
    );
    files
}

/// The lines that count, with their numbers: neither blank nor a comment, and above the unit tests.
pub fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let is_tests = |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ");
    let end = lines.windows(2).position(is_tests).unwrap_or(lines.len());
    let counts = |line: &str| !line.is_empty() && !line.starts_with("//");
    let numbered = (1..).zip(lines).take(end);
    numbered.filter(move |(_, line)| counts(line.trim()))
}

/// How many lines of a file, or of all `.rs` files in a folder, count.
pub fn count_lines(path: &str) -> Result<usize, String> {
    let files = rust_files(path);
    if files.is_empty() {
        return Err(format!("{path} holds no Rust source"));
    }
    let counts = files
        .iter()
        .map(|file| Ok(code_lines(&read(file)?).count()));
    counts.sum()
}

/// A function with a body. Lines count from 1, the last one is its closing brace's.
pub struct Function {
    pub name: String,
    /// Where its doc comment begins, or the function itself if it has none.
    pub first_with_docs: usize,
    /// Where its signature begins.
    pub first: usize,
    pub last: usize,
}

/// All functions of a file, those in `impl` blocks, traits and other functions too.
pub fn functions(path: &str) -> Result<Vec<Function>, String> {
    let file = syn::parse_file(&read(path)?).map_err(|error| format!("{path}: {error}"))?;
    let mut functions = Functions(Vec::new());
    functions.visit_file(&file);
    Ok(functions.0)
}

struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, attrs: &[syn::Attribute], signature: &syn::Signature, body: &syn::Block) {
        let first = signature.span().start().line;
        let above = attrs.iter().map(|attr| attr.span().start().line);
        self.0.push(Function {
            name: signature.ident.to_string(),
            first_with_docs: above.min().unwrap_or(first),
            first,
            last: body.brace_token.span.close().end().line,
        });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.attrs, &item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.attrs, &item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.add(&item.attrs, &item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}
