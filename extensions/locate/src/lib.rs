//! From an error message, an issue or a description to the files it is most likely about, and the lines in them.

// What is read in a file.
pub mod document;
pub mod kinds;
pub mod language;
pub mod tokens;
