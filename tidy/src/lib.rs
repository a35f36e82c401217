//! Nothing runs here: what is promised about the sources and documents is checked by `cargo test -p tidy`.
