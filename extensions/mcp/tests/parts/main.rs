//! The parts that need no server: configuration, schemas, results, the search for tools.

mod configuration;
mod results;
mod schemas;
mod searching;
