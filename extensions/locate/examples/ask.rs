//! Asks one question of a folder, and says how long the answer took: `ask FOLDER QUESTION [CACHE]`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use corecoder_locate::{Settings, locate_in};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, question, rest @ ..] = args.as_slice() else {
        return Err("usage: ask FOLDER QUESTION [CACHE]".into());
    };
    let settings = Settings {
        cache: rest.first().map(PathBuf::from),
        ..Settings::default()
    };
    let start = Instant::now();
    let answer = locate_in(question, Path::new(folder), &settings);
    let took = start.elapsed();
    print!("{}", answer.explain(""));
    println!("[{} files in {} ms]", answer.searched, took.as_millis());
    Ok(())
}
